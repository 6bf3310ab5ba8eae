package dev.flywheel.core.stat.drift;

/**
 * What a statistical test says. Immutable.
 *
 * @param test the test's name, such as "Kolmogorov-Smirnov"
 * @param statistic the test's statistic
 * @param p the probability of a statistic at least as extreme if nothing had changed, 0 to 1
 */
public record TestResult(String test, double statistic, double p) {}
