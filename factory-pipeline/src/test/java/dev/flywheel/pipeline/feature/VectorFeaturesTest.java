package dev.flywheel.pipeline.feature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Length;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.Schema;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@SuppressWarnings("ArrayRecordComponent") // what the library asks for
class VectorFeaturesTest {

    record Item(
            double price,
            @Length(4) float[] pixels,
            @Length(2) float[] meaning) {}

    private static final Schema SCHEMA = Schema.of(
            new Column("price", ColumnType.NUMBER, true),
            Column.vector("meaning", 2),
            // a name that a node of the graph would take
            Column.vector("Where_1", 4));

    @TempDir
    Path folder;

    private Dataset rows(@Nullable Object[]... rows) {
        RowType<Row> type = Row.type(SCHEMA);
        try (Dataset.Writer writer = Dataset.writer(folder, SCHEMA)) {
            for (@Nullable Object[] row : rows) {
                type.write(Row.of("price", row[0], "meaning", row[1], "Where_1", row[2]), writer);
                writer.endRow();
            }
            return writer.finish();
        }
    }

    private static float[] f(double... values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }

    private Dataset data() {
        return rows(
                new Object[] {1, f(1, 5), f(0, 0, 0, 4)},
                new Object[] {2, f(3, 5), f(4, 4, 0, 4)},
                new Object[] {3, null, null},
                new Object[] {3, f(Double.NaN, 5), f(0, Double.NaN, 0, 4)});
    }

    @Test
    void anImageComesFirstAndIsScaledByOneMeanAndDeviation() {
        FittedFeatures fitted = Features.rows()
                .number("price", Transform.impute())
                .vector("meaning")
                .image("Where_1", 1, 2, 2)
                .fit(data());

        assertThat(fitted.image()).contains(new ImageShape(1, 2, 2, 0));
        assertThat(fitted.numberNames())
                .containsExactly(
                        "Where_1[0]", "Where_1[1]", "Where_1[2]", "Where_1[3]", "meaning[0]", "meaning[1]", "price");
        assertThat(fitted.inputs()).extracting(input -> input.name()).containsExactly("Where_1", "meaning", "numbers");

        double[][] numbers = TestData.numbers(fitted.matrix(data()));
        // the eleven pixels: 5 of 4, 6 of 0
        double mean = 20.0 / 11;
        double deviation = Math.sqrt(5 * 16.0 / 11 - mean * mean);
        double[] last = {4, 4, mean, 4};
        double[] second = {0, 4, mean, mean};
        for (int row = 0; row < 4; row++) {
            assertThat(numbers[3][row]).isCloseTo((last[row] - mean) / deviation, within(1e-6));
            assertThat(numbers[1][row]).isCloseTo((second[row] - mean) / deviation, within(1e-6));
        }
        // each of its own: 1, 3 and two that are missing; the other is the same throughout
        assertThat(numbers[4]).containsExactly(-1, 1, 0, 0);
        assertThat(numbers[5]).containsExactly(0, 0, 0, 0);
        assertThat(numbers[6]).containsExactly(1, 2, 3, 3);
    }

    @Test
    void aPixelIsLimitedToSixteenDeviations() {
        FittedFeatures some = Features.rows().image("Where_1", 1, 2, 2).fit(data());
        FittedFeatures same = Features.rows()
                .image("Where_1", 1, 2, 2)
                .fit(rows(new Object[] {1, null, f(7, 7, 7, 7)}, new Object[] {2, null, f(7, 7, 7, 7)}));
        Dataset absurd = rows(new Object[] {1, null, f(Double.POSITIVE_INFINITY, -3e38, 1e30, Double.NaN)});

        assertThat(some.matrix(absurd).numbers().asFloatBuffer())
                .isEqualTo(FloatBuffer.wrap(new float[] {16, -16, 16, 0}));
        assertThat(same.matrix(absurd).numbers().asFloatBuffer()).isEqualTo(FloatBuffer.wrap(new float[4]));
    }

    @Test
    void whatWasLearnedComesBackFromJson() {
        FittedFeatures fitted =
                Features.rows().vector("meaning").image("Where_1", 1, 2, 2).fit(data());
        FittedFeatures read = FittedFeatures.read(fitted.json(), "test");

        assertThat(read.graph()).isEqualTo(fitted.graph());
        assertThat(read.image()).isEqualTo(fitted.image());
        assertThat(read.describe())
                .isEqualTo("Where_1: image of 1 x 2 x 2, (x - 1.8181819) * 0.502079\n"
                        + "meaning: 2 numbers, each standardized by a mean and scale of its own");
    }

    @Test
    void featuresThatWereKeptBeforeThereWereVectorsAreRead() {
        FittedFeatures fitted = Features.rows().number("price").fit(data());
        String json = new String(fitted.json(), StandardCharsets.UTF_8);
        String before = json.replaceAll("\"vectors\"\\s*:\\s*\\[\\s*],?", "");

        assertThat(before).isNotEqualTo(json);
        assertThat(FittedFeatures.read(before.getBytes(StandardCharsets.UTF_8), "test")
                        .graph())
                .isEqualTo(fitted.graph());
    }

    @Test
    void anAutomaticDefinitionTakesAVectorAsOne() {
        FittedFeatures fitted = Features.auto().except("Where_1").fit(data());
        assertThat(fitted.numberNames()).containsExactly("meaning[0]", "meaning[1]", "price");
        assertThat(fitted.image()).isEmpty();
    }

    @Test
    void aVectorWithoutAnyNumberIsNoted() {
        Dataset none = rows(new Object[] {1, null, null});
        FittedFeatures fitted = Features.rows().vector("meaning").fit(none);
        assertThat(fitted.notes()).containsExactly("column \"meaning\" has no value in the training rows");
        assertThat(TestData.numbers(fitted.matrix(data()))[0]).containsExactly(0, 0, 0, 0);
    }

    @Test
    void whatDoesNotFitIsRefusedWhereItIsNamed() {
        Features<Item> items = Features.of(Item.class);
        assertThat(items.image(Item::pixels, 1, 2, 2).vector(Item::meaning).describe())
                .isEqualTo("image(pixels, 1, 2, 2), vector(meaning)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> items.image(Item::pixels, 3, 2, 2))
                .withMessage("feature image(pixels, 3, 2, 2) takes 12 numbers, but vectors of \"pixels\" have 4");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> items.image(Item::pixels, 1, 0, 4))
                .withMessage("image(pixels) needs channels, height and width of at least 1, found 1, 0, 4");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> items.number(Item::pixels))
                .withMessageEndingWith("but \"pixels\" is of type VECTOR; use vector or image");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> items.vector("price"))
                .withMessageContaining("takes a column of type [VECTOR], but \"price\" is of type NUMBER");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> items.image(Item::pixels, 1, 2, 2).image(Item::meaning, 1, 1, 2))
                .withMessage("image(meaning, 1, 1, 2) cannot be in the features beside image(pixels, 1, 2, 2): a model"
                        + " takes one image, and a vector once");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> items.vector(Item::pixels).image(Item::pixels, 1, 2, 2))
                .withMessageContaining("cannot be in the features beside vector(pixels)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Features.auto().columns(Schema.of(List.of(Column.vector("numbers", 2)))))
                .withMessage("feature vector(numbers) reads a vector whose name models need for themselves: rename the"
                        + " column");
    }
}
