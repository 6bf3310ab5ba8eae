package dev.flywheel.serving.batch;

/**
 * What the cost of a run decides: whether calls run rather than wait, how many lanes there may be, how many workers,
 * and how large a batch is worthwhile. Thread-safe.
 */
final class Policy {

    /**
     * Lanes for each processor where runs are short. Threads that lose their processor keep the lanes that they have,
     * so there are more lanes than can run; but no more than let each thread come by again within milliseconds: with
     * sixty, 256 callers got 0.9 of what they get with lanes of their own, and some waited for half a second.
     */
    private static final int LANES_FOR_EACH = 4;

    /** For so long after a caller of a short run had to wait there are taken to be more callers than lanes. */
    static final long CROWDED_NANOS = 100_000_000;

    private static final long NEVER = Long.MIN_VALUE;

    private final BatchOptions options;
    private final WaitingLine<?> line;
    private final CostModel cost = new CostModel();
    private volatile boolean hurried;
    private volatile long crowdedUntil = NEVER;

    /** @param first runs a few rows that nobody waits for */
    Policy(BatchOptions options, Runner<?> first, WaitingLine<?> line) {
        this.options = options;
        this.line = line;
        Rehearsal.learn(first, cost);
        decide();
    }

    /** Takes in that a run of so many tokens took so long. */
    void observe(long tokens, long nanos) {
        cost.observe(tokens, nanos);
        decide();
    }

    private void decide() {
        boolean now = options.maxDelayNanos() == 0 && cost.shorterThanHandover();
        if (now != hurried) {
            hurried = now;
        }
        line.hurried(now);
    }

    /** {@return whether runs are so short that calls run rather than wait} */
    boolean isHurried() {
        return hurried;
    }

    /** Takes in that a caller of a short run found no lane. */
    void foundNone(long now) {
        // Written seldom, because every caller reads it.
        if (crowdedUntil < now + CROWDED_NANOS / 2) {
            crowdedUntil = now + CROWDED_NANOS;
        }
    }

    /** {@return whether there are more callers than lanes, so that those that run are to make way for others} */
    boolean isCrowded() {
        return crowdedUntil != NEVER && isCrowded(Nanos.now());
    }

    boolean isCrowded(long now) {
        if (now < crowdedUntil) {
            return true;
        }
        crowdedUntil = NEVER;
        return false;
    }

    CostModel cost() {
        return cost;
    }

    /** {@return the lanes to begin with} */
    int lanesAtOnce() {
        return options.lanes() > 0 ? options.lanes() : processors();
    }

    /** {@return the lanes that there may be at present} */
    int lanes() {
        if (options.lanes() > 0) {
            return options.lanes();
        }
        return hurried ? LANES_FOR_EACH * processors() : processors();
    }

    /**
     * {@return the workers that may be on duty at present: one is enough where waking another takes longer than a run}
     */
    int workers() {
        return hurried ? 1 : lanes();
    }

    /** {@return the most tokens of a run} */
    int tokens() {
        return options.maxTokens() > 0 ? options.maxTokens() : cost.budget();
    }

    private static int processors() {
        return Math.max(2, Runtime.getRuntime().availableProcessors());
    }
}
