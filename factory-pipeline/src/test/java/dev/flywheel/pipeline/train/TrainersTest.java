package dev.flywheel.pipeline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.TrainingException;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.export.ModelExport;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.feature.TestData;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.serving.engine.OnnxEngine;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainersTest {

    private static final Schema SCHEMA =
            Schema.of(TestData.number("x"), TestData.text("c"), new Column("$label", ColumnType.NUMBER, false));

    private static final Target<Boolean> YES = Target.isTrue("y");
    private static final Target<Double> NUMBER = Target.number("y");

    @TempDir
    Path folder;

    private interface Label {
        double of(double x, int category);
    }

    /** Rows of a number, uniform in -1 to 1, and one of three categories; every 50th is missing both. */
    private Dataset rows(int count, Label label) {
        SplittableRandom random = new SplittableRandom(11);
        List<@Nullable Object[]> rows = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            double x = random.nextDouble(-1, 1);
            int category = random.nextInt(3);
            boolean missing = i % 50 == 49;
            rows.add(new @Nullable Object[] {missing ? null : x, missing ? null : "c" + category, label.of(x, category)
            });
        }
        return TestData.rows(folder, SCHEMA, rows);
    }

    private FeatureMatrix matrix(int count, Label label) {
        Dataset data = rows(count, label);
        return Features.auto().fit(data).matrix(data);
    }

    private static double noisy(double x, int category) {
        return Math.sin(40 * x + category) > 0.2 - x ? 1 : 0;
    }

    @Test
    void describesEverySetting() {
        assertThat(Trainers.logistic().describe()).isEqualTo("logistic(l2=1, iterations=200)");
        assertThat(Trainers.linear().l2(0.5).iterations(9).describe()).isEqualTo("linear(l2=0.5, iterations=9)");
        assertThat(Trainers.mlp(64, 32).describe())
                .isEqualTo("mlp(hidden=[64, 32], epochs=by rows, batchSize=by rows, learningRate=0.01, "
                        + "weightDecay=by rows, dropout=0, embedding=8, earlyStopping=off)");
        assertThat(Trainers.mlp(4)
                        .epochs(3)
                        .batchSize(32)
                        .learningRate(0.1)
                        .weightDecay(0)
                        .dropout(0.5)
                        .embedding(2)
                        .earlyStopping(4))
                .hasToString("mlp(hidden=[4], epochs=3, batchSize=32, learningRate=0.1, "
                        + "weightDecay=0, dropout=0.5, embedding=2, earlyStopping=4)")
                .isNotEqualTo(Trainers.mlp(4));
    }

    @Test
    void refusesSettingsOutOfRange() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Trainers.mlp())
                .withMessage("Trainers.mlp is invalid: found [], expected one or more widths of 1 to 16384");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Trainers.mlp(4).dropout(1))
                .withMessage("dropout is a share from 0 to below 1, found 1.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Trainers.mlp(4).epochs(0))
                .withMessage("epochs must be at least 1, found 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Trainers.logistic().l2(-0.5))
                .withMessage("l2 must be at least 0, found -0.5");
    }

    @Test
    void refusesTheOtherTask() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Trainers.logistic().requireTask(Task.REGRESSION))
                .withMessage(
                        "trainer logistic(l2=1, iterations=200) learns BINARY and MULTICLASS targets, found a REGRESSION target; "
                                + "use Trainers.linear() or Trainers.mlp(...)");
        FeatureMatrix matrix = matrix(60, TrainersTest::noisy);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Trainers.linear().train(matrix, YES, 1, epoch -> {}))
                .withMessageContaining("use Trainers.logistic() or Trainers.mlp(...)");
    }

    @Test
    void refusesExamplesThatTeachNothing() {
        for (Trainer trainer : List.of(Trainers.logistic(), Trainers.mlp(4))) {
            assertThatThrownBy(() -> trainer.train(matrix(60, (x, c) -> 1), YES, 1, epoch -> {}))
                    .isInstanceOf(TrainingException.class)
                    .hasMessage("trainer " + trainer.describe()
                            + " cannot learn from these examples: all 60 labels are of one class, 1, "
                            + "and a probability needs both 0 and 1. Fix: train on a longer stretch of data, or check the "
                            + "target.");
        }
        assertThatThrownBy(() -> Trainers.mlp(4).train(matrix(60, (x, c) -> x), YES, 1, epoch -> {}))
                .isInstanceOf(TrainingException.class)
                .hasMessageContaining("a label is neither 0 nor 1");
        assertThatThrownBy(() -> Trainers.linear().train(matrix(60, (x, c) -> x), NUMBER.onLogScale(), 1, epoch -> {}))
                .isInstanceOf(TrainingException.class)
                .hasMessageContaining("has no logarithm");
        assertThatThrownBy(() -> Trainers.linear().train(matrix(60, (x, c) -> x * 1e300), NUMBER, 1, epoch -> {}))
                .isInstanceOf(TrainingException.class)
                .hasMessageContaining("is beyond the 3.4e38 that a model can predict");
        Dataset none = rows(0, (x, c) -> 1);
        FeatureMatrix empty = Features.auto().fit(rows(10, (x, c) -> 1)).matrix(none);
        assertThatThrownBy(() -> Trainers.linear().train(empty, NUMBER, 1, epoch -> {}))
                .isInstanceOf(TrainingException.class)
                .hasMessageContaining("there are no rows");
    }

    @Test
    void saysWhenTheLossIsLost() {
        FeatureMatrix matrix = matrix(500, (x, c) -> x);
        Trainer trainer = Trainers.mlp(8, 8, 8, 8).learningRate(1e20).weightDecay(0);
        assertThatThrownBy(() -> trainer.train(matrix, NUMBER, 1, epoch -> {}))
                .isInstanceOf(TrainingException.class)
                .hasMessageMatching(
                        ".* failed in epoch 1: its loss is (NaN|Infinity), and it exploded: a gradient or a step was .*")
                .hasMessageContaining("Fix: lower the learning rate, if there is one, and look for absurd values");
    }

    @Test
    void findsTheLeastSquares() {
        Dataset data = rows(2000, (x, c) -> 3 * x + 10 * c + 5);
        FittedFeatures features = Features.auto().fit(data);
        TrainedModel model = Trainers.linear().l2(0).train(features.matrix(data), NUMBER, 1, epoch -> {});
        Dataset questions = TestData.rows(
                folder,
                SCHEMA,
                List.of(new Object[] {0.5, "c0", 0}, new Object[] {-0.5, "c1", 0}, new Object[] {0.0, "c2", 0}));
        assertThat(Scoring.score(features, model, questions))
                .containsExactly(new double[] {6.5, 13.5, 25}, within(0.05));
    }

    @Test
    void takesTheUnknownForTheUsual() {
        Dataset data = rows(4000, (x, c) -> 10 * c);
        FittedFeatures features = Features.rows().category("c").fit(data);
        FeatureMatrix matrix = features.matrix(data);
        double mean = 0;
        for (double label : matrix.labels()) {
            mean += label / 4000;
        }
        Dataset unknown =
                TestData.rows(folder, SCHEMA, List.of(new Object[] {0.0, "new", 0}, new Object[] {0.0, "c2", 0}));
        TrainedModel linear = Trainers.linear().train(matrix, NUMBER, 1, epoch -> {});
        assertThat(Scoring.score(features, linear, unknown)).containsExactly(new double[] {mean, 20}, within(0.1));
        TrainedModel mlp = Trainers.mlp(16).train(matrix, NUMBER, 1, epoch -> {});
        double[] scores = Scoring.score(features, mlp, unknown);
        assertThat(scores[0]).isBetween(mean - 4, mean + 4);
        assertThat(scores[1]).isCloseTo(20, within(0.5));
    }

    @Test
    void predictsTheMeanOnALogScale() {
        SplittableRandom random = new SplittableRandom(3);
        Dataset data = rows(20_000, (x, c) -> Math.exp(x + random.nextDouble(-2, 2)));
        FittedFeatures features = Features.rows().number("x").fit(data);
        FeatureMatrix matrix = features.matrix(data);
        double mean = 0;
        double predicted = 0;
        TrainedModel model = Trainers.linear().train(matrix, NUMBER.onLogScale(), 1, epoch -> {});
        double[] scores = model.predict(matrix);
        for (int i = 0; i < scores.length; i++) {
            mean += matrix.labels()[i] / scores.length;
            predicted += scores[i] / scores.length;
        }
        // without the smearing factor it would be sinh(2) / 2 = 1.8 times too small
        assertThat(predicted / mean).isCloseTo(1, within(0.02));
    }

    @Test
    void keepsANetworkWithinWhatItHasSeen() {
        Dataset data = rows(2000, (x, c) -> 100 + 50 * x);
        FittedFeatures features = Features.auto().fit(data);
        FeatureMatrix matrix = features.matrix(data);
        Dataset wild =
                TestData.rows(folder, SCHEMA, List.of(new Object[] {1e9, "c0", 0}, new Object[] {-1e9, "c1", 0}));
        TrainedModel mlp = Trainers.mlp(16).train(matrix, NUMBER, 1, epoch -> {});
        for (double score : Scoring.score(features, mlp, wild)) {
            assertThat(score).isBetween(44.0, 156.0);
        }
        TrainedModel linear = Trainers.linear().train(matrix, NUMBER, 1, epoch -> {});
        assertThat(Scoring.score(features, linear, wild)[0]).isGreaterThan(190);
    }

    @Test
    void givesTheSameBytesForTheSameSeed() throws Exception {
        Dataset data = rows(3000, TrainersTest::noisy);
        FittedFeatures features = Features.auto().fit(data);
        for (Trainer trainer : List.of(
                Trainers.logistic(),
                Trainers.mlp(16, 8).epochs(2).dropout(0.2),
                Trainers.mlp(8).earlyStopping(2))) {
            byte[] first = bytes(features, trainer.train(features.matrix(data), YES, 7, epoch -> {}));
            byte[] second = bytes(Features.auto().fit(data), trainer.train(features.matrix(data), YES, 7, epoch -> {}));
            assertThat(second).as(trainer.describe()).isEqualTo(first);
        }
        Trainer mlp = Trainers.mlp(8).epochs(1);
        assertThat(bytes(features, mlp.train(features.matrix(data), YES, 8, epoch -> {})))
                .isNotEqualTo(bytes(features, mlp.train(features.matrix(data), YES, 7, epoch -> {})));
    }

    private byte[] bytes(FittedFeatures features, TrainedModel model) throws Exception {
        Path file = folder.resolve("model.onnx");
        ModelExport.write(features, model, file);
        return Files.readAllBytes(file);
    }

    @Test
    void trainsTheSameOnSeveralThreadsAtOnce() throws Exception {
        FeatureMatrix matrix = matrix(3000, TrainersTest::noisy);
        Trainer trainer = Trainers.mlp(16).epochs(4).dropout(0.1);
        double[] alone = trainer.train(matrix, YES, 7, epoch -> {}).predict(matrix);
        List<CompletableFuture<double[]>> others = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            others.add(CompletableFuture.supplyAsync(
                    () -> trainer.train(matrix, YES, 7, epoch -> {}).predict(matrix)));
        }
        for (CompletableFuture<double[]> other : others) {
            assertThat(other.get()).isEqualTo(alone);
        }
    }

    @Test
    void tellsOfEveryEpoch() {
        FeatureMatrix matrix = matrix(1000, TrainersTest::noisy);
        List<TrainingListener.Epoch> epochs = new ArrayList<>();
        Trainers.mlp(8).epochs(4).train(matrix, YES, 1, epochs::add);
        assertThat(epochs).extracting(TrainingListener.Epoch::epoch).containsExactly(1, 2, 3, 4);
        assertThat(epochs).allSatisfy(epoch -> {
            assertThat(epoch.epochs()).isEqualTo(4);
            assertThat(epoch.loss()).isBetween(0.1, 2.0);
            assertThat(epoch.validationLoss()).isNaN();
            assertThat(epoch.rowsPerSecond()).isPositive();
            assertThat(epoch.secondsLeft()).isNotNegative();
        });
        assertThat(epochs.get(3).done()).isEqualTo(1);
        epochs.clear();
        Trainers.logistic().train(matrix, YES, 1, epochs::add);
        assertThat(epochs).hasSizeBetween(3, 200);
        assertThat(epochs).extracting(TrainingListener.Epoch::loss).isSortedAccordingTo((a, b) -> Double.compare(b, a));
    }

    @Test
    void stopsEarlyWhereTheHeldRowsSaySo() {
        SplittableRandom random = new SplittableRandom(1);
        FeatureMatrix matrix = matrix(400, (x, c) -> random.nextInt(2));
        List<TrainingListener.Epoch> epochs = new ArrayList<>();
        Trainers.mlp(64).epochs(200).weightDecay(0).earlyStopping(3).train(matrix, YES, 1, epochs::add);
        assertThat(epochs).hasSizeLessThan(150);
        double best = epochs.stream()
                .mapToDouble(TrainingListener.Epoch::validationLoss)
                .min()
                .orElseThrow();
        assertThat(epochs.get(epochs.size() - 4).validationLoss()).isEqualTo(best);
    }

    @Test
    void stopsEarlyByTheMetricThatIsNamed() {
        FeatureMatrix matrix = matrix(1_000, (x, c) -> x > 0 ? 1 : 0);
        MlpTrainer trainer = Trainers.mlp(16).epochs(60);
        List<TrainingListener.Epoch> byLoss = new ArrayList<>();
        trainer.earlyStopping(3).train(matrix, YES, 1, byLoss::add);
        List<TrainingListener.Epoch> byAccuracy = new ArrayList<>();
        trainer.earlyStopping(3, Metric.ACCURACY).train(matrix, YES, 1, byAccuracy::add);
        assertThat(byAccuracy)
                .as("nothing is left to be decided rightly, though the loss still falls")
                .hasSizeLessThan(byLoss.size());
        int last = byAccuracy.size() - 1;
        assertThat(byAccuracy.get(last).validationLoss())
                .isLessThan(byAccuracy.get(last - 3).validationLoss());
    }

    @Test
    void isNotStoppedByAMetricThatTheRowsSetAsideCannotTell() {
        AtomicInteger row = new AtomicInteger();
        FeatureMatrix matrix = matrix(200, (x, c) -> row.getAndIncrement() == 0 ? 1 : 0);
        MlpTrainer trainer = Trainers.mlp(4).earlyStopping(2, Metric.ROC_AUC);
        assertThatThrownBy(() -> trainer.train(matrix, YES, 1, epoch -> {}))
                .isInstanceOf(TrainingException.class)
                .hasMessage(
                        "training of " + trainer.describe() + " cannot be stopped by its ROC AUC: on the 20 rows set"
                                + " aside for that, it is undefined: one class. Fix: train on more rows, or stop early by the"
                                + " loss.");
    }

    @Test
    void aCategoryOfRowsSetAsideAloneIsAnUnknownOne() {
        Schema schema = Schema.of(TestData.text("c"), new Column("$label", ColumnType.NUMBER, false));
        List<@Nullable Object[]> rows = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            rows.add(new @Nullable Object[] {"c" + i, (double) i});
        }
        Dataset data = TestData.rows(folder, schema, rows);
        FittedFeatures features = Features.auto().fit(data);
        rows.set(0, new @Nullable Object[] {"unknown", 0.0});
        FeatureMatrix unknown = features.matrix(TestData.rows(folder, schema, rows));
        for (FeatureMatrix matrix : List.of(
                features.matrix(data),
                features.matrix(data)
                        .weighted(new SplittableRandom(3).doubles(40, 0.5, 2).toArray()))) {
            TrainedModel model = Trainers.mlp(4).earlyStopping(9).train(matrix, NUMBER, 1, epoch -> {});
            double usual = model.predict(unknown)[0];
            assertThat(Arrays.stream(model.predict(matrix)).filter(each -> each == usual))
                    .hasSize(4);
        }
    }

    @Test
    void isNotStoppedByAMetricOfAnotherTask() {
        MlpTrainer trainer = Trainers.mlp(8).earlyStopping(2, Metric.RMSE);
        trainer.requireTask(Task.REGRESSION);
        assertThatThrownBy(() -> trainer.requireTask(Task.BINARY))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageEndingWith("earlyStopping=2 by RMSE) is stopped early by RMSE, which is not a metric of a"
                        + " BINARY target");
    }

    @Test
    void endsWhenItsThreadIsInterrupted() {
        FeatureMatrix matrix = matrix(1000, TrainersTest::noisy);
        for (Trainer trainer : List.of(Trainers.logistic(), Trainers.mlp(8).epochs(1_000_000))) {
            assertThatThrownBy(() -> trainer.train(
                            matrix, YES, 1, epoch -> Thread.currentThread().interrupt()))
                    .isInstanceOf(CancellationException.class)
                    .hasMessage("training of " + trainer.describe() + " was interrupted");
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    @Test
    void learnsWhichOfSeveralClasses() {
        Label label = (x, category) -> x * x > 0.5 ? 2 : category == 1 ? 1 : 0;
        FeatureMatrix matrix = matrix(1500, label);
        FeatureMatrix rare = matrix.weighted(weights(matrix.labels(), 1, 20));
        Target<String> target = Target.oneOf("y", "low", "middle", "high");
        for (Trainer trainer :
                List.of(Trainers.logistic(), Trainers.mlp(16).epochs(20).earlyStopping(9))) {
            TrainedModel model = trainer.train(matrix, target, 1, epoch -> {});
            double[] found = model.predict(matrix);
            assertThat(model.task()).isEqualTo(Task.MULTICLASS);
            assertThat(found).hasSize(3 * matrix.rows());
            for (int row = 0; row < matrix.rows(); row++) {
                assertThat(found[3 * row] + found[3 * row + 1] + found[3 * row + 2])
                        .isCloseTo(1, within(1e-12));
            }
            assertThat(Scoring.accuracy(found, matrix.labels()))
                    .as(trainer.describe())
                    .isGreaterThan(trainer instanceof MlpTrainer ? 0.9 : 0.6);
            assertThat(trainer.train(matrix, target, 1, epoch -> {}).predict(matrix))
                    .isEqualTo(found);
            assertThat(mean(trainer.train(rare, target, 1, epoch -> {}).predict(matrix), 1))
                    .as("a class whose rows weigh more is more probable")
                    .isGreaterThan(mean(found, 1) + 0.02);
        }
    }

    private static double[] weights(double[] labels, double label, double weight) {
        return Arrays.stream(labels).map(found -> found == label ? weight : 1).toArray();
    }

    private static double mean(double[] probabilities, int place) {
        double sum = 0;
        for (int i = place; i < probabilities.length; i += 3) {
            sum += probabilities[i];
        }
        return sum * 3 / probabilities.length;
    }

    @Test
    void refusesLabelsThatAreNoClasses() {
        Target<String> target = Target.oneOf("y", "low", "high");
        for (Trainer trainer : List.of(Trainers.logistic(), Trainers.mlp(4))) {
            assertThatThrownBy(() -> trainer.train(matrix(60, (x, c) -> c), target, 1, epoch -> {}))
                    .isInstanceOf(TrainingException.class)
                    .hasMessage("trainer " + trainer.describe() + " cannot learn from these examples: a label is not "
                            + "the number of a class, 0 to 1. Fix: name all classes in the target.");
            assertThatThrownBy(() -> trainer.train(matrix(60, (x, c) -> 1), target, 1, epoch -> {}))
                    .isInstanceOf(TrainingException.class)
                    .hasMessageContaining("all 60 labels are of one class, 1 of 2");
        }
    }

    @Test
    void holdsNoMoreNativeMemoryAfterManySteps() {
        FeatureMatrix matrix = matrix(640, TrainersTest::noisy);
        Layout layout = Layout.mlp(matrix.features(), List.of(8), 4, 1);
        List<Integer> held = new ArrayList<>();
        try (PyTorch.Session session = PyTorch.open()) {
            NDManager manager = session.manager();
            double[] labels = matrix.labels();
            Training training = new Training(
                    "test",
                    manager,
                    new LayerNetwork(layout),
                    Examples.of(manager, matrix, labels, Objective.PROBABILITY),
                    matrix.rows(),
                    new double[layout.ids()],
                    Scale.unscaled(Objective.PROBABILITY),
                    matrix.labels(),
                    epoch -> held.add(manager.getManagedArrays().size()));
            new MinibatchFit(training, MinibatchSettings.DEFAULT.epochs(5).dropout(0.5), 1).run();
        }
        assertThat(held).hasSize(5).containsOnly(held.get(0));
    }

    /** Rows of which some come several times, and the same rows once each with a weight that says how often. */
    private record Repeated(FeatureMatrix weighted, FeatureMatrix repeated) {}

    private Repeated repeated(Label label) {
        SplittableRandom random = new SplittableRandom(5);
        List<@Nullable Object[]> once = new ArrayList<>();
        List<@Nullable Object[]> often = new ArrayList<>();
        double[] weights = new double[400];
        for (int i = 0; i < weights.length; i++) {
            double x = random.nextDouble(-1, 1);
            int category = random.nextInt(3);
            @Nullable Object[] row = {x, "c" + category, label.of(x, category)};
            weights[i] = random.nextInt(4);
            once.add(row);
            for (int time = 0; time < weights[i]; time++) {
                often.add(row);
            }
        }
        Dataset all = TestData.rows(folder, SCHEMA, once);
        FittedFeatures features = Features.auto().fit(all);
        return new Repeated(
                features.matrix(all).weighted(weights), features.matrix(TestData.rows(folder, SCHEMA, often)));
    }

    @Test
    void aWeightIsAsGoodAsHavingTheRowSoManyTimes() {
        Label level = (x, category) -> Math.exp(2 * x + category) + 1;
        // all rows a step, so that both take the same steps
        Trainer network =
                Trainers.mlp(8).batchSize(2_000).epochs(60).weightDecay(0.5).learningRate(0.05);
        for (Trainer trainer : List.of(Trainers.logistic(), network)) {
            assertAlike(trainer, YES, repeated(TrainersTest::noisy), 2e-3);
        }
        for (Trainer trainer : List.of(Trainers.linear(), network)) {
            assertAlike(trainer, NUMBER, repeated(level), 0.02);
            assertAlike(trainer, NUMBER.onLogScale(), repeated(level), 0.02);
        }
    }

    private static void assertAlike(Trainer trainer, Target<?> target, Repeated rows, double tolerance) {
        TrainedModel weighted = trainer.train(rows.weighted, target, 1, epoch -> {});
        TrainedModel repeated = trainer.train(rows.repeated, target, 1, epoch -> {});
        double[] found = weighted.predict(rows.weighted);
        double[] expected = repeated.predict(rows.weighted);
        assertThat(found).as(trainer.describe()).containsExactly(expected, within(tolerance));
        FeatureMatrix alike = rows.weighted.weighted(ones(rows.weighted.rows()));
        assertThat(trainer.train(alike, target, 1, epoch -> {}).predict(rows.weighted))
                .as("the weights of %s make a difference", trainer.describe())
                .isNotEqualTo(found);
    }

    private static double[] ones(int rows) {
        double[] ones = new double[rows];
        Arrays.fill(ones, 1);
        return ones;
    }

    @Test
    void goesOnFromWhatWasKept() {
        Label level = (x, category) -> Math.exp(2 * x + category) + 1;
        assertGoesOn(YES, TrainersTest::noisy);
        assertGoesOn(NUMBER, level);
        assertGoesOn(NUMBER.onLogScale(), level);
    }

    private void assertGoesOn(Target<?> target, Label label) {
        MlpTrainer trainer = Trainers.mlp(8).batchSize(64).epochs(4).warmStart();
        FeatureMatrix matrix = matrix(640, label);
        TrainedModel first = trainer.train(matrix, target, 1, epoch -> {});
        Path kept = folder.resolve(target.describe().replaceAll("\\W", ""));
        Durable.createDirectories(kept);
        Continuation.keep(trainer, first, "features", kept);
        Continuation found = Continuation.find(trainer, "features", kept).orElseThrow();
        assertThat(found.features().describe()).isEqualTo(matrix.features().describe());
        FeatureMatrix again = found.features().matrix(rows(640, label));
        double[] before = first.predict(matrix);
        double[] after = found.train(again, target, 2, epoch -> {}).predict(again);
        double[] anew = trainer.train(matrix, target, 2, epoch -> {}).predict(matrix);
        assertThat(distance(before, after))
                .as("%s: nearer to what was learned than what another beginning leads to", target)
                .isPositive()
                .isLessThan(distance(before, anew));
    }

    private static double distance(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (a[i] - b[i]) * (a[i] - b[i]);
        }
        return Math.sqrt(sum / a.length);
    }

    @Test
    void goesOnOnlyFromItsOwnKind() throws Exception {
        MlpTrainer trainer = Trainers.mlp(4).epochs(1).warmStart();
        FeatureMatrix matrix = matrix(300, TrainersTest::noisy);
        TrainedModel model = trainer.train(matrix, YES, 1, epoch -> {});
        Continuation.keep(Trainers.mlp(4).epochs(1), model, "features", folder);
        assertThat(folder.resolve("continue.json")).as("nobody asked for it").doesNotExist();
        Continuation.keep(trainer, model, "features", folder);
        assertThat(Continuation.find(trainer, "features", folder)).isPresent();
        assertThat(Continuation.find(trainer, "other features", folder)).isEmpty();
        assertThat(Continuation.find(trainer.epochs(2), "features", folder)).isEmpty();
        assertThat(Continuation.find(Trainers.logistic(), "features", folder)).isEmpty();
        Files.write(folder.resolve("continue.f32"), new byte[7]);
        assertThatThrownBy(() -> Continuation.find(trainer, "features", folder))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("it holds 7 bytes of parameters for mlp [4] over 1 numbers and 1 ids of 5");
    }

    @Test
    void refusesWeightsThatMakeNoSense() {
        FeatureMatrix matrix = matrix(3, TrainersTest::noisy);
        assertThat(matrix.isWeighted()).isFalse();
        assertThat(matrix.weights()).containsExactly(1, 1, 1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> matrix.weighted(new double[] {1, 2}))
                .withMessage("found 2 weights for 3 rows");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> matrix.weighted(new double[] {1, Double.NaN, 1}))
                .withMessage("a weight is a number of at least 0, found NaN");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> matrix.weighted(new double[3]))
                .withMessage("all 3 weights are 0, so that there is nothing to learn from");
    }

    @Test
    void refusesRowsOfOtherFeatures() {
        FeatureMatrix matrix = matrix(300, TrainersTest::noisy);
        TrainedModel model = Trainers.logistic().train(matrix, YES, 1, epoch -> {});
        Dataset data = rows(300, TrainersTest::noisy);
        FeatureMatrix other = Features.rows().number("x").fit(data).matrix(data);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> model.predict(other))
                .withMessage("the rows were made by other features than the model's");
    }

    @Test
    void writesAFileThatSaysWhatItIs() {
        Dataset data = rows(300, TrainersTest::noisy);
        FittedFeatures features = Features.auto().fit(data);
        TrainedModel model = Trainers.mlp(4).epochs(1).train(features.matrix(data), YES, 1, epoch -> {});
        assertThat(model.task()).isEqualTo(Task.BINARY);
        assertThat(model.describe()).isEqualTo("mlp [4] over 1 numbers and 1 ids of 5 as vectors of 8, 85 parameters");
        Path file = folder.resolve("model.onnx");
        Signature signature = ModelExport.write(features, model, file);
        assertThat(signature.inputs())
                .containsExactly(
                        new TensorSpec("numbers", ElementType.FLOAT, List.of(-1L, 1L), List.of("x")),
                        new TensorSpec("texts", ElementType.STRING, List.of(-1L, 1L), List.of("c")));
        try (OnnxEngine engine = OnnxEngine.open(file)) {
            assertThat(engine.signature()).isEqualTo(signature);
        }
    }
}
