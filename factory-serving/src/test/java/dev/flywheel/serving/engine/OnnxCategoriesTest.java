package dev.flywheel.serving.engine;

import static dev.flywheel.serving.OnnxGraph.FLOAT;
import static dev.flywheel.serving.OnnxGraph.INT64;
import static dev.flywheel.serving.OnnxGraph.STRING;
import static org.assertj.core.api.Assertions.assertThat;

import ai.onnx.proto.OnnxMl.AttributeProto;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.OnnxGraph;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model whose texts are looked up before it runs says what it says of the texts themselves. */
class OnnxCategoriesTest {

    private static final String[] TEXTS = {"", "red", "grün", "👍", "Red", "unheard of"};
    private static final long[] CODES = {7, -3, 1L << 40, 5, 9, 9};

    @TempDir
    Path directory;

    /** texts [-1, 2] -> codes + x, by a LabelEncoder. */
    private OnnxGraph encoder() {
        AttributeProto.Builder codes =
                AttributeProto.newBuilder().setName("values_int64s").setType(AttributeProto.AttributeType.INTS);
        for (int i = 0; i < 4; i++) {
            codes.addInts(CODES[i]);
        }
        return new OnnxGraph()
                .input("x", INT64, -1, 1)
                .input("texts", STRING, -1, 2)
                .metadata("flywheel.texts", "[\"a\", \"b\"]")
                .node(
                        "LabelEncoder",
                        "ai.onnx.ml",
                        List.of("texts"),
                        "places",
                        node -> node.addAttribute(OnnxGraph.strings("keys_strings", Arrays.copyOf(TEXTS, 4)))
                                .addAttribute(codes)
                                .addAttribute(OnnxGraph.integer("default_int64", 9)))
                .node("Add", List.of("places", "x"), "y")
                .output("y", INT64, -1, 2);
    }

    private static OnnxCategories read(Path model) throws IOException {
        return OnnxCategories.of(Files.readAllBytes(model));
    }

    @Test
    void looksTextsUpThatAreOnlyEncoded() throws IOException {
        Path model = encoder().write(directory.resolve("encoder.onnx"));
        assertThat(read(model).lookups()).containsOnlyKeys("places");
        try (Engine engine = OnnxEngine.open(model);
                Lane one = engine.newLane(5);
                Lane two = engine.newLane(400)) {
            assertThat(engine.signature().inputs())
                    .containsExactly(
                            new TensorSpec("x", ElementType.INT64, List.of(-1L, 1L), List.of()),
                            new TensorSpec("texts", ElementType.STRING, List.of(-1L, 2L), List.of("a", "b")));
            Random random = new Random(1);
            for (int round = 0; round < 100; round++) {
                Lane lane = round % 2 == 0 ? one : two;
                int rows = 1 + random.nextInt(lane.maxRows());
                int[] chosen = random.ints(2L * rows, 0, TEXTS.length).toArray();
                for (int i = 0; i < chosen.length; i++) {
                    lane.input(1).texts()[i] = TEXTS[chosen[i]];
                }
                for (int row = 0; row < rows; row++) {
                    lane.input(0).longs().put(row, round);
                }
                lane.run(rows);
                for (int i = 0; i < chosen.length; i++) {
                    assertThat(lane.output(0).longs().get(i)).isEqualTo(CODES[chosen[i]] + round);
                }
            }
        }
    }

    /** The second column takes the same texts to other numbers. */
    @Test
    void looksTextsUpInATableForEachColumn() throws IOException {
        Path model = new OnnxGraph()
                .input("texts", STRING, -1, 2)
                .node(
                        "LabelEncoder",
                        "ai.onnx.ml",
                        List.of("texts"),
                        "places",
                        node -> node.addAttribute(OnnxGraph.strings("keys_strings", "a", "b"))
                                .addAttribute(AttributeProto.newBuilder()
                                        .setName("values_int64s")
                                        .setType(AttributeProto.AttributeType.INTS)
                                        .addInts(0)
                                        .addInts(1))
                                .addAttribute(OnnxGraph.integer("default_int64", 2)))
                .longs("starts", 0, 3)
                .longs("table", 10, 11, 12, 20, 21, 22)
                .node("Add", List.of("places", "starts"), "entries")
                .node("Gather", List.of("table", "entries"), "ids")
                .node("Neg", List.of("ids"), "y")
                .output("y", INT64, -1, 2)
                .write(directory.resolve("table.onnx"));
        assertThat(read(model).lookups()).containsOnlyKeys("ids");
        try (Engine engine = OnnxEngine.open(model);
                Lane lane = engine.newLane(3)) {
            System.arraycopy(
                    new String[] {"a", "a", "b", "b", "c", ""}, 0, lane.input(0).texts(), 0, 6);
            lane.run(3);
            long[] found = new long[6];
            lane.output(0).longs().get(0, found);
            assertThat(found).containsExactly(-10, -20, -11, -21, -12, -22);
        }
    }

    @Test
    void looksTextsUpInAShapeOfTheirOwn() {
        try (Engine engine = OnnxEngine.open(encoder().write(directory.resolve("encoder.onnx")));
                Lane lane = engine.newLane(1)) {
            for (int rows : new int[] {3, 50, 2}) {
                lane.input(0).reshape(rows, 1);
                lane.input(1).reshape(rows, 2);
                Arrays.fill(lane.input(1).texts(), "red");
                lane.input(1).texts()[2 * rows - 1] = "👍";
                for (int row = 0; row < rows; row++) {
                    lane.input(0).longs().put(row, 0);
                }
                lane.run(1);
                assertThat(lane.output(0).longs().get(0)).isEqualTo(-3);
                assertThat(lane.output(0).longs().get(2 * rows - 1)).isEqualTo(5);
            }
        }
    }

    @Test
    void leavesTextsAloneThatAreReadInOtherWays() throws IOException {
        Path echo = encoder()
                .node("Identity", List.of("texts"), "echo")
                .output("echo", STRING, -1, 2)
                .write(directory.resolve("echo.onnx"));
        Path places = encoder().output("places", INT64, -1, 2).write(directory.resolve("places.onnx"));
        Path reals = new OnnxGraph()
                .input("texts", STRING, -1, 2)
                .node(
                        "LabelEncoder",
                        "ai.onnx.ml",
                        List.of("texts"),
                        "y",
                        node -> node.addAttribute(OnnxGraph.strings("keys_strings", "a"))
                                .addAttribute(OnnxGraph.reals("values_floats", 1)))
                .output("y", FLOAT, -1, 2)
                .write(directory.resolve("reals.onnx"));
        for (Path model : List.of(echo, places, reals)) {
            OnnxCategories same = read(model);
            assertThat(same.lookups()).isEmpty();
            assertThat(same.model()).isEqualTo(Files.readAllBytes(model));
        }
        try (Engine engine = OnnxEngine.open(echo);
                Lane lane = engine.newLane(1)) {
            lane.input(1).texts()[0] = "red";
            lane.run(1);
            assertThat(lane.output(0).longs().get(0)).isEqualTo(-3);
            assertThat(lane.output(1).texts()[0]).isEqualTo("red");
        }
    }

    @Test
    void leavesWhatIsNoModelAsItIs() throws IOException {
        byte[] model = Files.readAllBytes(encoder().write(directory.resolve("encoder.onnx")));
        Random random = new Random(2);
        for (int round = 0; round < 2_000; round++) {
            byte[] damaged = Arrays.copyOf(model, 1 + random.nextInt(model.length));
            damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
            OnnxCategories read = OnnxCategories.of(damaged);
            if (read.lookups().isEmpty()) {
                assertThat(read.model()).isEqualTo(damaged);
            }
        }
    }
}
