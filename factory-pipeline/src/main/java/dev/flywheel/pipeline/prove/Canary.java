package dev.flywheel.pipeline.prove;

import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.prove.Decision.Action;
import dev.flywheel.pipeline.prove.Measure.Phase;
import java.io.Serializable;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * How a new version gets the traffic step by step: each step ends when it has lasted long enough, has seen enough
 * observations and every measure holds; then comes the next, and after the last the version is promoted. Immutable; the
 * state is a value, too, and every move is a function of state, readings and time.
 *
 * <pre>{@code
 * Canary plan = Canary.steps(0.05, 0.25, 0.5).each(Duration.ofHours(1)).minObservations(500)
 *     .measure(Measure.of("error rate").failure(Bound.above(0.02)).every(Duration.ofMinutes(1)));
 * CanaryState state = plan.start(version, now);
 * Canary.Turn turn = plan.next(state, observations, Map.of("error rate", 0.004), now);
 * }</pre>
 *
 * <p>A measure that fails, or that cannot be read, takes the version back; one that is inconclusive holds the canary
 * where it is until a person says {@link #proceed}, {@link #again} or {@link #abort}.
 */
public final class Canary implements Serializable {

    private static final long serialVersionUID = 1L;

    private final List<Double> shares;
    private final Duration each;
    private final long least;
    private final List<Double> pauses;
    private final List<Measure> measures;

    private Canary(List<Double> shares, Duration each, long least, List<Double> pauses, List<Measure> measures) {
        this.shares = shares;
        this.each = each;
        this.least = least;
        this.pauses = pauses;
        this.measures = measures;
    }

    /**
     * What comes of a move.
     *
     * @param state to go on from, and to be kept if it differs from the one before
     * @param decision what to do
     */
    public record Turn(CanaryState state, Decision decision) {}

    /**
     * {@return a canary that gives a version these shares of the traffic, one after the other, and then all}
     *
     * @param shares above 0 and below 1, increasing
     */
    public static Canary steps(double... shares) {
        double before = 0;
        for (double share : shares) {
            if (!(share > before && share < 1)) {
                throw new IllegalArgumentException(
                        "the steps of a canary are shares above 0 and below 1, increasing, found "
                                + Arrays.toString(shares));
            }
            before = share;
        }
        if (shares.length == 0) {
            throw new IllegalArgumentException("a canary needs a step");
        }
        return new Canary(Arrays.stream(shares).boxed().toList(), Duration.ZERO, 0, List.of(), List.of());
    }

    /** {@return this canary, with steps that last at least so long; by default no time} */
    public Canary each(Duration time) {
        if (time.isNegative()) {
            throw new IllegalArgumentException("a step of a canary cannot last " + time);
        }
        return new Canary(shares, time, least, pauses, measures);
    }

    /** {@return this canary, with steps that see at least so many observations of the version; by default 0} */
    public Canary minObservations(long observations) {
        if (observations < 0) {
            throw new IllegalArgumentException("minObservations must be 0 or more, found " + observations);
        }
        return new Canary(shares, each, observations, pauses, measures);
    }

    /**
     * {@return this canary, holding at the end of a step until a person lets it {@link #proceed}}
     *
     * @param share of the step
     */
    public Canary pauseAt(double share) {
        if (!shares.contains(share)) {
            throw new IllegalArgumentException("there is no step of " + Words.plain(share) + ", only " + shares);
        }
        List<Double> more = new ArrayList<>(pauses);
        more.add(share);
        return new Canary(shares, each, least, List.copyOf(more), measures);
    }

    /** {@return this canary with one more measure, read anew in every step} */
    public Canary measure(Measure measure) {
        measure.requireCondition();
        if (measures.stream().anyMatch(other -> other.name().equals(measure.name()))) {
            throw new IllegalArgumentException("there is a measure \"" + measure.name() + "\" already");
        }
        List<Measure> more = new ArrayList<>(measures);
        more.add(measure);
        return new Canary(shares, each, least, pauses, List.copyOf(more));
    }

    /** {@return the state at the start of the first step} */
    public CanaryState start(int version, Instant now) {
        return new CanaryState(describe(), version, 0, shares.get(0), now, now, 0, Map.of(), null, null);
    }

    /**
     * {@return whether a state is one of this very plan; after a change of the plan, abort the canary and start anew}
     */
    public boolean owns(CanaryState state) {
        return state.plan().equals(describe());
    }

    /** {@return the names of all measures} */
    public List<String> measures() {
        return measures.stream().map(Measure::name).toList();
    }

    /** {@return whether a measure is read at intervals; if not, each time there is a value} */
    public boolean timed(String measure) {
        return measures.stream().anyMatch(m -> m.name().equals(measure) && m.timed());
    }

    /**
     * {@return the state, with every measure that is read at intervals as if it had been read when the step began: so
     * its first reading comes when there was an interval to read}
     */
    public CanaryState afterAnInterval(CanaryState state) {
        Map<String, Tally> tallies = new TreeMap<>(state.tallies());
        measures.stream()
                .filter(Measure::timed)
                .forEach(measure -> tallies.putIfAbsent(measure.name(), Tally.begun(state.stepAt())));
        return state.with(tallies, 0, state.stepAt());
    }

    /** {@return the metrics of the model that are measured} */
    public Set<Metric> metrics() {
        return measures.stream().flatMap(m -> m.metric().stream()).collect(Collectors.toSet());
    }

    /** {@return the measures that want to be read now} */
    public List<String> due(CanaryState state, Instant now) {
        requireOwn(state);
        return state.end() != null || state.held() != null
                ? List.of()
                : measures.stream()
                        .filter(measure -> measure.due(state.tally(measure), now))
                        .map(Measure::name)
                        .toList();
    }

    /**
     * {@return the state and the decision after what was seen since the last move}
     *
     * @param observations of the version since the last move, 0 or more
     * @param values by the name of the measure; one that is due and NaN, or missing though it is read at intervals,
     *     counts as an error; one that is not due is passed over
     * @throws IllegalArgumentException if the state is one of another plan
     */
    public Turn next(CanaryState state, long observations, Map<String, Double> values, Instant now) {
        requireOwn(state);
        Decision end = state.end();
        if (end != null) {
            return new Turn(state, end);
        }
        if (state.held() != null) {
            return new Turn(state, decision(state, Action.HOLD, state.share(), state.held(), now));
        }
        Map<String, Tally> tallies = new TreeMap<>(state.tallies());
        for (Measure measure : measures) {
            Tally tally = state.tally(measure);
            if (measure.due(tally, now) && (measure.timed() || values.containsKey(measure.name()))) {
                double value = Objects.requireNonNullElse(values.get(measure.name()), Double.NaN);
                tallies.put(measure.name(), tally.plus(measure.read(value), value, now));
            }
        }
        // a clock that was set back must not hold the step up until it has caught up
        Instant begun = now.isBefore(state.stepAt()) ? now : state.stepAt();
        return judge(state.with(tallies, observations, begun), now);
    }

    private Turn judge(CanaryState state, Instant now) {
        for (Phase bad : List.of(Phase.FAILED, Phase.ERROR, Phase.INCONCLUSIVE)) {
            for (Measure measure : measures) {
                if (measure.phase(state.tally(measure)) == bad) {
                    return stopped(state, measure, bad, now);
                }
            }
        }
        String waiting = waiting(state, now);
        if (!waiting.isEmpty()) {
            String reason =
                    name(state) + " stays at " + Words.percent(state.share()) + " of the traffic: " + waiting + ".";
            return new Turn(state, decision(state, Action.CONTINUE, state.share(), reason, now));
        }
        if (pauses.contains(shares.get(state.step()))) {
            return hold(
                    state,
                    name(state) + " is held at " + Words.percent(state.share())
                            + " of the traffic: the plan wants a person's word here.",
                    now);
        }
        return forward(state, "every measure holds", now);
    }

    private Turn stopped(CanaryState state, Measure measure, Phase phase, Instant now) {
        String found = "\"" + measure.describe() + "\" at " + Words.percent(state.share()) + " of the traffic: "
                + state.tally(measure).describe() + ".";
        return switch (phase) {
            case FAILED -> end(state, Action.ROLL_BACK, name(state) + " is taken back because it failed " + found, now);
            case ERROR ->
                end(state, Action.ROLL_BACK, name(state) + " is taken back because nobody could read " + found, now);
            default -> hold(state, name(state) + " is held because nobody can tell " + found, now);
        };
    }

    /** {@return what the step still waits for; empty if nothing} */
    private String waiting(CanaryState state, Instant now) {
        Duration lasted = Duration.between(state.stepAt(), now);
        if (lasted.compareTo(each) < 0) {
            return "the step has lasted " + Words.time(lasted) + " of " + Words.time(each);
        }
        if (state.observations() < least) {
            return Words.count(state.observations()) + " of " + Words.unit(least, "observation") + " so far";
        }
        for (Measure measure : measures) {
            Tally tally = state.tally(measure);
            // what was never read is not broken, but nothing is known of it either
            if (tally.count() == 0 || (measure.phase(tally) == Phase.RUNNING && measure.wantsMore())) {
                return "\"" + measure.name() + "\" has had " + Words.unit(tally.count(), "reading");
            }
        }
        return "";
    }

    private Turn forward(CanaryState state, String why, Instant now) {
        int next = state.step() + 1;
        if (next == shares.size()) {
            return end(
                    state,
                    Action.PROMOTE,
                    name(state) + " is promoted: " + why + " at " + Words.percent(state.share())
                            + " of the traffic, the last of " + Words.unit(shares.size(), "step") + ", after "
                            + Words.time(Duration.between(state.startedAt(), now)) + " in all.",
                    now);
        }
        double share = shares.get(next);
        String reason = name(state) + " goes from " + Words.percent(state.share()) + " to " + Words.percent(share)
                + " of the traffic: " + why + " after " + Words.time(Duration.between(state.stepAt(), now)) + " and "
                + Words.unit(state.observations(), "observation") + ".";
        Decision decision = decision(state, Action.ADVANCE, share, reason, now);
        return new Turn(state.at(next, share, now), decision);
    }

    /**
     * {@return the next step, or the promotion, of a canary that was held}
     *
     * @param who let it go on
     * @throws IllegalStateException if it is not held
     */
    public Turn proceed(CanaryState state, String who, Instant now) {
        requireHeld(state);
        return forward(state, who + " let it go on", now);
    }

    /**
     * {@return the same step again, with no readings, of a canary that was held}
     *
     * @param who wants to see more
     * @throws IllegalStateException if it is not held
     */
    public Turn again(CanaryState state, String who, Instant now) {
        requireHeld(state);
        String reason = name(state) + " begins its step at " + Words.percent(state.share()) + " of the traffic again: "
                + who + " wants to see more.";
        Decision decision = decision(state, Action.CONTINUE, state.share(), reason, now);
        return new Turn(state.at(state.step(), state.share(), now), decision);
    }

    /**
     * {@return the end of a canary, by a person or whatever made it pointless, also of one that an earlier plan began;
     * of one that has ended, that end}
     *
     * @param why a clause that follows "because"
     */
    public Turn abort(CanaryState state, String why, Instant now) {
        Decision end = state.end();
        return end != null
                ? new Turn(state, end)
                : end(state, Action.ROLL_BACK, name(state) + " is taken back because " + why + ".", now);
    }

    private Turn hold(CanaryState state, String reason, Instant now) {
        return new Turn(state.held(reason), decision(state, Action.HOLD, state.share(), reason, now));
    }

    private Turn end(CanaryState state, Action action, String reason, Instant now) {
        Decision decision = decision(state, action, action == Action.PROMOTE ? 1 : 0, reason, now);
        return new Turn(state.ended(decision), decision);
    }

    private Decision decision(CanaryState state, Action action, double share, String reason, Instant now) {
        List<Verdict> evidence = measures.stream()
                .filter(measure -> state.tallies().containsKey(measure.name()))
                .map(measure -> verdict(measure, state.tally(measure)))
                .toList();
        return new Decision(action, state.version(), share, reason, evidence, now);
    }

    private static Verdict verdict(Measure measure, Tally tally) {
        Verdict.Outcome outcome = switch (measure.phaseAtEnd(tally)) {
            case FAILED, ERROR -> Verdict.Outcome.FAIL;
            case SUCCESSFUL -> tally.count() > 0 ? Verdict.Outcome.PASS : Verdict.Outcome.INCONCLUSIVE;
            case INCONCLUSIVE, RUNNING -> Verdict.Outcome.INCONCLUSIVE;
        };
        return new Verdict(measure.describe(), outcome, tally.describe());
    }

    private static String name(CanaryState state) {
        return "Version " + state.version();
    }

    private static void requireHeld(CanaryState state) {
        if (state.held() == null) {
            throw new IllegalStateException("the canary of version " + state.version() + " is not held");
        }
    }

    private void requireOwn(CanaryState state) {
        if (!owns(state)) {
            throw new IllegalArgumentException("the canary of version " + state.version() + " follows the plan \""
                    + state.plan() + "\", not \"" + describe() + "\"");
        }
    }

    /** {@return the plan in words, equal for equal plans} */
    public String describe() {
        StringBuilder text = new StringBuilder("steps ")
                .append(shares.stream().map(Words::plain).collect(Collectors.joining(", ")));
        if (!each.isZero()) {
            text.append("; each ").append(each);
        }
        if (least > 0) {
            text.append("; at least ").append(Words.unit(least, "observation")).append(" each");
        }
        pauses.forEach(share -> text.append("; a person's word at ").append(Words.plain(share)));
        measures.forEach(measure -> text.append("; ").append(measure.describe()));
        return text.toString();
    }

    @Override
    public String toString() {
        return describe();
    }
}
