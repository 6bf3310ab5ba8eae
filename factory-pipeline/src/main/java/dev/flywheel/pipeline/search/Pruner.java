package dev.flywheel.pipeline.search;

/**
 * Says of trials that report how they are doing which to give up. What a search does is {@link Asha}, which can go back
 * to a trial; these are what others do, for comparison. The same reports in the same order give the same decisions, so
 * that reporting them again restores a pruner after a crash. Not thread-safe.
 */
interface Pruner {

    /**
     * {@return whether to give the trial up}
     *
     * @param trial the name of the trial
     * @param step how long it has run, in any unit that grows
     * @param value what it has come to, the greater the better
     */
    boolean prunes(String trial, double step, double value);

    /**
     * Takes the last report of a trial that was not given up.
     *
     * @param trial the name of the trial
     * @param step how long it has run
     * @param value what it has come to, the greater the better
     */
    void completed(String trial, double step, double value);

    /** What happens to a trial that has reached the end of the last rung. */
    enum AtTheEnd {
        /** It ends there. */
        STOP,
        /** It goes on. */
        GO_ON
    }

    /**
     * {@return asynchronous halving without a way back: a trial is given up where it is worse, at the first report on a
     * rung, than all but one in so many of those that came there before it}
     *
     * @param grace the step of the lowest rung, above 0
     * @param most the step at which a trial is complete, at least {@code grace}
     * @param factor each rung is so many times as long as the one before, above 1
     */
    static Pruner asha(double grace, double most, double factor, AtTheEnd end) {
        return new AshaPruner(grace, most, factor, end);
    }

    /**
     * {@return the rule that a trial whose best value is worse than the median of the running means of others is given
     * up: Golovin et al., <em>Google Vizier</em>, KDD 2017}
     *
     * @param grace no trial is given up before this step, and no value before it counts
     * @param others how many others must have come as far, at least 1
     */
    static Pruner median(double grace, int others) {
        return new MedianPruner(grace, others);
    }

    /**
     * {@return the rule that a trial whose best value is not among the best share of completed trials at the same step
     * is given up}
     *
     * @param share the share that goes on, in percent from 0 to 100
     * @param trials how many trials must be complete, at least 0
     * @param interval a trial is looked at every so many steps, at least 1
     */
    static Pruner percentile(double share, int trials, int interval) {
        return new PercentilePruner(share, trials, interval);
    }

    /**
     * {@return successive halving without a way back: at the end of a rung, a trial is given up unless it is among the
     * best one in so many of those that were there, or the best of few}
     *
     * @param least the step at which the lowest rung ends, at least 1
     * @param factor each rung is so many times as long as the one before, at least 2
     */
    static Pruner halving(int least, int factor) {
        return new HalvingPruner(least, factor);
    }

    /**
     * {@return the rule that a trial is given up whose values are worse than those of the best completed one, step by
     * step, by the signed-rank test of Wilcoxon (1945), and not better on average: where each step is another problem
     * or another part of the data}
     *
     * @param p the chance of giving up a trial that is as good, above 0 and below 1
     * @param steps how many steps must have been compared, at least 0
     */
    static Pruner wilcoxon(double p, int steps) {
        return new WilcoxonPruner(p, steps);
    }
}
