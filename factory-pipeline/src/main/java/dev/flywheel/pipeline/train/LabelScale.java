package dev.flywheel.pipeline.train;

import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.source.Target;

/**
 * Between labels in the raw unit and what a network learns: 0 and 1 stay as they are; numbers, or their logarithms, are
 * standardized.
 *
 * @param task what is learned
 * @param log whether ln(label) is learned
 * @param mean the mean of what is learned; 0 for BINARY
 * @param deviation its standard deviation; 1 for BINARY
 */
record LabelScale(Task task, boolean log, double mean, double deviation) {

    static LabelScale of(double[] labels, Target<?> target) {
        if (target.task() == Task.BINARY) {
            return new LabelScale(Task.BINARY, false, 0, 1);
        }
        double sum = 0;
        for (double label : labels) {
            sum += target.logScale() ? Math.log(label) : label;
        }
        double mean = sum / labels.length;
        double squares = 0;
        for (double label : labels) {
            double off = (target.logScale() ? Math.log(label) : label) - mean;
            squares += off * off;
        }
        double deviation = Math.sqrt(squares / labels.length);
        return new LabelScale(Task.REGRESSION, target.logScale(), mean, deviation > 0 ? deviation : 1);
    }

    float learned(double label) {
        return (float) (((log ? Math.log(label) : label) - mean) / deviation);
    }
}
