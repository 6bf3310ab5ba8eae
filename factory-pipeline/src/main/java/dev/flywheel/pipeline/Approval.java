package dev.flywheel.pipeline;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The rule that a person must approve a candidate that has passed every gate before it becomes champion. The person
 * answers by {@link Factory#approve} or {@link Factory#deny}, or by a file; see {@link ApprovalRequest}. Immutable.
 */
public final class Approval {

    private static final Logger log = LoggerFactory.getLogger(Approval.class);

    private final Duration limit;
    private final @Nullable Executor executor;
    private final @Nullable Consumer<ApprovalRequest> listener;

    private Approval(Duration limit, @Nullable Executor executor, @Nullable Consumer<ApprovalRequest> listener) {
        this.limit = limit;
        this.executor = executor;
        this.listener = listener;
    }

    /**
     * {@return the rule that a person must approve}
     *
     * @param limit how long after the request the candidate may become champion; later it cannot any more
     * @throws IllegalArgumentException if the limit is not positive
     */
    public static Approval within(Duration limit) {
        if (limit.isNegative() || limit.isZero()) {
            throw new IllegalArgumentException("option Approval.within is invalid: found " + limit
                    + ", expected more than nothing: a person must have time to answer");
        }
        return new Approval(limit, null, null);
    }

    /**
     * {@return this rule with a listener that tells the person: it may answer at once or long after, on any thread}
     *
     * @param executor where the listener is called
     * @param listener gets each request once; what it throws is logged and harms nothing
     * @throws IllegalStateException if there is a listener already
     */
    public Approval onAsked(Executor executor, Consumer<ApprovalRequest> listener) {
        if (this.listener != null) {
            throw new IllegalStateException("option onAsked was already set to " + this.listener);
        }
        return new Approval(
                limit, Objects.requireNonNull(executor, "executor"), Objects.requireNonNull(listener, "listener"));
    }

    Duration limit() {
        return limit;
    }

    String describe() {
        return "by a person within " + limit;
    }

    void tell(ApprovalRequest request) {
        Executor where = executor;
        Consumer<ApprovalRequest> told = listener;
        if (where == null || told == null) {
            return;
        }
        try {
            where.execute(() -> {
                try {
                    told.accept(request);
                } catch (RuntimeException | Error e) {
                    log.warn("the listener failed at {}", request, e);
                }
            });
        } catch (RejectedExecutionException e) {
            log.warn("nobody was told of {}", request, e);
        }
    }

    @Override
    public String toString() {
        return "Approval[" + describe() + "]";
    }
}
