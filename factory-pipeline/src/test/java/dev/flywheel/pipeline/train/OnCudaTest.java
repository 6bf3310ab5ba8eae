package dev.flywheel.pipeline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.DeviceChoice;
import dev.flywheel.core.device.DeviceRequest;
import dev.flywheel.core.device.Devices;
import dev.flywheel.core.device.Probe;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Trainings on a GPU, held against those on the CPU; skipped, with the reason, where DJL cannot use a GPU. */
@Tag("gpu")
class OnCudaTest {

    private static final int ROWS = 2_048;
    private static final int STEPS = 20;

    /** One step an epoch, so that each loss is told. */
    private static final int BATCH = 1 << 14;

    private static String gpu = "";

    @TempDir
    Path folder;

    @BeforeAll
    static void requireGpu() {
        DeviceChoice choice = Devices.choose(DeviceRequest.CUDA, Probe.Engine.DJL);
        assumeTrue(
                choice.device().kind() == Device.Kind.CUDA,
                () -> choice.fallback().orElse(""));
        gpu = choice.device().name();
    }

    static Stream<Trainer> trainers() {
        return Stream.of(
                Trainers.mlp(64, 32).epochs(STEPS).batchSize(BATCH).dropout(0.1),
                Trainers.cnn(8, 16).hidden(32).epochs(STEPS).batchSize(BATCH),
                TrainingDeviceTest.block().epochs(STEPS).batchSize(BATCH),
                Trainers.logistic());
    }

    private FeatureMatrix matrix(Trainer trainer) {
        Dataset data = Losses.data(folder, ROWS);
        return (trainer instanceof DjlTrainer ? Losses.image(data) : Losses.all(data)).matrix(data);
    }

    /** Convolutions run in TF32, whose numbers have 11 significant bits, as PyTorch has it by default. */
    @ParameterizedTest
    @MethodSource("trainers")
    void theFirstLossesAreThoseOfTheCpu(Trainer trainer) {
        FeatureMatrix matrix = matrix(trainer);
        Losses onCpu = Losses.of(trainer, matrix, DeviceRequest.CPU, Precision.FLOAT32);
        Losses onGpu = Losses.of(trainer, matrix, DeviceRequest.REQUIRE_CUDA, Precision.FLOAT32);
        boolean convolves = trainer instanceof CnnTrainer || trainer instanceof DjlTrainer;
        assertThat(onGpu.difference(onCpu)).isLessThan(convolves ? 1e-2 : 1e-3);
        assertThat(onGpu.model().trainedOn()).hasValue(gpu + ", float32");
    }

    @Test
    void aLargeNetworkLearnsInNarrowNumbers() {
        Trainer trainer =
                Trainers.mlp(4_096, 4_096).epochs(STEPS).batchSize(BATCH).learningRate(1e-4);
        FeatureMatrix matrix = matrix(trainer);
        Losses wide = Losses.of(trainer, matrix, DeviceRequest.REQUIRE_CUDA, Precision.FLOAT32);
        Losses narrow = Losses.of(trainer, matrix, DeviceRequest.REQUIRE_CUDA, Precision.AUTO);
        assertThat(narrow.model().trainedOn())
                .hasValueSatisfying(place -> assertThat(place)
                        .isIn(gpu + ", bfloat16 and float32", gpu + ", float32")); // by its compute capability
        assertThat(narrow.difference(wide)).isLessThan(0.02);
        assertThat(narrow.values()[STEPS - 1]).isLessThan(narrow.values()[0] / 2);
    }

    @Test
    void rowsAreGatheredOnTheGpuWithWeightsAndEarlyStopping() {
        Trainer trainer = Trainers.mlp(16).epochs(5).batchSize(100).earlyStopping(5);
        FeatureMatrix plain = matrix(trainer);
        double[] weights = plain.weights();
        for (int row = 0; row < weights.length; row += 3) {
            weights[row] = 2;
        }
        FeatureMatrix matrix = plain.weighted(weights);
        Losses onCpu = Losses.of(trainer, matrix, DeviceRequest.CPU, Precision.FLOAT32);
        Losses onGpu = Losses.of(trainer, matrix, DeviceRequest.REQUIRE_CUDA, Precision.FLOAT32);
        assertThat(onGpu.difference(onCpu)).isLessThan(1e-2); // after 95 steps
    }
}
