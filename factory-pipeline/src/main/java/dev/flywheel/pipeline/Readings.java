package dev.flywheel.pipeline;

import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.prove.Canary;
import dev.flywheel.pipeline.prove.Goal;
import dev.flywheel.pipeline.prove.Measure;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the measures of a canary are read from: the means, since the last reading, of what was reported and of what
 * labelled predictions cost. Thread-safe.
 */
final class Readings {

    /** A measure that is not read at intervals is read over so many observations. */
    static final int LEAST = 100;

    private final Map<String, Pair> windows = new LinkedHashMap<>();
    private final Map<String, Pair> taken = new HashMap<>();

    private static final class Window {

        private long n;
        private double sum;

        void add(double value) {
            n++;
            sum += value;
        }

        void add(Window other) {
            n += other.n;
            sum += other.sum;
        }

        double mean() {
            return sum / n;
        }
    }

    /** Of the version on trial and of the champion. */
    private record Pair(Window challenger, Window champion) {

        Pair() {
            this(new Window(), new Window());
        }

        Window of(boolean challenging) {
            return challenging ? challenger : champion;
        }
    }

    /** @param measures the names of the measures; none of an experiment */
    Readings(List<String> measures) {
        measures.forEach(measure -> windows.put(measure, new Pair()));
    }

    synchronized void labelled(boolean challenging, double output, double label) {
        windows.forEach((measure, pair) -> Measure.metric(measure)
                .ifPresent(metric -> pair.of(challenging).add(Goal.model(metric).loss(output, label))));
    }

    synchronized void reported(String measure, boolean challenging, double value) {
        Pair pair = windows.get(measure);
        if (pair != null) {
            pair.of(challenging).add(value);
        }
    }

    /** {@return the values of those measures that have one; what they were read from is not read again} */
    synchronized Map<String, Double> take(Canary plan, List<String> due) {
        taken.clear();
        Map<String, Double> values = new HashMap<>();
        for (String measure : due) {
            Pair pair = windows.get(measure);
            if (pair != null && enough(measure, pair, plan.timed(measure) ? 1 : LEAST)) {
                values.put(measure, value(measure, pair));
                taken.put(measure, pair);
                windows.put(measure, new Pair());
            }
        }
        return values;
    }

    /** What was taken last is to be read again. */
    synchronized void giveBack() {
        taken.forEach((measure, pair) -> {
            Pair now = windows.computeIfAbsent(measure, name -> new Pair());
            now.challenger.add(pair.challenger);
            now.champion.add(pair.champion);
        });
        taken.clear();
    }

    /** What was reported so far is not read. */
    synchronized void clear() {
        windows.replaceAll((measure, pair) -> new Pair());
        taken.clear();
    }

    private static boolean enough(String measure, Pair pair, int least) {
        return pair.challenger.n >= least && (!compares(measure) || pair.champion.n >= least);
    }

    private static boolean compares(String measure) {
        return Measure.metric(measure)
                .filter(metric -> !metric.label().equals(measure))
                .isPresent();
    }

    private static double value(String measure, Pair pair) {
        Optional<Metric> metric = Measure.metric(measure);
        if (metric.isEmpty()) {
            return pair.challenger.mean();
        }
        double challenger = mean(metric.get(), pair.challenger);
        return compares(measure) ? metric.get().oriented(challenger - mean(metric.get(), pair.champion)) : challenger;
    }

    private static double mean(Metric metric, Window window) {
        return metric == Metric.RMSE ? Math.sqrt(window.mean()) : window.mean();
    }
}
