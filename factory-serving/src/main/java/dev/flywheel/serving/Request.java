package dev.flywheel.serving;

import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.batch.Call;
import dev.flywheel.serving.batch.Priority;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** One input on its way to its prediction. */
final class Request<I, O> extends Call<Prediction<O>> {

    private static final Duration CENTURY = Duration.ofDays(36_500);

    /** What the caller gave. */
    final I input;

    /** What the codec writes. */
    final Object prepared;

    /** Whose it is, where the caller said so. */
    final @Nullable String key;

    /** The row that it asks with; null without a cache. Of the thread that brings it on its way. */
    @Nullable
    RowKey row;

    /** What keeps its answer, if it leads a run that others may wait for. */
    @Nullable
    ResponseCache<I, O> cache;

    /** The run that others may wait for, if it leads one. */
    volatile @Nullable Flight flight;

    Request(I input, Object prepared, int length) {
        super(length, Priority.NORMAL, 0);
        this.input = input;
        this.prepared = prepared;
        this.key = null;
    }

    Request(I input, Object prepared, int length, CallOptions options) {
        super(length, options.priority(), timeoutNanos(options.deadline()));
        this.input = input;
        this.prepared = prepared;
        this.key = options.key();
    }

    private static long timeoutNanos(@Nullable Duration deadline) {
        if (deadline == null) {
            return 0;
        }
        return deadline.compareTo(CENTURY) > 0 ? Long.MAX_VALUE : deadline.toNanos();
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
