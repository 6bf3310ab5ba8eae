package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.flywheel.core.DataException;
import dev.flywheel.core.FactoryException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Length;
import dev.flywheel.core.data.RecordType;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.Schema;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A column of vectors is an input of its own: prediction = scale * (1000 where missing, else 3 v[0] + 2 v[1] + v[2]).
 */
@SuppressWarnings("ArrayRecordComponent") // what the library asks for
class VectorInputTest {

    record Item(
            String unused,
            @Length(3) float @Nullable [] pixels,
            double scale,
            @Length(2) float @Nullable [] unread) {}

    private static final RecordType<Item> TYPE = RecordType.of(Item.class);

    @TempDir
    Path directory;

    private Path model;

    @BeforeEach
    void write() {
        model = model("pixels", 3);
    }

    private Path model(String input, int length) {
        float[] weights = new float[length];
        for (int i = 0; i < length; i++) {
            weights[i] = length - i;
        }
        return new OnnxGraph()
                .input("numbers", OnnxGraph.FLOAT, -1, 1)
                .input(input, OnnxGraph.FLOAT, -1, length)
                .metadata("flywheel.numbers", "[\"scale\"]")
                .metadata("flywheel." + input, "[\"" + input + "\"]")
                .constant("weights", weights, length, 1)
                .constant("thousand", new float[] {1000}, 1)
                .node("MatMul", List.of(input, "weights"), "sum")
                .node("IsNaN", List.of("sum"), "missing")
                .node("Where", List.of("missing", "thousand", "sum"), "filled")
                .node("Mul", List.of("filled", "numbers"), "prediction")
                .output("prediction", OnnxGraph.FLOAT, -1, 1)
                .write(directory.resolve(input + length + ".onnx"));
    }

    private <I> Endpoint<I, Double> open(RowType<I> type) {
        return Endpoint.onnx(model, Codec.<I, Double>rows(type, p -> p))
                .lanes(1)
                .open();
    }

    private static Item item(float @Nullable ... pixels) {
        return new Item("x", pixels, 2, null);
    }

    @Test
    void oneRowManyRowsAndADatasetGiveTheSame() {
        Random random = new Random(3);
        List<Item> items = new ArrayList<>();
        double[] expected = new double[2_000];
        for (int i = 0; i < expected.length; i++) {
            float[] pixels = {random.nextInt(100), random.nextInt(100), random.nextInt(100)};
            boolean missing = random.nextInt(5) == 0;
            items.add(new Item("x", missing ? null : pixels, i % 3, new float[2]));
            expected[i] = i % 3 * (missing ? 1000 : 3 * pixels[0] + 2 * pixels[1] + pixels[2]);
        }
        Dataset dataset;
        try (Dataset.Writer writer = Dataset.writer(directory, TYPE.schema())) {
            for (Item item : items) {
                TYPE.write(item, writer);
                writer.endRow();
            }
            dataset = writer.finish();
        }
        try (Endpoint<Item, Double> endpoint = open(TYPE)) {
            assertThat(endpoint.score(dataset)).containsExactly(expected);
            assertThat(endpoint.predictAll(items))
                    .extracting(prediction -> prediction.value())
                    .containsExactlyElementsOf(
                            java.util.Arrays.stream(expected).boxed().toList());
            for (int i = 0; i < 100; i++) {
                assertThat(endpoint.predict(items.get(i)).value()).isEqualTo(expected[i]);
            }
        }
    }

    @Test
    void aVectorThatIsMissingDoesNotHoldTheOneBefore() {
        try (Endpoint<Item, Double> endpoint = open(TYPE)) {
            assertThat(endpoint.predict(item(1, 1, 1)).value()).isEqualTo(12);
            assertThat(endpoint.predict(item((float[]) null)).value()).isEqualTo(2000);
            assertThat(endpoint.predict(item(1, Float.NaN, 1)).value()).isEqualTo(2000);
        }
    }

    @Test
    void infinityAndAnotherLengthAreRefused() {
        try (Endpoint<Item, Double> endpoint = open(TYPE)) {
            assertThatExceptionOfType(PredictionException.class)
                    .isThrownBy(() -> endpoint.predict(item(1, Float.NEGATIVE_INFINITY, 2)))
                    .withMessage("column \"pixels\" of an input cannot be used: its number is infinite, or beyond the"
                            + " 3.4e38 that a float holds. Fix: leave it missing (null or NaN), or do not ask for such"
                            + " inputs.");
            assertThatExceptionOfType(DataException.class)
                    .isThrownBy(() -> endpoint.predict(item(1, 2)))
                    .withMessage(
                            "the vector of column \"pixels\" cannot be used: it has 2 floats, expected 3. Fix: give"
                                    + " every row a vector of the column's length, or null where it is missing.");
            assertThat(endpoint.predict(item(0, 0, 1)).value()).isEqualTo(2);
        }
    }

    @Test
    void aModelOfAnotherLengthOrWithoutSuchAColumnIsRefused() {
        model = model("pixels", 4);
        assertRefused("its input \"pixels\" takes column \"pixels\", but its vectors have 3 floats, expected FLOAT of"
                + " shape [-1, 4]; the columns of the rows are " + TYPE.schema());
        model = model("image", 3);
        assertRefused(
                "its input \"image\" (FLOAT of shape [-1, 3]) does not name raw columns, expected numbers (FLOAT),"
                        + " texts (STRING) or times (INT64) with column names in the file's metadata, or the name of a column of"
                        + " vectors");
    }

    private void assertRefused(String why) {
        assertThatExceptionOfType(FactoryException.class)
                .isThrownBy(() -> open(TYPE).close())
                .isInstanceOf(ModelFormatException.class)
                .withMessageContaining(why);
    }

    @Test
    void aVectorAmongNumbersIsRefused() {
        Schema schema = Schema.of(Column.vector("scale", 1), new Column("pixels", ColumnType.NUMBER, true));
        assertThatExceptionOfType(ModelFormatException.class)
                .isThrownBy(() -> open(dev.flywheel.core.data.Row.type(schema)).close())
                .withMessageContaining("its input \"numbers\" takes column \"scale\", but it is VECTOR, expected one of"
                        + " [NUMBER, INTEGER, BOOLEAN]");
    }
}
