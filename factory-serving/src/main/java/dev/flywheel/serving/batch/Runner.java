package dev.flywheel.serving.batch;

/**
 * What runs a batch of calls: rows are written one by one, run together, and read one by one. Not thread-safe; a
 * {@link Batcher} lets one thread at a time use it, and closes it.
 *
 * @param <C> the calls that it runs
 */
public interface Runner<C> extends AutoCloseable {

    /** {@return the most rows of one run} */
    int maxRows();

    /** Sets how long the rows of the next run are; called before they are written. */
    void length(int length);

    /** Writes the input of a call into a row, over whatever was there. Throwing fails this call alone. */
    void write(C call, int row);

    /** Runs the rows from 0. When it throws and there was more than one, they are run again one by one. */
    void run(int rows);

    /** Reads the output of a row and {@linkplain Call#answer answers} its call. Throwing fails this call alone. */
    void read(C call, int row);

    /**
     * Runs so many rows of the kind that it expects, which nobody waits for, so that the cost of a run can be measured.
     *
     * @param rows 1 to {@link #maxRows()}
     * @return how long the rows were; 0 if it has nothing to run
     */
    default int rehearse(int rows) {
        return 0;
    }

    /**
     * Asks the run that is under way to end with a failure soon. Called from any thread. By default it does nothing.
     */
    default void terminate() {}

    /** This was given up because it hung or kept failing, and another may take its place. By default does nothing. */
    default void givenUp() {}

    /** Frees what it holds. */
    @Override
    void close();
}
