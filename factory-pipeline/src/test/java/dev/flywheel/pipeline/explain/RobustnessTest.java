package dev.flywheel.pipeline.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.export.ModelExport;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.TrainedModel;
import dev.flywheel.pipeline.train.Trainer;
import dev.flywheel.pipeline.train.Trainers;
import dev.flywheel.serving.Codec;
import dev.flywheel.serving.Endpoint;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RobustnessTest {

    @TempDir
    Path folder;

    private Subject plane(int rows) {
        Dataset data = Planes.rows(folder, rows, 1);
        return Subject.of(Planes.SIGNATURE, Planes.scorer(Planes::plane), data, Planes.labels(data), 7);
    }

    /** Noise of sd s on a and b adds s^2 (4 + 1) to a mean squared error of 1. */
    @Test
    void noiseCostsWhatItMustCost() {
        Robustness found = Robustness.of(plane(4_000), Metric.RMSE, Perturbation.noise(0.5));

        assertThat(found.rows()).isEqualTo(4_000);
        assertThat(found.before()).isCloseTo(1, within(0.05));
        assertThat(found.after()).isCloseTo(Math.sqrt(1 + 0.25 * 5), within(0.05));
        assertThat(found.loss().value()).isCloseTo(found.after() - found.before(), within(1e-9));
        assertThat(found.loss().low()).isLessThan(Math.sqrt(2.25) - 1);
        assertThat(found.loss().high()).isGreaterThan(Math.sqrt(2.25) - 1);
    }

    /** Of a sum of four numbers of variance 1, noise of half of it in each adds a variance of 1. */
    @Test
    void noiseReachesEveryNumberOfAVector() {
        Dataset data = Vectors.rows(folder, 3_000);
        Subject subject = Subject.of(Vectors.SIGNATURE, Vectors.SUMS, data, Planes.labels(data), 7);

        Robustness found = Robustness.of(subject, Metric.RMSE, Perturbation.noise(0.5));

        assertThat(found.before()).isZero();
        assertThat(found.after()).isCloseTo(1, within(0.05));
    }

    /** A missing a costs 4, a missing b 1, and a missing kind 9 in a quarter of the rows. */
    @Test
    void missingCellsCostWhatTheyMustCost() {
        Robustness found = Robustness.of(plane(4_000), Metric.RMSE, Perturbation.missing(0.2));

        assertThat(found.after()).isCloseTo(Math.sqrt(1 + 0.2 * (4 + 1 + 2.25)), within(0.08));
    }

    /** A fifth of the cells takes a random kind, which differs with probability 2 * 1/4 * 3/4. */
    @Test
    void swappedCategoriesCostWhatTheyMustCost() {
        Robustness found = Robustness.of(plane(4_000), Metric.RMSE, Perturbation.swapped(0.2));

        assertThat(found.after()).isCloseTo(Math.sqrt(1 + 0.2 * 9 * 0.375), within(0.06));
    }

    @Test
    void aLossIsPositiveAlsoWhereMoreOfTheMetricIsBetter() {
        Robustness found = Robustness.of(plane(1_000), Metric.R2, Perturbation.noise(0.5));

        assertThat(found.after()).isLessThan(found.before());
        assertThat(found.loss().low()).isPositive();
        assertThat(found.loss().low()).isLessThan(found.loss().value());
        assertThat(found.loss().high()).isGreaterThan(found.loss().value());
    }

    @Test
    void theSameSeedFindsTheSameAndAnotherSeedDrawsOtherRows() {
        Dataset data = Planes.rows(folder, 12_000, 1);
        double[] labels = Planes.labels(data);
        List<Robustness> found = new ArrayList<>();
        for (long seed : new long[] {7, 7, 8}) {
            Subject subject = Subject.of(Planes.SIGNATURE, Planes.scorer(Planes::plane), data, labels, seed);
            found.add(Robustness.of(subject, Metric.RMSE, Perturbation.noise(0.1)));
        }

        assertThat(found.get(0).rows()).isEqualTo(Subject.MOST_ROWS);
        assertThat(found.get(1)).isEqualTo(found.get(0));
        assertThat(found.get(2)).isNotEqualTo(found.get(0));
    }

    @Test
    void whatDoesNotApplyIsSaidNotToBeAvailable() {
        Dataset data = Planes.rows(folder, 300, 1);
        Signature texts = new Signature(List.of(Planes.input(Signature.TEXTS, ElementType.STRING, "kind")), List.of());
        Subject subject = Subject.of(texts, rows -> new double[rows.size()], data, Planes.labels(data), 7);

        Robustness noise = Robustness.of(subject, Metric.RMSE, Perturbation.noise(0.1));
        Robustness attack = Robustness.of(subject, Metric.RMSE, Perturbation.fgsm(0.1));

        assertThat(noise.available()).isFalse();
        assertThat(noise.loss().method()).isEqualTo("not available: the model takes no such columns");
        assertThat(attack.loss().method()).isEqualTo("not available: the model has no gradient by its numbers");
    }

    @Test
    void whatChangesNoCellProvesNothing() {
        Dataset data = Planes.rows(folder, 300, 1);
        Signature counts =
                new Signature(List.of(Planes.input(Signature.NUMBERS, ElementType.FLOAT, "count")), List.of());
        Subject subject = Subject.of(counts, rows -> new double[rows.size()], data, Planes.labels(data), 7);

        // a hundredth of a hundredth of a standard deviation of 29, rounded
        Robustness found = Robustness.of(subject, Metric.RMSE, Perturbation.noise(0.0001));

        assertThat(found.available()).isFalse();
        assertThat(found.loss().method()).isEqualTo("not available: it changes no cell of the test rows");
    }

    @Test
    void aModelThatPredictsNoNumberWhereCellsAreMissingHasNoLossButAReason() {
        Dataset data = Planes.rows(folder, 300, 1);
        Subject.Scorer brittle = Planes.scorer(row -> row.missing(0) ? Double.NaN : Planes.plane(row));
        Subject subject = Subject.of(Planes.SIGNATURE, brittle, data, Planes.labels(data), 7);

        Robustness found = Robustness.of(subject, Metric.RMSE, Perturbation.missing(0.2));

        assertThat(found.available()).isFalse();
        assertThat(found.loss().method()).isEqualTo("undefined: the model predicted NaN");
    }

    @Test
    void describesWhatHappens() {
        assertThat(Robustness.USUAL.stream().map(Perturbation::describe))
                .containsExactly(
                        "noise of 0.1 standard deviations on every number",
                        "5% of all cells missing",
                        "5% of all categories swapped",
                        "an attack (FGSM) of 0.1 standard deviations");
        assertThatThrownBy(() -> Perturbation.missing(1.5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the amount of MISSING is above 0 and at most 1, found 1.5");
    }

    /**
     * By Goodfellow et al. 2015, an attack on a linear model moves every output by epsilon times the sum of the
     * weights' sizes, away from the label; and no noise of the same size in the same features does as much.
     */
    @Test
    void anAttackMovesALinearModelAsFarAsItCanBeMoved() {
        Dataset data = Planes.rows(folder, 600, 3);
        Features<Row> numbers = Features.rows().number("a").number("b").number("idle");
        FittedFeatures features = numbers.fit(data);
        FeatureMatrix matrix = features.matrix(data);
        TrainedModel model = trained(Trainers.linear(), matrix);
        double[] clean = model.predict(matrix);
        double epsilon = 0.3;

        double[] attacked = model.attacked(matrix, epsilon).map(model::predict).orElseThrow();

        double[] labels = matrix.labels();
        double expected = epsilon * (2 + 1);
        for (int row = 0; row < labels.length; row++) {
            double moved = attacked[row] - clean[row];
            assertThat(Math.abs(moved)).isCloseTo(expected, within(0.25));
            assertThat(moved * (clean[row] - labels[row])).isPositive();
        }
        assertThat(model.attacked(matrix, 0).map(model::predict).orElseThrow()).containsExactly(clean);
    }

    @Test
    void aTrainedNetworkIsExaminedThroughItsEndpoint() {
        Dataset train = Planes.rows(folder, 800, 3);
        Dataset test = Planes.rows(folder, 500, 4);
        FittedFeatures features = Features.auto().fit(train);
        TrainedModel model = trained(Trainers.mlp(16), features.matrix(train));
        Path file = folder.resolve("model.onnx");
        Signature signature = ModelExport.write(features, model, file);
        try (Endpoint<Row, Double> endpoint = Endpoint.onnx(file, Codec.<Row, Double>rows(Row.type(inputs()), p -> p))
                .open()) {
            Subject subject = Subject.of(
                    signature,
                    rows -> endpoint.score(endpoint.version(), rows),
                    (rows, epsilon) -> model.attacked(features.matrix(test).select(rows), epsilon)
                            .map(model::predict),
                    test,
                    Planes.labels(test),
                    7);
            List<Robustness> found = Robustness.USUAL.stream()
                    .map(usual -> Robustness.of(subject, Metric.RMSE, usual))
                    .toList();

            assertThat(found).allMatch(Robustness::available);
            Robustness noise = found.get(0);
            Robustness attack = found.get(3);
            assertThat(attack.before()).isCloseTo(noise.before(), within(1e-4));
            assertThat(attack.loss().low()).isGreaterThan(noise.loss().high());
        }
    }

    private static Schema inputs() {
        return Schema.of(Planes.SCHEMA.columns().subList(0, 6));
    }

    private static TrainedModel trained(Trainer trainer, FeatureMatrix matrix) {
        return trainer.train(matrix, Target.number("label"), 1, epoch -> {});
    }
}
