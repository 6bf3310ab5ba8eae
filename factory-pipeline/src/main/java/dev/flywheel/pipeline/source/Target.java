package dev.flywheel.pipeline.source;

import dev.flywheel.core.DataException;
import dev.flywheel.core.model.Task;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a model learns to predict: a column of the source, and how its values become labels. In datasets and metrics a
 * label is a number in the raw unit, 0 or 1 for a boolean, and for one of several classes its place in
 * {@link #classes}. Immutable and thread-safe.
 *
 * @param <L> the label: Boolean, Double, or String or an enum for one of several classes
 */
public final class Target<L> implements Serializable {

    private static final long serialVersionUID = 1L;

    private enum Kind {
        IS_TRUE,
        EQUAL,
        AT_LEAST,
        ONE_OF,
        NUMBER
    }

    private enum Scale {
        RAW,
        LOG
    }

    private final String column;
    private final Kind kind;
    private final @Nullable String value;
    private final double threshold;
    private final Scale scale;
    private final List<String> classes;
    /** The enum that the classes are the names of, if there is one. */
    private final @Nullable Class<?> type;
    /** Whether each outcome counts as much as every other. */
    private final boolean balanced;
    /** How much an example counts, by outcome; empty if one is said of none. */
    private final List<Double> worth;

    private Target(String column, Kind kind, @Nullable String value, double threshold, Scale scale) {
        this(column, kind, value, threshold, scale, List.of(), null, false, List.of());
    }

    private Target(
            String column,
            Kind kind,
            @Nullable String value,
            double threshold,
            Scale scale,
            List<String> classes,
            @Nullable Class<?> type,
            boolean balanced,
            List<Double> worth) {
        this.column = Objects.requireNonNull(column, "column");
        if (column.isBlank()) {
            throw new IllegalArgumentException("a target needs the name of a column, found \"" + column + "\"");
        }
        this.kind = kind;
        this.value = value;
        this.threshold = threshold;
        this.scale = scale;
        this.classes = classes;
        this.type = type;
        this.balanced = balanced;
        this.worth = worth;
    }

    /** {@return whether a column is true: true, yes, y, t or 1 against false, no, n, f or 0, in any case} */
    public static Target<Boolean> isTrue(String column) {
        return new Target<>(column, Kind.IS_TRUE, null, 0, Scale.RAW);
    }

    /** {@return whether a column holds exactly this text; any other text is false} */
    public static Target<Boolean> equal(String column, String value) {
        return new Target<>(column, Kind.EQUAL, Objects.requireNonNull(value, "value"), 0, Scale.RAW);
    }

    /**
     * {@return whether a numeric column reaches a threshold}
     *
     * @param threshold in the column's unit, finite
     */
    public static Target<Boolean> atLeast(String column, double threshold) {
        if (!Double.isFinite(threshold)) {
            throw new IllegalArgumentException("a target needs a finite threshold, found " + threshold);
        }
        return new Target<>(column, Kind.AT_LEAST, null, threshold, Scale.RAW);
    }

    /**
     * {@return which of several texts a column holds; any other text is refused}
     *
     * @param classes two or more, in the order in which a prediction gives their probabilities
     * @throws IllegalArgumentException if there are fewer, one is blank, or one is there twice
     */
    public static Target<String> oneOf(String column, String... classes) {
        return oneOf(column, List.of(classes), null);
    }

    /**
     * {@return which constant of an enum a column names, exactly as it is declared; any other text is refused}
     *
     * @throws IllegalArgumentException if the enum has fewer than two constants
     */
    public static <E extends Enum<E>> Target<E> oneOf(String column, Class<E> type) {
        List<String> names =
                Arrays.stream(type.getEnumConstants()).map(Enum::name).toList();
        return oneOf(column, names, type);
    }

    private static <L> Target<L> oneOf(String column, List<String> classes, @Nullable Class<?> type) {
        if (classes.size() < 2
                || classes.stream().anyMatch(String::isBlank)
                || Set.copyOf(classes).size() < classes.size()) {
            throw new IllegalArgumentException("the target \"" + column
                    + "\" needs two or more classes, each with a name of its own, found " + classes);
        }
        return new Target<>(column, Kind.ONE_OF, null, 0, Scale.RAW, classes, type, false, List.of());
    }

    /** {@return the value of a numeric column} */
    public static Target<Double> number(String column) {
        return new Target<>(column, Kind.NUMBER, null, 0, Scale.RAW);
    }

    /**
     * {@return this target, learned as its natural logarithm: for amounts that span orders of magnitude, where an error
     * of a tenth matters alike for small and large ones} Labels, predictions and metrics stay in the raw unit; values
     * of 0 and below are refused.
     *
     * @throws IllegalStateException if this is not a {@link #number} target, or is on a log scale already
     */
    public Target<L> onLogScale() {
        if (kind != Kind.NUMBER || scale == Scale.LOG) {
            throw new IllegalStateException("the target \"" + describe() + "\" "
                    + (kind == Kind.NUMBER ? "is on a log scale already" : "is no number, only numbers have a scale"));
        }
        return new Target<>(column, kind, value, threshold, Scale.LOG);
    }

    /**
     * {@return this target, learned as if all outcomes were as frequent} An example of a rare outcome counts more: as
     * rows / (outcomes * rows of its outcome), as with scikit-learn's {@code class_weight="balanced"}. For outcomes
     * that matter as much although they are rare. Probabilities are then those of such examples, and higher for the
     * rare outcome than in truth; metrics and gates count every test row once.
     *
     * @throws IllegalStateException if this is a number, or outcomes weigh something already
     */
    public Target<L> balanced() {
        requireUnweighed();
        return new Target<>(column, kind, value, threshold, scale, classes, type, true, List.of());
    }

    /**
     * {@return this target, learned from examples of which those of an outcome count this much; the others count as 1,
     * or as was said of them before} Probabilities follow, as with {@link #balanced}.
     *
     * @param weight above 0
     * @throws IllegalStateException if this is a number, or balanced
     * @throws IllegalArgumentException if the weight is not above 0 and finite
     */
    public Target<L> weighing(L outcome, double weight) {
        if (worth.isEmpty()) {
            requireUnweighed();
        }
        if (!(weight > 0) || Double.isInfinite(weight)) {
            throw new IllegalArgumentException(
                    "an outcome of \"" + describe() + "\" needs a weight above 0, found " + weight);
        }
        List<Double> changed =
                new ArrayList<>(worth.isEmpty() ? Collections.nCopies(Math.max(2, classes.size()), 1.0) : worth);
        changed.set((int) encode(outcome), weight);
        return new Target<>(column, kind, value, threshold, scale, classes, type, false, List.copyOf(changed));
    }

    private void requireUnweighed() {
        if (kind == Kind.NUMBER || balanced || !worth.isEmpty()) {
            throw new IllegalStateException("the target \"" + describe() + "\" "
                    + (kind == Kind.NUMBER ? "is a number, only outcomes have weights" : "has weights already"));
        }
    }

    /**
     * {@return how much each example counts; empty if all count the same}
     *
     * @param labels as {@link #encode} makes them
     */
    public Optional<double[]> weights(double[] labels) {
        if (!balanced && worth.isEmpty()) {
            return Optional.empty();
        }
        double[] counts = new double[Math.max(2, classes.size())];
        for (double label : labels) {
            counts[(int) label]++;
        }
        return Optional.of(Arrays.stream(labels)
                .map(label -> balanced ? labels.length / (counts.length * counts[(int) label]) : worth.get((int) label))
                .toArray());
    }

    /** {@return the name of the source's column} */
    public String column() {
        return column;
    }

    /** {@return the task: REGRESSION for numbers, MULTICLASS for one of several classes, otherwise BINARY} */
    public Task task() {
        return switch (kind) {
            case IS_TRUE, EQUAL, AT_LEAST -> Task.BINARY;
            case ONE_OF -> Task.MULTICLASS;
            case NUMBER -> Task.REGRESSION;
        };
    }

    /** {@return the names of the classes, in the order of their labels; empty unless it is one of several} */
    public List<String> classes() {
        return classes;
    }

    /** {@return whether the model learns the natural logarithm of the label} */
    public boolean logScale() {
        return scale == Scale.LOG;
    }

    /**
     * {@return a label as a number: the raw unit, 0 and 1, or the place of the class}
     *
     * @throws DataException if it is not finite, not above 0 on a log scale, or none of the classes
     */
    public double encode(L label) {
        Objects.requireNonNull(label, "label");
        double number = switch (kind) {
            case IS_TRUE, EQUAL, AT_LEAST -> (Boolean) label ? 1 : 0;
            case ONE_OF -> classes.indexOf(label instanceof Enum<?> constant ? constant.name() : label);
            case NUMBER -> (Double) label;
        };
        if (kind == Kind.ONE_OF ? number < 0 : !accepts(number)) {
            throw new DataException(
                    "label " + label + " of \"" + column + "\" cannot be used",
                    "expected " + expected(),
                    scale == Scale.LOG
                            ? "leave such outcomes out, or learn the target on its raw scale"
                            : "leave such outcomes out");
        }
        return number;
    }

    /**
     * {@return the label of a number: the number itself, true from 0.5 on, or the class at that place}
     *
     * @throws IndexOutOfBoundsException if there is no class at that place
     */
    @SuppressWarnings("unchecked") // the factories tie L to the kind
    public L decode(double number) {
        return (L)
                switch (kind) {
                    case IS_TRUE, EQUAL, AT_LEAST -> (Object) (number >= 0.5);
                    case ONE_OF -> type == null ? classes.get((int) number) : type.getEnumConstants()[(int) number];
                    case NUMBER -> (Object) number;
                };
    }

    /** {@return the target in words, as "delay at least 15"} */
    public String describe() {
        return what() + (balanced ? ", outcomes balanced" : "") + (worth.isEmpty() ? "" : ", outcomes weigh " + worth);
    }

    private String what() {
        return switch (kind) {
            case IS_TRUE -> column + " is true";
            case EQUAL -> column + " is \"" + value + "\"";
            case AT_LEAST -> column + " at least " + plain(threshold);
            case ONE_OF -> column + " is " + alternatives();
            case NUMBER -> column + (scale == Scale.LOG ? " on a log scale" : "");
        };
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Target<?> that
                && column.equals(that.column)
                && kind == that.kind
                && Objects.equals(value, that.value)
                && threshold == that.threshold
                && scale == that.scale
                && classes.equals(that.classes)
                && type == that.type
                && balanced == that.balanced
                && worth.equals(that.worth);
    }

    @Override
    public int hashCode() {
        return Objects.hash(column, kind, value, threshold, scale, classes, balanced, worth);
    }

    /** {@return {@link #describe()}} */
    @Override
    public String toString() {
        return describe();
    }

    /** {@return the label in a cell; NaN if it holds none, of which {@link CellParser#missing} tells the reason} */
    double parse(CellParser cell) {
        if (kind == Kind.EQUAL) {
            return cell.isEmpty() ? Double.NaN : cell.isText(Objects.requireNonNull(value)) ? 1 : 0;
        } else if (kind == Kind.ONE_OF) {
            for (int place = 0; place < classes.size(); place++) {
                if (cell.isText(classes.get(place))) {
                    return place;
                }
            }
            return Double.NaN;
        } else if (cell.missing()) {
            return Double.NaN;
        } else if (kind == Kind.IS_TRUE) {
            boolean truth = cell.bool();
            return !cell.ok() ? Double.NaN : truth ? 1 : 0;
        }
        double number = cell.number();
        if (!cell.ok()) {
            return Double.NaN;
        }
        return kind == Kind.AT_LEAST ? number >= threshold ? 1 : 0 : accepts(number) ? number : Double.NaN;
    }

    /** {@return what a cell of the column must hold} */
    String expected() {
        return switch (kind) {
            case IS_TRUE -> CellParser.EXPECTED_BOOLEAN;
            case EQUAL -> "a text";
            case AT_LEAST -> CellParser.EXPECTED_NUMBER;
            case ONE_OF -> alternatives();
            case NUMBER ->
                CellParser.EXPECTED_NUMBER
                        + (scale == Scale.LOG ? " above 0, because it is learned on a log scale" : "");
        };
    }

    private String alternatives() {
        return classes.stream().collect(Collectors.joining("\", \"", "one of \"", "\""));
    }

    private boolean accepts(double number) {
        return Double.isFinite(number) && (scale == Scale.RAW || number > 0);
    }

    private static String plain(double number) {
        return number == Math.rint(number) && Math.abs(number) < 1e15 ? Long.toString((long) number) : "" + number;
    }
}
