package dev.flywheel.pipeline.train;

import java.io.Serializable;
import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The values that a {@link Search} tries for a setting. Immutable and thread-safe.
 *
 * @param <V> the kind of value
 */
public final class Range<V> implements Serializable {

    private static final long serialVersionUID = 1L;

    /** No more digits than a reader wants to see. */
    private static final MathContext DIGITS = new MathContext(4);

    private enum Kind {
        EVEN,
        LOG,
        WHOLE,
        ONE_OF
    }

    private final Kind kind;
    private final double low;
    private final double high;
    private final List<V> values;

    private Range(Kind kind, double low, double high, List<V> values) {
        this.kind = kind;
        this.low = low;
        this.high = high;
        this.values = values;
    }

    /** {@return the numbers from {@code low} to {@code high}, all as likely, to four digits} */
    public static Range<Double> of(double low, double high) {
        return numbers(Kind.EVEN, low, high);
    }

    /**
     * {@return the numbers from {@code low}, which is above 0, to {@code high}, each order of magnitude as likely, to
     * four digits: for rates and penalties}
     */
    public static Range<Double> log(double low, double high) {
        if (!(low > 0)) {
            throw new IllegalArgumentException("Range.log is invalid: found " + low + ", expected above 0");
        }
        return numbers(Kind.LOG, low, high);
    }

    /** {@return the whole numbers from {@code low} to {@code high}, both of them too, all as likely} */
    public static Range<Integer> integers(int low, int high) {
        return numbers(Kind.WHOLE, low, high);
    }

    private static <V> Range<V> numbers(Kind kind, double low, double high) {
        if (!(low < high) || Double.isInfinite(low) || Double.isInfinite(high)) {
            throw new IllegalArgumentException("a range is invalid: found " + Settings.plain(low) + " to "
                    + Settings.plain(high) + ", expected a lower and a higher number");
        }
        return new Range<>(kind, low, high, List.of());
    }

    /** {@return these values alone, two or more, all as likely} */
    @SafeVarargs
    public static <V> Range<V> anyOf(V... values) {
        List<V> list = new ArrayList<>();
        for (V value : values) {
            list.add(Objects.requireNonNull(value, "value"));
        }
        if (list.size() < 2) {
            throw new IllegalArgumentException("Range.anyOf is invalid: found 1 value or none, expected 2 or more");
        }
        return new Range<>(Kind.ONE_OF, 0, list.size(), List.copyOf(list));
    }

    /**
     * {@return the value at a place}
     *
     * @param place from 0 to 1
     */
    @SuppressWarnings("unchecked") // the factories tie V to the kind
    V at(double place) {
        return switch (kind) {
            case EVEN -> (V) (Object) rounded(low + place * (high - low));
            case LOG -> (V) (Object) rounded(low * Math.pow(high / low, place));
            case WHOLE -> (V) (Object) (int) Math.min(high, Math.floor(low + place * (high - low + 1)));
            case ONE_OF -> values.get((int) Math.min(high - 1, place * high));
        };
    }

    private double rounded(double value) {
        double rounded = new BigDecimal(value).round(DIGITS).doubleValue();
        return Math.max(low, Math.min(high, rounded));
    }

    /** The values that tell whether all are possible: the ends, or each one. */
    List<V> tests() {
        return kind == Kind.ONE_OF ? values : List.of(at(0), at(1));
    }

    /** The values that may be meant by a text; none if it is not of this kind. */
    @SuppressWarnings("unchecked") // the factories tie V to the kind
    List<V> read(String text) {
        try {
            return switch (kind) {
                case EVEN, LOG -> List.of((V) (Object) Double.parseDouble(text));
                case WHOLE -> List.of((V) (Object) Integer.parseInt(text));
                case ONE_OF -> values;
            };
        } catch (NumberFormatException e) {
            return List.of();
        }
    }

    String describe() {
        String ends = Settings.plain(low) + " to " + Settings.plain(high);
        return switch (kind) {
            case EVEN -> ends;
            case LOG -> ends + " by magnitude";
            case WHOLE -> "whole " + ends;
            case ONE_OF -> values.stream().map(Range::text).collect(Collectors.joining(" or "));
        };
    }

    private static String text(Object value) {
        return value.getClass().isArray()
                ? IntStream.range(0, Array.getLength(value))
                        .mapToObj(i -> text(Array.get(value, i)))
                        .collect(Collectors.joining(", ", "[", "]"))
                : value.toString();
    }

    /** {@return the range in words} */
    @Override
    public String toString() {
        return describe();
    }
}
