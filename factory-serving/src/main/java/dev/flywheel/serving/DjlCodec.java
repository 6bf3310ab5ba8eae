package dev.flywheel.serving;

import ai.djl.translate.Translator;
import dev.flywheel.serving.engine.DjlTranslation;
import dev.flywheel.serving.engine.Lane;
import java.util.Objects;
import java.util.function.ToIntFunction;

/**
 * The codec that a translator of DJL is: with it, what was written for a {@code Predictor} serves in an endpoint, of
 * any engine. Thread-safe, if the translator's {@code processInput} and {@code processOutput} are.
 *
 * <p>A batch is packed: what the translator makes of an input is copied into the lane's memory, row by row, instead of
 * stacking an array for each input. So the translator has to stack ({@code Batchifier.STACK}, its default), or to have
 * no batchifier and make arrays whose first dimension, the batch, is 1. Each input has a context of its own, from
 * {@code processInput} to {@code processOutput}, in whatever batch it runs. Arrays are on the Java heap, where those of
 * the output know softmax, argMax, single elements and changes of shape; for a translator that computes more they are
 * those of the engine, slower, and closed after the item.
 *
 * @param <I> the type of an input
 * @param <O> the type of an output
 */
public final class DjlCodec<I, O> implements Codec<I, O> {

    private final Translator<I, O> translator;
    private final ToIntFunction<? super I> length;

    private DjlCodec(Translator<I, O> translator, ToIntFunction<? super I> length) {
        this.translator = Objects.requireNonNull(translator, "translator");
        this.length = Objects.requireNonNull(length, "length");
    }

    /** {@return the codec for models whose rows have a fixed size} Each lane prepares the translator once. */
    public static <I, O> DjlCodec<I, O> of(Translator<I, O> translator) {
        return new DjlCodec<>(translator, input -> 1);
    }

    /**
     * {@return the codec for models whose rows have a free length} Where the arrays of an input are shorter than the
     * longest of its batch, zeros follow. Each lane prepares the translator once.
     *
     * @param length how long the arrays will be that the translator makes of an input, such as the number of tokens
     */
    public static <I, O> DjlCodec<I, O> of(Translator<I, O> translator, ToIntFunction<? super I> length) {
        return new DjlCodec<>(translator, length);
    }

    @Override
    public int length(I input) {
        return length.applyAsInt(input);
    }

    /**
     * {@return the translator's hands on a lane}
     *
     * @throws dev.flywheel.core.ModelFormatException if the translator cannot be prepared, or makes batches in a way of
     *     its own and the lane takes more than one row
     */
    @Override
    public Binding<I, O> bind(Lane lane) {
        DjlTranslation<I, O> translation;
        // Preparing is not promised to be safe when two threads do it.
        synchronized (translator) {
            translation = DjlTranslation.bind(translator, lane);
        }
        return new Binding<>() {
            @Override
            public void write(I input, int row) {
                translation.write(input, row);
            }

            @Override
            public O read(int row) {
                return translation.read(row);
            }
        };
    }
}
