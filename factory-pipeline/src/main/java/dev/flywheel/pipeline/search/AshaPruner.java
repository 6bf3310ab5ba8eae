package dev.flywheel.pipeline.search;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Asynchronous halving that stops trials at rungs. */
final class AshaPruner implements Pruner {

    /** Where trials are compared. */
    private record Rung(double step, Map<String, Double> values) {}

    private final double most;
    private final double factor;
    private final AtTheEnd end;
    private final List<Rung> rungs = new ArrayList<>();

    AshaPruner(double grace, double most, double factor, AtTheEnd end) {
        if (!(factor > 1)) {
            throw new IllegalArgumentException("one in more than 1 must be promoted, found one in " + factor);
        }
        if (!(grace > 0 && most >= grace)) {
            throw new IllegalArgumentException("expected 0 < grace <= most, found " + grace + " and " + most);
        }
        this.most = most;
        this.factor = factor;
        this.end = end;
        int count = (int) (Math.log(most / grace) / Math.log(factor) + 1);
        for (int rung = count - 1; rung >= 0; rung--) {
            rungs.add(new Rung(grace * Math.pow(factor, rung), new LinkedHashMap<>()));
        }
    }

    @Override
    public boolean prunes(String trial, double step, double value) {
        return (step >= most && end == AtTheEnd.STOP) || worse(trial, step, value);
    }

    @Override
    public void completed(String trial, double step, double value) {
        worse(trial, step, value);
    }

    private boolean worse(String trial, double step, double value) {
        for (Rung rung : rungs) {
            if (step < rung.step) {
                continue;
            }
            if (rung.values.containsKey(trial)) {
                if (end == AtTheEnd.GO_ON) {
                    return false; // decided already
                }
                continue;
            }
            double cut = Halving.quantile(List.copyOf(rung.values.values()), 1 - 1 / factor);
            rung.values.put(trial, value);
            return value < cut;
        }
        return false;
    }
}
