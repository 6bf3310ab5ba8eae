package dev.flywheel.serving.batch;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * What a run costs: {@code a + b * tokens} nanoseconds, where the tokens of rows of a fixed size are the rows. Learned
 * from a few runs before the model serves and kept current by a share of those that serve: least squares over runs that
 * count less the older they are. Thread-safe; an observation that comes while another is taken in is dropped.
 */
final class CostModel {

    /**
     * Waking a parked thread took 5 to 50 us where it was measured. A run that is shorter is better run than handed
     * over.
     */
    static final long HANDOVER_NANOS = 30_000;

    /** An observation weighs half as much after 44 others. */
    private static final double MEMORY = 1 - 1.0 / 64;

    /**
     * A thread that loses its processor makes a run look long: no observation counts as more than so many times the
     * model.
     */
    private static final double SURPRISE = 4;

    /** From a budget of so many times a / b on, all larger batches together could answer 6% more. */
    private static final double BUDGET = 16;

    private final AtomicBoolean learning = new AtomicBoolean();
    private double weight;
    private double sumX;
    private double sumXx;
    private double sumT;
    private double sumXt;
    private volatile double a = 1_000_000;
    private volatile double b;

    /** Takes in that a run of so many tokens took so long. */
    void observe(long tokens, long nanos) {
        if (learning.compareAndSet(false, true)) {
            try {
                learn((double) tokens, Math.min((double) nanos, credible((double) tokens)));
            } finally {
                learning.set(false);
            }
        }
    }

    /** {@return the most that a run of so many tokens can really have taken} */
    private double credible(double tokens) {
        // A longer run than any before may be all for its tokens.
        return weight == 0 ? Double.MAX_VALUE : SURPRISE * Math.max(a + b * tokens, sumT / sumX * tokens) + 1;
    }

    private void learn(double x, double t) {
        weight = weight * MEMORY + 1;
        sumX = sumX * MEMORY + x;
        sumXx = sumXx * MEMORY + x * x;
        sumT = sumT * MEMORY + t;
        sumXt = sumXt * MEMORY + x * t;
        double spread = weight * sumXx - sumX * sumX;
        double slope = spread > 1e-9 * weight * sumXx ? (weight * sumXt - sumX * sumT) / spread : b;
        // Neither part of a run is for nothing, whatever the noise says.
        slope = Math.max(0, Math.min(slope, sumT / sumX));
        b = slope;
        a = Math.max(0, (sumT - slope * sumX) / weight);
    }

    /** {@return the nanoseconds that a run of so many tokens should take} */
    double nanos(long tokens) {
        return a + b * tokens;
    }

    /** {@return the nanoseconds of a run without its rows} */
    double a() {
        return a;
    }

    /** {@return the nanoseconds of a token} */
    double b() {
        return b;
    }

    /** {@return whether a run of one row takes less time than to wake a thread for it} */
    boolean shorterThanHandover() {
        return nanos(1) < HANDOVER_NANOS;
    }

    /**
     * {@return the tokens from which on a larger batch answers hardly more in the same time, and everyone waits longer;
     * but as many as fit into the time of waking a thread}
     */
    int budget() {
        double worthwhile = Math.max(BUDGET * a, HANDOVER_NANOS - a);
        return (int) Math.max(1, Math.min(Integer.MAX_VALUE, worthwhile / Math.max(b, 1e-3)));
    }

    @Override
    public String toString() {
        return "CostModel[" + Math.round(a) + " ns + " + Math.round(b) + " ns a token]";
    }
}
