package dev.flywheel.serving;

import dev.flywheel.serving.batch.Priority;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What one call asks beyond its input: when it must be answered, how urgent it is, whose it is. Immutable. */
public final class CallOptions {

    private static final CallOptions NONE = new CallOptions(null, Priority.NORMAL, null);

    private final @Nullable Duration deadline;
    private final Priority priority;
    private final @Nullable String key;

    private CallOptions(@Nullable Duration deadline, Priority priority, @Nullable String key) {
        this.deadline = deadline;
        this.priority = priority;
        this.key = key;
    }

    /** {@return no deadline but the endpoint's, normal priority, no key but what the endpoint's key function gives} */
    public static CallOptions none() {
        return NONE;
    }

    /** {@return options with this deadline alone; see {@link #withDeadline}} */
    public static CallOptions deadline(Duration fromNow) {
        return NONE.withDeadline(fromNow);
    }

    /** {@return options with this priority alone; see {@link #withPriority}} */
    public static CallOptions priority(Priority priority) {
        return NONE.withPriority(priority);
    }

    /** {@return options with this key alone; see {@link #withKey}} */
    public static CallOptions key(String key) {
        return NONE.withKey(key);
    }

    /**
     * {@return these options with a deadline: a request that still waits then is not run and fails}
     *
     * <p>One that a worker runs by then fails as well, and its run goes on. One that runs on its caller's own thread,
     * as a blocking call does when a lane is free, is answered although it is late.
     *
     * @param fromNow counted from the call; positive
     */
    public CallOptions withDeadline(Duration fromNow) {
        if (fromNow.isNegative() || fromNow.isZero()) {
            throw new IllegalArgumentException("a deadline must be positive, found " + fromNow);
        }
        return new CallOptions(fromNow, priority, key);
    }

    /** {@return these options with a priority: which of the requests that wait goes first} */
    public CallOptions withPriority(Priority other) {
        return new CallOptions(deadline, Objects.requireNonNull(other, "priority"), key);
    }

    /**
     * {@return these options with a key, such as a user's id: a {@linkplain dev.flywheel.serving.route.Route route}
     * sends equal keys to the same version}
     */
    public CallOptions withKey(String other) {
        return new CallOptions(deadline, priority, Objects.requireNonNull(other, "key"));
    }

    /** {@return the deadline counted from the call, or null if there is none} */
    public @Nullable Duration deadline() {
        return deadline;
    }

    /** {@return the priority; normal unless set} */
    public Priority priority() {
        return priority;
    }

    /** {@return the key, or null if there is none} */
    public @Nullable String key() {
        return key;
    }

    /** {@return whether both ask the same} */
    @Override
    public boolean equals(Object other) {
        return other instanceof CallOptions that
                && priority == that.priority
                && Objects.equals(deadline, that.deadline)
                && Objects.equals(key, that.key);
    }

    @Override
    public int hashCode() {
        return Objects.hash(deadline, priority, key);
    }

    @Override
    public String toString() {
        return "CallOptions[deadline " + deadline + ", priority " + priority + ", key " + key + "]";
    }
}
