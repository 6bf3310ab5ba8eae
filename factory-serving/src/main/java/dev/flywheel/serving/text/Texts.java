package dev.flywheel.serving.text;

import dev.flywheel.serving.Classification;
import dev.flywheel.serving.Codec;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;

/**
 * The codecs for models that read text: transformers in ONNX, together with the {@code tokenizer.json} that was made
 * with them. Needs {@code ai.djl.huggingface:tokenizers} on the class path.
 *
 * <p>A model takes {@code input_ids}, {@code attention_mask} and, where it has it, {@code token_type_ids}, all of shape
 * [texts, tokens] and of type INT64 or INT32. Texts are tokenized on the caller's thread; texts of like length run
 * together, padded to the longest.
 *
 * <p>An empty text, and one of characters that the tokenizer does not know, are texts like others; where the tokenizer
 * makes no token of one, it is refused with a {@link dev.flywheel.core.PredictionException}. Surrogates without a
 * partner count as U+FFFD. The native memory of a tokenizer is freed when its codec is garbage.
 */
public final class Texts {

    /** A few words up to some sentences. */
    private static final List<String> EXAMPLES = List.of(
            "Where is the nearest bakery?",
            "Hello!",
            "The parcel came two days late, and the box was open on one side; everything in it was all right, though.",
            "It rained all morning, so we stayed in and cooked. By noon the whole house smelled of onions and thyme. "
                    + "When the sun came out we carried the table into the garden, called the neighbours over, and ate "
                    + "until late in the afternoon. Nobody wanted to go home, and nobody did before it was dark.");

    private Texts() {}

    /** {@return the options, none of them set} */
    public static TextOptions options() {
        return TextOptions.DEFAULTS;
    }

    /**
     * {@return the codec for sentence embeddings: a text becomes the mean over what the model gives for its tokens,
     * scaled to length 1} A model's own output {@code sentence_embedding} of shape [texts, size] is taken instead where
     * it has one.
     *
     * @param tokenizerJson the tokenizer that was made with the model
     * @throws dev.flywheel.core.ModelFormatException if the file is not there or not a tokenizer
     * @throws dev.flywheel.core.MissingEngineException if DJL's tokenizers are absent or do not load
     */
    public static Codec<String, float[]> embeddings(Path tokenizerJson) {
        return embeddings(tokenizerJson, options());
    }

    /**
     * {@return the codec for sentence embeddings, as {@link #embeddings(Path)}, with options}
     *
     * @throws dev.flywheel.core.ModelFormatException if the file is not there or not a tokenizer
     * @throws dev.flywheel.core.MissingEngineException if DJL's tokenizers are absent or do not load
     */
    public static Codec<String, float[]> embeddings(Path tokenizerJson, TextOptions options) {
        Tokenizer tokenizer = open(tokenizerJson, options);
        return prepared(new EmbeddingCodec(tokenizer.pad(), options), tokenizer, options);
    }

    /**
     * {@return the codec for classifiers: the softmax of what the model gives for each class}
     *
     * @param tokenizerJson the tokenizer that was made with the model
     * @param labels the names of the classes, in the model's order; at least two
     * @throws dev.flywheel.core.ModelFormatException if the file is not there or not a tokenizer
     * @throws dev.flywheel.core.MissingEngineException if DJL's tokenizers are absent or do not load
     */
    public static Codec<String, Classification> classes(Path tokenizerJson, String... labels) {
        return classes(tokenizerJson, options(), labels);
    }

    /**
     * {@return the codec for classifiers, as {@link #classes(Path, String...)}, with options}
     *
     * @throws dev.flywheel.core.ModelFormatException if the file is not there or not a tokenizer
     * @throws dev.flywheel.core.MissingEngineException if DJL's tokenizers are absent or do not load
     */
    public static Codec<String, Classification> classes(Path tokenizerJson, TextOptions options, String... labels) {
        List<String> names = List.of(labels);
        if (names.size() < 2 || new HashSet<>(names).size() < names.size()) {
            throw new IllegalArgumentException(
                    "a classifier takes at least two labels, all different, found " + Arrays.toString(labels));
        }
        if (options.firstToken || options.unnormalized) {
            throw new IllegalArgumentException(
                    "firstToken and unnormalized are options of embeddings, found " + options);
        }
        Tokenizer tokenizer = open(tokenizerJson, options);
        return prepared(new ClassCodec(tokenizer.pad(), names), tokenizer, options);
    }

    private static Tokenizer open(Path tokenizerJson, TextOptions options) {
        Objects.requireNonNull(tokenizerJson, "tokenizerJson");
        // Nothing in this class links to DJL, so that its absence can be explained.
        TokenizerChecks.require();
        return Tokenizer.open(tokenizerJson, options.maxTokens);
    }

    private static <O> Codec<String, O> prepared(Codec<Tokens, O> codec, Tokenizer tokenizer, TextOptions options) {
        String prefix = options.prefix;
        return prefix == null || prefix.isEmpty()
                ? codec.from(tokenizer::encode, EXAMPLES)
                : codec.from(text -> tokenizer.encode(prefix.concat(text)), EXAMPLES);
    }
}
