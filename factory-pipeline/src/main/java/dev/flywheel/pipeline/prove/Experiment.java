package dev.flywheel.pipeline.prove;

import dev.flywheel.core.model.Estimate;
import java.io.Serializable;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * How versions are compared in live traffic, and when that is enough. Immutable.
 *
 * <pre>{@code
 * Experiment plan = Experiment.on(Goal.model(Metric.LOG_LOSS)).guard(Goal.more("revenue").notWorseBy(0.05))
 *     .share(0.2).minObservations(1_000).atMost(Duration.ofDays(14));
 * Trial trial = plan.begin(champion, List.of(challenger), Map.of(), now);
 * }</pre>
 *
 * <p>It may be looked at whenever one likes: intervals are always valid
 * ({@link dev.flywheel.core.stat.experiment.AlwaysValid#studentized}), and those of all challengers and goals hold
 * together with the chance {@code 1 - alpha} (Bonferroni). A challenger is promoted once it meets the goal and every
 * guard, and ruled out once one of them is proven to be missed. Arms that do not get their shares end the experiment:
 * then something in assignment or logging is broken, and no number can be trusted.
 *
 * <p>An observation is one prediction or one report of the host, taken to be independent of the others. Where one key
 * makes many requests that are alike, report a metric of the business once for each key, or as a ratio.
 */
public final class Experiment implements Serializable {

    private static final long serialVersionUID = 1L;
    private static final double DEFAULT_ALPHA = 0.05;
    /** Rates of a few percent and squared errors are near enough to normal means from here on; see the benchmark. */
    private static final long DEFAULT_LEAST = 200;

    private static final long DEFAULT_TUNING = 10_000;
    private static final Duration DEFAULT_LONGEST = Duration.ofDays(14);

    private final List<Goal> goals;
    private final double share;
    private final double alpha;
    private final long least;
    private final long tuning;
    private final Duration longest;

    private Experiment(List<Goal> goals, double share, double alpha, long least, long tuning, Duration longest) {
        this.goals = goals;
        this.share = share;
        this.alpha = alpha;
        this.least = least;
        this.tuning = tuning;
        this.longest = longest;
    }

    /** {@return an experiment that is decided by one goal} */
    public static Experiment on(Goal goal) {
        return new Experiment(List.of(goal), Double.NaN, DEFAULT_ALPHA, DEFAULT_LEAST, DEFAULT_TUNING, DEFAULT_LONGEST);
    }

    /** {@return this experiment with one more goal that must be met, too: usually one that nothing gets worse} */
    public Experiment guard(Goal goal) {
        if (goals.stream().anyMatch(other -> other.name().equals(goal.name()))) {
            throw new IllegalArgumentException("there is a goal \"" + goal.name() + "\" already");
        }
        List<Goal> more = new ArrayList<>(goals);
        more.add(goal);
        return new Experiment(List.copyOf(more), share, alpha, least, tuning, longest);
    }

    /**
     * {@return this experiment with such a share of the traffic for each challenger; by default all arms get the same}
     */
    public Experiment share(double each) {
        if (!(each > 0 && each < 1)) {
            throw new IllegalArgumentException("a challenger's share must be above 0 and below 1, found " + each);
        }
        return new Experiment(goals, each, alpha, least, tuning, longest);
    }

    /** {@return this experiment with another chance of any wrong interval; by default 0.05} */
    public Experiment alpha(double chance) {
        if (!(chance > 0 && chance < 1)) {
            throw new IllegalArgumentException("alpha must be above 0 and below 1, found " + chance);
        }
        return new Experiment(goals, share, chance, least, tuning, longest);
    }

    /**
     * {@return this experiment, deciding on no fewer observations of each arm in each goal; at least 10, by default
     * 200}
     */
    public Experiment minObservations(long observations) {
        if (observations < 10) {
            throw new IllegalArgumentException(
                    "an experiment needs 10 observations of each arm or more, found " + observations);
        }
        return new Experiment(goals, share, alpha, observations, tuning, longest);
    }

    /**
     * {@return this experiment with intervals that are narrowest at so many observations of two arms; by default
     * 10,000}
     */
    public Experiment tuning(long observations) {
        if (observations < 1) {
            throw new IllegalArgumentException("tuning must be 1 or more, found " + observations);
        }
        return new Experiment(goals, share, alpha, least, observations, longest);
    }

    /** {@return this experiment, inconclusive after such a time; by default 14 days} */
    public Experiment atMost(Duration time) {
        if (time.isNegative() || time.isZero()) {
            throw new IllegalArgumentException("an experiment must be given some time, found " + time);
        }
        return new Experiment(goals, share, alpha, least, tuning, time);
    }

    /**
     * Begins the experiment.
     *
     * @param champion the version that the others are compared with
     * @param challengers one or more, each once
     * @param offline what the gates measured of the goal that decides, for the challengers of which it is known: that
     *     of the challenger - that of the champion, as an evaluation's difference is
     * @throws IllegalArgumentException if versions are missing or doubled, or their shares leave none to the champion
     */
    public Trial begin(int champion, List<Integer> challengers, Map<Integer, Estimate> offline, Instant now) {
        List<Integer> versions = new ArrayList<>(List.of(champion));
        versions.addAll(challengers);
        if (challengers.isEmpty() || versions.stream().distinct().count() < versions.size()) {
            throw new IllegalArgumentException(
                    "an experiment needs a champion and challengers, each once, found champion " + champion
                            + " and challengers " + challengers);
        }
        double each = Double.isNaN(share) ? 1.0 / versions.size() : share;
        double rest = 1 - each * challengers.size();
        if (!(rest > 1e-9)) {
            throw new IllegalArgumentException(challengers.size() + " challengers with a share of " + Words.plain(each)
                    + " each leave nothing to the champion");
        }
        List<ArmState> arms = new ArrayList<>();
        for (int version : versions) {
            Estimate known = offline.get(version);
            arms.add(new ArmState(
                    version,
                    version == champion ? rest : each,
                    0,
                    Map.of(),
                    known == null ? null : goals.get(0).oriented(known),
                    null));
        }
        return new Trial(this, new TrialState(describe(), now, arms, 1, "", null));
    }

    /**
     * Goes on with an experiment after a restart.
     *
     * @throws IllegalArgumentException if the state is one of another plan; then begin anew
     */
    public Trial resume(TrialState state) {
        if (!owns(state)) {
            throw new IllegalArgumentException("the experiment that began at " + state.startedAt()
                    + " follows the plan \"" + state.plan() + "\", not \"" + describe() + "\"");
        }
        return new Trial(this, state);
    }

    /** {@return whether a state is one of this very plan} */
    public boolean owns(TrialState state) {
        return state.plan().equals(describe());
    }

    /** {@return the goal that decides, then the guards} */
    public List<Goal> goals() {
        return goals;
    }

    double alpha() {
        return alpha;
    }

    long least() {
        return least;
    }

    long tuning() {
        return tuning;
    }

    Duration longest() {
        return longest;
    }

    /** {@return the plan in words, equal for equal plans} */
    public String describe() {
        return goals.stream().map(Goal::describe).collect(Collectors.joining("; "))
                + "; "
                + (Double.isNaN(share) ? "equal shares" : "a share of " + Words.plain(share) + " for each challenger")
                + "; alpha " + Words.plain(alpha) + "; at least " + Words.unit(least, "observation")
                + " of each; tuned for " + Words.count(tuning) + "; at most " + longest;
    }

    @Override
    public String toString() {
        return describe();
    }
}
