package dev.flywheel.serving;

import dev.flywheel.core.data.RowType;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.TensorBuffer;
import java.util.List;
import java.util.Objects;
import java.util.function.DoubleFunction;
import java.util.function.Function;

/**
 * How values of a Java type become rows of a model's inputs, and rows of its outputs become answers. Thread-safe; what
 * it binds is used by one thread at a time.
 *
 * <p>Write your own for any model: bind once to the buffers of a lane, then put and get by row. It runs inside of
 * requests and must not call the endpoint that it serves.
 *
 * @param <I> the type of an input
 * @param <O> the type of an output
 */
@FunctionalInterface
public interface Codec<I, O> {

    /**
     * {@return this codec's hands on the memory of one lane}
     *
     * @throws dev.flywheel.core.ModelFormatException if the lane's model does not fit; the message says what differs
     */
    Binding<I, O> bind(Lane lane);

    /**
     * {@return how long the row of this input is, where the model leaves that free, such as the tokens of a text; at
     * least 1} Inputs of like length run together, and the lane's rows are as long as the longest. Asked once for each
     * request, on the caller's thread. By default 1, which is right for models whose rows have a fixed size.
     */
    default int length(I input) {
        return 1;
    }

    /** {@return inputs with which to warm up and probe a model; by default none, and then zeros are used} */
    default List<I> examples() {
        return List.of();
    }

    /**
     * {@return this codec for inputs of another type, which are prepared on the caller's thread, before they queue for
     * a lane} What the preparation throws is the caller's.
     *
     * @param prepare makes the input of this codec; thread-safe
     * @param examples inputs with which to warm up and probe a model
     */
    default <A> Codec<A, O> from(Function<? super A, ? extends I> prepare, List<A> examples) {
        return new PreparingCodec<>(this, prepare, null, examples);
    }

    /**
     * {@return as {@link #from(Function, List)}, for inputs that are prepared sooner together than one by one} Where a
     * list of inputs is asked for and they cannot be prepared together, each is prepared by itself, so that the one
     * that fails is named.
     *
     * @param prepare makes the input of this codec; thread-safe
     * @param together makes the inputs of this codec, in the order of what they are made of; thread-safe
     * @param examples inputs with which to warm up and probe a model
     */
    default <A> Codec<A, O> from(
            Function<? super A, ? extends I> prepare,
            Function<List<A>, ? extends List<? extends I>> together,
            List<A> examples) {
        return new PreparingCodec<>(this, prepare, Objects.requireNonNull(together, "together"), examples);
    }

    /**
     * {@return a codec for models whose signature names the raw columns of a row, as those made by a pipeline do, and
     * which give one number for each row}
     *
     * <p>A column that the row does not write is missing: NaN in {@code numbers}, empty in {@code texts},
     * {@link Long#MIN_VALUE} in {@code times}. A number that the model takes and that is infinite, or beyond what a
     * float holds, is refused with a {@link dev.flywheel.core.PredictionException}. Booleans are 0 or 1 as numbers and
     * "true" or "false" as texts; integers become texts in decimal; times become whole seconds, rounded down.
     *
     * @param type how a row is written
     * @param respond makes the answer out of the model's number
     */
    static <I, O> Codec<I, O> rows(RowType<I> type, DoubleFunction<? extends O> respond) {
        Objects.requireNonNull(respond, "respond");
        return new RowCodec<>(type, 1, (output, row) -> respond.apply(output.number(row)));
    }

    /**
     * {@return a codec as that of {@link #rows}, for models which give the probability of each of several classes}
     *
     * @param type how a row is written
     * @param labels the names of the classes, two or more, in the order of the model's probabilities
     * @param respond makes the answer out of the probabilities
     * @throws IllegalArgumentException if there are fewer labels
     */
    static <I, O> Codec<I, O> classes(
            RowType<I> type, List<String> labels, Function<? super Classification, ? extends O> respond) {
        List<String> names = List.copyOf(labels);
        Objects.requireNonNull(respond, "respond");
        if (names.size() < 2) {
            throw new IllegalArgumentException("a classification is of two or more classes, found " + names);
        }
        return new RowCodec<>(type, names.size(), (output, row) -> {
            double[] probabilities = new double[names.size()];
            for (int i = 0; i < probabilities.length; i++) {
                probabilities[i] = output.number(row * probabilities.length + i);
            }
            return respond.apply(new Classification(names, probabilities));
        });
    }

    /**
     * A codec bound to the memory of one lane. Not thread-safe.
     *
     * @param <I> the type of an input
     * @param <O> the type of an output
     */
    interface Binding<I, O> {

        /** {@return the most inputs of one run, where this takes fewer than the lane; by default as many} */
        default int maxRows() {
            return Integer.MAX_VALUE;
        }

        /**
         * Writes an input into a row of the lane's inputs, all of it: the row may hold an earlier one. Whatever it
         * throws fails this input alone.
         */
        void write(I input, int row);

        /** {@return the answer in a row of the lane's outputs; nothing in it may refer to the lane's memory} */
        O read(int row);

        /**
         * {@return the number by which a {@link PredictionObserver} is told of the answer in a row} By default the
         * row's first number in the lane's first output, NaN if there is none.
         *
         * @param lane the lane that this is bound to
         */
        default double observed(Lane lane, int row) {
            TensorBuffer output = lane.output(0);
            int first = row * output.width();
            return first < output.size() ? output.number(first) : Double.NaN;
        }
    }
}
