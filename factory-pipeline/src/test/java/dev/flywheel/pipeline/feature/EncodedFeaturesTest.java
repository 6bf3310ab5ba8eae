package dev.flywheel.pipeline.feature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Schema;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EncodedFeaturesTest {

    private static final TextEncoder ENCODER = TextEncoder.of(Path.of("a.onnx"), Path.of("a.json"));

    @TempDir
    Path folder;

    record Review(String text, double price) {}

    private Dataset data() {
        Schema schema = Schema.of(
                TestData.text("text"),
                TestData.number("price"),
                Column.vector("$text~1", 4),
                Column.vector("$text~2", 4));
        float[] other = {9, 9, 9, 9};
        return TestData.rows(
                folder,
                schema,
                List.<@Nullable Object[]>of(
                        new @Nullable Object[] {"a", 1.0, new float[] {0, 1, 5, -1}, other},
                        new @Nullable Object[] {"b", 3.0, new float[] {2, 3, 5, 1}, other},
                        new @Nullable Object[] {null, 2.0, null, null}));
    }

    @Test
    void theVectorTakesThePlaceOfTheText() {
        Features<Row> features = Features.auto().text("text", ENCODER);
        assertThat(features.columns(data().schema())).containsExactly("price", "text");
        FittedFeatures fitted = features.encoded(Map.of("text", "$text~1")).fit(data());
        assertThat(fitted.numberNames())
                .containsExactly("$text~1[0]", "$text~1[1]", "$text~1[2]", "$text~1[3]", "price");
        FeatureMatrix matrix = fitted.matrix(data());
        // half of a standardized number: there are four of them
        float[] expected = {-0.5f, -0.5f, 0, -0.5f, 0.5f, 0.5f, 0, 0.5f, 0, 0, 0, 0};
        for (int row = 0; row < 3; row++) {
            for (int place = 0; place < 4; place++) {
                assertThat(matrix.numbers().getFloat((row * 5 + place) * Float.BYTES))
                        .isCloseTo(expected[row * 4 + place], within(1e-6f));
            }
        }
    }

    @Test
    void isAValueThatReadsNothing() throws Exception {
        Features<Review> features = Features.of(Review.class).text(Review::text, ENCODER);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(features);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            assertThat(in.readObject()).isEqualTo(features);
        }
        assertThat(features.describe()).isEqualTo("text(text, encoder a.onnx with a.json)");
        assertThat(features.encoders()).containsExactly(Map.entry("text", ENCODER));
    }

    @Test
    void refusesWhatItCannotEncode() {
        Features<Review> features = Features.of(Review.class);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> features.text("price", ENCODER))
                .withMessageContaining("takes a column of type [TEXT], but \"price\" is of type NUMBER");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> features.text("text", ENCODER)
                        .text("text", TextEncoder.of(Path.of("b.onnx"), Path.of("a.json"))))
                .withMessage("text(text) has an encoder already: encoder a.onnx with a.json");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Features.rows().text("text", ENCODER).fit(data()))
                .withMessage("feature text(text, encoder a.onnx with a.json) learns from vectors, and these rows hold"
                        + " the text alone: a pipeline encodes them");
    }
}
