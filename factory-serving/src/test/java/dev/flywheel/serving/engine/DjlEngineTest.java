package dev.flywheel.serving.engine;

import static dev.flywheel.core.model.ElementType.BFLOAT16;
import static dev.flywheel.core.model.ElementType.BOOL;
import static dev.flywheel.core.model.ElementType.DOUBLE;
import static dev.flywheel.core.model.ElementType.FLOAT;
import static dev.flywheel.core.model.ElementType.FLOAT16;
import static dev.flywheel.core.model.ElementType.INT32;
import static dev.flywheel.core.model.ElementType.INT64;
import static dev.flywheel.core.model.ElementType.INT8;
import static dev.flywheel.core.model.ElementType.UINT8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.repository.zoo.Criteria;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.model.Artifact;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.TestModels;
import dev.flywheel.serving.TorchScript;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DjlEngineTest {

    @TempDir
    Path directory;

    @BeforeAll
    static void keepDjlQuiet() {
        DjlDefaults.apply();
    }

    private Path file(String result, String... lines) {
        return TorchScript.write(directory.resolve("m.pt"), "x: Tensor", result, lines);
    }

    private static Model mlp() {
        Block block = new SequentialBlock()
                .add(Linear.builder().setUnits(8).build())
                .add(Activation.reluBlock())
                .add(Linear.builder().setUnits(2).build());
        Model model = Model.newInstance("mlp", Device.cpu(), "PyTorch");
        model.setBlock(block);
        block.initialize(model.getNDManager(), DataType.FLOAT32, new Shape(1, 4));
        return model;
    }

    @Test
    void findsTheOutputsOfTorchScriptByRuns() {
        Path file = file("Tuple[Tensor, Tensor]", "return (torch.sum(x, [1]), torch.to(torch.unsqueeze(x, 2), 4))");
        try (Engine engine = DjlEngine.torchScript(file, TensorSpec.of("x", FLOAT, -1, 3))) {
            assertThat(engine.signature())
                    .isEqualTo(new Signature(
                            List.of(TensorSpec.of("x", FLOAT, -1, 3)),
                            List.of(TensorSpec.of("output0", FLOAT, -1), TensorSpec.of("output1", INT64, -1, 3, 1))));
            assertThat(engine).hasToString("DjlEngine[" + file + "]");
        }
    }

    @Test
    void namesTheOutputsAsADictionaryDoes() {
        Path file = file("Dict[str, Tensor]", "return {\"double\": torch.mul(x, 2), \"half\": torch.mul(x, 0.5)}");
        TensorSpec input = TensorSpec.of("x", FLOAT, -1, 1);
        TensorSpec twice = TensorSpec.of("double", FLOAT, -1, 1);
        TensorSpec half = TensorSpec.of("half", FLOAT, -1, 1);
        try (Engine engine = DjlEngine.torchScript(file, input)) {
            assertThat(engine.signature().outputs()).containsExactlyInAnyOrder(twice, half);
        }
        for (List<TensorSpec> order : List.of(List.of(twice, half), List.of(half, twice))) {
            try (Engine engine = DjlEngine.torchScript(file, new Signature(List.of(input), order));
                    Lane lane = engine.newLane(2)) {
                lane.input(0).floats().put(0, 3).put(1, 4);
                lane.run(2);
                assertThat(lane.output(order.indexOf(twice)).floats().get(1)).isEqualTo(8);
                assertThat(lane.output(order.indexOf(half)).floats().get(0)).isEqualTo(1.5f);
            }
        }
    }

    @Test
    void answersASealedModelAsItsManifestSays() {
        TensorSpec input = new TensorSpec("numbers", FLOAT, List.of(-1L, 2L), List.of("a", "b"));
        Signature signature = new Signature(List.of(input), List.of(TensorSpec.of("prediction", FLOAT, -1, 1)));
        String both = "return {\"mean\": torch.to(torch.mean(x, [1]), 7), \"twice\": torch.mul(x, 2)}";
        file("Dict[str, Tensor]", both);
        Map<String, DjlEngine.Answer> answers = Map.of("mean", DjlEngine.Answer.FLAT, "twice", DjlEngine.Answer.SECOND);
        answers.forEach((output, answer) -> {
            Map<String, String> attributes = Map.of(DjlEngine.OUTPUT, output, DjlEngine.ANSWER, answer.name());
            Artifact sealed = Artifact.seal(directory, "m.pt", signature, attributes);
            try (Engine engine = Engine.open(sealed);
                    Lane lane = engine.newLane(2)) {
                assertThat(engine.signature()).isEqualTo(signature);
                lane.input(0).floats().put(0, new float[] {1, 2, 30, 40});
                lane.run(2);
                assertThat(lane.output(0).floats().get(0)).isEqualTo(output.equals("mean") ? 1.5f : 4);
                assertThat(lane.output(0).floats().get(1)).isEqualTo(output.equals("mean") ? 35 : 80);
            }
        });
        file("Tuple[Tensor, Tensor]", "return (x, torch.sum(x, [1], True))");
        Map<String, String> second =
                Map.of(DjlEngine.OUTPUT, "output1", DjlEngine.ANSWER, DjlEngine.Answer.WHOLE.name());
        try (Engine engine = Engine.open(Artifact.seal(directory, "m.pt", signature, second));
                Lane lane = engine.newLane(1)) {
            lane.input(0).floats().put(0, new float[] {1, 2});
            lane.run(1);
            assertThat(lane.output(0).floats().get(0)).isEqualTo(3);
        }
    }

    @Test
    void packsRowsIntoOneRunAndKeepsTheOutputsMemory() {
        Path file = file("Tensor", "return torch.mul(x, 2)");
        try (Engine engine = DjlEngine.torchScript(file, TensorSpec.of("x", FLOAT, -1, 3));
                Lane lane = engine.newLane(100)) {
            TensorBuffer output = lane.output(0);
            assertThat(lane.maxRows()).isEqualTo(100);
            assertThat(output.width()).isEqualTo(3);
            for (int rows : new int[] {1, 100, 7, 7, 65}) {
                for (int i = 0; i < rows * 3; i++) {
                    lane.input(0).floats().put(i, i + rows);
                }
                lane.run(rows);
                assertThat(lane.output(0)).isSameAs(output);
                for (int i = 0; i < rows * 3; i++) {
                    assertThat(output.floats().get(i)).isEqualTo(2 * (i + rows));
                }
            }
            assertThatThrownBy(() -> lane.run(101))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("a lane of 100 rows cannot run 101");
            assertThatThrownBy(() -> lane.length(2))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("a model whose rows have a fixed size takes rows of length 1, found 2");
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = ElementType.class,
            names = {"FLOAT", "DOUBLE", "FLOAT16", "INT8", "UINT8", "INT32", "INT64", "BOOL"})
    void carriesEveryTypeThatDjlCan(ElementType type) {
        try (Engine engine = DjlEngine.torchScript(file("Tensor", "return x"), TensorSpec.of("x", type, -1, 2));
                Lane lane = engine.newLane(3)) {
            assertThat(engine.signature().outputs().get(0).type()).isEqualTo(type);
            byte[] given = new byte[lane.input(0).bytes().capacity()];
            for (int i = 0; i < given.length; i++) {
                given[i] = (byte) (type == BOOL ? i % 2 : i + 1);
            }
            lane.input(0).bytes().put(0, given);
            lane.run(3);
            byte[] taken = new byte[given.length];
            lane.output(0).bytes().get(0, taken);
            assertThat(taken).isEqualTo(given);
        }
        assertThat(List.of(FLOAT, DOUBLE, FLOAT16, INT8, UINT8, INT32, INT64, BOOL))
                .contains(type);
    }

    @Test
    void refusesTypesOnWhichTheNativeLibraryWouldEndTheProcess() {
        Path file = file("Tensor", "return x");
        assertThatThrownBy(() -> DjlEngine.torchScript(file, TensorSpec.of("x", BFLOAT16, -1, 2)))
                .isInstanceOf(ModelFormatException.class)
                .hasMessage("cannot feed " + file
                        + ": its input \"x\" is BFLOAT16, which DJL cannot take, expected FLOAT, DOUBLE, FLOAT16, INT8, "
                        + "UINT8, INT32, INT64 or BOOL. Fix: let the model take another type and convert by itself.");
    }

    @Test
    void refusesOutputsThatDjlCannotRead() {
        Path file = file("Tensor", "return torch.to(x, 15)");
        assertThatThrownBy(() -> DjlEngine.torchScript(file, TensorSpec.of("x", FLOAT, -1, 2)))
                .isInstanceOf(ModelFormatException.class)
                .hasMessage("cannot serve " + file
                        + ": its output \"output\" is of a type that DJL cannot read (unknown). Fix: let the model convert "
                        + "its outputs to float32 or int64.");
    }

    @Test
    void findsTheOutputsOfModelsThatTakeNoSmallInputs() {
        Path file = file("Tensor", "return torch.sum(torch.slice(torch.select(x, 1, 40), 1, 0, 5), [1])");
        try (Engine engine = DjlEngine.torchScript(file, TensorSpec.of("x", FLOAT, -1, -1, -1))) {
            assertThat(engine.signature().outputs()).containsExactly(TensorSpec.of("output", FLOAT, -1));
        }
    }

    @Test
    void findsTheOutputsOfModelsWithoutFreeSizes() {
        try (Engine engine =
                        DjlEngine.torchScript(file("Tensor", "return torch.neg(x)"), TensorSpec.of("x", FLOAT, 4, 2));
                Lane lane = engine.newLane(64)) {
            assertThat(engine.signature().outputs()).containsExactly(TensorSpec.of("output", FLOAT, 4, 2));
            assertThat(lane.maxRows()).isEqualTo(4);
            lane.input(0).floats().put(1, 7);
            lane.run(1);
            assertThat(lane.output(0).floats().get(1)).isEqualTo(-7);
        }
    }

    @Test
    void saysWhatAWrongSignatureShouldBe() {
        Path file = file("Tensor", "return torch.mul(x, 2)");
        Signature wrong =
                new Signature(List.of(TensorSpec.of("x", FLOAT, -1, 2)), List.of(TensorSpec.of("y", FLOAT, -1, 3)));
        assertThatThrownBy(() -> DjlEngine.torchScript(file, wrong))
                .isInstanceOf(ModelFormatException.class)
                .hasMessage(
                        "the signature given for " + file + " is not its own: the outputs should be y FLOAT [-1, 3], "
                                + "but on x FLOAT [-1, 2] it gave output FLOAT [-1, 2]. Fix: correct the signature, or leave its "
                                + "outputs out, and they are found by a run.");
    }

    @Test
    void saysWhatIsWrongWithTheInputsInOneLine() {
        Path file = file("Tensor", "return torch.matmul(x, torch.ones([3, 2], dtype=6))");
        assertThatThrownBy(() -> DjlEngine.torchScript(file, TensorSpec.of("x", FLOAT, -1, 4)))
                .isInstanceOf(ModelFormatException.class)
                .hasMessage(
                        "cannot run " + file + " on zeros of the shape x FLOAT [-1, 4], with 2 for each -1: PyTorch "
                                + "says: RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x4 and 3x2). Fix: name the "
                                + "inputs that the model takes; if they are right, and it only refuses zeros or these sizes, name "
                                + "its outputs too.");
        assertThatThrownBy(() ->
                        DjlEngine.torchScript(file, TensorSpec.of("x", FLOAT, -1, 3), TensorSpec.of("z", FLOAT, -1, 3)))
                .hasMessageContaining(
                        "PyTorch says: Expected at most 2 argument(s) for operator 'forward', but received 3 "
                                + "argument(s)");
    }

    @Test
    void takesTheOwnersWordForAModelThatRefusesZeros() {
        Path file = file(
                "Tensor",
                "if bool(torch.eq(torch.sum(x), 0.)):",
                "  ops.prim.RaiseException(\"nothing there\")",
                "else:",
                "  pass",
                "return x");
        assertThatThrownBy(() -> DjlEngine.torchScript(file, TensorSpec.of("x", FLOAT, -1, 1)))
                .hasMessageContaining("RuntimeError: nothing there");
        Signature signature =
                new Signature(List.of(TensorSpec.of("x", FLOAT, -1, 1)), List.of(TensorSpec.of("y", FLOAT, -1, 1)));
        try (Engine engine = DjlEngine.torchScript(file, signature);
                Lane lane = engine.newLane(1)) {
            assertThatThrownBy(() -> lane.run(1))
                    .isInstanceOf(PredictionException.class)
                    .hasMessage(
                            "model " + file + " failed on 1 row: PyTorch says: RuntimeError: nothing there. Fix: check "
                                    + "the values of the input against what the model expects.");
            lane.input(0).floats().put(0, 5);
            lane.run(1);
            assertThat(lane.output(0).floats().get(0)).isEqualTo(5);
        }
    }

    @Test
    void holdsEveryRunAgainstTheSignature() {
        Path file = file("Tensor", "return torch.nonzero(x)");
        try (Engine engine = DjlEngine.torchScript(file, TensorSpec.of("x", FLOAT, -1, 2));
                Lane lane = engine.newLane(2)) {
            lane.input(0).floats().put(0, new float[] {1, 1, 1, 0});
            assertThatThrownBy(() -> lane.run(2))
                    .isInstanceOf(PredictionException.class)
                    .hasMessage("model " + file
                            + " gave another output than its signature says: output \"output\" is int64 "
                            + "of shape [3, 2] for 2 rows, expected INT64 of shape [0, 2]. Fix: correct the signature, or "
                            + "let the model keep the rows as the first dimension of every output.");
        }
    }

    @Test
    void refusesFilesThatAreNoModel() throws Exception {
        Path absent = directory.resolve("absent.pt");
        assertThatThrownBy(() -> DjlEngine.torchScript(absent))
                .isInstanceOf(ModelFormatException.class)
                .hasMessage("cannot load " + absent + ": there is no such file. Fix: check the path.");
        Path garbage = Files.write(directory.resolve("garbage.pt"), new byte[] {1, 2, 3});
        assertThatThrownBy(() -> DjlEngine.torchScript(garbage))
                .isInstanceOf(ModelFormatException.class)
                .hasMessage("cannot load " + garbage
                        + ": PyTorch says: PytorchStreamReader failed reading zip archive: not "
                        + "a ZIP archive. Fix: save it again with torch.jit.save, as a script or a trace, by PyTorch 2.7 or "
                        + "earlier.");
        Path unknown = file("Tensor", "return torch.nosuch(x)");
        assertThatThrownBy(() -> DjlEngine.torchScript(unknown))
                .hasMessageContaining("PyTorch says: Unknown builtin op: aten::nosuch.");
    }

    @Test
    void wantsTheInputsOfTorchScriptNamed() {
        Path file = file("Tensor", "return x");
        assertThatThrownBy(() -> DjlEngine.torchScript(file))
                .isInstanceOf(ModelFormatException.class)
                .hasMessage(
                        "cannot serve " + file + ": its inputs are unknown: nobody named them and its block does not "
                                + "describe them. Fix: name them, as in TensorSpec.of(\"x\", ElementType.FLOAT, -1, 16).");
    }

    @Test
    void takesTheInputsThatABlockDescribes() {
        try (Engine engine = DjlEngine.open(mlp());
                Lane lane = engine.newLane(8)) {
            assertThat(engine.signature().inputs()).hasSize(1);
            assertThat(engine.signature().inputs().get(0).shape()).containsExactly(-1L, 4L);
            assertThat(engine.signature().outputs()).containsExactly(TensorSpec.of("output", FLOAT, -1, 2));
            lane.run(8);
            assertThat(engine).hasToString("DjlEngine[model mlp]");
        }
    }

    @Test
    void refusesModelsThatAreNotReady() {
        try (Model empty = Model.newInstance("empty", Device.cpu(), "PyTorch")) {
            assertThatThrownBy(() -> DjlEngine.open(empty))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessage(
                            "cannot serve model empty: it has no block. Fix: load it, or set its block and initialize "
                                    + "that, before it is served.");
            empty.setBlock(Linear.builder().setUnits(2).build());
            assertThatThrownBy(() -> DjlEngine.open(empty))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessage(
                            "cannot serve model empty: its block has parameters without values. Fix: load it, or set its "
                                    + "block and initialize that, before it is served.");
        }
    }

    @Test
    void closesTheModelThatItWasGiven() {
        Model model = mlp();
        DjlEngine.open(model).close();
        assertThat(model.getNDManager().isOpen()).isFalse();
    }

    @Test
    void loadsWhatCriteriaDescribe() throws Exception {
        float expected;
        try (Model trained = mlp()) {
            trained.setProperty("Epoch", "1");
            trained.save(directory, "saved");
            try (Engine engine = DjlEngine.open(trained);
                    Lane lane = engine.newLane(1)) {
                expected = run(lane);
            }
        }
        Block block = new SequentialBlock()
                .add(Linear.builder().setUnits(8).build())
                .add(Activation.reluBlock())
                .add(Linear.builder().setUnits(2).build());
        Criteria<NDList, NDList> criteria = Criteria.builder()
                .setTypes(NDList.class, NDList.class)
                .optModelPath(directory)
                .optModelName("saved")
                .optEngine("PyTorch")
                .optDevice(Device.cpu())
                .optBlock(block)
                .build();
        try (Engine engine = DjlEngine.open(criteria, TensorSpec.of("x", FLOAT, -1, 4));
                Lane lane = engine.newLane(1)) {
            assertThat(run(lane)).isEqualTo(expected);
        }
    }

    @Test
    void servesOtherEnginesOfDjlWhichCopyTheInputs() {
        Criteria<NDList, NDList> criteria = Criteria.builder()
                .setTypes(NDList.class, NDList.class)
                .optModelPath(TestModels.times(directory.resolve("m.onnx"), 3))
                .optEngine("OnnxRuntime")
                .build();
        assertThatThrownBy(() -> DjlEngine.open(criteria))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageStartingWith("cannot serve model m: its inputs are unknown");
        try (Engine engine = DjlEngine.open(criteria, TensorSpec.of("x", FLOAT, -1, 1));
                Lane lane = engine.newLane(4)) {
            assertThat(engine.signature().outputs()).hasSize(1);
            for (int i = 1; i < 4; i++) {
                lane.input(0).floats().put(0, i).put(1, 10 * i);
                lane.run(2);
                assertThat(lane.output(0).floats().get(0)).isEqualTo(3 * i);
                assertThat(lane.output(0).floats().get(1)).isEqualTo(30 * i);
            }
        }
    }

    @Test
    void saysWhatCriteriaDoNotFind() {
        Criteria<NDList, NDList> criteria = Criteria.builder()
                .setTypes(NDList.class, NDList.class)
                .optModelPath(directory)
                .optModelName("nothing")
                .optEngine("PyTorch")
                .build();
        assertThatThrownBy(() -> DjlEngine.open(criteria))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("DJL says: ")
                .hasMessageEndingWith("Fix: check the path and the options of the criteria.");
    }

    private static float run(Lane lane) {
        lane.input(0).floats().put(0, new float[] {1, -2, 3, -4});
        lane.run(1);
        return lane.output(0).floats().get(1);
    }

    @Test
    void runsRowsAsLongAsTheLaneIsTold() {
        Path file = file("Tensor", "return torch.mul(torch.cumsum(x, 1), 2)");
        try (Engine engine = DjlEngine.torchScript(file, TensorSpec.of("x", INT64, -1, -1));
                Lane lane = engine.newLane(2)) {
            assertThat(engine.signature().outputs()).containsExactly(TensorSpec.of("output", INT64, -1, -1));
            for (int length : new int[] {3, 1, 5, 3}) {
                lane.length(length);
                assertThat(lane.input(0).width()).isEqualTo(length);
                for (int i = 0; i < 2 * length; i++) {
                    lane.input(0).longs().put(i, 1 + i / length);
                }
                lane.run(2);
                assertThat(lane.output(0).width()).isEqualTo(length);
                assertThat(lane.output(0).longs().get(length - 1)).isEqualTo(2L * length);
                assertThat(lane.output(0).longs().get(2 * length - 1)).isEqualTo(4L * length);
            }
        }
    }

    @Test
    void runsModelsThatTakeNoRowsInTheShapesOfEachRun() {
        Path file = TorchScript.write(
                directory.resolve("cat.pt"), "x: Tensor, past: Tensor", "Tensor", "return torch.cat([past, x], 1)");
        try (Engine engine = DjlEngine.torchScript(
                        file, TensorSpec.of("x", FLOAT, 2, -1, -1), TensorSpec.of("past", FLOAT, 2, -1, -1));
                Lane lane = engine.newLane(16)) {
            assertThat(engine.signature().outputs()).containsExactly(TensorSpec.of("output", FLOAT, 2, -1, -1));
            assertThat(lane.maxRows()).isEqualTo(1);
            lane.input(0).reshape(2, 1, 3);
            lane.input(0).floats().put(0, new float[] {1, 2, 3, 4, 5, 6});
            lane.input(1).reshape(2, 0, 3);
            lane.run(1);
            assertThat(lane.output(0).shape()).containsExactly(2, 1, 3);
            assertThat(lane.output(0).floats().get(5)).isEqualTo(6);
            lane.input(1).reshape(2, 2, 3);
            lane.input(1).floats().put(11, 9);
            lane.run(1);
            assertThat(lane.output(0).shape()).containsExactly(2, 3, 3);
            assertThat(lane.output(0).floats().get(14)).isEqualTo(9);
            lane.input(0).reshape(2, 0, 0);
            lane.input(1).reshape(2, 0, 0);
            lane.run(1);
            assertThat(lane.output(0).size()).isZero();
        }
    }

    @Test
    void runsOnOneThreadFromEveryThreadAndLeavesItsGradientsAlone() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(2);
        Path file = file("Tensor", "return torch.mul(x, 2)");
        try (Engine engine = DjlEngine.torchScript(file, TensorSpec.of("x", FLOAT, -1, 1));
                Lane lane = engine.newLane(1)) {
            for (int i = 0; i < 4; i++) {
                threads.submit(() -> {
                            JniUtils.setNumThreads(2);
                            assertThat(JniUtils.isGradMode()).isTrue();
                            lane.input(0).floats().put(0, 4);
                            lane.run(1);
                            assertThat(lane.output(0).floats().get(0)).isEqualTo(8);
                            assertThat(JniUtils.getNumThreads()).isEqualTo(DjlDefaults.threads());
                            assertThat(JniUtils.isGradMode()).isTrue();
                        })
                        .get();
            }
        } finally {
            threads.shutdownNow();
        }
    }
}
