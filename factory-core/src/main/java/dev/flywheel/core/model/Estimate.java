package dev.flywheel.core.model;

/**
 * A measured value with its confidence interval.
 *
 * @param value the point estimate
 * @param low the lower end of the 95% confidence interval
 * @param high the upper end of the 95% confidence interval
 * @param method how the interval was made, such as "DeLong" or "Wilson"
 */
public record Estimate(double value, double low, double high, String method) {}
