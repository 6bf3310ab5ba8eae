package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RecordType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClassCodecTest {

    private static final List<String> NAMES = List.of("low", "middle", "high");

    @TempDir
    Path directory;

    private Path model = Path.of("");
    private final RecordType<Point> type = RecordType.of(Point.class);

    record Point(double x) {}

    /** The softmax of 0, x and 2 x - 2: "low" below 0, "middle" from 0 to 2, "high" above. */
    @BeforeEach
    void write() {
        model = new OnnxGraph()
                .input("numbers", OnnxGraph.FLOAT, -1, 1)
                .metadata("flywheel.numbers", "[\"x\"]")
                .constant("weights", new float[] {0, 1, 2}, 1, 3)
                .constant("bias", new float[] {0, 0, -2}, 3)
                .node("MatMul", List.of("numbers", "weights"), "weighted")
                .node("Add", List.of("weighted", "bias"), "logits")
                .node("Softmax", List.of("logits"), "prediction")
                .output("prediction", OnnxGraph.FLOAT, -1, 3)
                .write(directory.resolve("classes.onnx"));
    }

    @Test
    void answersWithTheProbabilitiesOfTheClasses() {
        List<Double> raws = new ArrayList<>();
        try (Endpoint<Point, Classification> endpoint = Endpoint.onnx(model, Codec.classes(type, NAMES, c -> c))
                .observer((id, version, input, raw, at) -> raws.add(raw))
                .open()) {
            double sum = 1 + Math.exp(1) + 1;
            Classification middle = endpoint.predict(new Point(1)).value();
            assertThat(middle.label()).isEqualTo("middle");
            assertThat(middle.probability()).isCloseTo(Math.exp(1) / sum, within(1e-6));
            assertThat(middle.probability("high")).isCloseTo(1 / sum, within(1e-6));
            assertThat(middle.probabilities()).containsOnlyKeys("low", "middle", "high");
            assertThat(endpoint.predictAll(List.of(new Point(-3), new Point(7))))
                    .extracting(p -> p.value().label())
                    .containsExactly("low", "high");
            assertThat(raws).as("the place of the most probable class").containsExactly(1.0, 0.0, 2.0);
            assertThatThrownBy(() -> middle.probability("none"))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("there is no class \"none\"; the classes are [low, middle, high]");
        }
    }

    @Test
    void scoresAreTheProbabilitiesOfAllRows() {
        try (Endpoint<Point, Classification> endpoint =
                        Endpoint.onnx(model, Codec.classes(type, NAMES, c -> c)).open();
                Dataset.Writer writer = Dataset.writer(directory, type.schema())) {
            for (double x : new double[] {-3, 1, 7}) {
                type.write(new Point(x), writer);
                writer.endRow();
            }
            double[] scores = endpoint.score(writer.finish());
            assertThat(scores).hasSize(9);
            assertThat(scores[4])
                    .isCloseTo(endpoint.predict(new Point(1)).value().probability("middle"), within(1e-6));
            assertThat(scores[6] + scores[7] + scores[8]).isCloseTo(1, within(1e-6));
        }
    }

    @Test
    void aModelOfOtherClassesIsRefused() {
        assertThatThrownBy(() -> Endpoint.onnx(model, Codec.classes(type, List.of("yes", "no"), c -> c))
                        .open())
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("the model does not give 2 numbers for each row");
        assertThatThrownBy(() -> Endpoint.onnx(model, Codec.rows(type, p -> p)).open())
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("the model does not give one number for each row");
    }
}
