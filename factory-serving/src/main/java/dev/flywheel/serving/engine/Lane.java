package dev.flywheel.serving.engine;

import dev.flywheel.core.model.Signature;

/**
 * The memory and the handles with which one thread at a time runs a model: write rows into the inputs, run, read the
 * outputs. Not thread-safe, but may be handed from thread to thread. Closed by whoever asked for it.
 */
public interface Lane extends AutoCloseable {

    /** {@return what the model takes and gives; inputs and outputs are numbered in its order} */
    Signature signature();

    /**
     * {@return the most rows of one run} 1 for a model that cannot be fed in rows, because several of its sizes are
     * free, or the batch is not the first dimension of every input, or an input is a scalar, or there is none: give its
     * inputs their {@linkplain TensorBuffer#reshape shape} before each run.
     */
    int maxRows();

    /**
     * Sets how long the rows of the next runs are, where the model leaves that free: the size of the one dimension
     * beyond the batch, such as the tokens of a text. To be called before rows are written; the rows in the inputs are
     * lost when it changes, and views that were taken of them may be of memory that is used no more. Inputs that were
     * {@linkplain TensorBuffer#reshape reshaped} hold rows again.
     *
     * @param length at least 1; a model whose rows have a fixed size takes only 1
     */
    default void length(int length) {
        if (length != 1) {
            throw new IllegalArgumentException(
                    "a model whose rows have a fixed size takes rows of length 1, found " + length);
        }
    }

    /** {@return an input, from 0; the same for the life of the lane. It keeps the rows of earlier runs} */
    TensorBuffer input(int index);

    /**
     * Runs the model on the first rows of the inputs.
     *
     * @param rows 1 to {@link #maxRows()}
     * @throws dev.flywheel.core.PredictionException if the model fails on these rows, or the run was terminated
     * @throws IllegalStateException if there is more than one row and an input has a shape of its own
     */
    void run(int rows);

    /**
     * Says that nobody waits for single rows of the next runs, so that runs of others for which somebody does go first
     * on a GPU. By default it does nothing.
     */
    default void inBulk() {}

    /**
     * {@return an output of the last run, from 0} Where the signature fixes every dimension beyond the batch, it and
     * its views are the same as long as rows are run; otherwise ask again after each run. Before the first run it has
     * no rows where the model does not promise as many as the inputs have.
     */
    TensorBuffer output(int index);

    /**
     * Asks the run that is under way, if there is one, to end with a failure soon. May be called from any thread. The
     * lane can run again afterwards. An engine that cannot do this does nothing.
     */
    default void terminate() {}

    /** Frees the handles; if a run is under way in another thread, when that has ended. */
    @Override
    void close();
}
