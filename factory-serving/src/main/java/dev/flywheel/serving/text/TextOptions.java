package dev.flywheel.serving.text;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How a text is made into what its model takes, and how an embedding is read from what the model gives; each option has
 * a default and is set at most once. Immutable. Made by {@link Texts#options}.
 */
public final class TextOptions {

    static final TextOptions DEFAULTS = new TextOptions(null, null, false, false);

    final @Nullable Integer maxTokens;
    final @Nullable String prefix;
    final boolean firstToken;
    final boolean unnormalized;

    private TextOptions(
            @Nullable Integer maxTokens, @Nullable String prefix, boolean firstToken, boolean unnormalized) {
        this.maxTokens = maxTokens;
        this.prefix = prefix;
        this.firstToken = firstToken;
        this.unnormalized = unnormalized;
    }

    /**
     * {@return these, with another limit to the tokens of a text, those included that the tokenizer adds} What a text
     * has beyond it is cut off. By default what the tokenizer's file says, or 512; no more than the model has positions
     * for.
     */
    public TextOptions maxTokens(int count) {
        if (count < 1) {
            throw new IllegalArgumentException("option maxTokens is invalid: found " + count + ", expected at least 1");
        }
        requireUnset("maxTokens", maxTokens);
        return new TextOptions(count, prefix, firstToken, unnormalized);
    }

    /**
     * {@return these, with words to put before every text, such as {@code "query: "} for the models named e5} By
     * default none.
     */
    public TextOptions prefix(String words) {
        Objects.requireNonNull(words, "words");
        requireUnset("prefix", prefix);
        return new TextOptions(maxTokens, words, firstToken, unnormalized);
    }

    /**
     * {@return these, where an embedding is what the model gives for the first token, as for the models named bge} By
     * default it is the mean over all tokens, or the model's output {@code sentence_embedding} where it has one.
     */
    public TextOptions firstToken() {
        requireUnset("firstToken", firstToken ? true : null);
        return new TextOptions(maxTokens, prefix, true, unnormalized);
    }

    /**
     * {@return these, where an embedding is left as long as it comes} By default its length is made 1, so that the dot
     * product of two embeddings is their cosine.
     */
    public TextOptions unnormalized() {
        requireUnset("unnormalized", unnormalized ? true : null);
        return new TextOptions(maxTokens, prefix, firstToken, true);
    }

    private static void requireUnset(String option, @Nullable Object before) {
        if (before != null) {
            throw new IllegalStateException("option " + option + " is already set, to " + before);
        }
    }

    @Override
    public String toString() {
        return "TextOptions[maxTokens=" + (maxTokens == null ? "by the tokenizer" : maxTokens) + ", prefix="
                + (prefix == null ? "none" : "\"" + prefix + "\"") + ", pooling="
                + (firstToken ? "first token" : "mean") + (unnormalized ? ", unnormalized]" : ", normalized]");
    }
}
