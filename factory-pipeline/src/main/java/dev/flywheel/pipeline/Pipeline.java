package dev.flywheel.pipeline;

import com.google.common.hash.Hashing;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Threshold.Costs;
import dev.flywheel.pipeline.check.Check;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.flywheel.Logging;
import dev.flywheel.pipeline.prove.Canary;
import dev.flywheel.pipeline.prove.Experiment;
import dev.flywheel.pipeline.source.Source;
import dev.flywheel.pipeline.train.Trainer;
import dev.flywheel.pipeline.train.Trainers;
import dev.flywheel.pipeline.watch.Watch;
import dev.flywheel.pipeline.watch.Watcher;
import dev.flywheel.serving.Classification;
import dev.flywheel.serving.Codec;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.DoubleFunction;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The definition of a factory's product: where examples come from, what they must satisfy, how they become features,
 * which candidates are trained, which gates a candidate must pass, and what the application gets. A value: building one
 * does no I/O, starts no thread and loads no native library; {@link Factory} runs it. Immutable and thread-safe.
 *
 * <p>The stages come in the order in which data flows, {@code from}, {@code features}, {@code train}, {@code respond},
 * and each changes the type, so that the compiler refuses what makes no sense. Everything else is an option with a
 * default.
 *
 * @param <I> the input of a prediction
 * @param <L> the label that an example carries and that feedback brings
 * @param <O> what the application gets as the output of a prediction
 */
public final class Pipeline<I, L, O> {

    private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9_-]{0,63}");

    private final Draft<I, L> draft;
    private final Function<RowType<I>, Codec<I, O>> response;
    private final Retrain retrain;
    private final @Nullable Approval approval;
    private final @Nullable Proof proof;
    private final Risk risk;
    private final @Nullable Costs costs;
    private final long seed;
    private final Logging<? super I> logging;
    private final Watch watch;

    private Pipeline(
            Draft<I, L> draft,
            Function<RowType<I>, Codec<I, O>> response,
            Retrain retrain,
            @Nullable Approval approval,
            @Nullable Proof proof,
            Risk risk,
            @Nullable Costs costs,
            long seed,
            Logging<? super I> logging,
            Watch watch) {
        this.draft = draft;
        this.response = response;
        this.retrain = retrain;
        this.approval = approval;
        this.proof = proof;
        this.risk = risk;
        this.costs = costs;
        this.seed = seed;
        this.logging = logging;
        this.watch = watch;
    }

    /**
     * {@return the first stage of a new definition}
     *
     * @param name the name, which becomes a directory: 1 to 64 lower-case letters, digits, '-' or '_'
     * @throws IllegalArgumentException if the name is not of that form
     */
    public static Named named(String name) {
        if (!NAME.matcher(Objects.requireNonNull(name, "name")).matches()) {
            throw new IllegalArgumentException(
                    "pipeline name \"" + name
                            + "\" is invalid: expected 1 to 64 lower-case letters, digits, '-' or '_', the first a letter or digit");
        }
        return new NamedStage(name);
    }

    /** A pipeline that has a name and needs a source. */
    public sealed interface Named {

        /** {@return the next stage, fed by this source} */
        <I, L> Sourced<I, L> from(Source<I, L> source);
    }

    /** A pipeline that has examples and needs features. */
    public sealed interface Sourced<I, L> {

        /** {@return this stage with one more rule; examples that break it go to quarantine} */
        Sourced<I, L> check(Check check);

        /**
         * {@return this stage with another way to hold back test examples}
         *
         * @throws IllegalStateException if a split was set before
         */
        Sourced<I, L> split(Split split);

        /** {@return the next stage, with these features} */
        Featured<I, L> features(Features<I> features);
    }

    /** A pipeline that has features and needs candidates. */
    public sealed interface Featured<I, L> {

        /**
         * {@return the next stage, with a portfolio of candidates; each run trains all and judges the best}
         *
         * <p>Where there are several, a fifth of the training examples is held back from all of them, the newest or at
         * random as the split does it, to find the best; it is then trained on all training examples and judged on the
         * test examples, which have no part in the choice. So the number of candidates makes no wrong promotion more
         * likely. A candidate that goes on from the champion may know examples that it is compared on, which speaks for
         * it in the comparison, not before the gates.
         *
         * @param candidates by default {@link Trainers#portfolio} of the target and the features
         * @throws IllegalArgumentException if there is one that cannot learn the source's target
         */
        Trained<I, L> train(Trainer... candidates);
    }

    /** A pipeline that has candidates and needs a response. */
    public sealed interface Trained<I, L> {

        /**
         * {@return this stage with one more gate; a candidate is promoted only if every gate says PASS. Without any, a
         * candidate must be proven better than the champion by the main metric: ROC AUC, accuracy of several classes,
         * or RMSE}
         *
         * @throws IllegalArgumentException if the gate's metric is not one of the target's task, or it judges fairness
         *     and the target is not true or false
         */
        Trained<I, L> gate(Gate gate);

        /**
         * {@return the last stage, with what the application gets for a raw prediction}
         *
         * @param response makes the output of a probability in 0 to 1 (a true-or-false target) or of a number in the
         *     target's unit; called on the caller's thread, so it must be fast and must not block
         * @throws IllegalArgumentException if the target is one of several classes, which is what {@link #classify} is
         *     for
         */
        <O> Ready<I, L, O> respond(DoubleFunction<O> response);

        /**
         * {@return the last stage, with what the application gets for the probabilities of several classes}
         *
         * @param response makes the output; called on the caller's thread, so it must be fast and must not block
         * @throws IllegalArgumentException if the target is another one, which is what {@link #respond} is for
         */
        <O> Ready<I, L, O> classify(Function<Classification, O> response);
    }

    /** A complete definition that takes its last options. */
    public sealed interface Ready<I, L, O> {

        /**
         * {@return this stage with rules of when to train again; the default is never}
         *
         * @throws IllegalStateException if rules were set before
         * @throws IllegalArgumentException if a rule's metric is not one of the target's task, or of several classes
         *     neither ACCURACY nor MACRO_F1
         */
        Ready<I, L, O> retrain(Retrain retrain);

        /**
         * {@return this stage with the rule that a person must approve a candidate that has passed every gate; the
         * default is that the gates decide}
         *
         * @throws IllegalStateException if a rule was set before
         */
        Ready<I, L, O> approve(Approval approval);

        /**
         * {@return this stage with a class of risk, which fixes the least set of gates; the default is
         * {@link Risk#MINIMAL}}
         *
         * @throws IllegalArgumentException from {@code build()} if a gate of this set is missing; the message lists all
         *     that are, and how to add them
         * @throws IllegalStateException if a class was set before
         */
        Ready<I, L, O> risk(Risk risk);

        /**
         * {@return this stage with what decisions cost: a run's report and card then tell the probability from which on
         * deciding as true costs least, and what it costs} The response decides all the same.
         *
         * @throws IllegalArgumentException if the target is not a true-or-false one
         * @throws IllegalStateException if costs were set before
         */
        Ready<I, L, O> costs(Costs costs);

        /**
         * {@return this stage with another seed of all randomness; the default is 42}
         *
         * @throws IllegalStateException if a seed was set before
         */
        Ready<I, L, O> seed(long seed);

        /**
         * {@return this stage with the rule that a candidate which has passed every gate, and was approved if that is
         * asked, is put into traffic beside the champion, step by step, and promoted if every measure holds; the
         * default is to promote it at once}
         *
         * <p>One version is on trial at a time: meanwhile the rules start no run, and a candidate of a run that the
         * host has started is registered and refused. A measure is read from what the host reports by
         * {@link Deployment#metric}, or from labelled predictions ({@link dev.flywheel.pipeline.prove.Measure#model},
         * {@link dev.flywheel.pipeline.prove.Measure#advantage}); one that is not read at intervals is read over 100
         * observations each time. An observation of a step is a prediction of the version. A run without a deployment
         * has no traffic, and promotes at once; so does the first run.
         *
         * @throws IllegalStateException if a plan was set before
         * @throws IllegalArgumentException if a measure's metric is not one of the target's task, or of several classes
         *     not ACCURACY
         */
        Ready<I, L, O> prove(Canary plan);

        /**
         * {@return this stage with the rule that a candidate which has passed every gate, and was approved if that is
         * asked, is compared with the champion in traffic, and promoted if it is proven to meet the plan's goals}
         *
         * @throws IllegalStateException if a plan was set before
         * @throws IllegalArgumentException if a goal's metric is not one of the target's task, or of several classes
         *     not ACCURACY
         * @see #prove(Canary)
         */
        Ready<I, L, O> prove(Experiment plan);

        /**
         * {@return this stage with another way to log predictions; the default logs every one, whole, for ever}
         *
         * @throws IllegalStateException if logging was set before
         */
        Ready<I, L, O> log(Logging<? super I> logging);

        /**
         * {@return this stage with a watch of what is asked and answered; the default is {@link Watch#defaults} where a
         * rule of {@link #retrain} asks for drift or for quality, and otherwise {@link Watch#off}}
         *
         * <p>What is not logged as it is ({@link #log}), is not watched either.
         *
         * @throws IllegalArgumentException from {@code build()} if it is off though a rule asks for what only it tells,
         *     or on though nothing is logged
         * @throws IllegalStateException if a watch was set before
         */
        Ready<I, L, O> watch(Watch watch);

        /**
         * {@return the definition}
         *
         * @throws IllegalArgumentException if it learns from feedback, and predictions are not logged with all that it
         *     learns from, or if a gate is missing that its class of risk asks for
         */
        Pipeline<I, L, O> build();
    }

    /** {@return the name} */
    public String name() {
        return draft.name;
    }

    /** {@return the whole definition as text, line by line; equal definitions print equal text} */
    public String describe() {
        List<String> lines = new ArrayList<>();
        lines.add("pipeline " + draft.name);
        lines.add("from " + source().describe());
        lines.add("predict " + source().target().describe());
        draft.checks.forEach(check -> lines.add("check " + check.describe()));
        lines.add("split " + (draft.split == null ? "by default" : draft.split.describe()));
        lines.add("features " + features().describe());
        draft.candidates.forEach(candidate -> lines.add("train " + candidate.describe()));
        gates().forEach(gate -> lines.add("gate " + gate.describe()));
        if (approval != null) {
            lines.add("approve " + approval.describe());
        }
        if (proof != null) {
            lines.add("prove " + proof.describe());
        }
        lines.add("retrain " + retrain.describe());
        lines.add("seed " + seed);
        // the default prints nothing, so that the hashes of definitions stay what they were
        if (!logging.equals(Logging.everything())) {
            lines.add("log " + logging.describe());
        }
        if (watch.isOn()) {
            lines.add("watch " + watch.describe());
        }
        if (risk != Risk.MINIMAL) {
            lines.add("risk " + risk);
        }
        if (costs != null) {
            lines.add("decide where " + costs.describe());
        }
        return lines.stream().map(String::strip).collect(Collectors.joining("\n"));
    }

    /** {@return the SHA-256 of {@link #describe()}, in hexadecimal} */
    public String hash() {
        return Hashing.sha256().hashString(describe(), StandardCharsets.UTF_8).toString();
    }

    @Override
    public String toString() {
        return describe();
    }

    Source<I, L> source() {
        return Objects.requireNonNull(draft.source);
    }

    Features<I> features() {
        return Objects.requireNonNull(draft.features);
    }

    List<Check> checks() {
        return draft.checks;
    }

    @Nullable
    Split split() {
        return draft.split;
    }

    List<Trainer> candidates() {
        return draft.candidates;
    }

    List<Gate> gates() {
        return draft.effectiveGates();
    }

    Task task() {
        return source().target().task();
    }

    Metric mainMetric() {
        return draft.mainMetric();
    }

    /** {@return how a row becomes what the application gets: the response asks nothing of a row but its columns} */
    @SuppressWarnings("unchecked")
    <A> Codec<A, O> codec(RowType<A> type) {
        return ((Function<RowType<A>, Codec<A, O>>) (Function<?, ?>) response).apply(type);
    }

    Retrain retrain() {
        return retrain;
    }

    @Nullable
    Approval approval() {
        return approval;
    }

    @Nullable
    Proof proof() {
        return proof;
    }

    Risk riskClass() {
        return risk;
    }

    @Nullable
    Costs costs() {
        return costs;
    }

    long seed() {
        return seed;
    }

    Logging<? super I> logging() {
        return logging;
    }

    Watch watch() {
        return watch;
    }

    /**
     * Looks whether what a run learns from is logged.
     *
     * @param columns the columns of the features
     * @throws IllegalArgumentException if one of them is not
     */
    void requireLogged(Set<String> columns) {
        requireLogged(draft, columns, logging);
    }

    private static void requireLogged(Draft<?, ?> draft, Set<String> columns, Logging<?> logging) {
        String of = " of pipeline \"" + draft.name + "\"";
        logging.requireLogged(columns, "the features" + of);
        logging.requireLogged(
                draft.checks.stream().flatMap(check -> check.needed().stream()).toList(), "the checks" + of);
    }

    private record Draft<I, L>(
            String name,
            @Nullable Source<I, L> source,
            List<Check> checks,
            @Nullable Split split,
            @Nullable Features<I> features,
            List<Trainer> candidates,
            List<Gate> gates) {

        List<Gate> effectiveGates() {
            return gates.isEmpty() ? List.of(Gate.betterThanChampion(mainMetric())) : gates;
        }

        Metric mainMetric() {
            return Metric.of(task()).get(0);
        }

        Task task() {
            return Objects.requireNonNull(source).target().task();
        }
    }

    private record NamedStage(String name) implements Named {

        @Override
        public <I, L> Sourced<I, L> from(Source<I, L> source) {
            Objects.requireNonNull(source, "source");
            return new SourcedStage<>(new Draft<>(name, source, List.of(), null, null, List.of(), List.of()));
        }
    }

    private record SourcedStage<I, L>(Draft<I, L> d) implements Sourced<I, L> {

        @Override
        public Sourced<I, L> check(Check check) {
            List<Check> checks = append(d.checks, Objects.requireNonNull(check, "check"));
            return new SourcedStage<>(new Draft<>(d.name, d.source, checks, d.split, null, List.of(), List.of()));
        }

        @Override
        public Sourced<I, L> split(Split split) {
            requireUnset("split", d.split == null ? null : d.split.describe());
            Objects.requireNonNull(split, "split");
            return new SourcedStage<>(new Draft<>(d.name, d.source, d.checks, split, null, List.of(), List.of()));
        }

        @Override
        public Featured<I, L> features(Features<I> features) {
            Objects.requireNonNull(features, "features");
            return new FeaturedStage<>(
                    new Draft<>(d.name, d.source, d.checks, d.split, features, List.of(), List.of()));
        }
    }

    private record FeaturedStage<I, L>(Draft<I, L> d) implements Featured<I, L> {

        @Override
        public Trained<I, L> train(Trainer... candidates) {
            Task task = Objects.requireNonNull(d.source).target().task();
            for (Trainer candidate : candidates) {
                Objects.requireNonNull(candidate, "candidate").requireTask(task);
            }
            List<Trainer> portfolio = candidates.length == 0
                    ? Trainers.portfolio(task, Objects.requireNonNull(d.features))
                    : List.of(candidates);
            return new TrainedStage<>(
                    new Draft<>(d.name, d.source, d.checks, d.split, d.features, portfolio, List.of()));
        }
    }

    private record TrainedStage<I, L>(Draft<I, L> d) implements Trained<I, L> {

        @Override
        public Trained<I, L> gate(Gate gate) {
            Objects.requireNonNull(gate, "gate");
            gate.metric().ifPresent(metric -> requireTask(d, "gate \"" + gate.describe() + "\"", metric));
            requireDecisions(gate);
            return new TrainedStage<>(
                    new Draft<>(d.name, d.source, d.checks, d.split, d.features, d.candidates, append(d.gates, gate)));
        }

        @Override
        public <O> Ready<I, L, O> respond(DoubleFunction<O> response) {
            Objects.requireNonNull(response, "response");
            if (task() == Task.MULTICLASS) {
                throw new IllegalArgumentException("pipeline \"" + d.name + "\" predicts one of several classes; use"
                        + " classify(...) instead of respond(...)");
            }
            return ready(type -> Codec.rows(type, response));
        }

        @Override
        public <O> Ready<I, L, O> classify(Function<Classification, O> response) {
            Objects.requireNonNull(response, "response");
            if (task() != Task.MULTICLASS) {
                throw new IllegalArgumentException("pipeline \"" + d.name + "\" predicts "
                        + (task() == Task.BINARY ? "a probability" : "a number")
                        + "; use respond(...) instead of classify(...)");
            }
            List<String> classes = Objects.requireNonNull(d.source).target().classes();
            return ready(type -> Codec.classes(type, classes, response));
        }

        private void requireDecisions(Gate gate) {
            if (gate.kind() == Gate.Kind.FAIRNESS && task() != Task.BINARY) {
                Metric main = d.mainMetric();
                throw new IllegalArgumentException("gate \"" + gate.describe() + "\" of pipeline \"" + d.name
                        + "\" judges decisions between true and false, which a " + task()
                        + " target has not. Fix: use a rule on each slice instead: .gate(Gate."
                        + (main.higherIsBetter() ? "atLeast" : "atMost") + "(Metric." + main + ", ...).onEachSlice(\""
                        + gate.column().orElseThrow() + "\")).");
            }
        }

        private Task task() {
            return d.task();
        }

        private <O> Ready<I, L, O> ready(Function<RowType<I>, Codec<I, O>> response) {
            return new ReadyStage<>(d, response);
        }
    }

    /** A value all the same: options are set on copies alone. */
    private static final class ReadyStage<I, L, O> implements Ready<I, L, O> {

        private final Draft<I, L> d;
        private final Function<RowType<I>, Codec<I, O>> response;
        private @Nullable Retrain rules;
        private @Nullable Approval approval;
        private @Nullable Proof proof;
        private @Nullable Risk risk;
        private @Nullable Costs costs;
        private @Nullable Long chosenSeed;
        private @Nullable Logging<? super I> chosenLogging;
        private @Nullable Watch chosenWatch;

        ReadyStage(Draft<I, L> d, Function<RowType<I>, Codec<I, O>> response) {
            this.d = d;
            this.response = response;
        }

        private ReadyStage<I, L, O> with(Consumer<ReadyStage<I, L, O>> change) {
            ReadyStage<I, L, O> copy = new ReadyStage<>(d, response);
            copy.rules = rules;
            copy.approval = approval;
            copy.proof = proof;
            copy.risk = risk;
            copy.costs = costs;
            copy.chosenSeed = chosenSeed;
            copy.chosenLogging = chosenLogging;
            copy.chosenWatch = chosenWatch;
            change.accept(copy);
            return copy;
        }

        @Override
        public Ready<I, L, O> retrain(Retrain retrain) {
            requireUnset("retrain", rules == null ? null : rules.describe());
            for (Metric metric : Objects.requireNonNull(retrain, "retrain").metrics()) {
                requireLive(d, "retrain \"" + retrain.describe() + "\"", metric);
            }
            return with(copy -> copy.rules = retrain);
        }

        @Override
        public Ready<I, L, O> approve(Approval rule) {
            requireUnset("approve", approval == null ? null : approval.describe());
            Objects.requireNonNull(rule, "approval");
            return with(copy -> copy.approval = rule);
        }

        @Override
        public Ready<I, L, O> prove(Canary plan) {
            return prove(Proof.of(plan));
        }

        @Override
        public Ready<I, L, O> prove(Experiment plan) {
            return prove(Proof.of(plan));
        }

        private Ready<I, L, O> prove(Proof plan) {
            requireUnset("prove", proof == null ? null : proof.describe());
            for (Metric metric : plan.metrics()) {
                requireLive(d, "prove \"" + plan.describe() + "\"", metric);
            }
            return with(copy -> copy.proof = plan);
        }

        @Override
        public Ready<I, L, O> risk(Risk chosen) {
            requireUnset("risk", risk);
            Objects.requireNonNull(chosen, "risk");
            return with(copy -> copy.risk = chosen);
        }

        @Override
        public Ready<I, L, O> costs(Costs chosen) {
            requireUnset("costs", costs == null ? null : costs.describe());
            Objects.requireNonNull(chosen, "costs");
            Task task = Objects.requireNonNull(d.source).target().task();
            if (task != Task.BINARY) {
                throw new IllegalArgumentException("costs \"" + chosen.describe() + "\" of pipeline \"" + d.name
                        + "\" are of true-or-false decisions, found a " + task + " target");
            }
            return with(copy -> copy.costs = chosen);
        }

        @Override
        public Ready<I, L, O> seed(long seed) {
            requireUnset("seed", chosenSeed);
            return with(copy -> copy.chosenSeed = seed);
        }

        @Override
        public Ready<I, L, O> log(Logging<? super I> logging) {
            requireUnset("log", chosenLogging == null ? null : chosenLogging.describe());
            Objects.requireNonNull(logging, "logging");
            return with(copy -> copy.chosenLogging = logging);
        }

        @Override
        public Ready<I, L, O> watch(Watch watch) {
            requireUnset("watch", chosenWatch == null ? null : chosenWatch.describe());
            Objects.requireNonNull(watch, "watch");
            return with(copy -> copy.chosenWatch = watch);
        }

        @Override
        public Pipeline<I, L, O> build() {
            Logging<? super I> logging = chosenLogging == null ? Logging.everything() : chosenLogging;
            requireLogged(d, Objects.requireNonNull(d.features).columns(), logging);
            boolean learns =
                    rules != null && !rules.describe().equals(Retrain.never().describe());
            if (rules != null && learns && logging.durability() == Logging.Durability.NONE) {
                throw new IllegalArgumentException("retrain \"" + rules.describe() + "\" of pipeline \"" + d.name
                        + "\" learns from logged predictions, and durability is NONE, which logs none. Fix: leave"
                        + " retrain(...) out, or log with another durability.");
            }
            Risk chosenRisk = risk == null ? Risk.MINIMAL : risk;
            chosenRisk.require("pipeline \"" + d.name + "\"", d.effectiveGates(), d.task(), d.mainMetric(), approval);
            Retrain retrain = rules == null ? Retrain.never() : rules;
            return new Pipeline<>(
                    d,
                    response,
                    retrain,
                    approval,
                    proof,
                    chosenRisk,
                    costs,
                    chosenSeed == null ? 42 : chosenSeed,
                    logging,
                    watch(retrain));
        }

        private Watch watch(Retrain retrain) {
            Watch byDefault = retrain.needsWatch() ? Watch.defaults() : Watch.off();
            if (byDefault.isOn() && chosenWatch != null && !chosenWatch.isOn()) {
                throw new IllegalArgumentException("pipeline \"" + d.name + "\" retrains \"" + retrain.describe()
                        + "\", which only a watch can tell, and the watch is off. Fix: leave watch(Watch.off()) out, or"
                        + " use other rules.");
            }
            Watch watch = chosenWatch == null ? byDefault : chosenWatch;
            if (watch.isOn() && chosenLogging != null && chosenLogging.durability() == Logging.Durability.NONE) {
                throw new IllegalArgumentException("pipeline \"" + d.name
                        + "\" is to be watched, and durability is NONE, which logs nothing that could be. Fix: leave"
                        + " watch(...) out, or log with another durability.");
            }
            return watch;
        }
    }

    private static <T> List<T> append(List<T> list, T element) {
        List<T> longer = new ArrayList<>(list);
        longer.add(element);
        return List.copyOf(longer);
    }

    private static void requireTask(Draft<?, ?> draft, String what, Metric metric) {
        Task task = Objects.requireNonNull(draft.source).target().task();
        if (!metric.judges(task)) {
            throw new IllegalArgumentException(what + " of pipeline \"" + draft.name + "\" judges " + metric
                    + ", which is not a metric of a " + task + " target");
        }
    }

    /** Of live predictions fewer metrics can be told than of test rows. */
    private static void requireLive(Draft<?, ?> draft, String what, Metric metric) {
        requireTask(draft, what, metric);
        List<Metric> live =
                Watcher.metrics(Objects.requireNonNull(draft.source).target().task());
        if (!live.contains(metric)) {
            throw new IllegalArgumentException(what + " of pipeline \"" + draft.name + "\" judges " + metric
                    + ", which needs the probabilities of all classes; of a prediction the most probable class is"
                    + " logged, which tells " + live);
        }
    }

    private static void requireUnset(String option, @Nullable Object found) {
        if (found != null) {
            throw new IllegalStateException("option " + option + " was already set to " + found);
        }
    }
}
