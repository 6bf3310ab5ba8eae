package dev.flywheel.core.stat.experiment;

/**
 * Count, mean and spread of numbers seen one by one, in constant memory. Immutable; merges in any order.
 *
 * <p>By Welford (Technometrics 4, 1962), merged by Chan, Golub and LeVeque (1983): unlike sums of squares, it keeps its
 * digits when the mean is large beside the spread.
 *
 * @param n how many numbers
 * @param mean their mean; 0 if there are none
 * @param m2 the sum of their squared distances from the mean
 */
public record Moments(long n, double mean, double m2) {

    /** Of no numbers. */
    public static final Moments NONE = new Moments(0, 0, 0);

    /** @throws IllegalArgumentException if these are no moments of any numbers */
    public Moments {
        if (n < 0 || !(m2 >= 0)) {
            throw new IllegalArgumentException("moments need n >= 0 and m2 >= 0, found n " + n + " and m2 " + m2);
        }
    }

    /**
     * {@return the moments of {@code n} numbers of which the sum and the sum of squares are known}
     *
     * @throws IllegalArgumentException if no numbers have such sums: their variance would be negative
     */
    public static Moments ofSums(long n, double sum, double sumOfSquares) {
        double mean = n == 0 ? 0 : sum / n;
        double m2 = sumOfSquares - sum * mean;
        if (!(m2 >= 0)) {
            throw new IllegalArgumentException("no " + n + " numbers have the sum " + sum + " and the sum of squares "
                    + sumOfSquares + ": their variance would be negative");
        }
        return new Moments(n, mean, m2);
    }

    /** {@return the moments with one more number; it must be finite} */
    public Moments plus(double value) {
        double distance = value - mean;
        double next = mean + distance / (n + 1);
        return new Moments(n + 1, next, m2 + distance * (value - next));
    }

    /** {@return the moments of the numbers of both} */
    public Moments merge(Moments other) {
        if (n == 0 || other.n == 0) {
            return n == 0 ? other : this;
        }
        double all = (double) n + other.n;
        double distance = other.mean - mean;
        return new Moments(
                n + other.n,
                mean + distance * (other.n / all),
                m2 + other.m2 + distance * distance * (n * (other.n / all)));
    }

    /** {@return the variance of the population they come from, unbiased; NaN of fewer than two numbers} */
    public double variance() {
        return n < 2 ? Double.NaN : m2 / (n - 1);
    }

    /** {@return the mean as a sample of an arm} */
    public Sample sample() {
        return new Sample(n, mean, variance());
    }
}
