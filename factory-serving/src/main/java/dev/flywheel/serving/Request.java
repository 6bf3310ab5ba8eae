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
}
