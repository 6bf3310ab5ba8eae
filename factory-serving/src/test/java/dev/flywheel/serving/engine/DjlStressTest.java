package dev.flywheel.serving.engine;

import static dev.flywheel.core.model.ElementType.FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.Tensors;
import dev.flywheel.serving.TorchScript;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DjlStressTest {

    private static final Path RESIDENT = Path.of("/proc/self/statm");
    private static final long PAGE = 4096;

    @TempDir
    Path directory;

    @BeforeAll
    static void keepDjlQuiet() {
        DjlDefaults.apply();
    }

    private static Model mlp() {
        Model model = Model.newInstance("mlp", Device.cpu(), "PyTorch");
        Block block = new SequentialBlock()
                .add(Linear.builder().setUnits(64).build())
                .add(Activation.reluBlock())
                .add(Linear.builder().setUnits(2).build());
        model.setBlock(block);
        block.initialize(model.getNDManager(), DataType.FLOAT32, new Shape(1, 16));
        return model;
    }

    @Test
    void nativeMemoryStaysWhatItWasOverManyRuns() throws IOException {
        Model model = mlp();
        try (Engine engine = DjlEngine.open(model, TensorSpec.of("x", FLOAT, -1, 16));
                Lane lane = engine.newLane(512)) {
            flat(lane, 120_000);
            // Parameters, and the arrays over the lane's memory for each count of rows up to 64.
            assertThat(model.getNDManager().getManagedArrays()).hasSizeLessThanOrEqualTo(4 + 65);
        }
    }

    @Test
    void nativeMemoryOfTorchScriptStaysWhatItWas() throws IOException {
        Path file = TorchScript.write(
                directory.resolve("m.pt"),
                "x: Tensor",
                "Tuple[Tensor, Tensor]",
                "y = torch.relu(torch.matmul(x, torch.ones([16, 64], dtype=6)))",
                // Not contiguous: it is copied once more on its way out.
                "return (torch.sum(y, [1]), torch.transpose(torch.unsqueeze(y, 2), 1, 2))");
        try (Engine engine = DjlEngine.torchScript(file, TensorSpec.of("x", FLOAT, -1, 16));
                Lane lane = engine.newLane(512)) {
            flat(lane, 60_000);
        }
    }

    @Test
    void nativeMemoryStaysWhatItWasOverFailuresAndChangingLengths() throws IOException {
        Path file = TorchScript.write(
                directory.resolve("m.pt"), "x: Tensor", "Tensor", "return torch.reshape(torch.relu(x), [-1, 2])");
        try (Engine engine = DjlEngine.torchScript(file, TensorSpec.of("x", FLOAT, -1, -1));
                Lane lane = engine.newLane(64)) {
            long before = 0;
            for (int i = 0; i < 60_000; i++) {
                before = i == 20_000 ? resident() : before;
                // Rows of length 1 or 4 come out as another number of rows.
                lane.length(1 + i % 2 * 3);
                try {
                    lane.run(2 * (1 + i % 32));
                    throw new AssertionError("the signature was not held");
                } catch (PredictionException expected) {
                    assertThat(expected).hasNoCause();
                }
            }
            assertThat(resident() - before).isLessThan(24 << 20);
        }
    }

    private static void flat(Lane lane, int runs) throws IOException {
        long before = 0;
        for (int i = 0; i < runs; i++) {
            before = i == runs / 4 ? resident() : before;
            lane.run(1 + i % 100);
        }
        // One leaked array of a run would be some 10 KB, 1 GB in all.
        assertThat(resident() - before).isLessThan(24 << 20);
    }

    private static long resident() throws IOException {
        assumeTrue(Files.isReadable(RESIDENT), "resident memory is read from /proc");
        return PAGE * Long.parseLong(Files.readString(RESIDENT).split(" ")[1]);
    }

    @Test
    void endpointsBatchSwapAndCloseItFromManyThreads() throws Exception {
        int threads = 8;
        List<Engine> engines = new ArrayList<>();
        for (int factor = 1; factor <= 6; factor++) {
            engines.add(DjlEngine.torchScript(
                    TorchScript.times(directory.resolve("times" + factor + ".pt"), factor),
                    TensorSpec.of("x", FLOAT, -1, 1)));
        }
        ExecutorService callers = Executors.newFixedThreadPool(threads);
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.of(engines.get(0), Tensors.floats()).version(1).open()) {
            List<Future<Integer>> counts = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                counts.add(callers.submit(() -> {
                    int version = 0;
                    int calls = 0;
                    while (version < 6) {
                        calls++;
                        var prediction = endpoint.predict(new float[] {calls});
                        version = prediction.version();
                        assertThat(prediction.value()).containsExactly(version * calls);
                        assertThat(endpoint.predictAsync(new float[] {-calls}).join().value()[0])
                                .isNegative();
                    }
                    return calls;
                }));
            }
            for (int version = 2; version <= 6; version++) {
                endpoint.swap(engines.get(version - 1), version);
            }
            for (Future<Integer> count : counts) {
                assertThat(count.get()).isPositive();
            }
        } finally {
            callers.shutdownNow();
        }
    }
}
