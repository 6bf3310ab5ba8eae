package dev.flywheel.serving;

import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.batch.Call;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** One input on its way to its prediction. */
class Request<I, O> extends Call<Prediction<O>> {

    private static final Duration CENTURY = Duration.ofDays(36_500);

    /** What the caller gave. */
    final I input;

    /** What the codec writes. */
    final Object prepared;

    /** Whose it is, where the caller said so. */
    final @Nullable String key;

    Request(Ask<I> ask, CallOptions options) {
        super(ask.length, options.priority(), timeoutNanos(options.deadline()));
        this.input = ask.input;
        this.prepared = ask.prepared;
        this.key = options.key();
    }

    private static long timeoutNanos(@Nullable Duration deadline) {
        if (deadline == null) {
            return 0;
        }
        return deadline.compareTo(CENTURY) > 0 ? Long.MAX_VALUE : deadline.toNanos();
    }
}
