package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.data.Accessor;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.RecordType;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Schema;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Which predictions are logged, how surely, how much of each, and for how long. Immutable; each method gives a new
 * definition, and each option is set at most once.
 *
 * <p>Without options every prediction is logged with its whole input, within a fraction of a second, and kept for ever.
 *
 * <p>Columns are named by the accessors of a record ({@code Flight::distance}), or by their names.
 *
 * @param <I> the input of a prediction
 */
public final class Logging<I> {

    private static final int SHORTEST_KEY = 16;
    private static final Duration SHORTEST = Duration.ofSeconds(1);

    /** How surely a prediction is logged. */
    public enum Durability {
        /** Not at all: nothing is logged, and no run can learn from feedback. */
        NONE,
        /** Within a fraction of a second, off the caller's path; dropped and counted if the disk cannot keep up. */
        BATCHED,
        /** The caller gets the prediction when its record is on the disk; callers that wait share an fsync. */
        ACKNOWLEDGED
    }

    private final @Nullable Class<I> type;
    private final Options<I> options;

    /** The options; null where one was not set. Changed only before the definition has them. */
    private static final class Options<I> {
        private @Nullable Double rate;
        private @Nullable Durability durability;
        private @Nullable Set<String> only;
        private Map<String, byte[]> hashed = Map.of();
        private @Nullable Predicate<? super I> except;
        private @Nullable Duration predictions;
        private @Nullable Duration feedback;

        Options<I> copy() {
            Options<I> copy = new Options<>();
            copy.rate = rate;
            copy.durability = durability;
            copy.only = only;
            copy.hashed = hashed;
            copy.except = except;
            copy.predictions = predictions;
            copy.feedback = feedback;
            return copy;
        }
    }

    private Logging(@Nullable Class<I> type, Options<I> options) {
        this.type = type;
        this.options = options;
    }

    /** {@return the default: every prediction, whole, for ever} */
    public static <I> Logging<I> of(Class<I> type) {
        return new Logging<>(Objects.requireNonNull(type, "type"), new Options<>());
    }

    /** {@return the default, over rows whose columns are named by text} */
    public static Logging<Row> rows() {
        return everything();
    }

    /** {@return the default, over inputs of any type, whose columns are named by text} */
    public static <I> Logging<I> everything() {
        return new Logging<>(null, new Options<>());
    }

    /**
     * {@return this, for a share of the predictions} The id of a prediction decides, so that everybody who has it knows
     * whether it was logged: feedback to a prediction that was not is no feedback to an unknown one.
     *
     * @param rate the share, above 0 and at most 1
     * @throws IllegalArgumentException if the rate is outside
     * @throws IllegalStateException if it was set before
     */
    public Logging<I> sample(double rate) {
        if (!(rate > 0 && rate <= 1)) {
            throw new IllegalArgumentException("a share of the predictions is above 0 and at most 1, found " + rate
                    + "; to log none, say durability(NONE)");
        }
        requireUnset("sample", options.rate);
        return with(changed -> changed.rate = rate);
    }

    /**
     * {@return this, with another durability; the default is {@link Durability#BATCHED}}
     *
     * @throws IllegalStateException if it was set before
     */
    public Logging<I> durability(Durability durability) {
        requireUnset("durability", options.durability);
        return with(changed -> changed.durability = Objects.requireNonNull(durability, "durability"));
    }

    /** {@return this, for a part of the inputs; see {@link #only(String...)}} */
    @SafeVarargs
    public final Logging<I> only(Accessor<I, ?>... columns) {
        String[] names = new String[columns.length];
        for (int i = 0; i < names.length; i++) {
            names[i] = nameOf(columns[i]);
        }
        return only(names);
    }

    /**
     * {@return this, for a part of the inputs: these columns and the hashed ones; the others are missing in the log} A
     * run can learn only from columns that are logged as they are.
     *
     * @throws IllegalArgumentException if there is none, or the record has no such column
     * @throws IllegalStateException if it was set before
     */
    public Logging<I> only(String... columns) {
        if (columns.length == 0) {
            throw new IllegalArgumentException(
                    "only() names no column; name those to log, or say durability(NONE) to log none");
        }
        requireUnset("only", options.only);
        return with(changed -> changed.only = new TreeSet<>(List.of(columns))).checked();
    }

    /** {@return this, with a text column hashed in the log; see {@link #hashed(String, byte[])}} */
    public Logging<I> hashed(Accessor<I, String> column, byte[] key) {
        return hashed(nameOf(column), key);
    }

    /**
     * {@return this, with a text column hashed in the log: in place of the text stand the first 128 bits of its
     * HMAC-SHA256 (RFC 2104), as 32 hexadecimal digits} Equal texts stay equal, and nobody without the key can tell
     * which they were, not even by trying all texts there are.
     *
     * @param column a text
     * @param key a secret of at least 16 bytes; it is not written anywhere
     * @throws IllegalArgumentException if the key is shorter, or the record has no such column of text
     * @throws IllegalStateException if the column is hashed already
     */
    public Logging<I> hashed(String column, byte[] key) {
        if (key.length < SHORTEST_KEY) {
            throw new IllegalArgumentException("the key for the hash of column \"" + column + "\" has " + key.length
                    + " bytes, expected at least " + SHORTEST_KEY + ": with a short one, texts can be guessed");
        }
        requireUnset("hashed", options.hashed.containsKey(column) ? "column \"" + column + "\"" : null);
        Map<String, byte[]> more = new TreeMap<>(options.hashed);
        more.put(Objects.requireNonNull(column, "column"), key.clone());
        return with(changed -> changed.hashed = more).checked();
    }

    /**
     * {@return this, without some inputs: they are served and never logged, not even their ids, so that their feedback
     * counts as unknown}
     *
     * @param who true for an input that must not be logged; thread-safe and quick. An input at which it throws is not
     *     logged either
     * @throws IllegalStateException if it was set before
     */
    public Logging<I> except(Predicate<? super I> who) {
        requireUnset("except", options.except == null ? null : "a rule of the host");
        return with(changed -> changed.except = Objects.requireNonNull(who, "who"));
    }

    /**
     * {@return this, keeping predictions no longer than about so long} A file of the log is deleted when all that is in
     * it is older; files are begun often enough for that to be at most an eighth late. Feedback to a deleted prediction
     * is not learned from.
     *
     * @param age a second at least
     * @throws IllegalArgumentException if it is shorter
     * @throws IllegalStateException if it was set before
     */
    public Logging<I> keepPredictions(Duration age) {
        requireUnset("keepPredictions", options.predictions);
        return with(changed -> changed.predictions = atLeastShortest("keepPredictions", age));
    }

    /**
     * {@return this, keeping feedback no longer than about so long; see {@link #keepPredictions}} A prediction whose
     * feedback was deleted counts as one that has had none. Feedback to unknown predictions is kept as long.
     *
     * @param age a second at least
     * @throws IllegalArgumentException if it is shorter
     * @throws IllegalStateException if it was set before
     */
    public Logging<I> keepFeedback(Duration age) {
        requireUnset("keepFeedback", options.feedback);
        return with(changed -> changed.feedback = atLeastShortest("keepFeedback", age));
    }

    /** {@return the share of predictions that is logged, from 0 to 1} */
    public double rate() {
        if (durability() == Durability.NONE) {
            return 0;
        }
        return options.rate == null ? 1 : options.rate;
    }

    /** {@return how surely a prediction is logged} */
    public Durability durability() {
        return options.durability == null ? Durability.BATCHED : options.durability;
    }

    /** {@return how long predictions are kept, or null for ever} */
    @Nullable
    Duration predictionsKept() {
        return options.predictions;
    }

    /** {@return how long feedback is kept, or null for ever} */
    @Nullable
    Duration feedbackKept() {
        return options.feedback;
    }

    /** {@return whether a column is in the log as it was} */
    public boolean logs(String column) {
        return durability() != Durability.NONE && withheld(column).isEmpty();
    }

    /**
     * {@return why a column is not told as it is, in words; empty if it may be} This is about the column alone, whether
     * anything is logged or not.
     */
    public Optional<String> withheld(String column) {
        if (hashes(column)) {
            return Optional.of("hashed in the log of predictions");
        }
        return options.only == null || options.only.contains(column)
                ? Optional.empty()
                : Optional.of("left out of the log of predictions");
    }

    /** {@return whether a column is in the log as a hash} */
    boolean hashes(String column) {
        return options.hashed.containsKey(column);
    }

    byte[] key(String column) {
        return Objects.requireNonNull(options.hashed.get(column));
    }

    @Nullable
    Predicate<? super I> exception() {
        return options.except;
    }

    /** {@return whether the log holds inputs as they are} */
    public boolean whole() {
        return options.only == null && options.hashed.isEmpty();
    }

    /**
     * {@return the columns of logged inputs: those that are left out can be missing, whatever they were before}
     *
     * @throws IllegalArgumentException if a column that this names is not there, or one that it hashes is no text
     */
    public Schema logged(Schema inputs) {
        Set<String> named = new TreeSet<>(options.hashed.keySet());
        if (options.only != null) {
            named.addAll(options.only);
        }
        named.forEach(inputs::indexOf);
        options.hashed.keySet().forEach(name -> requireText(inputs.column(inputs.indexOf(name))));
        List<Column> columns = new ArrayList<>();
        for (Column column : inputs.columns()) {
            boolean there = options.only == null || named.contains(column.name());
            columns.add(there ? column : new Column(column.name(), column.type(), true, column.length()));
        }
        return Schema.of(columns);
    }

    /**
     * Looks whether a run could learn from what is logged.
     *
     * @param needed the columns that it learns from
     * @param what whose they are, for the message
     * @throws IllegalArgumentException if one of them is not logged as it is
     */
    public void requireLogged(Collection<String> needed, String what) {
        if (durability() == Durability.NONE) {
            return;
        }
        List<String> lacking =
                needed.stream().filter(name -> !logs(name)).sorted().toList();
        if (!lacking.isEmpty()) {
            String names = String.join(", ", lacking);
            throw new IllegalArgumentException(what + " need " + names + ", which " + describe()
                    + " does not log as it is, so no run could learn from feedback. Fix: log "
                    + (lacking.size() == 1 ? "it" : "them") + ", leave " + (lacking.size() == 1 ? "it" : "them")
                    + " out, or say durability(NONE).");
        }
    }

    /** {@return the definition in one line; keys and rules of the host are not in it} */
    public String describe() {
        List<String> parts = new ArrayList<>();
        if (durability() == Durability.NONE) {
            return "nothing";
        }
        parts.add(options.rate == null || options.rate == 1 ? "everything" : "a share of " + options.rate);
        if (durability() == Durability.ACKNOWLEDGED) {
            parts.add("acknowledged");
        }
        if (options.only != null) {
            parts.add("only " + String.join(" ", options.only));
        }
        if (!options.hashed.isEmpty()) {
            parts.add("hashed " + String.join(" ", options.hashed.keySet()));
        }
        if (options.except != null) {
            parts.add("except by a rule of the host");
        }
        if (options.predictions != null) {
            parts.add("predictions kept " + options.predictions);
        }
        if (options.feedback != null) {
            parts.add("feedback kept " + options.feedback);
        }
        return String.join(", ", parts);
    }

    @Override
    public String toString() {
        return "Logging[" + describe() + "]";
    }

    /** Equal definitions log alike; rules of the host are equal if they are the same object. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Logging<?> that
                && describe().equals(that.describe())
                && options.except == that.options.except
                && options.hashed.entrySet().stream()
                        .allMatch(e -> Arrays.equals(e.getValue(), that.options.hashed.get(e.getKey())));
    }

    @Override
    public int hashCode() {
        return describe().hashCode();
    }

    private Logging<I> with(Consumer<Options<I>> change) {
        Options<I> changed = options.copy();
        change.accept(changed);
        return new Logging<>(type, changed);
    }

    /** A record's columns are known, so a wrong one fails where it is named. */
    private Logging<I> checked() {
        if (type != null) {
            Schema unused = logged(RecordType.of(type).schema());
        }
        return this;
    }

    private String nameOf(Accessor<I, ?> column) {
        if (type == null) {
            throw new IllegalStateException("inputs of any type have no accessors: name the column by its text");
        }
        return RecordType.nameOf(type, column);
    }

    private static void requireText(Column column) {
        if (column.type() != ColumnType.TEXT) {
            throw new IllegalArgumentException("only a text can be hashed, column \"" + column.name() + "\" is "
                    + column.type() + "; leave it out with only(...)");
        }
    }

    private static Duration atLeastShortest(String option, Duration age) {
        if (age.compareTo(SHORTEST) < 0) {
            throw new IllegalArgumentException(option + " takes a second or more, found " + age);
        }
        return age;
    }

    private static void requireUnset(String option, @Nullable Object found) {
        if (found != null) {
            throw new IllegalStateException("option " + option + " of logging was already set to " + found);
        }
    }
}
