package dev.flywheel.pipeline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import dev.flywheel.core.MissingEngineException;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.DeviceRequest;
import dev.flywheel.core.device.Devices;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.FittedFeatures;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Where trainings run and in which numbers, as far as that shows without a GPU. */
class TrainingDeviceTest {

    private static final int ROWS = 400;
    private static final int EPOCHS = 20;

    @TempDir
    Path folder;

    static Stream<Trainer> networks() {
        return Stream.of(
                Trainers.mlp(64, 32).epochs(EPOCHS).batchSize(64).dropout(0.1),
                Trainers.cnn(4, 8).hidden(16).epochs(EPOCHS).batchSize(64),
                block());
    }

    static DjlTrainer block() {
        return Trainers.djl(TrainingDeviceTest::layers).epochs(EPOCHS).batchSize(64);
    }

    private static Block layers() {
        return new SequentialBlock()
                .add(Conv2d.builder()
                        .setKernelShape(new Shape(3, 3))
                        .setFilters(4)
                        .build())
                .add(BatchNorm.builder().build())
                .add(Activation.reluBlock())
                .add(Blocks.batchFlattenBlock())
                .add(Linear.builder().setUnits(16).build())
                .add(Activation.reluBlock())
                .add(Linear.builder().setUnits(1).build());
    }

    private static double auc(TrainedModel model, FeatureMatrix rows) {
        return Metrics.estimate(Metric.ROC_AUC, rows.labels(), model.predict(rows))
                .value();
    }

    @ParameterizedTest
    @MethodSource("networks")
    void learnsTheSameInNarrowNumbersWithinTheirRounding(Trainer trainer) {
        Dataset data = Losses.data(folder, ROWS);
        FittedFeatures features = trainer instanceof DjlTrainer ? Losses.image(data) : Losses.all(data);
        FeatureMatrix matrix = features.matrix(data);
        Losses wide = Losses.of(trainer, matrix, DeviceRequest.CPU, Precision.AUTO);
        Losses narrow = Losses.of(trainer, matrix, DeviceRequest.CPU, Precision.BFLOAT16);

        assertThat(wide.model().trainedOn()).hasValue(Device.cpu().name() + ", float32");
        assertThat(narrow.model().trainedOn()).hasValue(Device.cpu().name() + ", bfloat16 and float32");
        assertThat(wide.difference(Losses.of(trainer, matrix, DeviceRequest.CPU, Precision.FLOAT32)))
                .isZero();
        assertThat(narrow.difference(wide)).isPositive().isLessThan(0.05); // 8 significant bits, and 140 steps
        assertThat(auc(narrow.model(), matrix)).isCloseTo(auc(wide.model(), matrix), within(0.01));
        double[] exported = Scoring.score(features, narrow.model(), data);
        assertThat(exported).containsExactly(narrow.model().predict(matrix), within(1e-5));
    }

    @Test
    void aLinearModelIsAlwaysLearnedInWideNumbers() {
        Dataset data = Losses.data(folder, ROWS);
        FeatureMatrix matrix = Losses.all(data).matrix(data);
        Losses wide = Losses.of(Trainers.logistic(), matrix, DeviceRequest.CPU, Precision.FLOAT32);
        Losses asked = Losses.of(Trainers.logistic(), matrix, DeviceRequest.CPU, Precision.BFLOAT16);
        assertThat(asked.difference(wide)).isZero();
        assertThat(asked.model().trainedOn()).hasValue(Device.cpu().name() + ", float32");
    }

    @Test
    void gathersTheRowsThatItWouldCopy() {
        Dataset data = Losses.data(folder, 40);
        FeatureMatrix matrix = Losses.all(data).matrix(data);
        double[] weights = matrix.weights();
        weights[3] = 2;
        try (PyTorch.Session session = PyTorch.open()) {
            NDManager manager = session.manager();
            Examples all = Examples.of(manager, matrix.weighted(weights), matrix.labels(), Objective.PROBABILITY);
            Minibatch copied = new Minibatch.Copied(all, 7);
            Minibatch gathered = new Minibatch.Gathered(manager, all);
            for (int[] order : new int[][] {{5, 3, 39, 0, 7, 8, 9, 20, 21}, {3, 3, 1, 2, 0, 12, 13, 14, 15}}) {
                for (int from : new int[] {0, 7}) {
                    int to = Math.min(order.length, from + 7);
                    try (NDManager pass = manager.newSubManager()) {
                        Examples some = gathered.rows(pass, order, from, to);
                        Examples same = copied.rows(pass, order, from, to);
                        assertThat(some.rows()).isEqualTo(same.rows());
                        assertThat(parts(some)).isEqualTo(parts(same)).hasSize(4);
                        assertThat(some.manager()).isSameAs(pass);
                    }
                }
            }
        }
    }

    private static List<NDArray> parts(Examples rows) {
        return Stream.of(rows.numbers(), rows.ids(), rows.labels(), rows.weights())
                .map(Objects::requireNonNull)
                .toList();
    }

    @Test
    void rowsThatDoNotFitOnTheDeviceAreLearnedFromAllTheSame() {
        Dataset data = Losses.data(folder, 300);
        FeatureMatrix matrix = Losses.all(data).matrix(data);
        MinibatchSettings settings =
                MinibatchSettings.DEFAULT.epochs(3).batchSize(64).patience(3);
        LayerNetwork network = new LayerNetwork(Trainers.mlp(8).layout(matrix.features(), 1));
        List<float[]> found = new ArrayList<>();
        try (PyTorch.Session device = PyTorch.open();
                PyTorch.Session host = PyTorch.open()) {
            for (NDManager home : List.of(device.manager(), host.manager())) {
                Examples examples = Examples.of(home, matrix, matrix.labels(), Objective.PROBABILITY);
                Training training = new Training(
                        "test",
                        device.manager(),
                        network,
                        examples,
                        matrix.rows(),
                        new double[matrix.features().idCount()],
                        Scale.unscaled(Objective.PROBABILITY),
                        matrix.labels(),
                        epoch -> {});
                found.add(new MinibatchFit(training, settings, 1).run());
            }
        }
        assertThat(found.get(1)).isEqualTo(found.get(0));
    }

    @Test
    void asksForAGpuWhereThatPays() {
        assertThat(new Work(100_000, 1_024, 10_000_000).paysOnGpu()).isTrue();
        assertThat(new Work(100_000, 16, 10_000_000).paysOnGpu())
                .as("steps too small")
                .isFalse();
        assertThat(new Work(100_000, 1_024, 100_000).paysOnGpu())
                .as("soon done")
                .isFalse();
    }

    @Test
    void countsHowOftenARowIsMultiplied() {
        Dataset data = Losses.data(folder, 40);
        FeatureMatrix matrix = Losses.all(data).matrix(data);
        int vectors = Trainers.mlp(4).layout(matrix.features(), 1).width();
        assertThat(Trainers.mlp(64, 32).network(matrix, Losses.YES).multiplications())
                .isEqualTo((66L + vectors) * 64 + 64 * 32 + 32);
        assertThat(Trainers.cnn(4, 8).hidden(16).network(matrix, Losses.YES).multiplications())
                .isEqualTo(64L * 4 * 9 + 16 * 8 * 4 * 9 + (2 * 2 * 8 + 2 + vectors) * 16L + 16);
        FeatureMatrix pixels = Losses.image(data).matrix(data);
        assertThat(BlockNetwork.of("test", layers(), pixels, 1, 1).multiplications())
                .isEqualTo(64L * 4 * 9 + 6 * 6 * 4 * 16 + 16);
    }

    @Test
    void aTrainingThatNeedsAGpuSaysWhyThereIsNone() {
        assumeTrue(Devices.all().stream().allMatch(device -> device.kind() == Device.Kind.CPU), "there is a GPU");
        Dataset data = Losses.data(folder, 40);
        FeatureMatrix matrix = Losses.all(data).matrix(data);
        Trainer trainer = Trainers.mlp(4).epochs(1);
        assertThatThrownBy(() -> Losses.of(trainer, matrix, DeviceRequest.REQUIRE_CUDA, Precision.AUTO))
                .isInstanceOf(MissingEngineException.class)
                .hasMessageStartingWith("DJL cannot run on CUDA, which is required: ")
                .hasMessageContaining(". Fix: ");
        assertThat(Losses.of(trainer, matrix, DeviceRequest.CUDA, Precision.AUTO)
                        .model()
                        .trainedOn())
                .hasValue(Device.cpu().name() + ", float32");
    }

    @Test
    void refusesAPrecisionThatItDoesNotKnow() {
        System.setProperty(Precision.PROPERTY, "half");
        try {
            assertThatIllegalArgumentException()
                    .isThrownBy(Precision::standard)
                    .withMessage("the system property flywheel.precision is invalid: found \"half\", expected one of "
                            + "auto, float32, bfloat16");
        } finally {
            System.clearProperty(Precision.PROPERTY);
        }
    }
}
