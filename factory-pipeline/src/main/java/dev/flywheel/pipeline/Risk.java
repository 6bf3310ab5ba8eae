package dev.flywheel.pipeline;

import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.evaluate.Gate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * How much harm a wrong prediction can do, which fixes what a candidate must at least prove. A pipeline that asks less
 * of it cannot be built.
 */
public enum Risk {
    /** No more than the pipeline says. */
    MINIMAL,
    /** A bound on the main metric, and a comparison with the champion. */
    LIMITED,
    /**
     * What {@link #LIMITED} asks for, and a rule on each slice of a column, of a true-or-false target fairness between
     * groups, robustness, a bound on the time of a prediction, and a person's approval.
     */
    HIGH;

    /**
     * Checks that a definition asks for at least this.
     *
     * @param definition the pipeline, in words
     * @throws IllegalArgumentException if it does not; the message lists all that is missing and how to add it
     */
    void require(String definition, List<Gate> gates, Task task, Metric main, @Nullable Approval approval) {
        List<String> missing = new ArrayList<>();
        if (this != MINIMAL) {
            require(
                    missing,
                    gates,
                    gate -> gate.kind() == Gate.Kind.BOUND && gate.metric().equals(Optional.of(main)),
                    "a bound on " + main.label() + ": .gate(Gate." + (main.higherIsBetter() ? "atLeast" : "atMost")
                            + "(Metric." + main + ", ...))");
            require(
                    missing,
                    gates,
                    gate -> gate.kind() == Gate.Kind.CHAMPION,
                    "a comparison with the champion: .gate(Gate.notWorseThanChampion(Metric." + main
                            + ", ...)) or .gate(Gate.betterThanChampion(Metric." + main + "))");
        }
        if (this == HIGH) {
            require(
                    missing,
                    gates,
                    gate -> gate.kind() == Gate.Kind.SLICES,
                    "a rule on each slice: .gate(Gate.atLeast(...).onEachSlice(\"a column\"))");
            if (task == Task.BINARY) {
                require(
                        missing,
                        gates,
                        gate -> gate.kind() == Gate.Kind.FAIRNESS,
                        "fairness between groups: .gate(Gate.fair(Criterion.EQUAL_OPPORTUNITY, \"a column\", ...))");
            }
            require(
                    missing,
                    gates,
                    gate -> gate.kind() == Gate.Kind.ROBUSTNESS,
                    "robustness: .gate(Gate.robust(Metric." + main + ", Perturbation.noise(0.1), ...))");
            require(
                    missing,
                    gates,
                    gate -> gate.kind() == Gate.Kind.LATENCY,
                    "a bound on the time of a prediction: .gate(Gate.latencyAtMost(0.99, ...))");
            if (approval == null) {
                missing.add("a person's approval: .approve(Approval.within(...))");
            }
        }
        if (!missing.isEmpty()) {
            throw new IllegalArgumentException(definition + " is of risk " + this + ", which asks for more gates. Fix:"
                    + " add " + String.join("; ", missing) + ".");
        }
    }

    private static void require(List<String> missing, List<Gate> gates, Predicate<Gate> found, String what) {
        if (gates.stream().noneMatch(found)) {
            missing.add(what);
        }
    }
}
