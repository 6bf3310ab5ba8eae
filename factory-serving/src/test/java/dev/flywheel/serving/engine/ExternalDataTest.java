package dev.flywheel.serving.engine;

import static dev.flywheel.serving.OnnxGraph.FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.serving.OnnxGraph;
import dev.flywheel.serving.TestModels;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ExternalDataTest {

    private static final int SIZE = 500;

    @TempDir
    Path directory;

    /** What somebody does to the file of a model that is at work. */
    private enum Harm {
        OVERWRITTEN,
        CUT,
        REPLACED,
        DELETED
    }

    private Path model() throws IOException {
        Files.createDirectories(directory.resolve("data"));
        ones(directory.resolve("data/w.bin"));
        return new OnnxGraph()
                .input("x", FLOAT, -1, SIZE)
                .external("w", "data/w.bin", SIZE, SIZE)
                .node("MatMul", List.of("x", "w"), "y")
                .output("y", FLOAT, -1, SIZE)
                .write(directory.resolve("model.onnx"));
    }

    private static void ones(Path file) throws IOException {
        ByteBuffer weights = ByteBuffer.allocate(4 * SIZE * SIZE).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < SIZE * SIZE; i++) {
            weights.putFloat(4 * i, 1);
        }
        Files.write(file, weights.array());
    }

    private static void harm(Path file, Harm harm) throws IOException {
        switch (harm) {
            case OVERWRITTEN -> {
                try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
                    open.write(new byte[(int) open.length()]);
                }
            }
            case CUT -> {
                try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
                    open.setLength(0);
                }
            }
            case REPLACED -> {
                Files.delete(file);
                Files.write(file, new byte[4 * SIZE * SIZE]);
            }
            case DELETED -> Files.delete(file);
        }
    }

    @ParameterizedTest
    @EnumSource(Harm.class)
    void whatBecomesOfTheFilesOfALoadedModelDoesNotMatter(Harm harm) throws IOException {
        Path model = model();
        // Prepacked weights are copies anyway; others are not.
        OnnxOptions options = OnnxOptions.defaults()
                .config("session.disable_prepacking", "1")
                .optimizedModels(directory.resolve("kept"));
        float[] ones = new float[SIZE];
        Arrays.fill(ones, 1);
        try (Engine engine = OnnxEngine.open(model, options);
                Lane before = engine.newLane(1)) {
            harm(model, harm);
            harm(directory.resolve("data/w.bin"), harm);
            try (Lane after = engine.newLane(1)) {
                for (Lane lane : List.of(before, after)) {
                    lane.input(0).floats().put(0, ones);
                    lane.run(1);
                    assertThat(lane.output(0).floats().get(SIZE - 1)).isEqualTo(SIZE);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Harm.class)
    void soItIsForAModelInOneFile(Harm harm) throws IOException {
        Path model = TestModels.times(directory.resolve("times.onnx"), 3);
        try (Engine engine = OnnxEngine.open(model)) {
            harm(model, harm);
            try (Lane lane = engine.newLane(1)) {
                lane.input(0).floats().put(0, 2);
                lane.run(1);
                assertThat(lane.output(0).floats().get(0)).isEqualTo(6);
            }
        }
    }

    @Test
    void saysWhichFurtherFileIsMissing() throws IOException {
        Path model = model();
        Files.delete(directory.resolve("data/w.bin"));
        assertThatThrownBy(() -> OnnxEngine.open(model))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageStartingWith("cannot load " + model + ": its files cannot be copied to ")
                .hasMessageContaining("NoSuchFileException: " + directory.resolve("data/w.bin"))
                .hasMessageEndingWith(
                        "Fix: put all files of the model beside it, and let java.io.tmpdir have room for them.");
    }

    @Test
    void findsTheFilesThatAModelNames() throws IOException {
        assertThat(OnnxFile.read(model()).externalData()).containsExactly("data/w.bin");
        assertThat(OnnxFile.read(TestModels.raw(directory.resolve("raw.onnx"))).externalData())
                .isEmpty();
        byte[] whole = Files.readAllBytes(model());
        for (int length = 0; length < whole.length; length++) {
            Path half = Files.write(directory.resolve("half.onnx"), Arrays.copyOf(whole, length));
            assertThat(OnnxFile.read(half).externalData()).isSubsetOf("data/w.bin");
        }
    }

    @Test
    void survivesMessagesNestedWithoutEnd() throws IOException {
        byte[] bytes = {};
        for (int level = 0; level < 3_000; level++) {
            for (int tag : new int[] {0x32, 0x2a, 0x0a}) { // a graph in an attribute in a node
                ByteArrayOutputStream outer = new ByteArrayOutputStream();
                outer.write(tag);
                for (int rest = bytes.length; ; rest >>>= 7) {
                    outer.write(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
                    if (rest <= 0x7f) {
                        break;
                    }
                }
                outer.write(bytes);
                bytes = outer.toByteArray();
            }
        }
        ByteBuffer graph = ByteBuffer.allocate(bytes.length + 4);
        graph.put((byte) 0x3a) // the graph of the model
                .put((byte) ((bytes.length & 0x7f) | 0x80))
                .put((byte) (((bytes.length >>> 7) & 0x7f) | 0x80))
                .put((byte) (bytes.length >>> 14))
                .put(bytes);
        Path model = Files.write(directory.resolve("deep.onnx"), graph.array());
        assertThat(OnnxFile.read(model).externalData()).isEmpty();
        assertThatThrownBy(() -> OnnxEngine.open(model)).isInstanceOf(ModelFormatException.class);
    }

    @Test
    void followsNoNameOutOfTheModelsDirectory() throws IOException {
        Path outside = directory.resolve("w.bin");
        ones(outside);
        Path inside = Files.createDirectories(directory.resolve("inside"));
        for (String name : List.of("../w.bin", outside.toString())) {
            Path model = new OnnxGraph()
                    .input("x", FLOAT, -1, SIZE)
                    .external("w", name, SIZE, SIZE)
                    .node("MatMul", List.of("x", "w"), "y")
                    .output("y", FLOAT, -1, SIZE)
                    .write(inside.resolve("model.onnx"));
            assertThatThrownBy(() -> OnnxEngine.open(model))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining("ONNX Runtime says: ");
        }
    }
}
