package dev.flywheel.core.data;

import org.jspecify.annotations.Nullable;

/** One walk over the batches of a dataset, in the order in which they were written. Not thread-safe. */
public final class Scan implements AutoCloseable {

    private final Dataset dataset;
    private int next;
    private boolean closed;

    Scan(Dataset dataset) {
        this.dataset = dataset;
    }

    /**
     * {@return the next batch, or null after the last}
     *
     * @throws dev.flywheel.core.StoreException if the file is damaged there
     * @throws IllegalStateException if the scan is closed
     */
    public @Nullable Batch next() {
        if (closed) {
            throw new IllegalStateException("the scan of " + dataset + " is closed");
        }
        return next < dataset.batches() ? dataset.batch(next++) : null;
    }

    /** Ends the walk; a second call does nothing. */
    @Override
    public void close() {
        closed = true;
    }
}
