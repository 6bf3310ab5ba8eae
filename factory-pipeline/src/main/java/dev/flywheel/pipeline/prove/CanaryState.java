package dev.flywheel.pipeline.prove;

import java.time.Instant;
import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Where a canary stands: all that is needed to go on after a restart. Immutable; a record of JSON, to be written with
 * {@code Durable.write(file, Json.write(state))} whenever it changes.
 *
 * @param plan what the canary was when it started, in words
 * @param version on trial
 * @param step the place of the current step, from 0
 * @param share of the traffic that the version has in this step, also while what was decided at its end is not done
 *     yet; above 0 and below 1
 * @param startedAt when the first step began
 * @param stepAt when the current step began
 * @param observations of the version in the current step
 * @param tallies the readings in the current step, by the name of the measure
 * @param held why a person has to decide; null if none has
 * @param end how it ended; null while it goes on
 */
public record CanaryState(
        String plan,
        int version,
        int step,
        double share,
        Instant startedAt,
        Instant stepAt,
        long observations,
        Map<String, Tally> tallies,
        @Nullable String held,
        @Nullable Decision end) {

    /** Keeps the tallies as they are now. */
    public CanaryState {
        Objects.requireNonNull(plan, "plan");
        Objects.requireNonNull(startedAt, "startedAt");
        Objects.requireNonNull(stepAt, "stepAt");
        tallies = Collections.unmodifiableMap(new TreeMap<>(tallies));
    }

    Tally tally(Measure measure) {
        return tallies.getOrDefault(measure.name(), Tally.NONE);
    }

    CanaryState with(Map<String, Tally> readings, long more, Instant begun) {
        return new CanaryState(plan, version, step, share, startedAt, begun, observations + more, readings, held, end);
    }

    CanaryState at(int nextStep, double nextShare, Instant now) {
        return new CanaryState(plan, version, nextStep, nextShare, startedAt, now, 0, Map.of(), null, null);
    }

    CanaryState held(String why) {
        return new CanaryState(plan, version, step, share, startedAt, stepAt, observations, tallies, why, end);
    }

    CanaryState ended(Decision decision) {
        return new CanaryState(plan, version, step, share, startedAt, stepAt, observations, tallies, null, decision);
    }
}
