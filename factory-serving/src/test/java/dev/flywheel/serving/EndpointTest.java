package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.model.Artifact;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.OnnxEngine;
import dev.flywheel.serving.engine.TensorBuffer;
import dev.flywheel.serving.monitor.Activity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EndpointTest {

    @TempDir
    Path directory;

    private Path times(float factor) {
        return TestModels.times(directory.resolve("times-" + factor + ".onnx"), factor);
    }

    private static float predict(Endpoint<float[], float[]> endpoint, float x) {
        return endpoint.predict(new float[] {x}).value()[0];
    }

    @Test
    void everyWayOfAskingGivesWhatABareSessionGives() {
        Path model = TestModels.mlp(directory.resolve("mlp.onnx"), 16, 64, 2, 3);
        Random random = new Random(5);
        List<float[]> rows = new ArrayList<>();
        float[] flat = new float[200 * 16];
        for (int i = 0; i < 200; i++) {
            float[] row = TestModels.floats(random, 16);
            rows.add(row);
            System.arraycopy(row, 0, flat, i * 16, 16);
        }
        float[] batched = TestModels.bare(model, java.util.Arrays.copyOf(flat, 64 * 16), 16);
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(model, Tensors.floats()).open()) {
            List<Prediction<float[]>> all = endpoint.predictAll(rows);
            assertThat(all).hasSize(200);
            for (int i = 0; i < 200; i++) {
                float[] alone = TestModels.bare(model, rows.get(i), 16);
                float[] sync = endpoint.predict(rows.get(i)).value();
                float[] async = endpoint.predictAsync(rows.get(i)).join().value();
                assertThat(sync).as("batches of one are equal bit for bit").isEqualTo(alone);
                assertThat(async).isEqualTo(alone);
                assertThat(all.get(i).value()).containsExactly(alone, org.assertj.core.data.Offset.offset(1e-6f));
                if (i < 64) {
                    assertThat(all.get(i).value())
                            .as("batches of 64 are equal bit for bit")
                            .isEqualTo(new float[] {batched[2 * i], batched[2 * i + 1]});
                }
            }
        }
    }

    @Test
    void aCodecOfTheUsersOwnServesAModelOfSeveralInputsAndOutputs() {
        record Input(double d, int i, String s) {}
        Codec<Input, String> codec = lane -> new Codec.Binding<>() {
            private final TensorBuffer d = lane.input(0);
            private final TensorBuffer i = lane.input(1);
            private final TensorBuffer s = lane.input(2);

            @Override
            public void write(Input input, int row) {
                d.doubles().put(row * 3, new double[] {input.d, 0, 0});
                i.ints().put(row, input.i);
                s.texts()[row * 2] = input.s;
                s.texts()[row * 2 + 1] = "!";
            }

            @Override
            public String read(int row) {
                return lane.output(0).doubles().get(row * 3)
                        + " "
                        + lane.output(1).ints().get(row)
                        + " "
                        + lane.output(2).texts()[row * 2]
                        + lane.output(2).texts()[row * 2 + 1];
            }
        };
        try (Endpoint<Input, String> endpoint = Endpoint.onnx(TestModels.types(directory.resolve("types.onnx")), codec)
                .open()) {
            assertThat(endpoint.predict(new Input(1.5, 7, "hé")).value()).isEqualTo("3.0 8 hé!");
            assertThat(endpoint.predictAll(List.of(new Input(1, 1, "a"), new Input(2, 2, "b"))))
                    .extracting(Prediction::value)
                    .containsExactly("2.0 2 a!", "4.0 3 b!");
        }
    }

    @Test
    void everyPredictionHasItsOwnIdTheTimeAndTheVersion() {
        Instant now = Instant.parse("2026-03-01T12:00:00.123Z");
        try (Endpoint<float[], float[]> endpoint = Endpoint.onnx(times(2), Tensors.floats())
                .version(7)
                .clock(InstantSource.fixed(now))
                .open()) {
            Prediction<float[]> first = endpoint.predict(new float[] {1});
            Prediction<float[]> second = endpoint.predict(new float[] {1});
            assertThat(first.version()).isEqualTo(7);
            assertThat(first.id().version()).isEqualTo(7);
            assertThat(first.id().getMostSignificantBits() >>> 16).isEqualTo(now.toEpochMilli());
            assertThat(second.id()).isNotEqualTo(first.id());
        }
    }

    @Test
    void aRowOfTheWrongWidthFailsAloneAndSaysSo() {
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(times(2), Tensors.floats()).open()) {
            assertThatThrownBy(() -> endpoint.predict(new float[3]))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("input \"x\" takes 1 floats a row, found 3");
            assertThatThrownBy(() -> endpoint.predictAsync(new float[3]).join())
                    .isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> endpoint.predictAll(List.of(new float[1], new float[2])))
                    .isInstanceOf(PredictionException.class)
                    .hasMessage("predictAll failed at input 1: java.lang.IllegalArgumentException: input \"x\" takes 1 "
                            + "floats a row, found 2. Fix: mend or leave out that input, or use predictAsync, where "
                            + "each input fails alone.");
            assertThat(predict(endpoint, 4)).isEqualTo(8);
            assertThat(endpoint.snapshot().total().errors()).isEqualTo(3);
        }
    }

    @Test
    void nanAndInfinityAreAnswersNotErrors() {
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(times(2), Tensors.floats()).open()) {
            assertThat(predict(endpoint, Float.NaN)).isNaN();
            assertThat(predict(endpoint, Float.POSITIVE_INFINITY)).isInfinite();
        }
    }

    @Test
    void swapsToAnotherVersion() {
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(times(2), Tensors.floats()).version(1).open()) {
            assertThat(predict(endpoint, 3)).isEqualTo(6);
            endpoint.swap(times(5), 2);
            assertThat(predict(endpoint, 3)).isEqualTo(15);
            assertThat(endpoint.version()).isEqualTo(2);
            assertThat(endpoint.predict(new float[1]).version()).isEqualTo(2);
            assertThat(endpoint.snapshot().total().requests())
                    .as("counts survive a swap")
                    .isEqualTo(3);
        }
    }

    @Test
    void aModelThatCannotServeIsNotSwappedIn() throws IOException {
        Path damaged = Files.writeString(directory.resolve("damaged.onnx"), "no model");
        Path other = TestModels.raw(directory.resolve("raw.onnx"));
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(times(2), Tensors.floats()).version(1).open()) {
            assertThatThrownBy(() -> endpoint.swap(damaged, 2)).isInstanceOf(ModelFormatException.class);
            assertThatThrownBy(() -> endpoint.swap(other, 3))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining("Tensors.floats() does not fit the model: it has the inputs ");
            assertThat(endpoint.version()).isEqualTo(1);
            assertThat(predict(endpoint, 3)).isEqualTo(6);
        }
    }

    @Test
    void servesAndSwapsSealedAndRegisteredModels() throws IOException {
        Artifact two = seal("two", 2);
        Artifact three = seal("three", 3);
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.of(two, Tensors.floats()).version(4).open()) {
            assertThat(predict(endpoint, 1)).isEqualTo(2);
            endpoint.swap(three, 5);
            assertThat(predict(endpoint, 1)).isEqualTo(3);
            assertThat(endpoint.version()).isEqualTo(5);
            Files.writeString(two.modelFile(), "damaged");
            assertThatThrownBy(() -> endpoint.swap(ModelVersion.at(two.directory(), 6)))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining("is damaged");
            assertThat(endpoint.version()).isEqualTo(5);
        }
    }

    private Artifact seal(String name, float factor) throws IOException {
        Path folder = Files.createDirectories(directory.resolve(name));
        TestModels.times(folder.resolve("model.onnx"), factor);
        List<Long> shape = List.of(-1L, 1L);
        return Artifact.seal(
                folder,
                "model.onnx",
                new Signature(
                        List.of(new TensorSpec("x", ElementType.FLOAT, shape, List.of())),
                        List.of(new TensorSpec("y", ElementType.FLOAT, shape, List.of()))));
    }

    @Test
    void anEngineOfTheUsersOwnIsServedAndClosed() {
        List<String> events = new ArrayList<>();
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.of(noting(events, times(2)), Tensors.floats()).lanes(2).open()) {
            assertThat(predict(endpoint, 1)).isEqualTo(2);
            endpoint.swap(times(3), 1);
            assertThat(events).containsExactly("lane", "lane", "engine");
        }
    }

    /** An engine that notes what of it is closed. */
    private static Engine noting(List<String> events, Path model) {
        Engine onnx = OnnxEngine.open(model);
        return new Engine() {
            @Override
            public Signature signature() {
                return onnx.signature();
            }

            @Override
            public Lane newLane(int maxRows) {
                return new DelegatingLane(onnx.newLane(maxRows)) {
                    @Override
                    public void close() {
                        events.add("lane");
                        super.close();
                    }
                };
            }

            @Override
            public void close() {
                events.add("engine");
                onnx.close();
            }
        };
    }

    @Test
    void aModelIsProvenBeforeItServesWithAnInputThatFits() {
        // an empty string is no number
        Path model = new OnnxGraph()
                .input("x", OnnxGraph.STRING, -1)
                .node(
                        "Cast",
                        "",
                        List.of("x"),
                        "y",
                        node -> node.addAttribute(OnnxGraph.integer("to", OnnxGraph.FLOAT.getNumber())))
                .output("y", OnnxGraph.FLOAT, -1)
                .write(directory.resolve("cast.onnx"));
        Codec<String, Float> codec = lane -> new Codec.Binding<>() {
            @Override
            public void write(String input, int row) {
                lane.input(0).texts()[row] = input;
            }

            @Override
            public Float read(int row) {
                return lane.output(0).floats().get(row);
            }
        };
        assertThatThrownBy(() -> Endpoint.onnx(model, codec).open())
                .isInstanceOf(ModelFormatException.class)
                .hasMessageStartingWith("OnnxEngine[" + model + "] cannot serve: its proving run, on zeros and empty "
                        + "strings, failed (model " + model + " failed on 1 row: ONNX Runtime says: ")
                .hasMessageEndingWith(
                        "Fix: give warmUp(...) an input that the model takes, or export the model again.");
        try (Endpoint<String, Float> endpoint =
                Endpoint.onnx(model, codec).warmUp("1").open()) {
            assertThat(endpoint.predict("2.5").value()).isEqualTo(2.5f);
            assertThatThrownBy(() -> endpoint.predict("two"))
                    .isInstanceOf(PredictionException.class)
                    .hasMessageContaining("failed on 1 row");
        }
    }

    @Test
    void observersSeeEveryPredictionBeforeTheCallerDoes() {
        record Seen(UUID id, int version, float input, double raw, Instant at) {}
        List<Seen> seen = new ArrayList<>();
        try (Endpoint<float[], float[]> endpoint = Endpoint.onnx(times(2), Tensors.floats())
                .version(3)
                .clock(InstantSource.fixed(Instant.ofEpochMilli(1_000)))
                .observer((id, version, input, raw, at) -> {
                    synchronized (seen) {
                        seen.add(new Seen(id, version, input[0], raw, at));
                    }
                })
                .open()) {
            List<Prediction<float[]>> made = new ArrayList<>();
            made.add(endpoint.predict(new float[] {1}));
            made.add(endpoint.predictAsync(new float[] {2}).join());
            made.addAll(endpoint.predictAll(List.of(new float[] {3}, new float[] {4})));
            assertThat(seen).hasSize(4);
            for (int i = 0; i < 4; i++) {
                assertThat(seen.get(i))
                        .isEqualTo(new Seen(made.get(i).id(), 3, i + 1, 2 * (i + 1), Instant.ofEpochMilli(1_000)));
            }
        }
    }

    @Test
    void anObserverThatFailsHarmsNothing() {
        try (Endpoint<float[], float[]> endpoint = Endpoint.onnx(times(2), Tensors.floats())
                .observer((id, version, input, raw, at) -> {
                    throw new IllegalStateException("the disk is full");
                })
                .open()) {
            assertThat(predict(endpoint, 1)).isEqualTo(2);
            assertThat(predict(endpoint, 2)).isEqualTo(4);
            assertThat(endpoint.snapshot().total().errors()).isZero();
        }
    }

    @Test
    void refusesEverythingAfterClosing() {
        Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(times(2), Tensors.floats()).open();
        endpoint.close();
        endpoint.close();
        String message = "endpoint times-2.0.onnx refused a prediction: it is closed. Fix: keep it open for as long as "
                + "requests come.";
        assertThatThrownBy(() -> predict(endpoint, 1))
                .isInstanceOf(ClosedException.class)
                .hasMessage(message);
        assertThatThrownBy(() -> endpoint.predictAll(List.of(new float[1]))).isInstanceOf(ClosedException.class);
        assertThatThrownBy(() -> endpoint.predictAsync(new float[1]).join()).hasCauseInstanceOf(ClosedException.class);
        assertThatThrownBy(() -> endpoint.swap(times(3), 1)).isInstanceOf(ClosedException.class);
    }

    @Test
    void countsWhatItServes() {
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(times(2), Tensors.floats()).maxBatch(10).open()) {
            endpoint.predictAll(java.util.Collections.nCopies(25, new float[1]));
            endpoint.predict(new float[1]);
            Activity done = endpoint.snapshot().total();
            assertThat(done.requests()).isEqualTo(26);
            assertThat(done.batches()).isEqualTo(4);
            assertThat(done.meanBatch()).isEqualTo(6.5);
            assertThat(done.errors()).isZero();
            assertThat(endpoint.snapshot().queued()).isZero();
            assertThat(done.latency(0.5)).isPositive().isLessThanOrEqualTo(done.latency(0.99));
        }
    }

    @Test
    void aListWaitsItsTurnWhenTheLaneIsTakenHoweverShortTheQueue() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        Codec<float[], float[]> blocking = lane -> {
            Codec.Binding<float[], float[]> floats = Tensors.floats().bind(lane);
            return new Codec.Binding<>() {
                @Override
                public void write(float[] input, int row) {
                    if (input[0] == 0) {
                        begun.countDown();
                        await(go);
                    }
                    floats.write(input, row);
                }

                @Override
                public float[] read(int row) {
                    return floats.read(row);
                }
            };
        };
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(times(2), blocking).lanes(1).queueCapacity(4).open()) {
            CompletableFuture<Prediction<float[]>> first = endpoint.predictAsync(new float[] {0});
            begun.await();
            List<float[]> inputs = new ArrayList<>();
            for (int i = 1; i <= 10; i++) {
                inputs.add(new float[] {i});
            }
            FutureTask<List<Prediction<float[]>>> all = new FutureTask<>(() -> endpoint.predictAll(inputs));
            new Thread(all).start();
            while (endpoint.snapshot().queued() < 4) {
                Thread.onSpinWait();
            }
            go.countDown();
            assertThat(all.get())
                    .extracting(p -> p.value()[0])
                    .containsExactly(2f, 4f, 6f, 8f, 10f, 12f, 14f, 16f, 18f, 20f);
            assertThat(first.join().value()).containsExactly(0);
            assertThat(endpoint.snapshot().total().requests()).isEqualTo(11);
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void anOptionIsSetOnceAndChecked() {
        assertThatThrownBy(
                        () -> Endpoint.onnx(times(2), Tensors.floats()).lanes(4).lanes(5))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("option lanes is already set, to 4");
        assertThatThrownBy(() -> Endpoint.onnx(times(2), Tensors.floats()).maxBatch(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("option maxBatch is invalid: found 0, expected at least 1");
        assertThatThrownBy(() -> Endpoint.onnx(times(2), Tensors.floats()).maxDelay(Duration.ofHours(2)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("option maxDelay is invalid: found PT2H, expected 0 to 1 hour");
        assertThatThrownBy(() -> Endpoint.onnx(times(2), Tensors.floats()).deadline(Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("option deadline is invalid: found PT0S, expected more than 0");
    }
}
