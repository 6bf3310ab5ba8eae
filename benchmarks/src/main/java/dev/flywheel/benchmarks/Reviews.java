package dev.flywheel.benchmarks;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.NamedCsvRecord;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/** Texts of mixed lengths: the first sentences of food reviews, or, where these are absent, sentences made up. */
final class Reviews {

    private static final int MOST_TOKENS = 92;
    private static final String[] WORDS =
            "the coffee was good and my dog loves it but not when cold tea arrived late in a box of twelve".split(" ");

    private Reviews() {}

    /** {@return the texts, none of more than 92 tokens} */
    static List<String> read(@Nullable Path file, HuggingFaceTokenizer tokenizer) throws IOException {
        List<String> texts = new ArrayList<>();
        for (String text : file == null ? madeUp() : sentences(file)) {
            texts.add(cut(text, tokenizer));
        }
        return texts;
    }

    /** {@return the reviews in a folder {@code shared/data} beside this directory or one above it, or null} */
    static @Nullable Path find() {
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            Path file = at.resolve("shared/data/food_reviews.csv.gz");
            if (Files.isRegularFile(file)) {
                return file;
            }
        }
        return null;
    }

    private static List<String> sentences(Path file) throws IOException {
        List<String> sentences = new ArrayList<>();
        try (Reader reader =
                        new InputStreamReader(new GZIPInputStream(Files.newInputStream(file)), StandardCharsets.UTF_8);
                CsvReader<NamedCsvRecord> csv = CsvReader.builder().ofNamedCsvRecord(reader)) {
            for (NamedCsvRecord row : csv) {
                String review = row.getField("review").strip();
                sentences.add(review.split("(?<=.{24}[.!?])\\s|<br", 2)[0]);
            }
        }
        return sentences;
    }

    private static List<String> madeUp() {
        Random random = new Random(3);
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            List<String> words = new ArrayList<>();
            int length = 3 + (int) (-18 * Math.log(1 - random.nextDouble()));
            for (int k = 0; k < length; k++) {
                words.add(WORDS[random.nextInt(WORDS.length)]);
            }
            texts.add(String.join(" ", words));
        }
        return texts;
    }

    private static String cut(String text, HuggingFaceTokenizer tokenizer) {
        String kept = text;
        while (tokenizer.encode(kept).getIds().length > MOST_TOKENS) {
            kept = kept.substring(0, kept.length() * 4 / 5);
        }
        return kept;
    }
}
