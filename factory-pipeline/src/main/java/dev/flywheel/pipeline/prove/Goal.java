package dev.flywheel.pipeline.prove;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.experiment.AlwaysValid;
import dev.flywheel.core.stat.experiment.Cuped;
import dev.flywheel.core.stat.experiment.Effect;
import dev.flywheel.core.stat.experiment.Lift;
import dev.flywheel.core.stat.experiment.Sample;
import dev.flywheel.core.stat.experiment.Tail;
import java.io.Serializable;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a challenger must show beside the champion in live traffic, in one metric. Immutable.
 *
 * <p>A metric of the model is computed of every labelled prediction; one of the business is what the host reports. By
 * default the challenger must be better; {@link #notWorseBy} asks for less.
 */
public final class Goal implements Serializable {

    private static final long serialVersionUID = 1L;
    // as the evaluation before the promotion clips: a certain but wrong prediction costs 34.5 nats
    private static final double EPSILON = 1e-15;

    private enum Direction {
        MORE,
        LESS
    }

    private final String name;
    private final Direction direction;
    private final @Nullable Metric metric;
    private final @Nullable String unit;
    private final @Nullable Double margin;

    private Goal(
            String name, Direction direction, @Nullable Metric metric, @Nullable String unit, @Nullable Double margin) {
        this.name = Objects.requireNonNull(name, "name");
        this.direction = direction;
        this.metric = metric;
        this.unit = unit;
        this.margin = margin;
    }

    /**
     * {@return the goal of a better metric of the model, over labelled predictions}
     *
     * @param metric one that is a mean over rows, or the root of one: LOG_LOSS, BRIER, ACCURACY, RMSE or MAE
     * @throws IllegalArgumentException if it is another one
     */
    public static Goal model(Metric metric) {
        return switch (metric) {
            case LOG_LOSS, BRIER, ACCURACY, RMSE, MAE ->
                new Goal(metric.label(), metric.higherIsBetter() ? Direction.MORE : Direction.LESS, metric, null, null);
            case ROC_AUC, PR_AUC, F1, MACRO_F1, ECE, R2 ->
                throw new IllegalArgumentException(metric
                        + " is no mean over predictions, so an experiment cannot keep it as a sum; take LOG_LOSS, BRIER, "
                        + "ACCURACY, RMSE or MAE");
        };
    }

    /** {@return the goal of more of what the host reports under a name: revenue, clicks} */
    public static Goal more(String name) {
        return new Goal(name, Direction.MORE, null, null, null);
    }

    /** {@return the goal of less of what the host reports under a name: complaints, minutes} */
    public static Goal less(String name) {
        return new Goal(name, Direction.LESS, null, null, null);
    }

    /**
     * {@return this goal of the business as a ratio of sums: clicks per view, where one report is about all views of a
     * visitor} The host then reports both numbers.
     *
     * @param unit what is counted below the line
     * @throws IllegalStateException if it is a goal of the model
     */
    public Goal per(String unit) {
        if (metric != null) {
            throw new IllegalStateException(name + " is a metric of the model and has no unit");
        }
        return new Goal(name, direction, null, Objects.requireNonNull(unit, "unit"), margin);
    }

    /**
     * {@return this goal, met as soon as the challenger is proven to be less than so much worse}
     *
     * @param margin in the metric's unit, above 0
     */
    public Goal notWorseBy(double margin) {
        if (!(margin > 0 && margin < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("goal \"" + name + "\" needs a margin above 0, found " + margin);
        }
        return new Goal(name, direction, metric, unit, margin);
    }

    /** {@return what the host reports it under; of a metric of the model, its label} */
    public String name() {
        return name;
    }

    boolean ofModel() {
        return metric != null;
    }

    boolean ofRatio() {
        return unit != null;
    }

    /** {@return the goal in words, equal for equal goals} */
    public String describe() {
        String what = unit == null ? name : name + " per " + unit;
        if (margin != null) {
            return what + " not worse than the champion's by " + Words.plain(margin) + " or more";
        }
        return (metric != null ? "better " : direction == Direction.MORE ? "more " : "less ") + what
                + " than the champion's";
    }

    /** {@return the metric of the model that it is about; empty if it is one of the business} */
    public Optional<Metric> metric() {
        return Optional.ofNullable(metric);
    }

    /**
     * {@return what one labelled prediction adds to the metric of the model, of which the mean is taken; of RMSE its
     * square}
     *
     * @param output a probability, a number, or the number of the most probable class
     */
    public double loss(double output, double label) {
        return switch (Objects.requireNonNull(metric)) {
            case LOG_LOSS ->
                -label * Math.log(Math.max(EPSILON, output)) - (1 - label) * Math.log(Math.max(EPSILON, 1 - output));
            case MAE -> Math.abs(output - label);
            case ACCURACY -> Math.round(output) == Math.round(label) ? 1 : 0;
            default -> (output - label) * (output - label);
        };
    }

    /** A goal's judgement of one challenger. */
    record Finding(Verdict verdict, Effect advantage) {}

    /**
     * Where the interval of the challenger's advantage lies beside the margin decides, as in the gates: above it PASS,
     * at or below it FAIL.
     */
    Finding judge(ArmState champion, ArmState challenger, long least, AlwaysValid sequence) {
        Sums ours = champion.sums(this);
        Sums theirs = challenger.sums(this);
        long fewest = Math.min(ours.n(), theirs.n());
        if (fewest < least) {
            return new Finding(
                    verdict(
                            Verdict.Outcome.INCONCLUSIVE,
                            "version " + (ours.n() < theirs.n() ? champion : challenger).version() + " has had "
                                    + Words.count(fewest) + " of the " + Words.unit(least, "observation")
                                    + " that each needs at least"),
                    new Effect(Double.NaN, Double.NaN, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY, 1, "none"));
        }
        boolean adjusted = ours.covered() && theirs.covered() && !ofRatio();
        Cuped cuped = Cuped.of(ours.pairs(), theirs.pairs());
        Sample control = adjusted ? cuped.control() : sample(ours);
        Sample treatment = adjusted ? cuped.treatment() : sample(theirs);
        if (metric == Metric.RMSE) {
            control = control.root();
            treatment = treatment.root();
        }
        Effect effect = sequence.effect(
                floored(control, treatment), floored(treatment, control), Lift.ABSOLUTE, Tail.TWO_SIDED);
        Effect advantage = direction == Direction.MORE
                ? effect
                : new Effect(
                        -effect.estimate(),
                        effect.standardError(),
                        -effect.high(),
                        -effect.low(),
                        effect.p(),
                        effect.method());
        double bound = margin == null ? 0 : -margin;
        Verdict.Outcome outcome = advantage.low() > bound
                ? Verdict.Outcome.PASS
                : advantage.high() <= bound ? Verdict.Outcome.FAIL : Verdict.Outcome.INCONCLUSIVE;
        String evidence = "version " + challenger.version() + " " + Words.number(treatment.mean()) + " of "
                + Words.count(treatment.n()) + ", version " + champion.version() + " " + Words.number(control.mean())
                + " of " + Words.count(control.n()) + ", advantage " + Words.signed(advantage.estimate()) + " ("
                + Words.signed(advantage.low()) + " to " + Words.signed(advantage.high()) + ", " + advantage.method()
                + (adjusted ? ", adjusted by its covariate" : "") + ")";
        return new Finding(verdict(outcome, evidence), advantage);
    }

    /** {@return an advantage that was measured offline as challenger - champion, with positive as better} */
    Estimate oriented(Estimate difference) {
        return direction == Direction.MORE
                ? difference
                : new Estimate(-difference.value(), -difference.high(), -difference.low(), difference.method());
    }

    private Sample sample(Sums sums) {
        return ofRatio() ? sums.pairs().ratio() : sums.values().sample();
    }

    /**
     * An arm that never varied (a version that always fails) has no variance to test by; it is taken to have had one
     * observation like the other arm's mean, in the manner of the rule of succession.
     */
    private static Sample floored(Sample arm, Sample other) {
        double distance = arm.mean() - other.mean();
        return arm.variance() > 0 || distance == 0
                ? arm
                : new Sample(arm.n(), arm.mean(), distance * distance / arm.n());
    }

    private Verdict verdict(Verdict.Outcome outcome, String evidence) {
        return new Verdict(describe(), outcome, evidence);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Goal that && describe().equals(that.describe());
    }

    @Override
    public int hashCode() {
        return describe().hashCode();
    }

    @Override
    public String toString() {
        return describe();
    }
}
