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

    /** Frees what it holds. */
    @Override
    void close();
}
