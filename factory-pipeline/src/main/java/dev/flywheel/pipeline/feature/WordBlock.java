package dev.flywheel.pipeline.feature;

import dev.flywheel.pipeline.onnx.OnnxGraph;
import dev.flywheel.serving.engine.OnnxText;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * All fitted texts that are read word by word. A text becomes a number for each known term, a word or a pair of
 * neighbours: log2(1 + times it occurs), times how rare the term is (the smoothed inverse document frequency of
 * scikit-learn's TfidfVectorizer), and each row is then as long as 1. Words are runs of letters and digits; A to Z
 * count as a to z. Immutable.
 */
final class WordBlock {

    /** A term must be in so many training rows. */
    static final int MIN_ROWS = 2;

    /** The most terms of a column, the most frequent ones. */
    static final int LIMIT = 10_000;

    private static final String WORD = "[\\pL\\pN]+";
    private static final Pattern WORDS = Pattern.compile(WORD);

    /**
     * One fitted text.
     *
     * @param column the raw column
     * @param terms the known terms, the words before the pairs, whose words have a space between them
     * @param weights how rare each is
     */
    record Slot(String column, List<String> terms, List<Float> weights) {}

    private final List<Slot> slots;

    WordBlock(List<Slot> slots) {
        this.slots = List.copyOf(slots);
    }

    List<Slot> slots() {
        return slots;
    }

    /** The raw columns. */
    List<String> raw() {
        return slots.stream().map(Slot::column).toList();
    }

    /** The different terms of a text, as the graph finds them. */
    static Set<String> terms(String text) {
        Set<String> terms = new LinkedHashSet<>();
        Matcher words = WORDS.matcher(OnnxText.carried(text));
        String before = "";
        while (words.find()) {
            String word = lowerCase(words.group());
            terms.add(word);
            if (!before.isEmpty()) {
                terms.add(before + " " + word);
            }
            before = word;
        }
        return terms;
    }

    /** The graph's operator knows the letters of the host's locale; those of English are there on every host. */
    private static String lowerCase(String word) {
        StringBuilder lower = new StringBuilder(word);
        for (int i = 0; i < word.length(); i++) {
            if (word.charAt(i) >= 'A' && word.charAt(i) <= 'Z') {
                lower.setCharAt(i, (char) (word.charAt(i) + 'a' - 'A'));
            }
        }
        return lower.toString();
    }

    static Slot fit(String column, Vocabulary vocabulary, long rows) {
        List<String> known = vocabulary.values(MIN_ROWS, LIMIT);
        List<String> terms = new ArrayList<>(
                known.stream().filter(term -> term.indexOf(' ') < 0).toList());
        known.stream().filter(term -> term.indexOf(' ') >= 0).forEach(terms::add);
        List<Float> weights = terms.stream()
                .map(term -> (float) (Math.log((1.0 + rows) / (1 + vocabulary.count(term))) + 1))
                .toList();
        return new Slot(column, List.copyOf(terms), weights);
    }

    /**
     * Adds the nodes.
     *
     * @param texts STRING [rows, raw]
     * @param raw the columns of {@code texts}
     */
    void emit(Emission out, String texts, List<String> raw) {
        for (Slot slot : slots) {
            String column = out.select(texts, raw.size(), new int[] {raw.indexOf(slot.column())});
            List<String> names = slot.terms().stream()
                    .map(term -> slot.column() + " \"" + term + "\"")
                    .toList();
            out.plain(emit(out, slot, column), names);
        }
    }

    private static String emit(Emission out, Slot slot, String column) {
        OnnxGraph graph = out.graph();
        String text = graph.node("Squeeze", column, graph.longs(new long[] {1}, 1));
        String lower = graph.node(
                OnnxGraph.ONNX, "StringNormalizer", Map.of("case_change_action", "LOWER", "locale", "C"), text);
        // marks at both ends, so that a batch of empty texts still has a word
        Map<String, Object> tokens = Map.of("mark", 1L, "mincharnum", 1L, "pad_value", "", "tokenexp", WORD);
        String words = graph.node(OnnxGraph.MICROSOFT, "Tokenizer", tokens, lower);
        String counts = graph.node(OnnxGraph.ONNX, "TfIdfVectorizer", vectorizer(slot.terms()), words);
        float[] weights = new float[slot.terms().size()];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (float) (slot.weights().get(i) / Math.log(2));
        }
        String logs = graph.node("Log", graph.node("Add", counts, graph.floats(new float[] {1})));
        String weighed = graph.node("Mul", logs, out.row(weights));
        return graph.node(OnnxGraph.ONNX, "LpNormalization", Map.of("axis", 1L, "p", 2L), weighed);
    }

    private static Map<String, Object> vectorizer(List<String> terms) {
        List<String> pool = terms.stream()
                .flatMap(term -> Pattern.compile(" ").splitAsStream(term))
                .toList();
        long words = terms.stream().filter(term -> term.indexOf(' ') < 0).count();
        boolean pairs = words < terms.size();
        Map<String, Object> attributes = new LinkedHashMap<>();
        attributes.put("mode", "TF");
        attributes.put("min_gram_length", 1L);
        attributes.put("max_gram_length", pairs ? 2L : 1L);
        attributes.put("max_skip_count", 0L);
        attributes.put("ngram_counts", pairs ? new long[] {0, words} : new long[] {0});
        attributes.put(
                "ngram_indexes",
                java.util.stream.LongStream.range(0, terms.size()).toArray());
        attributes.put("pool_strings", pool);
        return attributes;
    }

    /** One line for each feature, by column: what was learned. */
    Map<String, String> describe() {
        Map<String, String> lines = new LinkedHashMap<>();
        slots.forEach(
                slot -> lines.put(slot.column(), "words of " + slot.terms().size() + " terms"));
        return lines;
    }
}
