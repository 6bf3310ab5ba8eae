package dev.flywheel.pipeline.explain;

import java.util.List;

/**
 * What each raw column added to one prediction: Shapley values against a background of training rows. The base and all
 * values sum to the prediction. Immutable.
 *
 * @param version the version that predicts so
 * @param prediction the model's number for the input: a probability, or a number in the target's unit
 * @param output which of the model's numbers this is, from 0: that of the most probable class where there are several
 * @param base the model's mean number for the background
 * @param contributions what each column that the model takes added, the largest first whatever its sign
 * @param backgroundRows how many rows the background has
 * @param exact whether all combinations of columns were looked at, or a sample of them
 */
public record Explanation(
        int version,
        double prediction,
        int output,
        double base,
        List<Contribution> contributions,
        int backgroundRows,
        boolean exact) {

    /** Copies the list. */
    public Explanation {
        contributions = List.copyOf(contributions);
    }

    /**
     * What a column added to a prediction.
     *
     * @param column the column
     * @param value how much, in the prediction's unit
     * @param error the value's standard error; 0 where it is exact
     */
    public record Contribution(String column, double value, double error) {}
}
