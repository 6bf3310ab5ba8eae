package dev.flywheel.pipeline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.Dropout;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.nn.pooling.Pool;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import dev.flywheel.core.TrainingException;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.feature.TestData;
import dev.flywheel.pipeline.feature.Transform;
import dev.flywheel.pipeline.source.Target;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DjlTrainerTest {

    private static final int SIDE = 8;
    private static final Target<Boolean> YES = Target.isTrue("y");
    private static final Target<String> CLASS = Target.oneOf("y", "low", "middle", "high");
    private static final Target<Double> NUMBER = Target.number("y");

    private static final Schema SCHEMA = Schema.of(
            TestData.number("a"),
            TestData.number("b"),
            TestData.text("c"),
            Column.vector("pixels", SIDE * SIDE),
            new Column("$label", ColumnType.NUMBER, false));

    @TempDir
    Path folder;

    private Dataset data(int count, long seed, Task task) {
        SplittableRandom random = new SplittableRandom(seed);
        List<@Nullable Object[]> rows = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            double a = random.nextDouble(-1, 1);
            double b = random.nextDouble(-1, 1);
            float[] pixels = new float[SIDE * SIDE];
            for (int at = 0; at < pixels.length; at++) {
                pixels[at] = (float) (random.nextDouble() + a);
            }
            double signal = a * a + b + 0.1 * random.nextDouble();
            double label = switch (task) {
                case BINARY -> signal > 0.3 ? 1 : 0;
                case MULTICLASS -> signal < 0 ? 0 : signal < 0.7 ? 1 : 2;
                case REGRESSION -> 100 + 20 * signal;
            };
            rows.add(new @Nullable Object[] {a, b, "c" + i % 3, pixels, label});
        }
        return TestData.rows(folder, SCHEMA, rows);
    }

    private static Features<Row> numbers() {
        return Features.rows().number("a", Transform.standardize()).number("b", Transform.standardize());
    }

    private static Block linear(int units) {
        return Linear.builder().setUnits(units).build();
    }

    private static SequentialBlock mlp(int outputs) {
        return new SequentialBlock().add(linear(16)).add(Activation.reluBlock()).add(linear(outputs));
    }

    private static Optimizer adam() {
        return Optimizer.adam().optLearningRateTracker(Tracker.fixed(0.01f)).build();
    }

    private static void requireParity(FittedFeatures features, TrainedModel model, FeatureMatrix rows, Dataset data) {
        double[] expected = model.predict(rows);
        double[] found = Scoring.score(features, model, data);
        assertThat(found).hasSize(expected.length);
        for (int i = 0; i < found.length; i++) {
            assertThat(found[i])
                    .as("row %d of %s", i, model.describe())
                    .isCloseTo(expected[i], within(1e-5 * Math.max(1, Math.abs(expected[i]))));
        }
    }

    private static Block broken() {
        Block block = mlp(1);
        block.setInitializer((manager, shape, type) -> manager.full(shape, Float.NaN, type), Parameter.Type.WEIGHT);
        return block;
    }

    private String failure(Trainer trainer, Features<Row> features, Target<?> target) {
        Dataset data = data(60, 1, target.task());
        return failure(trainer, features.fit(data).matrix(data), target);
    }

    private static String failure(Trainer trainer, FeatureMatrix matrix, Target<?> target) {
        return String.valueOf(assertThatThrownBy(() -> trainer.train(matrix, target, 1, epoch -> {}))
                .isInstanceOf(TrainingException.class)
                .actual()
                .getMessage());
    }

    @Test
    void saysThatTheGradientExploded() {
        Features<Row> pixels = Features.rows().image("pixels", 1, SIDE, SIDE);
        Map<Trainer, Features<Row>> trainers = new LinkedHashMap<>();
        trainers.put(Trainers.mlp(8, 8, 8).learningRate(1e20), numbers());
        trainers.put(Trainers.cnn(4).learningRate(1e20), pixels);
        trainers.put(Trainers.djl(() -> mlp(1)).learningRate(1e30), numbers());
        trainers.put(
                Trainers.djl(
                        () -> mlp(1),
                        Loss::l2Loss,
                        () -> Optimizer.sgd()
                                .setLearningRateTracker(Tracker.fixed(1e25f))
                                .build()),
                numbers());
        trainers.forEach((trainer, features) -> requireExploded(failure(trainer, features, NUMBER), trainer));
    }

    private static void requireExploded(String said, Trainer trainer) {
        assertThat(said)
                .matches("training of " + Pattern.quote(trainer.describe())
                        + " failed in epoch \\d+: (its loss is (NaN|Infinity)|no step lowers its loss of \\d\\.\\d+), and it"
                        + " exploded: a gradient or a step was (Infinity|\\d\\.\\d+e\\+\\d+) long\\. Fix: lower the"
                        + " learning rate, if there is one, and look for absurd values in the features and the label;"
                        + " standardize\\(\\) tames numbers\\.");
    }

    @Test
    void saysThatSomethingHasNoResult() {
        Loss logarithm = new Loss("logarithm") {
            @Override
            public NDArray evaluate(NDList labels, NDList outputs) {
                return outputs.get(0).log().mean();
            }
        };
        for (Trainer trainer : List.of(
                Trainers.djl(DjlTrainerTest::broken),
                Trainers.djl(() -> mlp(1), () -> logarithm, DjlTrainerTest::adam))) {
            String said = failure(trainer, numbers(), NUMBER);
            assertThat(said)
                    .startsWith(
                            "training of " + trainer.describe()
                                    + " failed in epoch 1: its loss is NaN, and nothing exploded, no gradient or step before was longer than 0.")
                    .endsWith(": something has no result. Fix: look for a logarithm, a root or a"
                            + " quotient without a result in the block and the loss, if they are yours, and for absurd"
                            + " values in the features.");
        }
    }

    @Test
    void saysThatAConvexTrainingGotNowhere() {
        Schema schema = Schema.of(TestData.number("a"), new Column("$label", ColumnType.NUMBER, false));
        List<@Nullable Object[]> rows = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            rows.add(new @Nullable Object[] {i % 2 * 1e20, (double) (i % 2)});
        }
        Dataset data = TestData.rows(folder, schema, rows);
        FeatureMatrix raw =
                Features.rows().number("a", Transform.impute()).fit(data).matrix(data);
        FeatureMatrix tame = Features.rows().number("a").fit(data).matrix(data);
        Map<Trainer, Target<?>> trainers = Map.of(Trainers.logistic(), YES, Trainers.linear(), NUMBER);
        trainers.forEach((trainer, target) -> {
            requireExploded(failure(trainer, raw, target), trainer);
            assertThat(trainer.train(tame, target, 1, epoch -> {}).predict(tame))
                    .doesNotContain(Double.NaN);
        });
    }

    @Test
    void aBlockOfLayersIsAsGoodAsOurOwnNetwork() {
        Map<Target<?>, DjlTrainer> trainers = new LinkedHashMap<>();
        trainers.put(YES, Trainers.djl(() -> mlp(1), Loss::sigmoidBinaryCrossEntropyLoss, DjlTrainerTest::adam));
        trainers.put(CLASS, Trainers.djl(() -> mlp(3), Loss::softmaxCrossEntropyLoss, DjlTrainerTest::adam));
        trainers.put(NUMBER, Trainers.djl(() -> mlp(1), Loss::l2Loss, DjlTrainerTest::adam));
        trainers.forEach((target, own) -> {
            Dataset train = data(400, 1, target.task());
            Dataset held = data(200, 2, target.task());
            FittedFeatures features = numbers().fit(train);
            FeatureMatrix matrix = features.matrix(train);
            FeatureMatrix rows = features.matrix(held);
            double ours = loss(Trainers.mlp(16).epochs(20).train(matrix, target, 1, epoch -> {}), rows, target);
            for (DjlTrainer trainer : List.of(own, Trainers.djl(() -> mlp(target.equals(CLASS) ? 3 : 1)))) {
                TrainedModel model = trainer.epochs(20).earlyStopping(20).train(matrix, target, 1, epoch -> {});
                requireParity(features, model, rows, held);
                assertThat(loss(model, rows, target))
                        .as("%s against %s of ours", trainer, ours)
                        .isLessThan(ours * 1.4);
            }
        });
    }

    private static double loss(TrainedModel model, FeatureMatrix rows, Target<?> target) {
        double[] found = model.predict(rows);
        return switch (target.task()) {
            case BINARY -> Scoring.logLoss(found, rows.labels());
            case MULTICLASS -> 1 - Scoring.accuracy(found, rows.labels()) + 0.05;
            case REGRESSION -> Scoring.rmse(found, rows.labels());
        };
    }

    @Test
    void exportsEveryBlockThatItKnows() {
        Dataset data = data(100, 1, Task.BINARY);
        FittedFeatures flat = numbers().fit(data);
        FittedFeatures image = Features.rows().image("pixels", 1, SIDE, SIDE).fit(data);
        FeatureMatrix flatRows = flat.matrix(data);
        FeatureMatrix imageRows = image.matrix(data);
        List<DjlTrainer.Maker<Block>> activations = List.of(
                Activation::reluBlock,
                Activation::relu6Block,
                Activation::sigmoidBlock,
                Activation::tanhBlock,
                Activation::softPlusBlock,
                Activation::softSignBlock,
                () -> Activation.leakyReluBlock(0.2f),
                () -> Activation.eluBlock(0.7f),
                Activation::seluBlock,
                Activation::geluBlock,
                () -> Activation.swishBlock(1.5f),
                Activation::mishBlock,
                Blocks::identityBlock,
                () -> BatchNorm.builder().optEpsilon(1e-3f).build(),
                () -> Dropout.builder().optRate(0.3f).build());
        for (DjlTrainer.Maker<Block> activation : activations) {
            DjlTrainer trainer = Trainers.djl(() -> new SequentialBlock()
                            .add(linear(8))
                            .add(activation.get())
                            .add(linear(1)))
                    .epochs(2);
            requireParity(flat, trainer.train(flatRows, YES, 1, epoch -> {}), flatRows, data);
        }
        List<DjlTrainer.Maker<Block>> pools = List.of(
                () -> Pool.maxPool2dBlock(new Shape(2, 2), new Shape(2, 2)),
                () -> Pool.maxPool2dBlock(new Shape(3, 2), new Shape(2, 1), new Shape(1, 1)),
                () -> Pool.maxPool2dBlock(new Shape(3, 3), new Shape(2, 2), new Shape(0, 0), true),
                () -> Pool.avgPool2dBlock(new Shape(2, 3), new Shape(1, 2)),
                () -> Pool.avgPool2dBlock(new Shape(3, 3), new Shape(2, 2), new Shape(1, 1), false, false),
                () -> Pool.avgPool2dBlock(new Shape(3, 3), new Shape(2, 2), new Shape(1, 1), false, true),
                Pool::globalAvgPool2dBlock,
                Pool::globalMaxPool2dBlock);
        for (DjlTrainer.Maker<Block> pool : pools) {
            DjlTrainer trainer = Trainers.djl(() -> new SequentialBlock()
                            .add(Conv2d.builder()
                                    .setKernelShape(new Shape(3, 2))
                                    .setFilters(3)
                                    .optPadding(new Shape(1, 0))
                                    .optBias(false)
                                    .build())
                            .add(BatchNorm.builder().build())
                            .add(Activation.reluBlock())
                            .add(pool.get())
                            .add(Blocks.batchFlattenBlock())
                            .add(linear(1)))
                    .epochs(2);
            requireParity(image, trainer.train(imageRows, YES, 1, epoch -> {}), imageRows, data);
        }
    }

    @Test
    void comesOutTheSameFromTheSameSeed() {
        Dataset data = data(200, 1, Task.MULTICLASS);
        FeatureMatrix matrix = numbers().fit(data).matrix(data);
        DjlTrainer trainer = Trainers.djl(
                        () -> mlp(3).add(BatchNorm.builder().build()),
                        Loss::softmaxCrossEntropyLoss,
                        () -> Optimizer.sgd()
                                .setLearningRateTracker(Tracker.fixed(0.1f))
                                .optMomentum(0.9f)
                                .build())
                .epochs(3);
        double[] first = trainer.train(matrix, CLASS, 7, epoch -> {}).predict(matrix);
        assertThat(trainer.train(matrix, CLASS, 7, epoch -> {}).predict(matrix)).isEqualTo(first);
        assertThat(trainer.train(matrix, CLASS, 8, epoch -> {}).predict(matrix)).isNotEqualTo(first);
        assertThat(trainer.describe())
                .isEqualTo("djl(block=[Linear, ReLU, Linear, BatchNorm], loss=SoftmaxCrossEntropyLoss, optimizer=Sgd, "
                        + "epochs=3, batchSize=by rows, earlyStopping=off)");
    }

    @Test
    void normalizesBatchesWhateverTheNumberOfRowsIs() {
        Dataset data = data(65, 1, Task.BINARY); // the last of two batches of 64 would be one row
        FittedFeatures features = numbers().fit(data);
        FeatureMatrix matrix = features.matrix(data);
        DjlTrainer trainer = Trainers.djl(() -> new SequentialBlock()
                        .add(linear(8))
                        .add(BatchNorm.builder().build())
                        .add(linear(1)))
                .batchSize(64)
                .epochs(2);
        requireParity(features, trainer.train(matrix, YES, 1, epoch -> {}), matrix, data);
    }

    @Test
    void holdsNoMoreNativeMemoryAfterManySteps() {
        Dataset data = data(320, 1, Task.BINARY);
        FeatureMatrix matrix = numbers().fit(data).matrix(data);
        Block block = mlp(1).add(BatchNorm.builder().build());
        List<Integer> held = new ArrayList<>();
        BlockNetwork network = BlockNetwork.of("test", block, matrix, 1, 1);
        try (PyTorch.Session session = PyTorch.open()) {
            NDManager manager = session.manager();
            Training training = new Training(
                            "test",
                            manager,
                            network,
                            Examples.of(manager, matrix, matrix.labels(), Objective.PROBABILITY),
                            matrix.rows(),
                            new double[0],
                            Scale.unscaled(Objective.PROBABILITY),
                            matrix.labels(),
                            epoch -> held.add(manager.getManagedArrays().size()))
                    .by(Loss.sigmoidBinaryCrossEntropyLoss(), adam());
            new MinibatchFit(training, MinibatchSettings.DEFAULT.epochs(4), 1).run();
        }
        assertThat(held).hasSize(4).containsOnly(held.get(0));
    }

    @Test
    void refusesWhatCannotBeExportedBeforeItTrains() {
        Dataset data = data(60, 1, Task.BINARY);
        FeatureMatrix matrix = numbers().fit(data).matrix(data);
        Map<String, DjlTrainer.Maker<Block>> blocks = new LinkedHashMap<>();
        blocks.put("lambda", () -> mlp(1).addSingleton(NDArray::abs));
        blocks.put("LayerNorm", () -> mlp(1).add(LayerNorm.builder().build()));
        blocks.put("squash", () -> mlp(1).addSingleton(NDArray::tanh, "squash"));
        blocks.forEach((name, block) -> {
            DjlTrainer trainer = Trainers.djl(block);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> trainer.train(matrix, YES, 1, epoch -> {
                        throw new AssertionError("trained");
                    }))
                    .withMessage("trainer " + trainer.describe() + " cannot export the block " + name
                            + "; it exports SequentialBlock, Linear, Conv2d, BatchNorm, Dropout, the flatten and "
                            + "identity blocks of Blocks, the 2d max and average pools of Pool and the activations "
                            + "that end in Block, such as Activation.reluBlock(): build the block of these, or train "
                            + "it yourself and bring it as an ONNX model");
        });
    }

    @Test
    void refusesWhatDoesNotFit() {
        Dataset data = data(60, 1, Task.BINARY);
        FeatureMatrix matrix = numbers().fit(data).matrix(data);
        FeatureMatrix ids = numbers().category("c").fit(data).matrix(data);
        double[] weights = new double[matrix.rows()];
        Arrays.fill(weights, 2);
        DjlTrainer own = Trainers.djl(() -> mlp(1), Loss::l2Loss, DjlTrainerTest::adam);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> own.train(ids, YES, 1, epoch -> {}))
                .withMessageContaining("takes features that are numbers, found 2 numbers and 1 ids; make numbers of "
                        + "categories, as with Encoding.oneHot()");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Trainers.djl(() -> mlp(2)).train(matrix, YES, 1, epoch -> {}))
                .withMessageContaining("needs a block with 1 output a row, found the shape [(2, 2)] for 2 rows");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> own.train(matrix.weighted(weights), YES, 1, epoch -> {}))
                .withMessageContaining("has a loss that does not know weights of rows");
        assertThatIllegalStateException()
                .isThrownBy(() -> own.learningRate(0.1))
                .withMessageContaining("has an optimizer of its own; set the learning rate there");
    }
}
