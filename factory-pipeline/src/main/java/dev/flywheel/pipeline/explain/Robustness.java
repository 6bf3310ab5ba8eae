package dev.flywheel.pipeline.explain;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * What is left of a model's quality when its rows are disturbed. Immutable.
 *
 * @param perturbation what happened to the rows
 * @param metric what the quality is measured by
 * @param rows on how many rows
 * @param before the metric of the rows as they are; NaN where there is no answer
 * @param after the metric of the disturbed rows; NaN where there is no answer
 * @param loss how much worse the metric is (positive: worse, whatever the metric's direction), with the 95% interval of
 *     the difference on the same rows; where there is no answer all NaN, and the method says why, as "not available:
 *     the model has no gradient"
 */
public record Robustness(
        Perturbation perturbation, Metric metric, int rows, double before, double after, Estimate loss) {

    /** What every run looks at: a tenth of a standard deviation, a twentieth of the cells. */
    public static final List<Perturbation> USUAL = List.of(
            Perturbation.noise(0.1), Perturbation.missing(0.05), Perturbation.swapped(0.05), Perturbation.fgsm(0.1));

    /** {@return whether there is an answer} */
    public boolean available() {
        return !Double.isNaN(loss.value());
    }

    /**
     * {@return what a perturbation does to a model} What happens to a cell depends on the subject's seed, the kind and
     * the column alone: a larger amount does the same, further.
     *
     * <p>Noise reaches every number of VECTOR columns, and NUMBER and INTEGER columns that the model takes as numbers
     * alone (integers are rounded); missing cells any column that it takes; and swaps those that it takes as
     * categories. An attack compares predictions of the trained model itself, before it became a graph; its features
     * that are no numbers stay.
     *
     * @param metric one of the model's task
     */
    public static Robustness of(Subject subject, Metric metric, Perturbation perturbation) {
        if (perturbation.kind() == Perturbation.Kind.FGSM) {
            Optional<double[]> clean = subject.attacked(0);
            return clean.isEmpty()
                    ? none(subject, metric, perturbation, "the model has no gradient by its numbers")
                    : of(
                            subject,
                            metric,
                            perturbation,
                            clean.get(),
                            subject.attacked(perturbation.amount()).orElseThrow());
        }
        Cells disturbed = disturbed(subject, perturbation);
        return disturbed == subject.cells()
                ? none(subject, metric, perturbation, why(subject, perturbation))
                : of(subject, metric, perturbation, subject.scores(), subject.score(disturbed.all()));
    }

    private static Robustness of(
            Subject subject, Metric metric, Perturbation perturbation, double[] clean, double[] disturbed) {
        Estimate loss = Subject.loss(metric, subject.labels(), clean, disturbed);
        boolean known = !Double.isNaN(loss.value());
        return new Robustness(
                perturbation,
                metric,
                subject.labels().length,
                known ? Metrics.estimate(metric, subject.labels(), clean).value() : Double.NaN,
                known ? Metrics.estimate(metric, subject.labels(), disturbed).value() : Double.NaN,
                loss);
    }

    private static Robustness none(Subject subject, Metric metric, Perturbation perturbation, String why) {
        Estimate unknown = new Estimate(Double.NaN, Double.NaN, Double.NaN, "not available: " + why);
        return new Robustness(perturbation, metric, subject.labels().length, Double.NaN, Double.NaN, unknown);
    }

    private static Cells disturbed(Subject subject, Perturbation perturbation) {
        Cells cells = subject.cells();
        Schema schema = cells.schema();
        for (int column = 0; column < schema.size(); column++) {
            if (!reaches(subject, perturbation, schema.column(column))) {
                continue;
            }
            long seed = 31L
                    * Objects.hash(
                            subject.seed(),
                            perturbation.kind().name(),
                            schema.column(column).name());
            @Nullable Object[] values = disturbed(cells, column, perturbation, new SplittableRandom(seed));
            if (!Arrays.deepEquals(values, cells.column(column))) {
                cells = cells.with(column, values);
            }
        }
        return cells;
    }

    private static String why(Subject subject, Perturbation perturbation) {
        return subject.cells().schema().columns().stream().anyMatch(column -> reaches(subject, perturbation, column))
                ? "it changes no cell of the test rows"
                : "the model takes no such columns";
    }

    private static boolean reaches(Subject subject, Perturbation perturbation, Column column) {
        boolean category = subject.columns(Signature.TEXTS).contains(column.name());
        return switch (perturbation.kind()) {
            case NOISE ->
                column.type() == ColumnType.VECTOR
                        || (subject.columns(Signature.NUMBERS).contains(column.name())
                                && !category
                                && column.type() != ColumnType.BOOLEAN);
            case SWAPPED -> category;
            case MISSING -> true;
            case FGSM -> false;
        };
    }

    private static @Nullable Object[] disturbed(
            Cells cells, int column, Perturbation perturbation, SplittableRandom random) {
        @Nullable Object[] from = cells.column(column);
        @Nullable Object[] values = from.clone();
        double deviation = perturbation.kind() == Perturbation.Kind.NOISE ? deviation(from) : Double.NaN;
        for (int row = 0; row < values.length; row++) {
            switch (perturbation.kind()) {
                case NOISE -> values[row] = noisy(from[row], perturbation.amount() * deviation, random);
                case MISSING -> values[row] = random.nextDouble() < perturbation.amount() ? null : from[row];
                default -> {
                    int other = random.nextInt(values.length);
                    values[row] = random.nextDouble() < perturbation.amount() ? from[other] : from[row];
                }
            }
        }
        return values;
    }

    private static @Nullable Object noisy(@Nullable Object value, double deviation, SplittableRandom random) {
        if (value instanceof float[] vector) {
            float[] moved = vector.clone();
            for (int i = 0; i < moved.length; i++) {
                moved[i] += (float) (deviation * random.nextGaussian());
            }
            return moved;
        }
        double noise = deviation * random.nextGaussian();
        if (value instanceof Double number) {
            double moved = number + noise;
            return Math.abs(moved) <= Float.MAX_VALUE ? moved : number;
        }
        return value instanceof Long integer ? (Object) Math.round(integer + noise) : value;
    }

    /** Of all numbers in a column, those within vectors included. */
    private static double deviation(@Nullable Object[] values) {
        double mean = 0;
        double squares = 0;
        long count = 0;
        for (Object value : values) {
            int length = value instanceof float[] vector ? vector.length : 1;
            for (int i = 0; i < length && value != null; i++) {
                double number = value instanceof float[] vector ? vector[i] : ((Number) value).doubleValue();
                if (!Double.isNaN(number)) {
                    count++;
                    double gap = number - mean;
                    mean += gap / count;
                    squares += gap * (number - mean);
                }
            }
        }
        return count < 2 ? 0 : Math.sqrt(squares / (count - 1));
    }
}
