package dev.flywheel.serving.engine;

import static dev.flywheel.serving.OnnxGraph.FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.model.Artifact;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.OnCuda;
import dev.flywheel.serving.OnnxGraph;
import dev.flywheel.serving.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OnnxEngineTest {

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 64, 65, 99, 100})
    void givesBitForBitWhatABareSessionGives(int rows) {
        Path model = TestModels.mlp(directory.resolve("mlp.onnx"), 16, 64, 2, 7);
        float[] input = TestModels.floats(new Random(rows), rows * 16);
        try (Engine engine = OnnxEngine.open(model);
                Lane lane = engine.newLane(100)) {
            for (int round = 0; round < 2; round++) {
                lane.input(0).floats().put(0, input);
                lane.run(rows);
                float[] output = new float[rows * 2];
                lane.output(0).floats().get(0, output);
                OnCuda.assertSame(output, TestModels.bare(model, input, 16));
            }
        }
    }

    @Test
    void readsAndWritesDoublesIntegersAndStrings() {
        try (Engine engine = OnnxEngine.open(TestModels.types(directory.resolve("types.onnx")));
                Lane lane = engine.newLane(4)) {
            assertThat(engine.signature().inputs())
                    .containsExactly(
                            new TensorSpec("d", ElementType.DOUBLE, List.of(-1L, 3L), List.of()),
                            new TensorSpec("i", ElementType.INT32, List.of(-1L), List.of()),
                            new TensorSpec("s", ElementType.STRING, List.of(-1L, 2L), List.of()));
            for (int rows = 3; rows >= 1; rows--) {
                for (int row = 0; row < rows; row++) {
                    lane.input(0).doubles().put(row * 3, new double[] {rows, row, 0.1});
                    lane.input(1).ints().put(row, 10 * rows + row);
                    lane.input(2).texts()[row * 2] = "é" + rows;
                    lane.input(2).texts()[row * 2 + 1] = "";
                }
                lane.run(rows);
                for (int row = 0; row < rows; row++) {
                    assertThat(lane.output(0).doubles().get(row * 3)).isEqualTo(2.0 * rows);
                    assertThat(lane.output(0).doubles().get(row * 3 + 2)).isEqualTo(0.2);
                    assertThat(lane.output(1).ints().get(row)).isEqualTo(10 * rows + row + 1);
                    assertThat(lane.output(2).texts()[row * 2]).isEqualTo("é" + rows);
                    assertThat(lane.output(2).texts()[row * 2 + 1]).isEmpty();
                }
            }
        }
    }

    @Test
    void namesTheRawColumnsThatTheFileNames() {
        try (Engine engine = OnnxEngine.open(TestModels.raw(directory.resolve("raw.onnx")))) {
            assertThat(engine.signature().inputs())
                    .extracting(TensorSpec::columns)
                    .containsExactly(List.of("a", "b"), List.of("c", "d"), List.of("t"));
        }
    }

    @Test
    void refusesColumnNamesThatDoNotFit() {
        Path model = new OnnxGraph()
                .input("numbers", FLOAT, -1, 2)
                .metadata("flywheel.numbers", "[\"a\"]")
                .node("Identity", List.of("numbers"), "y")
                .output("y", FLOAT, -1, 2)
                .write(directory.resolve("columns.onnx"));
        assertThatThrownBy(() -> OnnxEngine.open(model))
                .isInstanceOf(ModelFormatException.class)
                .hasMessage(
                        "cannot load " + model + ": input \"numbers\" cannot have the columns that its metadata names "
                                + "(tensor \"numbers\" names 1 columns, but its shape is [-1, 2], expected [-1, 1])."
                                + " Fix: export the model again with the column names that it was trained with.");
    }

    @Test
    void saysWhatIsWrongWithAFileThatIsNoModel() throws IOException {
        Path garbage = Files.writeString(directory.resolve("garbage.onnx"), "this is not a model");
        Path whole = TestModels.mlp(directory.resolve("whole.onnx"), 4, 4, 1, 1);
        byte[] bytes = Files.readAllBytes(whole);
        Path half = Files.write(directory.resolve("half.onnx"), Arrays.copyOf(bytes, bytes.length / 2));
        Path empty = Files.write(directory.resolve("empty.onnx"), new byte[0]);
        for (Path broken : List.of(garbage, half, empty)) {
            assertThatThrownBy(() -> OnnxEngine.open(broken))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageStartingWith("cannot load " + broken + ": ONNX Runtime says: ")
                    .hasMessageContaining("Fix: ");
        }
        assertThatThrownBy(() -> OnnxEngine.open(directory.resolve("absent.onnx")))
                .isInstanceOf(ModelFormatException.class)
                .hasMessage("cannot load " + directory.resolve("absent.onnx")
                        + ": there is no such file. Fix: check the path.");
    }

    @Test
    void refusesAnOperatorThatDoesNotExist() {
        Path model = new OnnxGraph()
                .input("x", FLOAT, -1, 2)
                .node("FrobnicateTwice", List.of("x"), "y")
                .output("y", FLOAT, -1, 2)
                .write(directory.resolve("unknown.onnx"));
        assertThatThrownBy(() -> OnnxEngine.open(model))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("FrobnicateTwice");
    }

    @Test
    void copiesOutputsWhoseRowSizeOnlyTheRunTells() {
        // n rows of x give an n x n product, whose second dimension the file leaves open
        Path model = new OnnxGraph()
                .input("x", FLOAT, -1, 2)
                .node("Transpose", List.of("x"), "t")
                .node("MatMul", List.of("x", "t"), "y")
                .output("y", FLOAT, -1, -1)
                .write(directory.resolve("gram.onnx"));
        try (Engine engine = OnnxEngine.open(model);
                Lane lane = engine.newLane(3)) {
            lane.input(0).floats().put(0, new float[] {1, 2, 3, 4, 5, 6});
            lane.run(3);
            assertThat(lane.output(0).width()).isEqualTo(3);
            assertThat(lane.output(0).floats().get(5)).isEqualTo(39);
            lane.run(2);
            assertThat(lane.output(0).width()).isEqualTo(2);
            assertThat(lane.output(0).floats().get(3)).isEqualTo(25);
        }
    }

    @Test
    void refusesAnOutputWithoutRows() {
        Path model = new OnnxGraph()
                .input("x", FLOAT, -1, 2)
                .node("ReduceSum", "", List.of("x"), "y", node -> node.addAttribute(OnnxGraph.integer("keepdims", 0)))
                .output("y", FLOAT)
                .write(directory.resolve("sum.onnx"));
        try (Engine engine = OnnxEngine.open(model);
                Lane lane = engine.newLane(3)) {
            assertThatThrownBy(() -> lane.run(2))
                    .isInstanceOf(PredictionException.class)
                    .hasMessage(
                            "model " + model + " gave no output for each row: output \"y\" has shape [] for 2 rows, "
                                    + "expected the rows as its first dimension. Fix: export the model with the batch as the "
                                    + "first dimension of every output.");
        }
    }

    @Test
    void padsToTheBatchThatTheModelInsistsOn() {
        Path model = new OnnxGraph()
                .input("x", FLOAT, 3, 2)
                .constant("two", new float[] {2}, 1)
                .node("Mul", List.of("x", "two"), "y")
                .output("y", FLOAT, 3, 2)
                .write(directory.resolve("three.onnx"));
        try (Engine engine = OnnxEngine.open(model);
                Lane lane = engine.newLane(64)) {
            assertThat(lane.maxRows()).isEqualTo(3);
            lane.input(0).floats().put(0, new float[] {1, 2, 3, 4});
            lane.run(2);
            assertThat(lane.output(0).floats().get(3)).isEqualTo(8);
        }
    }

    @Test
    void refusesMoreRowsThanTheLaneHas() {
        try (Engine engine = OnnxEngine.open(TestModels.mlp(directory.resolve("m.onnx"), 4, 4, 1, 1));
                Lane lane = engine.newLane(2)) {
            assertThatThrownBy(() -> lane.run(3))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("a lane of 2 rows cannot run 3");
            assertThatThrownBy(() -> lane.run(0)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> lane.input(0).longs())
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("tensor \"x\" is FLOAT and cannot be seen as longs");
        }
    }

    @Test
    void takesColumnsFromTheManifestWhereTheFileNamesNone() {
        Path sealed = directory.resolve("sealed");
        Path file = model(sealed, new OnnxGraph());
        TensorSpec numbers = new TensorSpec("numbers", ElementType.FLOAT, List.of(-1L, 2L), List.of("a", "b"));
        TensorSpec y = new TensorSpec("y", ElementType.FLOAT, List.of(-1L, 2L), List.of());
        Artifact artifact =
                Artifact.seal(sealed, file.getFileName().toString(), new Signature(List.of(numbers), List.of(y)));
        try (Engine engine = OnnxEngine.open(artifact)) {
            assertThat(engine.signature()).isEqualTo(artifact.signature());
        }
    }

    @Test
    void refusesAModelThatIsNotWhatItsManifestSays() {
        Path sealed = directory.resolve("sealed");
        Path file = model(sealed, new OnnxGraph().metadata("flywheel.numbers", "[\"b\",\"a\"]"));
        TensorSpec numbers = new TensorSpec("numbers", ElementType.FLOAT, List.of(-1L, 2L), List.of("a", "b"));
        TensorSpec y = new TensorSpec("y", ElementType.FLOAT, List.of(-1L, 2L), List.of());
        Artifact artifact =
                Artifact.seal(sealed, file.getFileName().toString(), new Signature(List.of(numbers), List.of(y)));
        assertThatThrownBy(() -> OnnxEngine.open(artifact))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageStartingWith("cannot load " + artifact.modelFile() + ": its manifest says the inputs are ")
                .hasMessageEndingWith("Fix: seal the artifact with the signature of its model file.");
    }

    private static Path model(Path sealed, OnnxGraph graph) {
        try {
            Files.createDirectories(sealed);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return graph.input("numbers", FLOAT, -1, 2)
                .node("Identity", List.of("numbers"), "y")
                .output("y", FLOAT, -1, 2)
                .write(sealed.resolve("model.onnx"));
    }
}
