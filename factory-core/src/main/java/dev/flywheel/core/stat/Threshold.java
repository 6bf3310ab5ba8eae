package dev.flywheel.core.stat;

import dev.flywheel.core.model.Estimate;

/**
 * The score from which on a binary model should decide as positive, so that its decisions cost least. Immutable.
 *
 * @param costs what it weighs
 * @param score the threshold of least mean cost on these rows, with the 95% interval of all thresholds that are not
 *     proven to cost more (paired by row, normal); from 0 to 1, where 1 decides nothing as positive that is not certain
 * @param cost the mean cost of a row there; as it was chosen on the same rows, new ones cost a little more
 * @param costAtHalf the mean cost of a row at 0.5
 * @param calibrated the threshold that is best if scores are true probabilities (Elkan, "The Foundations of
 *     Cost-Sensitive Learning", IJCAI 2001); where it lies outside the interval, the model is not calibrated
 */
public record Threshold(Costs costs, Estimate score, Estimate cost, Estimate costAtHalf, double calibrated) {

    /**
     * What decisions cost, in any unit: a right one nothing, but that a positive row that is found may bring something.
     * Immutable.
     *
     * @param falsePositive of a negative row decided as positive, 0 or more
     * @param falseNegative of a positive row decided as negative, 0 or more
     * @param benefit of a positive row decided as positive, 0 or more
     */
    public record Costs(double falsePositive, double falseNegative, double benefit) {

        /**
         * @throws IllegalArgumentException unless all are finite and 0 or more, and both kinds of errors cost something
         */
        public Costs {
            boolean valid = falsePositive > 0
                    && falsePositive < Double.POSITIVE_INFINITY
                    && falseNegative >= 0
                    && benefit >= 0
                    && falseNegative + benefit > 0
                    && falseNegative + benefit < Double.POSITIVE_INFINITY;
            if (!valid) {
                throw new IllegalArgumentException("a threshold weighs two costs above 0, found " + falsePositive
                        + " of a false positive and " + falseNegative + " of a false negative with a benefit of "
                        + benefit);
            }
        }

        /** {@return costs without a benefit} */
        public static Costs of(double falsePositive, double falseNegative) {
            return new Costs(falsePositive, falseNegative, 0);
        }

        /** {@return the costs in words} */
        public String describe() {
            return "a false positive costs " + plain(falsePositive) + ", a false negative " + plain(falseNegative)
                    + (benefit == 0 ? "" : ", a true positive " + plain(-benefit));
        }

        private static String plain(double cost) {
            return cost == Math.rint(cost) && Math.abs(cost) < 1e15 ? Long.toString((long) cost) : "" + cost;
        }

        double of(double label, boolean positive) {
            if (label == 1) {
                return positive ? -benefit : falseNegative;
            }
            return positive ? falsePositive : 0;
        }
    }

    /**
     * {@return the threshold of least cost on these rows}
     *
     * @param labels 0 or 1, of shape [rows]
     * @param scores probabilities, of shape [rows]
     * @throws IllegalArgumentException if the arrays are empty or differ in length, a label is not 0 or 1, or a score
     *     is outside 0 to 1
     */
    public static Threshold of(double[] labels, double[] scores, Costs costs) {
        Inputs.check(Metric.ACCURACY, labels, scores);
        int[] order = Ranking.ascending(scores);
        int n = order.length;
        // of the first rows in order decided as negative and the rest as positive: cost and squared changes up to there
        double[] cost = new double[n + 1];
        double[] squares = new double[n + 1];
        for (int row = 0; row < n; row++) {
            cost[0] += costs.of(labels[row], true);
        }
        int best = 0;
        for (int i = 0; i < n; i++) {
            double change = costs.of(labels[order[i]], false) - costs.of(labels[order[i]], true);
            cost[i + 1] = cost[i] + change;
            squares[i + 1] = squares[i] + change * change;
            if (isCut(scores, order, i + 1) && cost[i + 1] < cost[best]) {
                best = i + 1;
            }
        }
        int low = best;
        int high = best;
        for (int cut = 0; cut <= n; cut++) {
            if (isCut(scores, order, cut)
                    && !worse(cost[cut] - cost[best], Math.abs(squares[cut] - squares[best]), n)) {
                low = Math.min(low, cut);
                high = Math.max(high, cut);
            }
        }
        Estimate score = new Estimate(
                between(scores, order, best),
                low == 0 ? 0 : scores[order[low - 1]],
                high == n ? 1 : scores[order[high]],
                "not proven to cost more");
        double gain = costs.falseNegative() + costs.benefit();
        return new Threshold(
                costs,
                score,
                mean(labels, scores, score.value(), costs),
                mean(labels, scores, 0.5, costs),
                costs.falsePositive() / (costs.falsePositive() + gain));
    }

    /** Rows of one score are decided alike; and those of score 1 as positive, as no threshold is above. */
    private static boolean isCut(double[] scores, int[] order, int cut) {
        if (cut == 0 || cut == order.length) {
            return cut == 0 || scores[order[cut - 1]] < 1;
        }
        return scores[order[cut]] > scores[order[cut - 1]];
    }

    /** Half way between the rows on both sides, which is right for new rows as often as can be. */
    private static double between(double[] scores, int[] order, int cut) {
        double below = cut == 0 ? 0 : scores[order[cut - 1]];
        double above = cut == order.length ? 1 : scores[order[cut]];
        double middle = below + (above - below) / 2;
        return cut == 0 ? below : middle > below ? middle : above;
    }

    private static boolean worse(double difference, double squares, int n) {
        double variance = Math.max(0, squares - difference * difference / n);
        return difference > Proportion.Z * Math.sqrt(variance);
    }

    private static Estimate mean(double[] labels, double[] scores, double threshold, Costs costs) {
        double[] values = new double[labels.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = costs.of(labels[i], scores[i] >= threshold);
        }
        double mean = Means.mean(values);
        double half = Proportion.Z * Means.standardError(values, mean);
        return new Estimate(mean, mean - half, mean + half, "normal");
    }
}
