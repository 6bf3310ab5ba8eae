package dev.flywheel.pipeline.search;

import java.util.ArrayList;
import java.util.List;

/**
 * How many trials to begin with how much resource, where nobody knows whether many short ones or few long ones find
 * more: the brackets of Li et al., <em>Hyperband</em>, JMLR 2018. Thread-safe: no state.
 */
final class Hyperband {

    /**
     * One rung of a bracket.
     *
     * @param trials how many trials come to it
     * @param resource what each gets on it, beyond what it had before
     */
    record Rung(int trials, int resource) {}

    private Hyperband() {}

    /**
     * {@return the brackets: from the one in which every trial gets all, to the one in which most get least}
     *
     * @param most the resource of a trial that is never ended, at least 1
     * @param factor one in so many goes on to the next rung, at least 2
     */
    static List<List<Rung>> brackets(int most, int factor) {
        Halving.checked(factor);
        if (most < 1) {
            throw new IllegalArgumentException("a trial's resource must be at least 1, found " + most);
        }
        int count = 1 + (int) Math.round(Math.log(most) / Math.log(factor));
        List<List<Rung>> brackets = new ArrayList<>();
        long power = 1;
        for (int halvings = 0; halvings < count; halvings++) {
            int trials = Math.toIntExact((count * power + halvings) / (halvings + 1));
            brackets.add(bracket(sizes(trials, halvings + 1, factor), Math.max(1, (int) (most / power)), most, factor));
            power *= factor;
        }
        return brackets;
    }

    private static List<Rung> bracket(List<Integer> sizes, int first, int most, int factor) {
        List<Rung> rungs = new ArrayList<>();
        int resource = first;
        int left = most;
        for (int trials : sizes) {
            int given = rungs.size() == sizes.size() - 1 ? left : Math.min(left, resource);
            rungs.add(new Rung(trials, given));
            left -= given;
            resource *= factor;
        }
        return rungs;
    }

    /**
     * {@return how many trials of so many come to each rung}
     *
     * @param trials how many begin, at least 1
     * @param rungs how many rungs there are
     * @param factor one in so many goes on, rounded up
     */
    static List<Integer> sizes(int trials, int rungs, int factor) {
        Halving.checked(factor);
        List<Integer> sizes = new ArrayList<>();
        int left = trials;
        for (int rung = 0; rung < rungs; rung++) {
            sizes.add(left);
            left = (left + factor - 1) / factor;
        }
        return sizes;
    }
}
