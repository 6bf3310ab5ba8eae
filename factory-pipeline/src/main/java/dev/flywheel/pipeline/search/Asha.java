package dev.flywheel.pipeline.search;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which trial to go on with: asynchronous successive halving, by Li et al., <em>A System for Massively Parallel
 * Hyperparameter Tuning</em>, MLSys 2020. Every trial begins on the lowest rung; of those on a rung, the best in so
 * many are promoted to the next, where they get so many times the resource, as soon as it is clear that they are among
 * the best so far. The same reports in the same order give the same decisions. Not thread-safe.
 */
public final class Asha {

    /**
     * A trial on a rung.
     *
     * @param trial its number
     * @param rung how high, from 0
     */
    public record Place(int trial, int rung) {}

    private record Report(int trial, double value) {}

    private final int factor;
    private final List<List<Report>> rungs = new ArrayList<>();
    private final List<Set<Integer>> promoted = new ArrayList<>();

    /**
     * @param rungs how many rungs there are, at least 1
     * @param factor one in so many is promoted, at least 2
     */
    public Asha(int rungs, int factor) {
        if (rungs < 1) {
            throw new IllegalArgumentException("there must be at least 1 rung, found " + rungs);
        }
        this.factor = Halving.checked(factor);
        for (int rung = 0; rung < rungs; rung++) {
            this.rungs.add(new ArrayList<>());
            this.promoted.add(new HashSet<>());
        }
    }

    /**
     * Takes what a trial has come to on a rung.
     *
     * @param value the greater the better; NaN for a trial that failed
     */
    public void report(Place place, double value) {
        rungs.get(place.rung).add(new Report(place.trial, value));
    }

    /** {@return a trial that is among the best of its rung, the highest rung first, and the rung it is promoted to} */
    public Optional<Place> promote() {
        return promote(0);
    }

    /**
     * {@return as {@link #promote()}, when no more trials will begin: then the best one of a rung goes on even where
     * there are too few for one in so many}
     */
    public Optional<Place> promoteLast() {
        return promote(1);
    }

    private Optional<Place> promote(int atLeast) {
        for (int rung = rungs.size() - 2; rung >= 0; rung--) {
            int chosen = Math.max(atLeast, rungs.get(rung).size() / factor);
            for (Report report : ranked(rung).stream().limit(chosen).toList()) {
                if (promoted.get(rung).add(report.trial)) {
                    return Optional.of(new Place(report.trial, rung + 1));
                }
            }
        }
        return Optional.empty();
    }

    private List<Report> ranked(int rung) {
        return rungs.get(rung).stream()
                .filter(report -> !Double.isNaN(report.value))
                .sorted(Comparator.comparingDouble(Report::value).reversed())
                .toList();
    }

    /** {@return the trials that did not fail, best first: those that came higher before those that came less high} */
    public List<Place> ranking() {
        Set<Integer> seen = new HashSet<>();
        List<Place> best = new ArrayList<>();
        for (int rung = rungs.size() - 1; rung >= 0; rung--) {
            for (Report report : ranked(rung)) {
                if (!seen.contains(report.trial)) {
                    best.add(new Place(report.trial, rung));
                }
            }
            rungs.get(rung).forEach(report -> seen.add(report.trial));
        }
        return best;
    }
}
