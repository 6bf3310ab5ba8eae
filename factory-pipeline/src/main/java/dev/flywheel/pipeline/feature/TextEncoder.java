package dev.flywheel.pipeline.feature;

import java.io.Serializable;
import java.nio.file.Path;
import java.util.Objects;

/**
 * Which model makes a text into a vector: a transformer in one ONNX file, such as those of sentence-transformers, and
 * the {@code tokenizer.json} that was made with it. It stays as it is: only what comes after it learns. The vector is
 * the mean over the text's tokens, scaled to length 1. Immutable; nothing is read when it is made, and equal paths make
 * equal encoders.
 */
public final class TextEncoder implements Serializable {

    private static final long serialVersionUID = 1L;

    /** As text, because a {@link Path} cannot be serialized. */
    private final String model;

    private final String tokenizer;

    private TextEncoder(String model, String tokenizer) {
        this.model = model;
        this.tokenizer = tokenizer;
    }

    /**
     * {@return an encoder} A factory keeps a copy of both files in its home directory when it reads them first, and
     * needs them no more. Files of other content are another encoder and need paths of their own.
     *
     * @param modelOnnx takes {@code input_ids}, {@code attention_mask} and, where it has it, {@code token_type_ids}
     * @param tokenizerJson the tokenizer that was made with the model
     */
    public static TextEncoder of(Path modelOnnx, Path tokenizerJson) {
        return new TextEncoder(
                Objects.requireNonNull(modelOnnx, "modelOnnx").toString(),
                Objects.requireNonNull(tokenizerJson, "tokenizerJson").toString());
    }

    /** {@return the model's file} */
    public Path model() {
        return Path.of(model);
    }

    /** {@return the tokenizer's file} */
    public Path tokenizer() {
        return Path.of(tokenizer);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TextEncoder that && model.equals(that.model) && tokenizer.equals(that.tokenizer);
    }

    @Override
    public int hashCode() {
        return Objects.hash(model, tokenizer);
    }

    /** {@return the definition on one line, the same for equal encoders} */
    @Override
    public String toString() {
        return "encoder " + model + " with " + tokenizer;
    }
}
