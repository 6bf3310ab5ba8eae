package dev.flywheel.pipeline.prove;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.experiment.AlwaysValid;
import dev.flywheel.core.stat.experiment.Effect;
import dev.flywheel.core.stat.experiment.SampleRatio;
import dev.flywheel.pipeline.prove.Decision.Action;
import dev.flywheel.serving.route.Route;
import dev.flywheel.serving.route.Split;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * An experiment at work. Thread-safe, in constant memory. It has no thread and no clock: it is told what happens, and
 * asked for its decision.
 *
 * <p>Facts about versions that are not in it are passed over, and so is everything after its end.
 */
public final class Trial {

    /** Mismatched shares are an alarm, not a finding: rarer than alpha, as is usual (Fabijan et al., KDD 2019). */
    private static final double RATIO_ALPHA = 0.001;

    private final Experiment plan;
    private final Instant startedAt;
    private final List<Arm> arms;
    private final AlwaysValid sequence;

    private final Object deciding = new Object();
    private double ratioP;
    private String mark;
    private volatile @Nullable Decision end;

    Trial(Experiment plan, TrialState state) {
        this.plan = plan;
        this.startedAt = state.startedAt();
        this.arms = state.arms().stream().map(arm -> new Arm(arm, plan.goals())).toList();
        this.ratioP = state.ratioP();
        this.mark = state.mark();
        this.end = state.end();
        int intervals = (arms.size() - 1) * plan.goals().size();
        this.sequence = AlwaysValid.studentized(plan.alpha() / intervals, plan.tuning());
    }

    /**
     * {@return the route that gives each version its share; a key always gets the same version, also after a restart}
     * Requests without a key are spread at random.
     */
    public Split route() {
        int[] versions = arms.stream().mapToInt(Arm::version).toArray();
        double[] shares = arms.stream().mapToDouble(Arm::share).toArray();
        return Route.split(versions).weights(shares).seed("experiment of " + startedAt);
    }

    /**
     * Tells of a unit that was assigned to a version: a request; or where requests have keys, the first one of a key.
     * Free of locks.
     */
    public void assigned(int version) {
        Arm arm = end == null ? arm(version) : null;
        if (arm != null) {
            arm.assigned();
        }
    }

    /**
     * Tells of the outcome of a prediction; each prediction once.
     *
     * @param version that made it
     * @param at when it was made; outcomes of what was predicted before the experiment began are passed over, since the
     *     other arms had no such day
     * @param output what it said, finite
     * @param label what became of it, finite
     */
    public void labelled(int version, Instant at, double output, double label) {
        finite("output", output);
        finite("label", label);
        for (Goal goal : plan.goals()) {
            if (goal.ofModel()) {
                add(goal, version, at, sums -> sums.plus(goal.loss(output, label)));
            }
        }
    }

    /**
     * Tells of the outcome of a prediction, with a number that explains a part of it and that no version has touched:
     * what was known of the visitor before, the error of a simple forecast. If every outcome comes with one, intervals
     * are narrower (CUPED).
     */
    public void labelled(int version, Instant at, double output, double label, double covariate) {
        finite("output", output);
        finite("label", label);
        finite("covariate", covariate);
        for (Goal goal : plan.goals()) {
            if (goal.ofModel()) {
                add(goal, version, at, sums -> sums.plus(covariate, goal.loss(output, label)));
            }
        }
    }

    /**
     * Tells of a metric of the business.
     *
     * @param name the goal's
     * @param version that made the prediction it came of
     * @param at when that was made
     * @param value finite
     * @throws IllegalArgumentException if there is no such goal, or it is a ratio
     */
    public void metric(String name, int version, Instant at, double value) {
        finite("value", value);
        add(goal(name, "one number"), version, at, sums -> sums.plus(value));
    }

    /**
     * Tells of a metric of the business with a covariate; see {@link #labelled(int, Instant, double, double, double)}.
     */
    public void metric(String name, int version, Instant at, double value, double covariate) {
        finite("value", value);
        finite("covariate", covariate);
        add(goal(name, "one number"), version, at, sums -> sums.plus(covariate, value));
    }

    /**
     * Tells of a metric of the business that is a ratio: of all that one unit did at once.
     *
     * @throws IllegalArgumentException if there is no such goal, or it is no ratio
     */
    public void ratio(String name, int version, Instant at, double numerator, double denominator) {
        finite("numerator", numerator);
        finite("denominator", denominator);
        add(goal(name, "a ratio"), version, at, sums -> sums.plusRatio(numerator, denominator));
    }

    /** {@return whether the experiment has a goal that the host reports under this name} */
    public boolean wants(String name) {
        return plan.goals().stream().anyMatch(g -> !g.ofModel() && g.name().equals(name));
    }

    /** {@return how it ended; empty while it goes on} */
    public Optional<Decision> end() {
        return Optional.ofNullable(end);
    }

    /**
     * {@return what to do now} It may be asked for after each observation, or once a second; after the end it says the
     * same for ever.
     */
    public Decision decide(Instant now) {
        synchronized (deciding) {
            Decision before = end;
            if (before != null) {
                return before;
            }
            Decision decision = judge(now);
            if (decision.action().ends()) {
                end = decision;
            }
            return decision;
        }
    }

    /**
     * Ends the experiment by a person or whatever made it pointless, such as a rollback of the champion.
     *
     * @param why a clause that follows "because"
     */
    public Decision abort(String why, Instant now) {
        synchronized (deciding) {
            Decision before = end;
            if (before != null) {
                return before;
            }
            Decision decision = decision(
                    Action.INCONCLUSIVE, champion(), "The experiment was ended because " + why + ".", List.of(), now);
            end = decision;
            return decision;
        }
    }

    private Decision judge(Instant now) {
        SampleRatio ratio = SampleRatio.sequential(
                arms.stream().mapToLong(Arm::count).toArray(),
                arms.stream().mapToDouble(Arm::share).toArray());
        ratioP = Math.min(ratioP, ratio.p());
        List<Verdict> evidence = new ArrayList<>(List.of(ratioVerdict()));
        if (ratioP <= RATIO_ALPHA) {
            return decision(
                    Action.INCONCLUSIVE,
                    champion(),
                    "The experiment is inconclusive: its arms did not get the shares of the traffic that they should, so "
                            + "assignment or logging is broken and no difference can be trusted.",
                    evidence,
                    now);
        }
        ArmState champion = arms.get(0).state();
        Arm best = null;
        Finding found = null;
        for (Arm challenger : arms.subList(1, arms.size())) {
            Finding finding = judge(champion, challenger, evidence);
            if (finding.met && (found == null || finding.advantage > found.advantage)) {
                best = challenger;
                found = finding;
            }
        }
        if (best != null) {
            return promotion(best, evidence, now);
        }
        return unproven(evidence, now);
    }

    /** Whether a challenger meets every goal, and its advantage in the one that decides. */
    private record Finding(boolean met, double advantage) {}

    private Finding judge(ArmState champion, Arm challenger, List<Verdict> evidence) {
        ArmState state = challenger.state();
        boolean met = true;
        double advantage = Double.NaN;
        for (Goal goal : plan.goals()) {
            Goal.Finding finding = goal.judge(champion, state, plan.least(), sequence);
            Verdict verdict = finding.verdict();
            evidence.add(verdict);
            met &= verdict.outcome() == Verdict.Outcome.PASS;
            if (verdict.outcome() == Verdict.Outcome.FAIL) {
                challenger.ruleOut(verdict.gate() + " is proven wrong: " + verdict.evidence());
            }
            if (goal.equals(plan.goals().get(0))) {
                advantage = finding.advantage().estimate();
            }
        }
        return new Finding(met && challenger.ruledOut() == null, advantage);
    }

    private Decision promotion(Arm best, List<Verdict> evidence, Instant now) {
        return new Decision(
                Action.PROMOTE,
                best.version(),
                1,
                "Version " + best.version() + " is promoted: it meets " + describeGoals() + ", after " + lasted(now)
                        + "; " + gain(best).describe() + ".",
                evidence,
                now);
    }

    private Decision unproven(List<Verdict> evidence, Instant now) {
        List<Arm> left = arms.subList(1, arms.size()).stream()
                .filter(arm -> arm.ruledOut() == null)
                .toList();
        if (left.isEmpty()) {
            String reasons = arms.subList(1, arms.size()).stream()
                    .map(arm -> "version " + arm.version() + ", of which \"" + arm.ruledOut() + "\"")
                    .collect(Collectors.joining("; "));
            int version = arms.size() == 2 ? arms.get(1).version() : champion();
            return new Decision(
                    Action.ROLL_BACK,
                    version,
                    arms.size() == 2 ? 0 : 1,
                    "Version " + champion() + " stays champion after " + lasted(now) + "; ruled out: " + reasons + ".",
                    evidence,
                    now);
        }
        if (!now.isBefore(startedAt.plus(plan.longest()))) {
            return decision(
                    Action.INCONCLUSIVE,
                    champion(),
                    "The experiment is inconclusive after " + lasted(now) + ", the most it was given: "
                            + left.stream().map(arm -> gain(arm).describe()).collect(Collectors.joining("; "))
                            + "; version " + champion() + " stays champion.",
                    evidence,
                    now);
        }
        return decision(
                Action.CONTINUE,
                champion(),
                "The experiment goes on: after " + lasted(now) + " nothing is proven yet of "
                        + left.stream().map(arm -> "version " + arm.version()).collect(Collectors.joining(", "))
                        + ".",
                evidence,
                now);
    }

    private Decision decision(Action action, int version, String reason, List<Verdict> evidence, Instant now) {
        double share = action == Action.CONTINUE ? arms.get(0).share() : 1;
        return new Decision(action, version, share, reason, evidence, now);
    }

    private Verdict ratioVerdict() {
        String found = arms.stream()
                .map(arm -> Words.count(arm.count()) + " for " + Words.percent(arm.share()) + " to version "
                        + arm.version())
                .collect(Collectors.joining(", "));
        return new Verdict(
                "each arm gets its share of the traffic",
                ratioP <= RATIO_ALPHA ? Verdict.Outcome.FAIL : Verdict.Outcome.PASS,
                found + "; always-valid p " + Words.number(ratioP));
    }

    /** {@return what each challenger is worth in the goal that decides, offline and online} */
    public List<Gain> gains() {
        return arms.subList(1, arms.size()).stream().map(this::gain).toList();
    }

    private Gain gain(Arm challenger) {
        Goal goal = plan.goals().get(0);
        ArmState state = challenger.state();
        Effect effect =
                goal.judge(arms.get(0).state(), state, plan.least(), sequence).advantage();
        Estimate online = new Estimate(effect.estimate(), effect.low(), effect.high(), effect.method());
        return new Gain(challenger.version(), goal.describe(), state.offline(), online);
    }

    /** {@return the state now, with the mark it had} */
    public TrialState state() {
        synchronized (deciding) {
            return new TrialState(
                    plan.describe(), startedAt, arms.stream().map(Arm::state).toList(), ratioP, mark, end);
        }
    }

    /**
     * {@return the state now} The caller sees to it that no fact is told meanwhile that the mark does not cover, and
     * none that it covers is still to come.
     *
     * @param mark the caller's note of which facts are in the sums
     */
    public TrialState state(String mark) {
        synchronized (deciding) {
            this.mark = Objects.requireNonNull(mark, "mark");
            return state();
        }
    }

    private void add(Goal goal, int version, Instant at, UnaryOperator<Sums> more) {
        Arm arm = end == null && !at.isBefore(startedAt) ? arm(version) : null;
        if (arm != null) {
            arm.add(goal, more);
        }
    }

    private @Nullable Arm arm(int version) {
        for (Arm arm : arms) {
            if (arm.version() == version) {
                return arm;
            }
        }
        return null;
    }

    private Goal goal(String name, String what) {
        return plan.goals().stream()
                .filter(goal -> !goal.ofModel() && goal.name().equals(name))
                .filter(goal -> goal.ofRatio() == what.equals("a ratio"))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "the experiment has no goal \"" + name + "\" that is " + what + ", only: " + describeGoals()));
    }

    private String describeGoals() {
        return plan.goals().stream().map(Goal::describe).collect(Collectors.joining(" and "));
    }

    private int champion() {
        return arms.get(0).version();
    }

    private String lasted(Instant now) {
        return Words.time(Duration.between(startedAt, now));
    }

    private static void finite(String what, double value) {
        if (!Double.isFinite(value)) {
            throw new IllegalArgumentException(what + " must be finite, found " + value);
        }
    }
}
