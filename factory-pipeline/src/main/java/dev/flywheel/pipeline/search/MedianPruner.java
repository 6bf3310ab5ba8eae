package dev.flywheel.pipeline.search;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Gives up what is worse than the median of the others. */
final class MedianPruner implements Pruner {

    private record Report(double step, double value) {}

    private final double grace;
    private final int others;
    private final Map<String, List<Report>> reports = new LinkedHashMap<>();

    MedianPruner(double grace, int others) {
        if (others < 1) {
            throw new IllegalArgumentException("a median needs at least 1 other trial, found " + others);
        }
        this.grace = grace;
        this.others = others;
    }

    @Override
    public boolean prunes(String trial, double step, double value) {
        List<Report> own = put(trial, step, value);
        if (step < grace) {
            return false;
        }
        List<Double> means = reports.entrySet().stream()
                .filter(other -> !other.getKey().equals(trial) && last(other.getValue()) >= step)
                .map(other -> mean(other.getValue(), step))
                .toList();
        double best = own.stream().mapToDouble(Report::value).max().orElse(Double.NaN);
        return means.size() >= others && best < Halving.quantile(means, 0.5);
    }

    private static double last(List<Report> of) {
        return of.get(of.size() - 1).step;
    }

    private double mean(List<Report> of, double step) {
        return of.stream()
                .filter(report -> report.step >= grace && report.step <= step)
                .mapToDouble(Report::value)
                .average()
                .orElse(Double.NaN);
    }

    @Override
    public void completed(String trial, double step, double value) {
        put(trial, step, value);
    }

    private List<Report> put(String trial, double step, double value) {
        List<Report> own = reports.computeIfAbsent(trial, unused -> new ArrayList<>());
        own.add(new Report(step, value));
        return own;
    }
}
