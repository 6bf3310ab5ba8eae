package dev.flywheel.pipeline.prove;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Where an experiment stands: all that is needed to go on after a restart. Immutable; merges; a record of JSON, to be
 * written with {@code Durable.write(file, Json.write(state))}.
 *
 * @param plan what the experiment was when it began, in words
 * @param startedAt when it began
 * @param arms the champion, then the challengers
 * @param ratioP the least p-value so far of the arms' shares being as planned
 * @param mark the holder's own note of which facts are in the sums, such as a position in the feedback log: what came
 *     after it is to be told again after a restart
 * @param end how it ended; null while it goes on
 */
public record TrialState(
        String plan,
        Instant startedAt,
        List<ArmState> arms,
        double ratioP,
        String mark,
        @Nullable Decision end) {

    /** @throws IllegalArgumentException if there are not two arms at least */
    public TrialState {
        Objects.requireNonNull(plan, "plan");
        Objects.requireNonNull(startedAt, "startedAt");
        Objects.requireNonNull(mark, "mark");
        arms = List.copyOf(arms);
        if (arms.size() < 2) {
            throw new IllegalArgumentException("an experiment has two arms or more, found " + arms.size());
        }
    }

    /** {@return the version that the others are compared with} */
    public int champion() {
        return arms.get(0).version();
    }

    /**
     * {@return the state of both parts of one experiment, counted in two places} The mark is this one's; what ended in
     * either has ended.
     *
     * @throws IllegalArgumentException if they are parts of different experiments
     */
    public TrialState merge(TrialState other) {
        List<Integer> versions = arms.stream().map(ArmState::version).toList();
        List<Integer> others = other.arms.stream().map(ArmState::version).toList();
        if (!plan.equals(other.plan) || !versions.equals(others)) {
            throw new IllegalArgumentException("an experiment over versions " + versions + " by the plan \"" + plan
                    + "\" has no part over versions " + others + " by the plan \"" + other.plan + "\"");
        }
        List<ArmState> both = new ArrayList<>();
        for (int i = 0; i < arms.size(); i++) {
            both.add(arms.get(i).merge(other.arms.get(i)));
        }
        Instant first = startedAt.isBefore(other.startedAt) ? startedAt : other.startedAt;
        return new TrialState(plan, first, both, Math.min(ratioP, other.ratioP), mark, end == null ? other.end : end);
    }
}
