package dev.flywheel.pipeline.search;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Gives up what is not among the best share of completed trials. */
final class PercentilePruner implements Pruner {

    private final double share;
    private final int trials;
    private final int interval;
    private final Map<String, Map<Double, Double>> reports = new HashMap<>();
    private final Map<String, Double> nextLook = new HashMap<>();
    private final Set<String> complete = new HashSet<>();

    PercentilePruner(double share, int trials, int interval) {
        if (!(share >= 0 && share <= 100)) {
            throw new IllegalArgumentException("a percentile is 0 to 100, found " + share);
        }
        if (trials < 0) {
            throw new IllegalArgumentException("the number of completed trials is at least 0, found " + trials);
        }
        if (interval < 1) {
            throw new IllegalArgumentException("the interval is at least 1 step, found " + interval);
        }
        this.share = share;
        this.trials = trials;
        this.interval = interval;
    }

    @Override
    public boolean prunes(String trial, double step, double value) {
        Map<Double, Double> own = put(trial, step, value);
        if (complete.isEmpty() || complete.size() < trials || step < nextLook.getOrDefault(trial, 0.0)) {
            return false;
        }
        nextLook.put(trial, (Math.floor(step / interval) + 1) * interval);
        double best = own.values().stream()
                .mapToDouble(Double::doubleValue)
                .filter(known -> !Double.isNaN(known))
                .max()
                .orElse(Double.NaN);
        return Double.isNaN(best) || best < cut(step);
    }

    /** What a trial must reach; NaN where no completed trial has reported at the step. */
    double cut(double step) {
        List<Double> values = complete.stream()
                .map(trial -> reports.getOrDefault(trial, Map.of()).getOrDefault(step, Double.NaN))
                .toList();
        return Halving.quantile(values, 1 - share / 100);
    }

    @Override
    public void completed(String trial, double step, double value) {
        put(trial, step, value);
        complete.add(trial);
    }

    private Map<Double, Double> put(String trial, double step, double value) {
        Map<Double, Double> own = reports.computeIfAbsent(trial, unused -> new HashMap<>());
        own.put(step, value);
        return own;
    }
}
