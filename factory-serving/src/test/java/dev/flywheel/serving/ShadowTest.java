package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.monitor.ShadowReport;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ShadowTest {

    @TempDir
    Path directory;

    private Path times(int factor) {
        Path file = directory.resolve("times-" + factor + ".onnx");
        return Files.exists(file) ? file : TestModels.times(file, factor);
    }

    private Endpoint<float[], float[]> endpoint() {
        return Endpoint.onnx(times(1), Tensors.floats()).version(1).lanes(2).open();
    }

    private static ShadowReport report(Endpoint<?, ?> endpoint) {
        return endpoint.shadowReport().orElseThrow();
    }

    /** Returns when so many copies have met their end. */
    private static ShadowReport await(Endpoint<?, ?> endpoint, long copies) {
        while (true) {
            ShadowReport report = report(endpoint);
            if (report.compared() + report.failed() + report.dropped() >= copies) {
                return report;
            }
            Thread.onSpinWait();
        }
    }

    @Test
    void everyRequestIsComparedWithWhatTheChampionAnswered() {
        try (Endpoint<float[], float[]> endpoint = endpoint()) {
            endpoint.add(times(3), 3);
            endpoint.shadow(3);
            float[] reused = new float[1];
            for (int i = 1; i <= 10; i++) {
                reused[0] = i;
                assertThat(endpoint.predict(reused).value()).containsExactly(i);
            }
            endpoint.predictAll(List.of(new float[] {11}, new float[] {12}));
            endpoint.predictAsync(new float[] {0}).join();
            reused[0] = 1_000;
            ShadowReport report = await(endpoint, 13);
            assertThat(report.version()).isEqualTo(3);
            assertThat(report.champion()).isEqualTo(1);
            assertThat(report.compared()).isEqualTo(13);
            assertThat(report.dropped()).isZero();
            assertThat(report.meanShift()).as("mean of 2 x").isCloseTo(2 * 78 / 13.0, within(1e-6));
            assertThat(report.difference(1)).isCloseTo(24, within(24 * 0.06));
            assertThat(report.difference(0)).isZero();
            assertThat(report.agreement(1)).as("0 is answered alike").isEqualTo(1 / 13.0);
            assertThat(report.agreement(11)).isCloseTo(6 / 13.0, within(1e-9));
            assertThat(report.agreement(30)).isEqualTo(1);
            assertThat(report.championNanos().count()).isEqualTo(13);
            assertThat(report.shadowNanos().count()).isEqualTo(13);
            assertThat(endpoint.snapshot().total().requests())
                    .as("copies are no requests")
                    .isEqualTo(13);
        }
    }

    @Test
    void theSameModelAgreesInEverything() {
        Path model = TestModels.mlp(directory.resolve("mlp.onnx"), 4, 16, 300, 3);
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(model, Tensors.floats()).version(1).open()) {
            endpoint.add(model, 2);
            endpoint.shadow(2);
            for (int i = 0; i < 20; i++) {
                endpoint.predict(new float[] {i, 1, -i, 0.5f});
            }
            ShadowReport report = await(endpoint, 20);
            assertThat(report.agreement(0)).isEqualTo(1);
            assertThat(report.meanShift()).isZero();
        }
    }

    @Test
    void aNumberThatIsMissingOnOneSideIsTheGreatestDifference() {
        Path logarithm = new OnnxGraph()
                .input("x", OnnxGraph.FLOAT, -1, 1)
                .node("Log", List.of("x"), "y")
                .output("y", OnnxGraph.FLOAT, -1, 1)
                .write(directory.resolve("log.onnx"));
        try (Endpoint<float[], float[]> endpoint = endpoint()) {
            endpoint.add(logarithm, 2);
            endpoint.shadow(2);
            endpoint.predict(new float[] {-1});
            ShadowReport report = await(endpoint, 1);
            assertThat(report.agreement(1e9)).isZero();
            assertThat(report.meanShift()).as("of nothing").isZero();
            endpoint.predict(new float[] {Float.NaN});
            assertThat(await(endpoint, 2).agreement(0))
                    .as("both missing is alike")
                    .isEqualTo(0.5);
        }
    }

    @Test
    void textsAreComparedToo() {
        Codec<String, String> codec = lane -> new Codec.Binding<>() {
            @Override
            public void write(String input, int row) {
                lane.input(0).texts()[row] = input;
            }

            @Override
            public String read(int row) {
                return lane.output(0).texts()[row];
            }
        };
        Path echo = new OnnxGraph()
                .input("x", OnnxGraph.STRING, -1)
                .node("Identity", List.of("x"), "y")
                .output("y", OnnxGraph.STRING, -1)
                .write(directory.resolve("echo.onnx"));
        Path encoded = new OnnxGraph()
                .input("x", OnnxGraph.STRING, -1)
                .node(
                        "LabelEncoder",
                        "ai.onnx.ml",
                        List.of("x"),
                        "y",
                        node -> node.addAttribute(OnnxGraph.strings("keys_strings", "SAME", "Other"))
                                .addAttribute(OnnxGraph.strings("values_strings", "SAME", "OTHER")))
                .output("y", OnnxGraph.STRING, -1)
                .write(directory.resolve("encoded.onnx"));
        try (Endpoint<String, String> endpoint =
                Endpoint.onnx(echo, codec).version(1).open()) {
            endpoint.add(encoded, 2);
            endpoint.shadow(2);
            endpoint.predict("SAME");
            endpoint.predict("Other");
            assertThat(await(endpoint, 2).agreement(0)).isEqualTo(0.5);
        }
    }

    @Test
    void aFailingShadowIsCountedAndHarmsNobody() {
        WatchedEngine failing = new WatchedEngine(times(2));
        try (Endpoint<float[], float[]> endpoint = endpoint()) {
            endpoint.add(failing, 2);
            failing.fail(() -> new PredictionException("it", "failed", "nothing"));
            endpoint.shadow(2);
            for (int i = 0; i < 5; i++) {
                assertThat(endpoint.predict(new float[] {i}).value()).containsExactly(i);
            }
            assertThat(await(endpoint, 5).failed()).isEqualTo(5);
            assertThat(endpoint.snapshot().total().errors()).isZero();
        }
    }

    @Test
    void aShadowThatHangsHoldsUpNobodyAndDropsWhatItCannotTake() {
        WatchedEngine slow = new WatchedEngine(times(2));
        try (Endpoint<float[], float[]> endpoint = endpoint()) {
            endpoint.add(slow, 2);
            endpoint.shadow(2);
            endpoint.predict(new float[] {1});
            await(endpoint, 1);
            slow.reset();
            slow.shut();
            endpoint.predict(new float[] {1});
            slow.awaitRun();
            for (int i = 0; i < 1_000; i++) {
                assertThat(endpoint.predict(new float[] {i}).value()).containsExactly(i);
            }
            assertThat(report(endpoint).compared()).isEqualTo(1);
            assertThat(report(endpoint).dropped())
                    .as("all but what the queue holds")
                    .isEqualTo(968);
            slow.open();
            long before = report(endpoint).compared();
            while (report(endpoint).compared() < before + 34) {
                // One of these is copied, once there is room again.
                endpoint.predict(new float[] {1});
            }
            endpoint.endShadow();
            long dropped = report(endpoint).dropped();
            endpoint.predict(new float[] {1});
            assertThat(slow.lanes())
                    .as("its own lane is closed, those for requests are not")
                    .isEqualTo(2);
            assertThat(report(endpoint).dropped()).as("the last report stays").isEqualTo(dropped);
            endpoint.remove(2);
            assertThat(slow.lanes()).isZero();
        }
    }

    @Test
    void nothingIsRunInTheShadowWhileRequestsWait() {
        WatchedEngine champion = new WatchedEngine(times(1));
        WatchedEngine shadow = new WatchedEngine(times(2));
        try (Endpoint<float[], float[]> endpoint = Endpoint.of(champion, Tensors.floats())
                .version(1)
                .lanes(1)
                .maxBatch(1)
                .open()) {
            endpoint.add(shadow, 2);
            endpoint.shadow(2);
            endpoint.predict(new float[] {1});
            await(endpoint, 1);
            shadow.reset();
            shadow.shut();
            endpoint.predict(new float[] {1});
            shadow.awaitRun();
            endpoint.predict(new float[] {1});
            champion.reset();
            champion.shut();
            List<CompletableFuture<Prediction<float[]>>> futures = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                futures.add(endpoint.predictAsync(new float[] {1}));
            }
            champion.awaitRun();
            shadow.open();
            awaitLook();
            assertThat(shadow.runs()).as("one copy waits").isEqualTo(1);
            champion.open();
            futures.forEach(CompletableFuture::join);
            while (report(endpoint).compared() < 6) {
                Thread.onSpinWait();
            }
            assertThat(report(endpoint).dropped()).isZero();
        }
    }

    /** Returns when the shadow that is there has gone to rest twice, and so has looked in between. */
    private static void awaitLook() {
        Thread worker = Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("flywheel-shadow"))
                .findAny()
                .orElseThrow();
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long before = threads.getThreadInfo(worker.getId()).getWaitedCount();
        while (threads.getThreadInfo(worker.getId()).getWaitedCount() < before + 3) {
            Thread.onSpinWait();
        }
    }

    @Test
    void aShareOfTheRequestsIsCopied() {
        try (Endpoint<float[], float[]> endpoint = endpoint()) {
            endpoint.add(times(2), 2);
            endpoint.shadow(2, 0.1);
            for (int i = 0; i < 5_000; i++) {
                endpoint.predict(new float[] {i});
            }
            endpoint.endShadow();
            ShadowReport report = report(endpoint);
            assertThat(report.compared() + report.dropped())
                    .as("a tenth, but for those that waited when it ended")
                    .isBetween(467L, 650L);
        }
    }

    @Test
    void aShadowFollowsTheChampionAndEndsWhenItBecomesIt() {
        try (Endpoint<float[], float[]> endpoint = endpoint()) {
            assertThat(endpoint.shadowReport()).isEmpty();
            endpoint.add(times(5), 5);
            endpoint.shadow(5);
            endpoint.predict(new float[] {1});
            await(endpoint, 1);
            endpoint.swap(times(2), 2);
            assertThat(report(endpoint).champion()).isEqualTo(2);
            assertThat(report(endpoint).compared()).as("it counts anew").isZero();
            endpoint.predict(new float[] {1});
            assertThat(await(endpoint, 1).meanShift()).isCloseTo(3, within(1e-6));
            endpoint.rollback();
            endpoint.predict(new float[] {1});
            assertThat(await(endpoint, 1).meanShift()).isCloseTo(4, within(1e-6));
            assertThatThrownBy(() -> endpoint.remove(5))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage(
                            "version 5 of endpoint times-1.onnx is the shadow and cannot be removed; end the shadow "
                                    + "first");
            endpoint.promote(5);
            endpoint.predict(new float[] {1});
            assertThat(report(endpoint).compared()).as("it has ended").isEqualTo(1);
        }
    }

    @Test
    void aShadowEndsWithTheEndpoint() {
        WatchedEngine engine = new WatchedEngine(times(2));
        Endpoint<float[], float[]> endpoint = endpoint();
        endpoint.add(engine, 2);
        endpoint.shadow(2);
        endpoint.predict(new float[] {1});
        endpoint.close(Duration.ofSeconds(10));
        assertThat(engine.lanes()).isZero();
        assertThatThrownBy(() -> endpoint.shadow(2)).isInstanceOf(ClosedException.class);
    }

    @Test
    void whatMakesNoShadowIsRefused() {
        try (Endpoint<float[], float[]> endpoint = endpoint()) {
            assertThatThrownBy(() -> endpoint.shadow(1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("version 1 of endpoint times-1.onnx is the champion and cannot be its own shadow");
            assertThatThrownBy(() -> endpoint.shadow(7))
                    .hasMessage("version 7 of endpoint times-1.onnx is not loaded, only [1]; add it first");
            assertThatThrownBy(() -> endpoint.shadow(1, 0))
                    .hasMessage("a share must be more than 0 and at most 1, found 0.0");
            endpoint.endShadow();
        }
    }
}
