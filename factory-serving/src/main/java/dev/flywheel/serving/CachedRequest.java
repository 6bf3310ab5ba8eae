package dev.flywheel.serving;

import dev.flywheel.core.model.Prediction;
import org.jspecify.annotations.Nullable;

/** A request to an endpoint that keeps answers. */
final class CachedRequest<I, O> extends Request<I, O> {

    /** The row that it asks with, and of which version. Of the thread that brings it on its way. */
    @Nullable
    RowKey row;

    /** What keeps its answer, if it leads a run that others may wait for. */
    @Nullable
    ResponseCache<I, O> cache;

    /** The run that others may wait for, if it leads one. */
    volatile @Nullable Flight flight;

    CachedRequest(Ask<I> ask, CallOptions options) {
        super(ask, options);
    }

    @Override
    public boolean complete(Prediction<O> prediction) {
        land();
        boolean first = super.complete(prediction);
        land();
        return first;
    }

    @Override
    public boolean completeExceptionally(Throwable failure) {
        land();
        boolean first = super.completeExceptionally(failure);
        land();
        return first;
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        land();
        boolean first = super.cancel(mayInterruptIfRunning);
        land();
        return first;
    }

    /**
     * Lets those go on who wait for its run: before what depends on this future, which may ask for the same again; and
     * once more after, for a flight that began in between.
     */
    private void land() {
        Flight led = flight;
        if (led != null) {
            led.land(failure());
        }
    }
}
