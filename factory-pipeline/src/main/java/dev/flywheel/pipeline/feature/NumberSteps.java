package dev.flywheel.pipeline.feature;

import java.util.List;
import java.util.Optional;

/** The steps of one numeric feature, sorted by what they do. */
final class NumberSteps {

    private final List<Transform> steps;

    NumberSteps(List<Transform> steps) {
        this.steps = steps;
    }

    /** @throws IllegalArgumentException if the steps contradict each other */
    static void check(String column, List<Transform> steps) {
        boolean ended = false;
        int fills = 0;
        for (Transform step : steps) {
            if (ended) {
                throw new IllegalArgumentException(
                        "number(" + column + "): " + step + " cannot follow standardize() or bucketize(n)");
            }
            ended = step.kind() == Transform.Kind.STANDARDIZE || step.kind() == Transform.Kind.BUCKETIZE;
            fills += isFill(step) ? 1 : 0;
        }
        if (fills > 1 || steps.stream().distinct().count() < steps.size()) {
            throw new IllegalArgumentException("number(" + column
                    + "): a step is there twice, or missing values are filled in two ways: " + steps);
        }
    }

    private static boolean isFill(Transform step) {
        return switch (step.kind()) {
            case IMPUTE, IMPUTE_MEAN, IMPUTE_MEDIAN -> true;
            default -> false;
        };
    }

    Transform fill() {
        return steps.stream().filter(NumberSteps::isFill).findFirst().orElse(Transform.impute());
    }

    Optional<Transform> find(Transform.Kind kind) {
        return steps.stream().filter(step -> step.kind() == kind).findFirst();
    }

    /** The log1p and clip steps, in order. */
    List<Transform> middle() {
        return steps.stream()
                .filter(step -> step.kind() == Transform.Kind.LOG1P || step.kind() == Transform.Kind.CLIP)
                .toList();
    }

    /** What the middle steps make of a value, for means and standard deviations. */
    double apply(double value) {
        double result = value;
        for (Transform step : middle()) {
            result = step.kind() == Transform.Kind.LOG1P
                    ? Math.log1p(Math.max(result, 0))
                    : Math.min(Math.max(result, step.first()), step.second());
        }
        return result;
    }
}
