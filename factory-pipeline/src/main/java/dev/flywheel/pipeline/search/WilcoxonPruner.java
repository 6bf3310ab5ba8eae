package dev.flywheel.pipeline.search;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Gives up what is worse than the best, compared step by step. */
final class WilcoxonPruner implements Pruner {

    private final double p;
    private final int steps;
    private final Map<String, Map<Double, Double>> reports = new HashMap<>();
    private double bestValue = Double.NEGATIVE_INFINITY;
    private @Nullable String best;

    WilcoxonPruner(double p, int steps) {
        if (!(p > 0 && p < 1)) {
            throw new IllegalArgumentException("a chance is above 0 and below 1, found " + p);
        }
        if (steps < 0) {
            throw new IllegalArgumentException("the number of compared steps is at least 0, found " + steps);
        }
        this.p = p;
        this.steps = steps;
    }

    @Override
    public boolean prunes(String trial, double step, double value) {
        Map<Double, Double> own = put(trial, step, value);
        if (best == null) {
            return false;
        }
        Map<Double, Double> of = reports.getOrDefault(best, Map.of());
        double[] behind = own.entrySet().stream()
                .filter(report -> of.containsKey(report.getKey()))
                .mapToDouble(report -> of.getOrDefault(report.getKey(), Double.NaN) - report.getValue())
                .toArray();
        double mean = mean(own);
        return behind.length > 0 && behind.length >= steps && bestValue > mean && chance(behind) < p;
    }

    @Override
    public void completed(String trial, double step, double value) {
        double mean = mean(put(trial, step, value));
        if (mean > bestValue) {
            bestValue = mean;
            best = trial;
        }
    }

    private static double mean(Map<Double, Double> values) {
        return values.values().stream()
                .mapToDouble(Double::doubleValue)
                .average()
                .orElse(Double.NaN);
    }

    private Map<Double, Double> put(String trial, double step, double value) {
        Map<Double, Double> own = reports.computeIfAbsent(trial, unused -> new TreeMap<>());
        own.put(step, value);
        return own;
    }

    /**
     * The chance of so large a sum of the ranks of positive differences if either sign were as likely: exact, whatever
     * the ties. A difference of zero gives half of its rank to either side.
     */
    static double chance(double[] differences) {
        List<Double> sorted = new ArrayList<>();
        Arrays.stream(differences).forEach(sorted::add);
        sorted.sort(Comparator.comparingDouble(Math::abs));
        int count = sorted.size();
        int[] twice = new int[count];
        int sum = 0;
        for (int from = 0, to; from < count; from = to) {
            for (to = from + 1; to < count && Math.abs(sorted.get(to)) == Math.abs(sorted.get(from)); to++) {}
            for (int at = from; at < to; at++) {
                double difference = sorted.get(at);
                twice[at] = difference == 0 ? 0 : from + to + 1;
                sum += difference > 0 ? twice[at] : 0;
            }
        }
        return above(twice, sum);
    }

    /** By the number of ways, each halved as it is split, so that many ranks do not overflow. */
    private static double above(int[] twice, int sum) {
        double[] chances = new double[Arrays.stream(twice).sum() + 1];
        chances[0] = 1;
        for (int rank : twice) {
            for (int at = chances.length - 1; at >= 0 && rank > 0; at--) {
                chances[at] = (chances[at] + (at < rank ? 0 : chances[at - rank])) / 2;
            }
        }
        return Arrays.stream(chances, sum, chances.length).sum();
    }
}
