package dev.flywheel.pipeline.feature;

import java.io.Serializable;

/**
 * How the values of a category become numbers. Immutable.
 *
 * <p>{@link #vocabulary()} and {@link #hashed} give each row an id, to which a linear model learns one weight (the same
 * function as one-hot columns, which never exist) and a neural network a vector. {@link #oneHot()} makes columns of 0
 * and 1.
 */
public final class Encoding implements Serializable {

    private static final long serialVersionUID = 1L;

    /** The most values that a vocabulary holds unless {@link #atMost} says otherwise. */
    static final int DEFAULT_LIMIT = 10_000;

    enum Kind {
        VOCABULARY,
        ONE_HOT,
        HASHED
    }

    private final Kind kind;
    private final int minCount;
    private final int limit;

    private Encoding(Kind kind, int minCount, int limit) {
        this.kind = kind;
        this.minCount = minCount;
        this.limit = limit;
    }

    static Encoding of(Kind kind, int minCount, int limit) {
        return new Encoding(kind, minCount, limit);
    }

    /**
     * {@return an id for each value seen in training, the most frequent first, at most 10,000 of them; one id for every
     * other value; and one for a missing value}
     */
    public static Encoding vocabulary() {
        return new Encoding(Kind.VOCABULARY, 1, DEFAULT_LIMIT);
    }

    /** {@return a column of 0 and 1 for each of at most 100 values, for every other value, and for a missing one} */
    public static Encoding oneHot() {
        return new Encoding(Kind.ONE_HOT, 1, 100);
    }

    /**
     * {@return an id out of {@code buckets}, by MurmurHash3 of the UTF-8 bytes; needs no vocabulary, and different
     * values may share an id. A missing value hashes as an empty text}
     *
     * @param buckets 2 to 1,000,000
     */
    public static Encoding hashed(int buckets) {
        if (buckets < 2 || buckets > 1_000_000) {
            throw new IllegalArgumentException("hashed(" + buckets + ") is out of range: 2 to 1,000,000 buckets");
        }
        return new Encoding(Kind.HASHED, 1, buckets);
    }

    /** {@return the same, but values in fewer than {@code rows} training rows share the id of the unknown} */
    public Encoding minCount(int rows) {
        requireVocabulary("minCount");
        if (rows < 1) {
            throw new IllegalArgumentException("minCount(" + rows + ") is out of range: at least 1");
        }
        return new Encoding(kind, rows, limit);
    }

    /** {@return the same, but with only the {@code values} most frequent values} */
    public Encoding atMost(int values) {
        requireVocabulary("atMost");
        if (values < 1 || values > 1_000_000) {
            throw new IllegalArgumentException("atMost(" + values + ") is out of range: 1 to 1,000,000 values");
        }
        return new Encoding(kind, minCount, values);
    }

    private void requireVocabulary(String option) {
        if (kind == Kind.HASHED) {
            throw new IllegalStateException(option + " does not apply to " + this + ", which has no vocabulary");
        }
    }

    Kind kind() {
        return kind;
    }

    int minCount() {
        return minCount;
    }

    /** The size of the vocabulary, or the number of buckets. */
    int limit() {
        return limit;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Encoding that && kind == that.kind && minCount == that.minCount && limit == that.limit;
    }

    @Override
    public int hashCode() {
        return (31 * kind.hashCode() + minCount) * 31 + limit;
    }

    /** {@return the encoding as it is written in code} */
    @Override
    public String toString() {
        if (kind == Kind.HASHED) {
            return "hashed(" + limit + ")";
        }
        int usual = kind == Kind.VOCABULARY ? DEFAULT_LIMIT : 100;
        return (kind == Kind.VOCABULARY ? "vocabulary()" : "oneHot()")
                + (minCount == 1 ? "" : ".minCount(" + minCount + ")")
                + (limit == usual ? "" : ".atMost(" + limit + ")");
    }
}
