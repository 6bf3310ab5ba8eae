package dev.flywheel.serving.engine;

import static dev.flywheel.serving.OnnxGraph.FLOAT;
import static dev.flywheel.serving.OnnxGraph.INT64;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import dev.flywheel.core.PredictionException;
import dev.flywheel.serving.OnCuda;
import dev.flywheel.serving.OnnxGraph;
import dev.flywheel.serving.TestModels;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OnnxLaneTest {

    @TempDir
    Path directory;

    /** y[b, s, 1] = ids + mask; pooled[b, 1] = the sum over s. */
    private Path tokens(String batch, String length) {
        return new OnnxGraph()
                .input("ids", INT64, List.of(batch, length))
                .input("mask", INT64, List.of(batch, length))
                .node("Add", List.of("ids", "mask"), "sum")
                .longs("last", 2)
                .node("Unsqueeze", List.of("sum", "last"), "y")
                .longs("one", 1)
                .node("ReduceSum", List.of("sum", "one"), "pooled")
                .output("y", INT64, List.of(batch, length, 1))
                .output("pooled", INT64, List.of(batch, 1))
                .write(directory.resolve("tokens.onnx"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"length", ""})
    void feedsRowsOfAnyLength(String symbol) {
        try (Engine engine = OnnxEngine.open(tokens(symbol.isEmpty() ? "" : "batch", symbol));
                Lane lane = engine.newLane(4)) {
            assertThat(lane.maxRows()).isEqualTo(4);
            Random random = new Random(1);
            for (int round = 0; round < 100; round++) {
                int rows = 1 + random.nextInt(4);
                int length = 1 + random.nextInt(50);
                lane.length(length);
                assertThat(lane.input(0).width()).isEqualTo(length);
                for (int i = 0; i < rows * length; i++) {
                    lane.input(0).longs().put(i, i);
                    lane.input(1).longs().put(i, round);
                }
                lane.run(rows);
                assertThat(lane.output(0).width()).isEqualTo(length);
                assertThat(lane.output(0).shape()).containsExactly(rows, length, 1);
                long sum = 0;
                for (int i = 0; i < rows * length; i++) {
                    assertThat(lane.output(0).longs().get(i)).isEqualTo(i + round);
                    sum += i + round;
                }
                for (int row = 0; row < rows; row++) {
                    sum -= lane.output(1).longs().get(row);
                }
                assertThat(sum).isZero();
            }
        }
    }

    @Test
    void refusesALengthWhereRowsHaveAFixedSize() {
        try (Engine engine = OnnxEngine.open(TestModels.mlp(directory.resolve("mlp.onnx"), 4, 4, 1, 1));
                Lane lane = engine.newLane(2)) {
            lane.length(1);
            assertThatThrownBy(() -> lane.length(2))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("a model whose rows have a fixed size takes rows of length 1, found 2");
        }
        try (Engine engine = OnnxEngine.open(tokens("b", "s"));
                Lane lane = engine.newLane(2)) {
            assertThatThrownBy(() -> lane.length(0))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("rows have a length of at least 1, found 0");
        }
    }

    @Test
    void takesOutputsThatHaveAnotherShapeThanTheFileDeclares() {
        // The file says that the output is as long as the input, but gives its first two elements.
        Path model = new OnnxGraph()
                .input("x", FLOAT, List.of("batch", "length"))
                .longs("from", 0)
                .longs("to", 2)
                .longs("axis", 1)
                .node("Slice", List.of("x", "from", "to", "axis"), "y")
                .output("y", FLOAT, List.of("batch", "length"))
                .write(directory.resolve("liar.onnx"));
        try (Engine engine = OnnxEngine.open(model);
                Lane lane = engine.newLane(2)) {
            for (int length = 2; length < 5; length++) {
                lane.length(length);
                lane.input(0).floats().put(0, new float[] {1, 2}).put(length, new float[] {3, 4});
                lane.run(2);
                assertThat(lane.output(0).shape()).containsExactly(2, 2);
                assertThat(lane.output(0).floats().get(2)).isEqualTo(3);
            }
        }
    }

    /** present = past + x, grown by x along the second dimension; the number of heads comes first. */
    private Path cache() {
        return new OnnxGraph()
                .input("x", FLOAT, List.of(2, "new"))
                .input("past", FLOAT, List.of(2, "past"))
                .input("scale", FLOAT, List.of())
                .node("Mul", List.of("x", "scale"), "scaled")
                .node(
                        "Concat",
                        "",
                        List.of("past", "scaled"),
                        "present",
                        node -> node.addAttribute(OnnxGraph.integer("axis", 1)))
                .output("present", FLOAT, List.of(2, "total"))
                .write(directory.resolve("cache.onnx"));
    }

    @Test
    void feedsModelsWithoutRowsInShapesOfTheirOwn() {
        try (Engine engine = OnnxEngine.open(cache());
                Lane lane = engine.newLane(64)) {
            assertThat(lane.maxRows()).isEqualTo(1);
            lane.input(1).reshape(2, 0);
            float[] past = {};
            for (int step = 1; step <= 40; step++) {
                lane.input(0).reshape(2, 1);
                lane.input(0).floats().put(0, step).put(1, -step);
                lane.input(2).reshape();
                lane.input(2).floats().put(0, 10);
                lane.run(1);
                TensorBuffer present = lane.output(0);
                assertThat(present.shape()).containsExactly(2, step);
                assertThat(present.width()).isEqualTo(step);
                assertThat(present.floats().get(step - 1)).isEqualTo(10 * step);
                assertThat(present.floats().get(2 * step - 1)).isEqualTo(-10 * step);
                past = new float[present.size()];
                present.floats().get(0, past);
                lane.input(1).reshape(2, step);
                lane.input(1).floats().put(0, past);
            }
            assertThat(past).hasSize(80);
            assertThatThrownBy(() -> lane.input(0).reshape(3, 1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("tensor \"x\" takes the shape [2, -1], where -1 is free, found [3, 1]");
            assertThatThrownBy(() -> lane.input(0).reshape(2)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> lane.input(0).reshape(2, -1)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void rowsAndShapesOfTheirOwnTakeTurns() {
        Path model = TestModels.mlp(directory.resolve("mlp.onnx"), 4, 8, 2, 3);
        float[] input = TestModels.floats(new Random(1), 100 * 4);
        try (Engine engine = OnnxEngine.open(model);
                Lane lane = engine.newLane(3)) {
            for (int round = 0; round < 3; round++) {
                int many = 7 + 30 * round;
                lane.input(0).reshape(many, 4);
                lane.input(0).floats().put(0, input, 0, many * 4);
                assertThatThrownBy(() -> lane.run(2))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage("an input was given a shape of its own, so that it runs alone, not with 2 rows");
                lane.run(1);
                assertThat(lane.output(0).shape()).containsExactly(many, 2);
                OnCuda.assertSame(
                        floats(lane.output(0), many * 2), TestModels.bare(model, floats(lane.input(0), many * 4), 4));
                lane.length(1);
                lane.input(0).floats().put(0, input, 0, 3 * 4);
                lane.run(3);
                OnCuda.assertSame(
                        floats(lane.output(0), 3 * 2), TestModels.bare(model, floats(lane.input(0), 3 * 4), 4));
            }
        }
    }

    private static float[] floats(TensorBuffer buffer, int count) {
        float[] values = new float[count];
        buffer.floats().get(0, values);
        return values;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "INT8",
                "UINT8",
                "INT16",
                "UINT16",
                "INT32",
                "UINT32",
                "INT64",
                "UINT64",
                "FLOAT16",
                "BFLOAT16",
                "FLOAT",
                "DOUBLE",
                "BOOL"
            })
    void carriesEveryNumericTypeInAndOut(String name) {
        DataType type = DataType.valueOf(name);
        Path model = new OnnxGraph()
                .input("x", type, -1, 3)
                .node("Identity", List.of("x"), "y")
                .output("y", type, -1, 3)
                .write(directory.resolve("type.onnx"));
        try (Engine engine = OnnxEngine.open(model);
                Lane lane = engine.newLane(100)) {
            for (int rows : new int[] {1, 3, 70, 100, 2}) {
                byte[] bytes = new byte[lane.input(0).bytes().capacity() / 100 * rows];
                new Random(rows).nextBytes(bytes);
                for (int i = 0; name.equals("BOOL") && i < bytes.length; i++) {
                    bytes[i] &= 1;
                }
                lane.input(0).bytes().put(0, bytes);
                lane.run(rows);
                byte[] back = new byte[bytes.length];
                lane.output(0).bytes().get(0, back);
                assertThat(back).isEqualTo(bytes);
                for (int i = 0; i < rows * 3; i++) {
                    assertThat(Double.compare(
                                    lane.output(0).number(i), lane.input(0).number(i)))
                            .isZero();
                }
            }
        }
    }

    @Test
    void runsModelsWithoutInputs() {
        Path model = new OnnxGraph()
                .constant("c", new float[] {1, 2, 3}, 3)
                .node("Identity", List.of("c"), "y")
                .output("y", FLOAT, 3)
                .write(directory.resolve("constant.onnx"));
        try (Engine engine = OnnxEngine.open(model);
                Lane lane = engine.newLane(8)) {
            assertThat(lane.maxRows()).isEqualTo(1);
            lane.run(1);
            assertThat(lane.output(0).shape()).containsExactly(3);
            assertThat(lane.output(0).floats().get(2)).isEqualTo(3);
        }
    }

    /** Multiplies x [n, n] with itself so often that it takes long. */
    private Path slow() {
        OnnxGraph graph = new OnnxGraph().input("x", FLOAT, -1, 400);
        String last = "x";
        for (int i = 0; i < 200; i++) {
            graph.node("MatMul", List.of(last, "x"), "m" + i);
            graph.node("Tanh", List.of("m" + i), "t" + i);
            last = "t" + i;
        }
        return graph.node("Identity", List.of(last), "y")
                .output("y", FLOAT, -1, 400)
                .write(directory.resolve("slow.onnx"));
    }

    @Test
    void endsARunFromAnotherThreadAndRunsAgain() throws InterruptedException {
        try (Engine engine = OnnxEngine.open(slow());
                Lane lane = engine.newLane(400)) {
            lane.terminate(); // nothing is under way: no effect
            for (int round = 0; round < 2; round++) {
                Thread ending = new Thread(() -> {
                    while (!Thread.currentThread().isInterrupted()) {
                        lane.terminate();
                    }
                });
                ending.start();
                try {
                    assertThatThrownBy(() -> lane.run(400))
                            .isInstanceOf(PredictionException.class)
                            .hasMessageContaining("a run of model ")
                            .hasMessageContaining(" was ended: it was told to, before it had finished.");
                } finally {
                    ending.interrupt();
                    ending.join();
                }
            }
            lane.length(1);
            lane.run(400);
            assertThat(lane.output(0).floats().get(0)).isZero();
        }
    }

    @Test
    void runsThatAreEndedAndRunsThatAreNotKeepTheirAnswersApart() throws Exception {
        Path model = TestModels.mlp(directory.resolve("mlp.onnx"), 16, 64, 2, 5);
        float[] input = TestModels.floats(new Random(1), 16);
        float[] expected = TestModels.bare(model, input, 16);
        try (Engine engine = OnnxEngine.open(model);
                Lane lane = engine.newLane(1)) {
            Thread ending = new Thread(() -> {
                while (!Thread.currentThread().isInterrupted()) {
                    lane.terminate();
                }
            });
            lane.input(0).floats().put(0, input);
            ending.start();
            try {
                for (int i = 0; i < 20_000; i++) {
                    try {
                        lane.run(1);
                        OnCuda.assertSame(floats(lane.output(0), 2), expected);
                    } catch (PredictionException e) {
                        assertThat(e).hasMessageContaining(" was ended: ");
                    }
                }
            } finally {
                ending.interrupt();
                ending.join();
            }
            lane.run(1);
            OnCuda.assertSame(floats(lane.output(0), 2), expected);
        }
    }

    @Test
    void closingWhatIsAtWorkEndsItAndHarmsNothing() throws Exception {
        Engine engine = OnnxEngine.open(slow());
        Lane lane = engine.newLane(400);
        CountDownLatch started = new CountDownLatch(1);
        CompletableFuture<Throwable> ended = new CompletableFuture<>();
        Thread running = new Thread(() -> {
            started.countDown();
            try {
                while (true) {
                    lane.run(400);
                }
            } catch (PredictionException | IllegalStateException e) {
                ended.complete(e);
            }
        });
        running.start();
        started.await();
        engine.close();
        lane.close();
        assertThat(ended.get(1, TimeUnit.MINUTES))
                .isInstanceOfAny(PredictionException.class, IllegalStateException.class);
        running.join();
        assertThatThrownBy(() -> lane.run(1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the lane is closed");
        lane.terminate();
        lane.close();
        engine.close();
        assertThatThrownBy(() -> engine.newLane(1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the engine of " + directory.resolve("slow.onnx") + " is closed");
    }

    @Test
    void refusesASecondThread() throws Exception {
        try (Engine engine = OnnxEngine.open(slow());
                Lane lane = engine.newLane(400)) {
            AtomicBoolean stop = new AtomicBoolean();
            Thread first = new Thread(() -> {
                while (!stop.get()) {
                    try {
                        lane.run(400);
                    } catch (PredictionException | IllegalStateException e) {
                        // ended, or the other thread was there first
                    }
                }
            });
            first.start();
            try {
                await(() -> {
                    try {
                        lane.run(1);
                        return false;
                    } catch (PredictionException e) {
                        return false; // it was free, and takes 400 rows only
                    } catch (IllegalStateException e) {
                        assertThat(e).hasMessage("the lane runs in another thread; one at a time may use it");
                        return true;
                    }
                });
            } finally {
                stop.set(true);
                while (first.isAlive()) {
                    lane.terminate();
                    first.join(1);
                }
            }
        }
    }

    private static void await(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            Thread.onSpinWait();
        }
    }

    @Test
    void saysWhichTensorIsTooLarge() {
        try (Engine engine = OnnxEngine.open(tokens("b", "s"));
                Lane lane = engine.newLane(64)) {
            lane.length(3);
            assertThatThrownBy(() -> lane.length(10_000_000))
                    .isInstanceOf(ArithmeticException.class)
                    .hasMessage(
                            "tensor \"ids\" of type INT64 and shape [64, 10000000] needs more than the 2 GiB that a "
                                    + "buffer holds");
            assertThatThrownBy(() -> lane.input(0).reshape(1L << 40, 1L << 40)).isInstanceOf(ArithmeticException.class);
            lane.length(3);
            assertThat(lane.input(0).shape()).containsExactly(64, 3);
            lane.run(2);
        }
    }
}
