package dev.flywheel.serving;

import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.batch.Call;
import dev.flywheel.serving.batch.Priority;

/** One input on its way to its prediction. */
final class Request<I, O> extends Call<Prediction<O>> {

    /** What the caller gave. */
    final I input;

    /** What the codec writes. */
    final Object prepared;

    Request(I input, Object prepared, int length) {
        this(input, prepared, length, Priority.NORMAL, 0);
    }

    /** @param timeoutNanos as {@link Call#Call(int, Priority, long)} takes it */
    Request(I input, Object prepared, int length, Priority priority, long timeoutNanos) {
        super(length, priority, timeoutNanos);
        this.input = input;
        this.prepared = prepared;
    }
}
