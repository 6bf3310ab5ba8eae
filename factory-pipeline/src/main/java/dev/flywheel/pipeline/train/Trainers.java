package dev.flywheel.pipeline.train;

import dev.flywheel.core.model.Task;
import java.util.Arrays;
import java.util.List;

/** The trainers that come with the library. What a setting leaves open is chosen from the size of the data. */
public final class Trainers {

    private Trainers() {}

    /**
     * {@return a logistic regression, for true-or-false targets: one weight for each number and each id} Trained by
     * mini-batch Adam (Kingma and Ba, 2015) with a cosine schedule.
     */
    public static Trainer logistic() {
        return new NetTrainer("logistic", Task.BINARY, List.of());
    }

    /** {@return a linear regression, for numeric targets; otherwise like {@link #logistic()}} */
    public static Trainer linear() {
        return new NetTrainer("linear", Task.REGRESSION, List.of());
    }

    /**
     * {@return a multi-layer perceptron with ReLU activations, for any target; categories become learned embeddings} It
     * stops early when the loss on a tenth of the training rows, drawn at random, no longer falls.
     *
     * @param hidden the widths of the hidden layers, first to last, each at least 1
     * @throws IllegalArgumentException if there is no layer or a width is below 1
     */
    public static Trainer mlp(int... hidden) {
        if (hidden.length == 0 || Arrays.stream(hidden).anyMatch(width -> width < 1)) {
            throw new IllegalArgumentException("Trainers.mlp is invalid: found " + Arrays.toString(hidden)
                    + ", expected one or more widths of at least 1");
        }
        return new NetTrainer("mlp", null, Arrays.stream(hidden).boxed().toList());
    }
}
