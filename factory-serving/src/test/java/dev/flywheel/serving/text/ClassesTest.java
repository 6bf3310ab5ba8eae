package dev.flywheel.serving.text;

import static dev.flywheel.serving.OnnxGraph.FLOAT;
import static dev.flywheel.serving.OnnxGraph.INT64;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.Classification;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.OnnxGraph;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The logits of a text are the largest of each class among its tokens. */
class ClassesTest {

    private static final List<Object> ROWS = List.of("batch", "sequence");

    /** Nothing for [PAD], [UNK], [CLS] and [SEP]; one: the first class, two: the last, three: huge, emoji: NaN. */
    private static final float[] TABLE = {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 3e38f, -3e38f, Float.NaN, 0, 0
    };

    @TempDir
    Path directory;

    private Path tokenizer;

    @BeforeEach
    void write() {
        tokenizer = TextFiles.small(directory);
    }

    private Path model(Object classes) {
        return new OnnxGraph()
                .constant("table", TABLE, 8, 3)
                .input("input_ids", INT64, ROWS)
                .input("attention_mask", INT64, ROWS)
                .node("Gather", List.of("table", "input_ids"), "tokens")
                .node(
                        "ReduceSum",
                        "",
                        List.of("tokens", "axis"),
                        "logits",
                        node -> node.addAttribute(OnnxGraph.integer("keepdims", 0)))
                .longs("axis", 1)
                .output("tokens", FLOAT, List.of("batch", "sequence", 3))
                .output("logits", FLOAT, List.of("batch", classes))
                .write(directory.resolve("classes.onnx"));
    }

    private Endpoint<String, Classification> open() {
        return Endpoint.onnx(model(3), Texts.classes(tokenizer, "ham", "spam", "neither"))
                .open();
    }

    @Test
    void namesTheMostProbableClass() {
        try (Endpoint<String, Classification> endpoint = open()) {
            List<Prediction<Classification>> answers = endpoint.predictAll(List.of("one", "", "two two two"));
            Classification one = answers.get(0).value();
            double sum = Math.exp(2) + 2;
            assertThat(one.label()).isEqualTo("ham");
            assertThat(one.probability()).isEqualTo(Math.exp(2) / sum, within(1e-12));
            assertThat(one.probabilities().keySet()).containsExactly("ham", "spam", "neither");
            assertThat(one.probabilities().get("spam")).isEqualTo(1 / sum, within(1e-12));
            assertThat(answers.get(1).value().probabilities().values())
                    .allSatisfy(p -> assertThat(p).isEqualTo(1 / 3.0, within(1e-12)));
            assertThat(answers.get(2).value().label()).isEqualTo("neither");
        }
    }

    @Test
    void textsOfUnlikeLengthRunTogetherThoughTheModelGivesTheirTokensToo() {
        try (Endpoint<String, Classification> endpoint = open()) {
            assertThat(endpoint.predictAll(List.of("one", "two two two", ""))).hasSize(3);
            assertThat(endpoint.snapshot().total().batches()).isEqualTo(1);
        }
    }

    @Test
    void staysFiniteWhereTheLogitsAreHuge() {
        try (Endpoint<String, Classification> endpoint = open()) {
            assertThat(endpoint.predict("three").value().probabilities())
                    .containsEntry("ham", 0.0)
                    .containsEntry("spam", 1.0)
                    .containsEntry("neither", 0.0);
        }
    }

    @Test
    void refusesAnAnswerThatIsNotANumber() {
        try (Endpoint<String, Classification> endpoint = open()) {
            assertThatThrownBy(() -> endpoint.predict("😀"))
                    .isInstanceOf(PredictionException.class)
                    .hasMessage("the model gave no classes for a text: its output is not finite. Fix: check the model "
                            + "with this text, or export it in float32.");
            assertThatThrownBy(() -> endpoint.predict("three three")).isInstanceOf(PredictionException.class);
        }
    }

    @Test
    void refusesLabelsThatDoNotFitTheModel() {
        assertThatThrownBy(() -> Endpoint.onnx(model(3), Texts.classes(tokenizer, "ham", "spam"))
                        .open())
                .isInstanceOf(ModelFormatException.class)
                .hasMessageStartingWith("the labels do not fit the model: it tells 3 classes apart (")
                .hasMessageEndingWith(
                        "found the labels [ham, spam]. Fix: give the label of each class, in the order of "
                                + "id2label in the model's config.json.");
        assertThatThrownBy(() -> Endpoint.onnx(model("classes"), Texts.classes(tokenizer, "ham", "spam"))
                        .open())
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("the labels do not fit the model");
    }

    @Test
    void refusesAModelThatGivesNoClasses() {
        assertThatThrownBy(() -> Endpoint.onnx(
                                TextFiles.model(TextFiles.MINILM_INT8),
                                Texts.classes(TextFiles.tokenizer(TextFiles.MINILM_INT8), "a", "b"))
                        .open())
                .isInstanceOf(ModelFormatException.class)
                .hasMessageStartingWith("the model gives no classes: its outputs are last_hidden_state FLOAT");
    }

    @Test
    void refusesFewOrEqualLabels() {
        assertThatThrownBy(() -> Texts.classes(tokenizer, "ham"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a classifier takes at least two labels, all different, found [ham]");
        assertThatThrownBy(() -> Texts.classes(tokenizer, "ham", "ham"))
                .hasMessage("a classifier takes at least two labels, all different, found [ham, ham]");
    }

    @Test
    void refusesOptionsOfEmbeddings() {
        assertThatThrownBy(() -> Texts.classes(tokenizer, Texts.options().firstToken(), "ham", "spam"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("firstToken and unnormalized are options of embeddings, found TextOptions[maxTokens=by the "
                        + "tokenizer, prefix=none, pooling=first token, normalized]");
    }
}
