package dev.flywheel.pipeline.prove;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** One version in an experiment at work. Thread-safe. */
final class Arm {

    private final ArmState begun;
    private final LongAdder assigned = new LongAdder();
    private final Map<String, Sums> sums = new LinkedHashMap<>();
    private @Nullable String ruledOut;

    Arm(ArmState state, List<Goal> goals) {
        this.begun = state;
        assigned.add(state.assigned());
        goals.forEach(goal -> sums.put(goal.name(), state.sums(goal)));
        this.ruledOut = state.ruledOut();
    }

    int version() {
        return begun.version();
    }

    double share() {
        return begun.share();
    }

    void assigned() {
        assigned.increment();
    }

    long count() {
        return assigned.sum();
    }

    synchronized void add(Goal goal, UnaryOperator<Sums> more) {
        sums.computeIfPresent(goal.name(), (name, before) -> more.apply(before));
    }

    /** The first reason stays: what an always-valid interval has ruled out once is ruled out. */
    synchronized void ruleOut(String why) {
        if (ruledOut == null) {
            ruledOut = why;
        }
    }

    synchronized @Nullable String ruledOut() {
        return ruledOut;
    }

    synchronized ArmState state() {
        return new ArmState(version(), share(), count(), sums, begun.offline(), ruledOut);
    }
}
