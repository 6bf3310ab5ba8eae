package dev.flywheel.pipeline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.TrainingException;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.export.Parity;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.feature.TestData;
import dev.flywheel.pipeline.source.Target;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CalibrationTest {

    private static final double[] LOGITS =
            IntStream.range(0, 60).mapToDouble(i -> i * 37 % 101 / 10.0 - 5).toArray();
    private static final double[] LABELS = IntStream.range(0, 60)
            .mapToDouble(i -> i * 53 % 97 / 97.0 < 1 / (1 + Math.exp(-0.5 * LOGITS[i] + 0.3)) ? 1 : 0)
            .toArray();
    private static final double[] ONES =
            DoubleStream.generate(() -> 1).limit(60).toArray();
    private static final double[] WEIGHTS =
            IntStream.range(0, 60).mapToDouble(i -> 1 + i % 3).toArray();

    @TempDir
    Path folder;

    /** scikit-learn 1.2.1: s = _SigmoidCalibration().fit(z, y, sample_weight=w); -s.a_, -s.b_. */
    @Test
    void fitsPlattsSigmoid() {
        assertThat(Calibration.platt(LOGITS, LABELS, ONES))
                .containsExactly(new double[] {0.3700645948914836, 0.10283914110440391}, within(1e-5));
        assertThat(Calibration.platt(LOGITS, LABELS, WEIGHTS))
                .containsExactly(new double[] {0.400935167343624, 0.11953640055950744}, within(1e-5));
    }

    /** An a of 1,000 times those of the other logits would only magnify rounding. */
    @Test
    void stretchesNoLogitsThatAreAllButEqual() {
        double[] faint = Arrays.stream(LOGITS).map(logit -> 0.3 + logit * 1e-4).toArray();
        double[] sigmoid = Calibration.platt(faint, LABELS, ONES);
        assertThat(sigmoid[0]).isEqualTo(100);
        double mean = Arrays.stream(faint)
                .map(logit -> 1 / (1 + Math.exp(-100 * logit - sigmoid[1])))
                .average()
                .orElse(0);
        assertThat(mean).isCloseTo(31.0 / 60, within(0.01)); // the share of positives, but for Lin's targets
        assertThat(Calibration.temperature(faint, LABELS, ONES)).isLessThanOrEqualTo(100);
    }

    /** SciPy: minimize_scalar(lambda b: np.sum(w * (np.logaddexp(0, b * z) - y * b * z)), bounds=(1e-3, 10)).x. */
    @Test
    void fitsATemperature() {
        assertThat(Calibration.temperature(LOGITS, LABELS, ONES)).isCloseTo(0.4034636656698363, within(1e-7));
        assertThat(Calibration.temperature(LOGITS, LABELS, WEIGHTS)).isCloseTo(0.41821863120375585, within(1e-7));
    }

    /** SciPy: minimize_scalar(lambda b: np.sum(logsumexp(b * Z, axis=1) - b * Z[np.arange(40), L])).x. */
    @Test
    void fitsATemperatureOfSeveralClasses() {
        double[] logits = IntStream.range(0, 120)
                .mapToDouble(i -> (i / 3 * 31 + i % 3 * 17) % 41 / 8.0 - 2.5)
                .toArray();
        double[] labels = IntStream.range(0, 40)
                .mapToDouble(i -> i * 7 % 10 < 6 ? largest(logits, 3 * i) : i * 3 % 3)
                .toArray();
        assertThat(Calibration.temperature(logits, labels, Arrays.copyOf(ONES, 40)))
                .isCloseTo(0.6770472763485905, within(1e-7));
    }

    @Test
    void shrinksLogitsThatAreFarTooSure() {
        double[] sure = Arrays.stream(LOGITS).map(logit -> 1_000 * logit).toArray();
        assertThat(Calibration.temperature(sure, LABELS, ONES)).isCloseTo(0.4034636656698363e-3, within(1e-10));
        double[] plain = Calibration.platt(LOGITS, LABELS, ONES);
        double[] shrunk = Calibration.platt(sure, LABELS, ONES);
        assertThat(1_000 * shrunk[0]).isCloseTo(plain[0], within(1e-6));
        assertThat(shrunk[1]).isCloseTo(plain[1], within(1e-6));
    }

    private static int largest(double[] values, int from) {
        int largest = 0;
        for (int k = 1; k < 3; k++) {
            largest = values[from + k] > values[from + largest] ? k : largest;
        }
        return largest;
    }

    /** scikit-learn 1.2.1: sorted(set(IsotonicRegression().fit(z, y, sample_weight=w).predict(z))). */
    @Test
    void poolsNeighboursUntilTheyRise() {
        assertThat(shares(Calibration.pools(LOGITS, LABELS, ONES)))
                .containsExactly(new double[] {0.214285714286, 0.5, 1.0}, within(1e-11));
        assertThat(shares(Calibration.pools(LOGITS, LABELS, WEIGHTS)))
                .containsExactly(
                        new double[] {0.210526315789, 0.428571428571, 0.529411764706, 0.666666666667, 1.0},
                        within(1e-11));
    }

    private static double[] shares(List<Calibration.Pool> pools) {
        return pools.stream().mapToDouble(Calibration.Pool::share).toArray();
    }

    @Test
    void poolsRowsOfOneScoreFirst() {
        List<Calibration.Pool> pools =
                Calibration.pools(new double[] {1, 0, 1}, new double[] {0, 0.6, 1}, new double[] {1, 1, 1});
        assertThat(shares(pools)).containsExactly(new double[] {1.6 / 3}, within(1e-12));
    }

    @Test
    void refusesScoresThatSayTheOpposite() {
        double[] wrong = Arrays.stream(LOGITS).map(logit -> -logit).toArray();
        for (Runnable fit : List.<Runnable>of(
                () -> Calibration.temperature(wrong, LABELS, ONES),
                () -> Calibration.platt(wrong, LABELS, ONES),
                () -> Calibration.line(
                        Calibration.pools(new double[] {0, 1}, new double[] {1, 0}, new double[] {1, 1})))) {
            assertThatThrownBy(fit::run)
                    .isInstanceOf(TrainingException.class)
                    .hasMessage("a model was not calibrated: of the rows held back for it, those with higher scores "
                            + "were positive no more often. Fix: train on more rows or better features, or leave out the "
                            + "calibration.");
        }
    }

    /** Labels by a flat sigmoid of x; learned by a network that is far too sure of itself. */
    private Dataset data(int rows, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Schema schema =
                Schema.of(TestData.number("x"), TestData.text("noise"), new Column("$label", ColumnType.NUMBER, false));
        List<@Nullable Object[]> data = new ArrayList<>();
        for (int i = 0; i < rows; i++) {
            double x = 2 * random.nextGaussian();
            data.add(new @Nullable Object[] {
                x, "n" + random.nextInt(150), random.nextDouble() < 1 / (1 + Math.exp(-x / 2)) ? 1 : 0
            });
        }
        return TestData.rows(folder, schema, data);
    }

    @Test
    void isPartOfTheGraphAndMendsProbabilities() {
        Dataset train = data(800, 1);
        Dataset test = data(800, 2);
        FittedFeatures fitted = Features.auto().fit(train);
        FeatureMatrix matrix = fitted.matrix(train);
        FeatureMatrix held = fitted.matrix(test);
        Trainer sure = Trainers.mlp(16).epochs(20).weightDecay(0);
        Target<Boolean> target = Target.isTrue("label");
        double[] plain = sure.train(Holdout.of(matrix, Task.BINARY, 3, "a test").learned(), target, 3, epoch -> {})
                .predict(held);
        for (Calibration calibration : Calibration.values()) {
            Trainer trainer = Trainers.calibrated(sure, calibration);
            TrainedModel model = trainer.train(matrix, target, 3, epoch -> {});
            double[] scores = Scoring.score(fitted, model, test);

            assertThat(Parity.of(model, held, scores).holds())
                    .as(calibration.name())
                    .isTrue();
            assertThat(Scoring.logLoss(scores, held.labels()))
                    .as(calibration.name())
                    .isLessThan(Scoring.logLoss(plain, held.labels()) - 0.05);
            double tolerance = calibration == Calibration.ISOTONIC ? 0.01 : 1e-9;
            assertThat(Scoring.auc(model.predict(held), held.labels()))
                    .as(calibration.name())
                    .isCloseTo(Scoring.auc(plain, held.labels()), within(tolerance));
            assertThat(trainer.train(matrix, target, 3, epoch -> {}).predict(held))
                    .isEqualTo(model.predict(held));
        }
    }

    @Test
    void saysWhatCannotBeCalibrated() {
        assertThatThrownBy(() -> Trainers.calibrated(
                        Trainers.calibrated(Trainers.logistic(), Calibration.PLATT), Calibration.PLATT))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageEndingWith("cannot be calibrated: it is calibrated already");
        assertThatThrownBy(() -> Trainers.calibrated(Trainers.mlp(4).warmStart(), Calibration.PLATT))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("it starts warm, and a champion has learned from the rows");
        assertThatThrownBy(() -> Trainers.calibrated(Trainers.search(Trainers.mlp(4)), Calibration.PLATT))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageEndingWith("only where it is a candidate itself; calibrate what it finds");
        assertThatThrownBy(() ->
                        Trainers.calibrated(Trainers.mlp(4), Calibration.PLATT).requireTask(Task.REGRESSION))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("calibrates probabilities, found a REGRESSION target");
        assertThat(Trainers.calibrated(Trainers.logistic(), Calibration.PLATT).describe())
                .isEqualTo("calibrated logistic(l2=1, iterations=200, calibration=platt)");
    }
}
