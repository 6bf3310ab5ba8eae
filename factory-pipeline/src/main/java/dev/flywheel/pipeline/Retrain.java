package dev.flywheel.pipeline;

import dev.flywheel.core.energy.PowerPlan;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.watch.Watch;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * When a deployment trains again by itself, what that may cost, and what it learns from. Rules are alternatives, of
 * which the first that holds starts a run, or conditions that must hold together; the budget holds a run back whatever
 * the rules ask for.
 *
 * <pre>{@code Retrain.afterLabels(10_000).orOnDrift(0.2).atMostEvery(Duration.ofHours(1))}</pre>
 *
 * Calls apply to all that stands before them: {@code a.orEvery(week).and(b)} is (a or every week) and b. Days are those
 * of UTC. Immutable.
 */
public final class Retrain implements Serializable {

    private static final long serialVersionUID = 1L;
    private static final Retrain NEVER = new Retrain(null, Budget.UNLIMITED, Lessons.ALL, null);

    final @Nullable RetrainRule rule;
    final Budget budget;
    final Lessons lessons;
    final @Nullable PowerPlan power;

    private Retrain(@Nullable RetrainRule rule, Budget budget, Lessons lessons, @Nullable PowerPlan power) {
        this.rule = rule;
        this.budget = budget;
        this.lessons = lessons;
        this.power = power;
    }

    /** {@return no rule: a run starts only when the host asks for one. The default} */
    public static Retrain never() {
        return NEVER;
    }

    /**
     * {@return a rule that holds once so many new labels have come in since the last run} Labels count as they come,
     * repeated and corrected ones too, and over restarts; a run that was cut short does not use them up.
     *
     * @param labels the number of labels, at least 1
     */
    public static Retrain afterLabels(int labels) {
        return of(new RetrainRule.Labels(atLeastOne("afterLabels", labels)));
    }

    /**
     * {@return a rule that holds once so many predictions have been made since the last run} They count over restarts;
     * a process that is killed forgets those of its last minute.
     *
     * @param predictions the number of predictions, at least 1
     */
    public static Retrain afterPredictions(int predictions) {
        return of(new RetrainRule.Predictions(atLeastOne("afterPredictions", predictions)));
    }

    /**
     * {@return a rule that holds once so much time has passed since the last run}
     *
     * @param period the time, positive
     */
    public static Retrain every(Duration period) {
        return of(new RetrainRule.Every(positive("every", period)));
    }

    /**
     * {@return a rule that holds once an input, or what is predicted, is no longer as it was when the version learned}
     * What has started a run starts another one only after it was measured again.
     *
     * @param size how large the change must be, as the population stability index of one column, above 0: 0.1 is often
     *     called small, 0.2 large
     */
    public static Retrain onDrift(double size) {
        return of(new RetrainRule.Drifted(above("onDrift", size)));
    }

    /**
     * {@return a rule that holds once quality in production falls} It looks every 100 labels; of predictions with more
     * than 200,000 others after them whose outcome is not known either it knows nothing.
     *
     * @param metric what is measured, on the last 1,000 labelled predictions of the serving version, or, until it has
     *     so many, on those of the last window of a watch that is not {@link Watch#defaults}
     * @param by how much worse than the version's own evaluation it may become, in the metric's unit, above 0
     */
    public static Retrain onQualityDrop(Metric metric, double by) {
        return of(new RetrainRule.Dropped(Objects.requireNonNull(metric, "metric"), above("onQualityDrop", by), false));
    }

    /**
     * {@return a rule that holds once quality in production must have fallen, judged without outcomes} It is for
     * outcomes that come late or never.
     *
     * @param metric what is estimated
     * @param by how much worse than the version's own evaluation it may become, in the metric's unit, above 0
     */
    public static Retrain onEstimatedDrop(Metric metric, double by) {
        return of(
                new RetrainRule.Dropped(Objects.requireNonNull(metric, "metric"), above("onEstimatedDrop", by), true));
    }

    /** {@return these rules or {@link #afterLabels}} */
    public Retrain orAfterLabels(int labels) {
        return or(afterLabels(labels));
    }

    /** {@return these rules or {@link #afterPredictions}} */
    public Retrain orAfterPredictions(int predictions) {
        return or(afterPredictions(predictions));
    }

    /** {@return these rules or {@link #every}} */
    public Retrain orEvery(Duration period) {
        return or(every(period));
    }

    /** {@return these rules or {@link #onDrift}} */
    public Retrain orOnDrift(double size) {
        return or(onDrift(size));
    }

    /** {@return these rules or {@link #onQualityDrop}} */
    public Retrain orOnQualityDrop(Metric metric, double by) {
        return or(onQualityDrop(metric, by));
    }

    /** {@return these rules or {@link #onEstimatedDrop}} */
    public Retrain orOnEstimatedDrop(Metric metric, double by) {
        return or(onEstimatedDrop(metric, by));
    }

    /**
     * {@return these rules or others}
     *
     * @throws IllegalArgumentException if the others bring a budget or a choice of examples
     * @throws IllegalStateException if both have the same kind of rule
     */
    public Retrain or(Retrain others) {
        RetrainRule second = others.rules("or");
        return with(rule == null || second == null ? (rule == null ? second : rule) : RetrainRule.any(rule, second));
    }

    /**
     * {@return these rules, each time that others hold, too}
     *
     * @throws IllegalArgumentException if the others bring a budget or a choice of examples, or either has no rule
     * @throws IllegalStateException if both have the same kind of rule
     */
    public Retrain and(Retrain others) {
        RetrainRule second = others.rules("and");
        if (rule == null || second == null) {
            throw new IllegalArgumentException("Retrain.and is invalid: found never, which nothing can be added to");
        }
        return with(RetrainRule.all(rule, second));
    }

    /**
     * {@return these rules, held back until so much time has passed since the last run}
     *
     * @param cooldown the time, positive
     */
    public Retrain atMostEvery(Duration cooldown) {
        requireUnset("atMostEvery", budget.cooldown());
        Duration least = positive("atMostEvery", cooldown);
        return with(new Budget(least, budget.runs(), budget.time(), budget.labels(), budget.refusals()));
    }

    /**
     * {@return these rules, held back for the rest of a day that has seen so many runs} Those that the host asked for
     * count, too.
     *
     * @param runs the number of runs, at least 1
     */
    public Retrain atMostPerDay(int runs) {
        requireUnset("atMostPerDay", budget.runs() == 0 ? null : budget.runs());
        int most = atLeastOne("atMostPerDay", runs);
        return with(new Budget(budget.cooldown(), most, budget.time(), budget.labels(), budget.refusals()));
    }

    /**
     * {@return these rules, held back for the rest of a day on which runs have taken so long} It is the time of the
     * machine, not of the factory's clock: a run counts from its start to its end, and is not cut short.
     *
     * @param time the time, positive
     */
    public Retrain runningAtMostPerDay(Duration time) {
        requireUnset("runningAtMostPerDay", budget.time());
        Duration most = positive("runningAtMostPerDay", time);
        return with(new Budget(budget.cooldown(), budget.runs(), most, budget.labels(), budget.refusals()));
    }

    /**
     * {@return these rules, held back until so many labels have come in since the last run}
     *
     * @param labels the number of labels, at least 1
     */
    public Retrain withAtLeastLabels(int labels) {
        requireUnset("withAtLeastLabels", budget.labels() == 0 ? null : budget.labels());
        int least = atLeastOne("withAtLeastLabels", labels);
        return with(new Budget(budget.cooldown(), budget.runs(), budget.time(), least, budget.refusals()));
    }

    /**
     * {@return these rules, which pause once so many runs in a row have ended without a promotion} The pause ends when
     * the host calls {@link Deployment#resume()}, when another version serves, or when the evidence has doubled: as
     * many labels as the serving version had got when the pause began, and at least 100, have come in since. If the
     * next run fails to bring a better model, too, the pause begins again, so that a hopeless case is tried ever more
     * rarely.
     *
     * @param runs the number of runs, at least 1
     */
    public Retrain untilRefused(int runs) {
        requireUnset("untilRefused", budget.refusals() == 0 ? null : budget.refusals());
        int most = atLeastOne("untilRefused", runs);
        return with(new Budget(budget.cooldown(), budget.runs(), budget.time(), budget.labels(), most));
    }

    /**
     * {@return these rules, learning only from examples so new. Without it a run learns from all history} The first run
     * learns from all that the source gives, and so does every run from a source without event time.
     *
     * @param window how far back from now, positive
     * @throws IllegalStateException if {@link #learningFromLastDrift} was set
     */
    public Retrain learningFromLast(Duration window) {
        requireUnset("learningFromLast", lessons.window());
        requireUnset("learningFromLastDrift", lessons.sinceDrift() == 0 ? null : lessons.sinceDrift());
        return with(new Lessons(positive("learningFromLast", window), lessons.halfLife(), 0));
    }

    /**
     * {@return these rules, learning from examples that weigh the less the older they are: half after so much time, a
     * quarter after twice as much} The source must tell event times. Features are fitted on all examples alike.
     *
     * @param halfLife the time, positive
     */
    public Retrain learningWithHalfLife(Duration halfLife) {
        requireUnset("learningWithHalfLife", lessons.halfLife());
        return with(new Lessons(lessons.window(), positive("learningWithHalfLife", halfLife), lessons.sinceDrift()));
    }

    /**
     * {@return these rules, learning only from examples since the last drift that a monitor saw; from all history until
     * there was one} The source must tell event times.
     *
     * @param atLeast how many examples to take at least, at least 1: where fewer have come in since, the newest ones
     *     before are taken, too
     * @throws IllegalStateException if {@link #learningFromLast} was set
     */
    public Retrain learningFromLastDrift(int atLeast) {
        requireUnset("learningFromLastDrift", lessons.sinceDrift() == 0 ? null : lessons.sinceDrift());
        requireUnset("learningFromLast", lessons.window());
        return with(new Lessons(null, lessons.halfLife(), atLeastOne("learningFromLastDrift", atLeast)));
    }

    /**
     * {@return these rules, whose runs are made when power is cheap or clean} A run that is asked for waits for the
     * slots of the plan, also over a restart, and even if the rule no longer holds meanwhile. Where a slot ends it
     * rests, once its training can be taken up again: between two candidates, two trials of a search, or two steps of a
     * network; other trainings run to their end. While it rests it holds nothing of a GPU, and the runs of other
     * pipelines are made. The deadline beats the price. Serving goes on as ever; what the host asks for while no run is
     * in progress, and a first version, is made at once.
     *
     * @param plan by which forecast, for how long and within which time
     */
    public Retrain whenCheap(PowerPlan plan) {
        requireUnset("whenCheap", power);
        return new Retrain(rule, budget, lessons, Objects.requireNonNull(plan, "plan"));
    }

    /** {@return what the rules measure on outcomes} */
    Set<Metric> measured() {
        return dropped()
                .filter(drop -> !drop.estimated())
                .map(RetrainRule.Dropped::metric)
                .collect(Collectors.toUnmodifiableSet());
    }

    /** {@return what the rules measure, on outcomes or without} */
    Set<Metric> metrics() {
        return dropped().map(RetrainRule.Dropped::metric).collect(Collectors.toUnmodifiableSet());
    }

    /** {@return whether only a watch can tell what the rules ask} */
    boolean needsWatch() {
        return lessons.sinceDrift() > 0
                || leaves().stream()
                        .anyMatch(leaf -> leaf instanceof RetrainRule.Drifted || leaf instanceof RetrainRule.Dropped);
    }

    private List<RetrainRule> leaves() {
        return rule == null ? List.of() : rule.leaves();
    }

    private Stream<RetrainRule.Dropped> dropped() {
        return leaves().stream().filter(RetrainRule.Dropped.class::isInstance).map(RetrainRule.Dropped.class::cast);
    }

    String describe() {
        return (rule == null ? "never" : rule.describe())
                + budget.describe()
                + lessons.describe()
                + (power == null ? "" : ", when power is cheap: " + power);
    }

    @Override
    public String toString() {
        return describe();
    }

    private static Retrain of(RetrainRule rule) {
        return new Retrain(rule, Budget.UNLIMITED, Lessons.ALL, null);
    }

    private Retrain with(@Nullable RetrainRule other) {
        return new Retrain(other, budget, lessons, power);
    }

    private Retrain with(Budget other) {
        return new Retrain(rule, other, lessons, power);
    }

    private Retrain with(Lessons other) {
        return new Retrain(rule, budget, other, power);
    }

    private @Nullable RetrainRule rules(String option) {
        if (!budget.equals(Budget.UNLIMITED) || !lessons.equals(Lessons.ALL) || power != null) {
            throw new IllegalArgumentException("Retrain." + option + " takes rules alone, found \"" + describe()
                    + "\"; set the budget and the examples once, at the end");
        }
        return rule;
    }

    private static int atLeastOne(String option, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(
                    "Retrain." + option + " is invalid: found " + value + ", expected at least 1");
        }
        return value;
    }

    private static double above(String option, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(
                    "Retrain." + option + " is invalid: found " + value + ", expected above 0");
        }
        return value;
    }

    private static Duration positive(String option, Duration value) {
        if (Objects.requireNonNull(value, option).isNegative() || value.isZero()) {
            throw new IllegalArgumentException(
                    "Retrain." + option + " is invalid: found " + value + ", expected above zero");
        }
        return value;
    }

    private static void requireUnset(String option, @Nullable Object found) {
        if (found != null) {
            throw new IllegalStateException("Retrain." + option + " was already set to " + found);
        }
    }
}
