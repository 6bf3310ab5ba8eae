package dev.flywheel.pipeline.feature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.TrainingException;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Schema;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WordFeaturesTest {

    private static final String[] REVIEWS = {
        "Good food, good price",
        "Not good: the food was cold",
        "The price was good and good and good",
        "Cold: GOOD food"
    };

    @TempDir
    Path folder;

    private Dataset texts(@Nullable Object... values) {
        return TestData.column(folder, TestData.text("review"), Arrays.asList(values));
    }

    /** The numbers of a text that are not 0, by word or pair. */
    private Map<String, Double> terms(FittedFeatures fitted, @Nullable String text) {
        double[][] columns = TestData.numbers(fitted.matrix(texts(text)));
        Map<String, Double> terms = new HashMap<>();
        for (int i = 0; i < columns.length; i++) {
            if (columns[i][0] != 0) {
                String name = fitted.numberNames().get(i);
                terms.put(name.substring("review \"".length(), name.length() - 1), columns[i][0]);
            }
        }
        return terms;
    }

    /**
     * scikit-learn 1.2.1: {@code c = CountVectorizer(ngram_range=(1,2), min_df=2, token_pattern=r"(?u)[^\W_]+")} over
     * the reviews, {@code idf = log((1+4)/(1+df))+1}, {@code normalize(log2(1+c)*idf)}.
     */
    @Test
    void weighsWordsAndPairsAsScikitLearnDoes() {
        FittedFeatures fitted = Features.rows().words("review").fit(texts((Object[]) REVIEWS));
        assertThat(fitted.numberNames())
                .containsExactlyInAnyOrder(
                        "review \"cold\"",
                        "review \"food\"",
                        "review \"good\"",
                        "review \"good food\"",
                        "review \"price\"",
                        "review \"the\"",
                        "review \"was\"");
        Map<String, Double> third = terms(fitted, REVIEWS[2]);
        assertThat(third).hasSize(4);
        assertThat(third.get("good")).isCloseTo(0.607239, within(1e-6));
        assertThat(third.get("was")).isCloseTo(0.458716, within(1e-6));
        Map<String, Double> unseen = terms(fitted, "good, zebra GOOD food!");
        assertThat(unseen).hasSize(3);
        assertThat(unseen.get("food")).isCloseTo(0.487669, within(1e-6));
        assertThat(unseen.get("good")).isCloseTo(0.631927, within(1e-6));
        assertThat(unseen.get("good food")).isCloseTo(0.602368, within(1e-6));
    }

    @Test
    void aTextWithoutAKnownWordIsAllZero() {
        FittedFeatures fitted = Features.rows().words("review").fit(texts((Object[]) REVIEWS));
        for (String nothing : new @Nullable String[] {null, "", " \n.,;", "zebra", "\u0000", "_"}) {
            assertThat(terms(fitted, nothing)).isEmpty();
        }
        double[][] batch = TestData.numbers(fitted.matrix(texts("", "food", null)));
        assertThat(Arrays.stream(batch).filter(column -> column[1] != 0)).hasSize(1);
    }

    @Test
    void findsInServingWhatItFoundInTrainingInAnyScript() {
        String[] texts = {
            "Très BON été",
            "très bon ÉTÉ 2",
            "味 が 良い 2",
            "味 が 良い",
            "naïve_co-op 3x",
            "naïve co op 3x",
            "ｗｉｄｅ 𝒳",
            "ｗｉｄｅ 𝒳"
        };
        FittedFeatures fitted = Features.rows().words("review").fit(texts((Object[]) texts));
        for (String text : texts) {
            List<String> known = WordBlock.terms(text).stream()
                    .filter(term -> fitted.numberNames().contains("review \"" + term + "\""))
                    .toList();
            assertThat(known).isNotEmpty();
            assertThat(terms(fitted, text).keySet()).as(text).containsExactlyInAnyOrderElementsOf(known);
        }
    }

    @Test
    void standsBesideCategoriesOverTheSameColumns() {
        List<@Nullable Object[]> rows = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            rows.add(new @Nullable Object[] {i % 2 == 0 ? "a" : "b", i % 4 < 2 ? "fine day" : "dull day"});
        }
        Schema schema = Schema.of(TestData.text("kind"), TestData.text("note"));
        Dataset data = TestData.rows(folder, schema, rows);
        FittedFeatures fitted =
                Features.rows().words("note").category("kind").category("note").fit(data);
        assertThat(fitted.inputs().get(0).columns()).containsExactly("kind", "note");
        assertThat(fitted.describe()).contains("note: vocabulary() of 2 values; words of 5 terms");
        assertThat(fitted.matrix(data).idCount()).isEqualTo(2);
        FittedFeatures again = FittedFeatures.read(fitted.json(), "a test");
        assertThat(again.graph()).as("bit for bit").isEqualTo(fitted.graph());
    }

    @Test
    void refusesTextsThatHaveNoWordInCommon() {
        Dataset data = texts("one", "two", null);
        assertThatThrownBy(() -> Features.rows().words("review").fit(data))
                .isInstanceOf(TrainingException.class)
                .hasMessageContaining("the feature words(review) was not fitted")
                .hasMessageContaining("no word is in 2 of the training rows or more");
    }

    @Test
    void takesTextsAlone() {
        Dataset data = TestData.column(folder, TestData.number("review"), Arrays.asList(1.0, 2.0));
        assertThatThrownBy(() -> Features.rows().words("review").fit(data))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("feature words(review) takes a column of type [TEXT]");
    }
}
