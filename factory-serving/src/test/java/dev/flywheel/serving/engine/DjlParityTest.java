package dev.flywheel.serving.engine;

import static dev.flywheel.core.model.ElementType.FLOAT;
import static dev.flywheel.core.model.ElementType.INT64;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.OnnxGraph;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same model gives the same answers through either engine. */
class DjlParityTest {

    private static final int CHARACTERS = 79;
    private static final TensorSpec IDS = TensorSpec.of("input_ids", INT64, -1, -1);
    private static final TensorSpec PAST = TensorSpec.of("past", FLOAT, 2, 2, -1, 4, -1, 24);

    @TempDir
    Path directory;

    @BeforeAll
    static void keepDjlQuiet() {
        DjlDefaults.apply();
    }

    @Test
    void aNetworkOfDjlAndItsOnnxGraphAgree() {
        Random random = new Random(7);
        Model model = Model.newInstance("mlp", Device.cpu(), "PyTorch");
        Block block = new SequentialBlock()
                .add(Linear.builder().setUnits(64).build())
                .add(Activation.reluBlock())
                .add(Linear.builder().setUnits(2).build());
        model.setBlock(block);
        block.initialize(model.getNDManager(), DataType.FLOAT32, new Shape(1, 16));
        Path graph = onnx(block.getParameters().values());
        try (Engine onnx = OnnxEngine.open(graph);
                Engine djl = DjlEngine.open(model, TensorSpec.of("x", FLOAT, -1, 16));
                Lane left = onnx.newLane(70);
                Lane right = djl.newLane(70)) {
            for (int rows : new int[] {1, 70, 3}) {
                for (int i = 0; i < rows * 16; i++) {
                    float value = (float) random.nextGaussian();
                    left.input(0).floats().put(i, value);
                    right.input(0).floats().put(i, value);
                }
                left.run(rows);
                right.run(rows);
                agree(left.output(0), right.output(0), rows * 2);
            }
        }
    }

    private Path onnx(List<Parameter> parameters) {
        OnnxGraph graph = new OnnxGraph().input("x", OnnxGraph.FLOAT, -1, 16);
        String[] names = {"w1", "b1", "w2", "b2"};
        long[][] shapes = {{64, 16}, {64}, {2, 64}, {2}};
        for (int i = 0; i < names.length; i++) {
            graph.constant(names[i], parameters.get(i).getArray().toFloatArray(), shapes[i]);
        }
        return graph.node(
                        "Gemm", "", List.of("x", "w1", "b1"), "h", n -> n.addAttribute(OnnxGraph.integer("transB", 1)))
                .node("Relu", List.of("h"), "a")
                .node("Gemm", "", List.of("a", "w2", "b2"), "y", n -> n.addAttribute(OnnxGraph.integer("transB", 1)))
                .output("y", OnnxGraph.FLOAT, -1, 2)
                .write(directory.resolve("mlp.onnx"));
    }

    @Test
    void aLanguageModelWithACacheAgrees() {
        Path models = shared("models/austen-lm");
        Random random = new Random(11);
        try (Engine onnx = OnnxEngine.open(models.resolve("austen-lm.onnx"));
                Engine djl = DjlEngine.torchScript(models.resolve("austen-lm.pt"), IDS, PAST);
                Lane left = onnx.newLane(1);
                Lane right = djl.newLane(1)) {
            assertThat(djl.signature().outputs())
                    .containsExactly(
                            TensorSpec.of("output0", FLOAT, -1, -1, CHARACTERS),
                            TensorSpec.of("output1", FLOAT, 2, 2, -1, 4, -1, 24));
            for (int[] size : new int[][] {{1, 5, 0}, {3, 2, 7}, {2, 1, 30}, {1, 1, 0}}) {
                int batch = size[0];
                int tokens = size[1];
                int past = size[2];
                for (Lane lane : List.of(left, right)) {
                    lane.input(0).reshape(batch, tokens);
                    lane.input(1).reshape(2, 2, batch, 4, past, 24);
                }
                for (int i = 0; i < batch * tokens; i++) {
                    long id = random.nextInt(CHARACTERS);
                    left.input(0).longs().put(i, id);
                    right.input(0).longs().put(i, id);
                }
                for (int i = 0; i < left.input(1).size(); i++) {
                    float value = (float) random.nextGaussian();
                    left.input(1).floats().put(i, value);
                    right.input(1).floats().put(i, value);
                }
                left.run(1);
                right.run(1);
                assertThat(right.output(0).shape()).containsExactly(batch, tokens, CHARACTERS);
                assertThat(right.output(1).shape()).containsExactly(2, 2, batch, 4, past + tokens, 24);
                agree(left.output(0), right.output(0), batch * tokens * CHARACTERS);
                agree(left.output(1), right.output(1), right.output(1).size());
            }
        }
    }

    @Test
    void aLanguageModelWritesWhatItsMakerSays() throws IOException {
        Path models = shared("models/austen-lm");
        String alphabet = field(models.resolve("vocab.json"), "chars");
        String prompt = field(models.resolve("expected.json"), "prompt");
        String expected = field(models.resolve("expected.json"), "greedy_60");
        try (Engine engine = DjlEngine.torchScript(models.resolve("austen-lm.pt"), IDS, PAST);
                Lane lane = engine.newLane(1)) {
            lane.input(0).reshape(1, prompt.length());
            for (int i = 0; i < prompt.length(); i++) {
                lane.input(0).longs().put(i, alphabet.indexOf(prompt.charAt(i)));
            }
            lane.input(1).reshape(2, 2, 1, 4, 0, 24);
            StringBuilder text = new StringBuilder(prompt);
            while (text.length() < expected.length()) {
                lane.run(1);
                int next = best(lane.output(0).floats(), lane.output(0).size() - CHARACTERS);
                text.append(alphabet.charAt(next));
                TensorBuffer present = lane.output(1);
                lane.input(1).reshape(present.shape());
                lane.input(1).floats().put(0, present.floats(), 0, present.size());
                lane.input(0).reshape(1, 1);
                lane.input(0).longs().put(0, next);
            }
            assertThat(text).hasToString(expected);
        }
    }

    private static int best(FloatBuffer logits, int from) {
        int best = 0;
        for (int i = 1; i < CHARACTERS; i++) {
            best = logits.get(from + i) > logits.get(from + best) ? i : best;
        }
        return best;
    }

    private static void agree(TensorBuffer left, TensorBuffer right, int elements) {
        double scale = 0;
        double worst = 0;
        for (int i = 0; i < elements; i++) {
            scale = Math.max(scale, Math.abs(left.number(i)));
            worst = Math.max(worst, Math.abs(left.number(i) - right.number(i)));
        }
        assertThat(scale).isPositive();
        assertThat(worst / scale).isLessThan(1e-6);
    }

    private static String field(Path json, String name) throws IOException {
        Matcher matcher =
                Pattern.compile("\"" + name + "\": \"((?:[^\"\\\\]|\\\\.)*)\"").matcher(Files.readString(json));
        assertThat(matcher.find()).isTrue();
        return matcher.group(1).replace("\\n", "\n").replace("\\\"", "\"");
    }

    private static Path shared(String path) {
        Path folder = Path.of("").toAbsolutePath();
        while (folder != null && !Files.exists(folder.resolve("shared").resolve(path))) {
            folder = folder.getParent();
        }
        assumeTrue(folder != null, "no shared/" + path + " beside the checkout");
        return Objects.requireNonNull(folder).resolve("shared").resolve(path);
    }
}
