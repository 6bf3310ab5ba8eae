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
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DjlStressTest {

    private static final Path RESIDENT = Path.of("/proc/self/status");

    /**
     * In KB; what the JVM itself still takes after the warm-up is a few thousand. An array that is not freed takes some
     * hundred bytes beside its elements, which in so many runs would be more.
     */
    private static final int FLAT = 24 << 10;

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

    /** What the other JVM runs, whose heap is all resident from the start, so that only native memory can grow. */
    public static final class Main {

        private static final int RUNS = 130_000;
        private static final int WARM = 25_000;

        /** Runs a lane many times and prints by how many bytes the process grew. */
        public static void main(String[] arguments) throws IOException {
            DjlDefaults.apply();
            Path file = Path.of(arguments[1]);
            TensorSpec rows = TensorSpec.of("x", FLOAT, -1, 16);
            switch (arguments[0]) {
                case "block" -> grow(DjlEngine.open(mlp(), rows), false);
                case "script" -> grow(DjlEngine.torchScript(file, rows), false);
                default -> grow(DjlEngine.torchScript(file, TensorSpec.of("x", FLOAT, -1, -1)), true);
            }
        }

        private static void grow(DjlEngine engine, boolean failing) throws IOException {
            int before = 0;
            int failures = 0;
            try (engine;
                    Lane lane = engine.newLane(512)) {
                for (int i = 0; i < RUNS; i++) {
                    before = i == WARM ? resident() : before;
                    if (failing) {
                        lane.length(1 + i % 2 * 3);
                    }
                    try {
                        lane.run(2 + i % 30);
                    } catch (PredictionException e) {
                        failures++;
                    }
                }
                System.out.println("FAILURES " + failures);
                System.out.println("GROWTH " + (resident() - before) + " KB");
            }
        }

        /** {@return the resident memory in KB} */
        private static int resident() throws IOException {
            return number("VmRSS:\\s+(\\d+) kB", Files.readString(RESIDENT));
        }
    }

    @Test
    void nativeMemoryStaysWhatItWasOverManyRuns() throws Exception {
        String output = inAnotherJvm("block", directory);
        assertThat(output).contains("FAILURES 0");
        assertThat(growth(output)).isLessThan(FLAT);
    }

    @Test
    void nativeMemoryOfTorchScriptStaysWhatItWas() throws Exception {
        Path file = TorchScript.write(
                directory.resolve("m.pt"),
                "x: Tensor",
                "Tuple[Tensor, Tensor]",
                "y = torch.relu(torch.matmul(x, torch.ones([16, 64], dtype=6)))",
                // Not contiguous: it is copied once more on its way out.
                "return (torch.sum(y, [1]), torch.transpose(torch.reshape(y, [-1, 8, 8]), 1, 2))");
        String output = inAnotherJvm("script", file);
        assertThat(output).contains("FAILURES 0");
        assertThat(growth(output)).isLessThan(FLAT);
    }

    @Test
    void nativeMemoryStaysWhatItWasOverFailuresAndChangingLengths() throws Exception {
        // Rows of length 1 come out as so many rows, rows of length 4 do not.
        Path file = TorchScript.write(
                directory.resolve("m.pt"), "x: Tensor", "Tensor", "return torch.reshape(torch.relu(x), [-1])");
        String output = inAnotherJvm("failing", file);
        assertThat(output).contains("FAILURES 65000");
        assertThat(growth(output)).isLessThan(FLAT);
    }

    private static String inAnotherJvm(String what, Path file) throws Exception {
        assumeTrue(Files.isReadable(RESIDENT), "resident memory is read from /proc");
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xms64m",
                "-Xmx64m",
                "-XX:+AlwaysPreTouch",
                "-XX:+UseSerialGC",
                // The other compiler's own memory comes and goes.
                "-XX:TieredStopAtLevel=1",
                Main.class.getName(),
                what,
                file.toString());
        builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
        Process process = builder.redirectErrorStream(true).start();
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    private static int growth(String output) {
        return number("GROWTH (-?\\d+) KB", output);
    }

    private static int number(String pattern, String text) {
        Matcher matcher = Pattern.compile(pattern).matcher(text);
        assertThat(matcher.find()).as(text).isTrue();
        return Integer.parseInt(matcher.group(1));
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
                        assertThat(endpoint.predictAsync(new float[] {-calls})
                                        .join()
                                        .value()[0])
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
