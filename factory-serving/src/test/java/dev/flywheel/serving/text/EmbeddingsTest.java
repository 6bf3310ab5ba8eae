package dev.flywheel.serving.text;

import static dev.flywheel.serving.OnnxGraph.FLOAT;
import static dev.flywheel.serving.OnnxGraph.INT64;
import static dev.flywheel.serving.OnnxGraph.integer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl.TensorProto;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.Codec;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.OnnxGraph;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The vector of token i is (i, 10 i), plus (100, 0) for each of its type. */
class EmbeddingsTest {

    private static final List<Object> ROWS = List.of("batch", "sequence");
    private static final float[] TABLE = {0, 0, 1, 10, 2, 20, 3, 30, 4, 40, 5, 50, 6, 60, Float.NaN, 70};

    @TempDir
    Path directory;

    private Path tokenizer;

    @BeforeEach
    void write() {
        tokenizer = TextFiles.small(directory);
    }

    private OnnxGraph inputs(TensorProto.DataType type) {
        return new OnnxGraph()
                .constant("table", TABLE, 8, 2)
                .input("attention_mask", type, ROWS)
                .input("input_ids", type, ROWS);
    }

    private OnnxGraph tokenVectors() {
        return inputs(INT64).node("Gather", List.of("table", "input_ids"), "last_hidden_state");
    }

    private Path write(OnnxGraph graph) {
        return graph.write(directory.resolve("model.onnx"));
    }

    private Path tokenModel() {
        return write(tokenVectors().output("last_hidden_state", FLOAT, List.of("batch", "sequence", 2)));
    }

    /** Pools in the graph: the sum of the vectors under the mask, by the number of tokens under it. */
    private Path pooledModel() {
        return write(tokenVectors()
                .longs("axis", 1)
                .longs("last", 2)
                .node("Cast", "", List.of("attention_mask"), "ones", node -> node.addAttribute(integer("to", 1)))
                .node("Unsqueeze", List.of("ones", "last"), "column")
                .node("Mul", List.of("last_hidden_state", "column"), "masked")
                .node("ReduceSum", List.of("masked", "axis"), "sums")
                .node("ReduceSum", List.of("column", "axis"), "counts")
                .node("Div", List.of("sums", "counts"), "sentence_embedding")
                .output("last_hidden_state", FLOAT, List.of("batch", "sequence", 2))
                .output("sentence_embedding", FLOAT, List.of("batch", 2)));
    }

    private static Endpoint<String, float[]> open(Path model, Codec<String, float[]> codec) {
        return Endpoint.onnx(model, codec).maxBatch(4).open();
    }

    private Codec<String, float[]> unnormalized() {
        return Texts.embeddings(tokenizer, Texts.options().unnormalized());
    }

    @Test
    void isTheMeanOverTheTokensAndNotOverThePadding() {
        try (Endpoint<String, float[]> endpoint = open(tokenModel(), unnormalized())) {
            List<Prediction<float[]>> answers =
                    endpoint.predictAll(List.of("one", "one two three three three", "", "unheard of"));
            // [CLS] is 2, [SEP] is 3.
            assertThat(answers.get(0).value()).containsExactly(3, 30);
            assertThat(answers.get(1).value()).containsExactly(32 / 7f, 320 / 7f);
            assertThat(answers.get(2).value()).containsExactly(2.5f, 25);
            assertThat(answers.get(3).value()).containsExactly(7 / 4f, 70 / 4f);
        }
    }

    @Test
    void hasLength1() {
        try (Endpoint<String, float[]> endpoint = open(tokenModel(), Texts.embeddings(tokenizer))) {
            float scale = (float) Math.sqrt(101);
            assertThat(endpoint.predict("two three").value())
                    .containsExactly(new float[] {1 / scale, 10 / scale}, within(1e-6f));
        }
    }

    @Test
    void isTheModelsOwnWhereItHasOne() {
        try (Endpoint<String, float[]> endpoint = open(pooledModel(), unnormalized())) {
            List<Prediction<float[]>> answers = endpoint.predictAll(List.of("one", "one two three three three"));
            assertThat(answers.get(0).value()).containsExactly(3, 30);
            assertThat(answers.get(1).value()).containsExactly(new float[] {32 / 7f, 320 / 7f}, within(1e-5f));
        }
    }

    @Test
    void isTheVectorOfTheFirstTokenWhereAskedFor() {
        TextOptions first = Texts.options().firstToken().unnormalized();
        for (Path model : List.of(tokenModel(), pooledModel())) {
            try (Endpoint<String, float[]> endpoint = open(model, Texts.embeddings(tokenizer, first))) {
                assertThat(endpoint.predictAll(List.of("one", "two two two")))
                        .allSatisfy(answer -> assertThat(answer.value()).containsExactly(2, 20));
            }
        }
    }

    @Test
    void takesThePrefixAndTheLimit() {
        TextOptions options =
                Texts.options().prefix("three three ").maxTokens(4).unnormalized();
        try (Endpoint<String, float[]> endpoint = open(tokenModel(), Texts.embeddings(tokenizer, options))) {
            assertThat(endpoint.predict("one two").value()).containsExactly(17 / 4f, 170 / 4f);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void givesTheTypesToAModelThatTakesThem(int typeOfLast) {
        tokenizer = TextFiles.small(directory, TextFiles.around(typeOfLast));
        OnnxGraph graph = inputs(INT64)
                .input("token_type_ids", INT64, ROWS)
                .constant("types", new float[] {0, 0, 100, 0}, 2, 2)
                .node("Gather", List.of("table", "input_ids"), "words")
                .node("Gather", List.of("types", "token_type_ids"), "kinds")
                .node("Add", List.of("words", "kinds"), "token_embeddings")
                .output("token_embeddings", FLOAT, List.of("batch", "sequence", 2));
        try (Endpoint<String, float[]> endpoint = open(write(graph), unnormalized())) {
            assertThat(endpoint.predictAll(List.of("one one one", "one")).get(1).value())
                    .containsExactly(3 + typeOfLast * 100 / 3f, 30);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"INT32", "INT64"})
    void fillsIdsOfEitherWidth(TensorProto.DataType type) {
        OnnxGraph graph = inputs(type)
                .node("Gather", List.of("table", "input_ids"), "x")
                .output("x", FLOAT, List.of("batch", "sequence", 2));
        try (Endpoint<String, float[]> endpoint = open(write(graph), unnormalized())) {
            assertThat(endpoint.predictAll(List.of("one", "one two")).get(0).value())
                    .containsExactly(3, 30);
        }
    }

    @Test
    void manyTextsAtOnceGetTheirOwnAnswers() {
        String[] words = {"one", "two", "three"};
        try (Endpoint<String, float[]> endpoint =
                Endpoint.onnx(tokenModel(), unnormalized()).maxBatch(16).open()) {
            List<CompletableFuture<Prediction<float[]>>> answers = new ArrayList<>();
            for (int i = 0; i < 2000; i++) {
                answers.add(endpoint.predictAsync((words[i % 3] + " ").repeat(i % 17)));
            }
            for (int i = 0; i < answers.size(); i++) {
                float expected = (5 + (4 + i % 3) * (i % 17)) / (2f + i % 17);
                assertThat(answers.get(i).join().value()[0]).isEqualTo(expected, within(1e-5f));
            }
        }
    }

    @Test
    void aTextWhoseEmbeddingIsNotANumberFailsAlone() {
        try (Endpoint<String, float[]> endpoint = open(tokenModel(), unnormalized())) {
            CompletableFuture<Prediction<float[]>> good = endpoint.predictAsync("one");
            assertThatThrownBy(() -> endpoint.predict("😀"))
                    .isInstanceOf(PredictionException.class)
                    .hasMessage(
                            "the model gave no embedding for a text: its output is not finite. Fix: check the model "
                                    + "with this text, or export it in float32.");
            assertThat(good.join().value()).containsExactly(3, 30);
        }
    }

    @Test
    void refusesNull() {
        try (Endpoint<String, float[]> endpoint = open(tokenModel(), unnormalized())) {
            String none = nothing();
            assertThatThrownBy(() -> endpoint.predict(none)).isInstanceOf(NullPointerException.class);
        }
    }

    @SuppressWarnings("NullAway")
    private static String nothing() {
        return null;
    }

    @Test
    void refusesAModelWithoutAMask() {
        Path model = write(new OnnxGraph()
                .constant("table", TABLE, 8, 2)
                .input("input_ids", INT64, ROWS)
                .node("Gather", List.of("table", "input_ids"), "y")
                .output("y", FLOAT, List.of("batch", "sequence", 2)));
        assertThatThrownBy(() -> open(model, unnormalized()))
                .isInstanceOf(ModelFormatException.class)
                .hasMessage(
                        "the model does not take text: its inputs are input_ids INT64 [-1, -1], expected input_ids, "
                                + "attention_mask and possibly token_type_ids, of type INT64 or INT32 and shape [-1, -1]. Fix: "
                                + "export it with these inputs and with a dynamic batch and sequence, or write a Codec for it.");
    }

    @Test
    void refusesAModelThatWantsMoreThanTokens() {
        Path model = write(tokenVectors()
                .input("position_ids", INT64, ROWS)
                .output("last_hidden_state", FLOAT, List.of("batch", "sequence", 2)));
        assertThatThrownBy(() -> open(model, unnormalized()))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("position_ids INT64 [-1, -1]");
    }

    @Test
    void refusesAModelWhoseTextsHaveAFixedLength() {
        Path model = write(new OnnxGraph()
                .constant("table", TABLE, 8, 2)
                .input("input_ids", INT64, List.of("batch", 128))
                .input("attention_mask", INT64, List.of("batch", 128))
                .node("Gather", List.of("table", "input_ids"), "y")
                .output("y", FLOAT, List.of("batch", 128, 2)));
        assertThatThrownBy(() -> open(model, unnormalized()))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("input_ids INT64 [-1, 128]");
    }

    @Test
    void refusesAModelThatGivesNoVectors() {
        Path model = write(
                inputs(INT64).node("Identity", List.of("input_ids"), "echo").output("echo", INT64, ROWS));
        assertThatThrownBy(() -> open(model, unnormalized()))
                .isInstanceOf(ModelFormatException.class)
                .hasMessage("the model gives no embedding: its outputs are echo INT64 [-1, -1], expected one of type "
                        + "FLOAT and shape [texts, tokens, size] or [texts, size]. Fix: export it for feature "
                        + "extraction, or write a Codec for it.");
    }

    @Test
    void refusesAModelThatGivesMoreVectorsThanTokens() {
        Path model = write(tokenVectors()
                .node(
                        "Concat",
                        "",
                        List.of("last_hidden_state", "last_hidden_state"),
                        "twice",
                        node -> node.addAttribute(integer("axis", 1)))
                .output("twice", FLOAT, List.of("batch", "more", 2)));
        assertThatThrownBy(() -> open(model, unnormalized()))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("the model gave no vector for each token: output \"twice\" has ")
                .hasMessageContaining("declared as [-1, -1, 2]");
    }

    @Test
    void anOptionIsSetOnce() {
        TextOptions options =
                Texts.options().maxTokens(64).prefix("query: ").firstToken().unnormalized();
        assertThat(options)
                .hasToString("TextOptions[maxTokens=64, prefix=\"query: \", pooling=first token, unnormalized]");
        assertThat(Texts.options())
                .hasToString("TextOptions[maxTokens=by the tokenizer, prefix=none, pooling=mean, normalized]");
        assertThatThrownBy(() -> options.maxTokens(3))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("option maxTokens is already set, to 64");
        assertThatThrownBy(() -> options.prefix("x")).hasMessage("option prefix is already set, to query: ");
        assertThatThrownBy(options::firstToken).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(options::unnormalized).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> Texts.options().maxTokens(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("option maxTokens is invalid: found 0, expected at least 1");
    }
}
