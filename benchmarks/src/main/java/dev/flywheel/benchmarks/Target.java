package dev.flywheel.benchmarks;

/**
 * What a figure should be. Immutable.
 *
 * @param text what is compared, and how, for the results
 * @param of the contender that ours is divided by; empty if the figure itself is compared
 * @param value what it should be
 * @param least whether it should be at least this, else at most
 */
record Target(String text, String of, double value, boolean least) {

    /** The name of the limit: the same work, written by hand. */
    static final String LIMIT = "limit";

    /** {@return at least so much of the rate of the limit} */
    static Target ofLimit(double share) {
        return new Target(">= " + plain(share) + " x the limit", LIMIT, share, true);
    }

    /** {@return at most so many times the time of the limit} */
    static Target timesLimit(double times) {
        return new Target("<= " + plain(times) + " x the limit", LIMIT, times, false);
    }

    /** {@return at least so many times a peer's rate} */
    static Target timesPeer(String peer, double times) {
        return new Target(">= " + plain(times) + " x " + peer, peer, times, true);
    }

    /** {@return below a peer's time} */
    static Target belowPeer(String peer) {
        return new Target("<= " + peer, peer, 1, false);
    }

    static Target atLeast(double value) {
        return new Target(">= " + plain(value), "", value, true);
    }

    static Target atMost(double value) {
        return new Target("<= " + plain(value), "", value, false);
    }

    boolean met(double found) {
        return least ? found >= value : found <= value;
    }

    private static String plain(double value) {
        return value == Math.rint(value) ? String.format("%,d", (long) value) : Double.toString(value);
    }
}
