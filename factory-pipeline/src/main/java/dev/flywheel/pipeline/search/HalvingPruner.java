package dev.flywheel.pipeline.search;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Successive halving that stops trials at the ends of rungs. */
final class HalvingPruner implements Pruner {

    private final int least;
    private final int factor;
    private final List<List<Double>> rungs = new ArrayList<>();
    private final Map<String, Integer> reached = new HashMap<>();

    HalvingPruner(int least, int factor) {
        if (least < 1) {
            throw new IllegalArgumentException("the lowest rung ends at step 1 or later, found " + least);
        }
        this.least = least;
        this.factor = Halving.checked(factor);
    }

    @Override
    public boolean prunes(String trial, double step, double value) {
        for (int rung = rungsOf(trial); step >= least * Math.pow(factor, rung); rung++) {
            if (Double.isNaN(value)) {
                return true;
            }
            if (rung == rungs.size()) {
                rungs.add(new ArrayList<>());
            }
            reached.put(trial, rung + 1);
            if (!promotes(rungs.get(rung), value)) {
                return true;
            }
        }
        return false;
    }

    private boolean promotes(List<Double> rung, double value) {
        rung.add(value);
        rung.sort(Comparator.reverseOrder());
        return value >= rung.get(Math.max(0, rung.size() / factor - 1));
    }

    /** How many rungs a trial has come to the end of. */
    int rungsOf(String trial) {
        return reached.getOrDefault(trial, 0);
    }

    @Override
    public void completed(String trial, double step, double value) {
        prunes(trial, step, value);
    }
}
