package dev.flywheel.serving.engine;

import static dev.flywheel.serving.OnnxGraph.FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.flywheel.serving.OnCuda;
import dev.flywheel.serving.OnnxGraph;
import dev.flywheel.serving.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxSessionsTest {

    private static final int WIDTH = 16;
    private static final Path STATUS = Path.of("/proc/self/status");

    @TempDir
    Path directory;

    @Test
    void aLaneThatIsInUseGetsASessionOfItsOwn() {
        try (OnnxEngine engine = OnnxEngine.open(small(7))) {
            Lane first = engine.newLane(4);
            Lane second = engine.newLane(4);
            Lane third = engine.newLane(4);
            run(first, OnnxSessions.BUSY_RUNS - 1);
            run(second, OnnxSessions.BUSY_RUNS - 1);
            assertThat(engine.sessions()).isEqualTo(1);
            run(first, 1);
            assertThat(engine.sessions()).isEqualTo(own(2));
            run(second, 1);
            assertThat(engine.sessions()).isEqualTo(own(3));
            run(third, 2 * OnnxSessions.BUSY_RUNS);
            assertThat(engine.sessions()).isEqualTo(own(3));
            first.close();
            assertThat(engine.sessions()).isEqualTo(own(2));
            second.close();
            third.close();
            assertThat(engine.sessions()).isEqualTo(1);
            try (Lane alone = engine.newLane(4)) {
                run(alone, 2 * OnnxSessions.BUSY_RUNS);
                assertThat(engine.sessions()).isEqualTo(1);
            }
        }
    }

    @Test
    void lanesThatOutliveTheirEngineStillRunAndCloseTheirSessions() {
        OnnxEngine engine = OnnxEngine.open(small(7));
        Lane first = engine.newLane(4);
        Lane second = engine.newLane(4);
        run(first, OnnxSessions.BUSY_RUNS);
        engine.close();
        engine.close();
        assertThat(engine.sessions()).isEqualTo(own(2));
        assertThat(run(first, 1)).isEqualTo(run(second, 2 * OnnxSessions.BUSY_RUNS));
        assertThat(engine.sessions()).isEqualTo(own(2));
        first.close();
        assertThat(engine.sessions()).isEqualTo(1);
        second.close();
        assertThat(engine.sessions()).isZero();
        assertThatThrownBy(() -> engine.newLane(1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the engine of " + directory.resolve("small.onnx") + " is closed");
    }

    @Test
    void concurrentLanesGiveTheAnswersOfASingleSession() throws Exception {
        Path model = small(7);
        int threads = 4;
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        try (OnnxEngine engine = OnnxEngine.open(model)) {
            CyclicBarrier together = new CyclicBarrier(threads);
            List<Future<?>> ran = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                float[] row = TestModels.floats(new Random(i), WIDTH);
                float[] expected = TestModels.bare(model, row, WIDTH);
                Callable<?> work = () -> {
                    try (Lane lane = engine.newLane(4)) {
                        lane.input(0).floats().put(0, row);
                        together.await(1, TimeUnit.MINUTES); // not for ever: another may have failed
                        for (int turn = 0; turn < 2_000; turn++) {
                            OnCuda.assertSame(run(lane, 1), expected);
                        }
                        together.await(1, TimeUnit.MINUTES);
                        // One more where all left the first at once.
                        assertThat(engine.sessions()).isBetween(own(threads), own(threads + 1));
                        together.await(1, TimeUnit.MINUTES);
                    }
                    return null;
                };
                ran.add(executor.submit(work));
            }
            for (Future<?> each : ran) {
                each.get();
            }
            assertThat(engine.sessions()).isEqualTo(1);
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void laterSessionsAreOfWhatWasLoadedWhateverBecameOfTheFile() throws IOException {
        Path model = small(7);
        try (OnnxEngine engine = OnnxEngine.open(model);
                Lane first = engine.newLane(4);
                Lane second = engine.newLane(4)) {
            float[] expected = run(first, 1);
            Files.move(
                    TestModels.mlp(directory.resolve("other.onnx"), WIDTH, 8, 2, 8),
                    model,
                    StandardCopyOption.REPLACE_EXISTING);
            assertThat(run(second, OnnxSessions.BUSY_RUNS)).isEqualTo(expected);
            assertThat(run(first, OnnxSessions.BUSY_RUNS)).isEqualTo(expected);
            assertThat(engine.sessions()).isEqualTo(own(2));
            Files.delete(model);
            try (Lane third = engine.newLane(4)) {
                assertThat(run(third, OnnxSessions.BUSY_RUNS)).isEqualTo(expected);
            }
        }
    }

    @Test
    void laterSessionsAreOfAModelThatWasKeptOptimised() throws IOException {
        Path model = small(7);
        OnnxOptions options = OnnxOptions.defaults().optimizedModels(directory.resolve("kept"));
        OnnxEngine.open(model, options).close();
        try (OnnxEngine engine = OnnxEngine.open(model, options);
                Lane first = engine.newLane(4);
                Lane second = engine.newLane(4)) {
            float[] expected = run(first, 1);
            Files.delete(model);
            assertThat(run(second, OnnxSessions.BUSY_RUNS)).isEqualTo(expected);
            assertThat(engine.sessions()).isEqualTo(own(2));
        }
    }

    @Test
    void sharesTheSessionOfAModelThatIsNotSmallOrHasThreadsOrDrawsRandomNumbers() {
        Path large = TestModels.mlp(directory.resolve("large.onnx"), WIDTH, 16_000, 2, 7);
        assertThat(large.toFile().length()).isGreaterThan(OnnxRecipe.SMALL_BYTES);
        sharesOne(large, OnnxOptions.defaults());
        sharesOne(small(7), OnnxOptions.defaults().threads(2));
        Path random = new OnnxGraph()
                .input("x", FLOAT, -1, 1)
                .node("RandomNormalLike", List.of("x"), "noise")
                .node("Add", List.of("x", "noise"), "y")
                .output("y", FLOAT, -1, 1)
                .write(directory.resolve("random.onnx"));
        sharesOne(random, OnnxOptions.defaults());
    }

    @Test
    void moreLanesThanThereIsRoomForSessionsShareThemEvenly() {
        Path model = TestModels.mlp(directory.resolve("quite.onnx"), WIDTH, 13_000, 2, 7);
        assertThat(model.toFile().length()).isBetween(900_000L, (long) OnnxRecipe.SMALL_BYTES);
        List<Lane> lanes = new ArrayList<>();
        try (OnnxEngine engine = OnnxEngine.open(model)) {
            for (int i = 0; i < 80; i++) {
                Lane lane = engine.newLane(1);
                lanes.add(lane);
                run(lane, OnnxSessions.BUSY_RUNS);
            }
            // About 64 MiB of them.
            assertThat(engine.sessions()).isBetween(own(50), own(64));
            float[] expected = run(lanes.get(0), 1);
            for (Lane lane : lanes) {
                assertThat(run(lane, 1)).isEqualTo(expected);
                lane.close();
            }
            assertThat(engine.sessions()).isEqualTo(1);
        }
    }

    @Test
    void memoryStaysWhatItWasOverManyEnginesAndLanes() throws IOException {
        assumeTrue(Files.isReadable(STATUS), "the resident memory can be read on Linux");
        Path model = TestModels.mlp(directory.resolve("quite.onnx"), WIDTH, 13_000, 2, 7);
        long before = 0;
        for (int i = 0; i < 250; i++) {
            before = i == 50 ? residentMegabytes() : before;
            try (OnnxEngine engine = OnnxEngine.open(model);
                    Lane kept = engine.newLane(1)) {
                run(kept, 1);
                for (int replaced = 0; replaced < 4; replaced++) {
                    try (Lane lane = engine.newLane(1)) {
                        run(lane, OnnxSessions.BUSY_RUNS);
                        assertThat(engine.sessions()).isEqualTo(own(2));
                    }
                }
            }
        }
        // A thousand sessions of more than a megabyte each were made since; the rest is Java's heap.
        assertThat(residentMegabytes() - before).isLessThan(600);
    }

    private void sharesOne(Path model, OnnxOptions options) {
        try (OnnxEngine engine = OnnxEngine.open(model, options);
                Lane first = engine.newLane(1);
                Lane second = engine.newLane(1)) {
            run(first, OnnxSessions.BUSY_RUNS);
            run(second, OnnxSessions.BUSY_RUNS);
            assertThat(engine.sessions()).isEqualTo(1);
        }
    }

    /** {@return how many sessions there are where so many lanes have their own: on a GPU they share one} */
    private static int own(int sessions) {
        return OnCuda.isOn() ? 1 : sessions;
    }

    private Path small(long seed) {
        return TestModels.mlp(directory.resolve("small.onnx"), WIDTH, 8, 2, seed);
    }

    private static float[] run(Lane lane, int times) {
        for (int i = 0; i < times; i++) {
            lane.run(1);
        }
        float[] output = new float[lane.output(0).width()];
        lane.output(0).floats().get(0, output);
        return output;
    }

    private static long residentMegabytes() throws IOException {
        return Files.readAllLines(STATUS).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024)
                .findFirst()
                .orElseThrow();
    }
}
