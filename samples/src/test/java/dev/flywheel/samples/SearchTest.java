package dev.flywheel.samples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.text.Texts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SearchTest {

    @Test
    void findsWhatIsMeantAmongTheReviews() throws IOException {
        Search search = new Search(someReviews(600));
        try (Endpoint<String, float[]> minilm = Endpoint.onnx(
                        Search.extract("all-minilm-l6-v2-q.onnx"),
                        Texts.embeddings(Search.extract("all-minilm-l6-v2-q-tokenizer.json")))
                .maxBatch(1)
                .open()) {
            search.embed(minilm);
            assertThat(mentioning(search, minilm, "dog food", "dog", "puppy", "canine"))
                    .isGreaterThanOrEqualTo(4);
            assertThat(mentioning(search, minilm, "a hot drink to wake up", "coffee", "tea", "espresso"))
                    .isGreaterThanOrEqualTo(4);
            String own =
                    search.nearest(minilm.predict("dog food").value(), 1).get(0).review();
            Search.Hit itself = search.nearest(minilm.predict(own).value(), 1).get(0);
            assertThat(itself.review()).isEqualTo(own);
            assertThat(itself.cosine()).isGreaterThan(0.9999);
        }
    }

    private static long mentioning(Search search, Endpoint<String, float[]> minilm, String query, String... words) {
        List<Search.Hit> hits = search.nearest(minilm.predict(query).value(), 5);
        assertThat(hits).hasSize(5).isSortedAccordingTo((a, b) -> Double.compare(b.cosine(), a.cosine()));
        return hits.stream()
                .map(hit -> hit.review().toLowerCase(Locale.ROOT))
                .filter(review -> List.of(words).stream().anyMatch(review::contains))
                .count();
    }

    private static List<String> someReviews(int count) throws IOException {
        try {
            return Search.reviews(Search.file("")).subList(0, count);
        } catch (IllegalStateException e) {
            Assumptions.abort(e.getMessage());
            throw e;
        }
    }

    @Test
    void readsAnyFileWithReviewsAndSaysWhatIsMissing(@TempDir Path directory) throws IOException {
        Path file = Files.writeString(directory.resolve("a.csv"), "id,review\n1,\"good,<br />cheap\"\n2,bad\n3,bad\n");
        assertThat(Search.reviews(Search.file(file.toString()))).containsExactly("good, cheap", "bad");
        Path other = Files.writeString(directory.resolve("b.csv"), "id,text\n1,good\n");
        assertThatThrownBy(() -> Search.reviews(other))
                .isInstanceOf(NoSuchElementException.class)
                .hasMessageContaining("review");
    }
}
