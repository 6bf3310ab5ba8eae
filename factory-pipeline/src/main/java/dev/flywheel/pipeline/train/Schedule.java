package dev.flywheel.pipeline.train;

/** How the learning rate goes over a training. */
public enum Schedule {
    /**
     * Rises along a line over the first tenth of the steps, then falls to a thousandth along half a cosine (Loshchilov
     * and Hutter 2017, with warm-up). The default.
     */
    COSINE,
    /**
     * Rises from a 25th along half a cosine over three tenths of the steps, then falls to a 250,000th along another
     * (Smith and Topin 2018, with the defaults of PyTorch's OneCycleLR). Bears higher rates.
     */
    ONE_CYCLE,
    /** Rises along a line over the first tenth of the steps, and stays. */
    CONSTANT;

    private static final double WARM_UP = 0.1;
    private static final double LAST = 1e-3;
    private static final double CYCLE_UP = 0.3;
    private static final double CYCLE_FIRST = 1 / 25.0;
    private static final double CYCLE_LAST = CYCLE_FIRST / 1e4;

    /** The rate in shares of the highest one, after this share of the steps, above 0 to 1. */
    double rate(double done) {
        if (this == ONE_CYCLE) {
            return done < CYCLE_UP
                    ? bow(CYCLE_FIRST, 1, done / CYCLE_UP)
                    : bow(1, CYCLE_LAST, (done - CYCLE_UP) / (1 - CYCLE_UP));
        }
        if (done < WARM_UP) {
            return done / WARM_UP;
        }
        return this == CONSTANT ? 1 : bow(1, LAST, (done - WARM_UP) / (1 - WARM_UP));
    }

    /** From one to another along half a cosine. */
    private static double bow(double from, double to, double share) {
        return to + (from - to) * (1 + Math.cos(Math.PI * share)) / 2;
    }
}
