package dev.flywheel.pipeline.train;

import dev.flywheel.pipeline.search.Sobol;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.IntFunction;

/** What a search tries, one after the other, nothing twice; the same for the same search and seed. Not thread-safe. */
final class Proposals<T extends Trainer> {

    /** How many points in a row may be settings that were tried, before it is said that there are no others. */
    private static final int MOST_REPEATS = 1_000;

    private final Search<T> search;
    private final List<T> first = new ArrayList<>();
    private final Set<String> tried = new HashSet<>();
    /** Where in the cube of all settings the next one is. */
    private final IntFunction<double[]> points;

    private int point;

    Proposals(Search<T> search, long seed) {
        this.search = search;
        int dimensions = search.dials().size();
        if (search.sampling() == Search.Sampling.EVEN) {
            points = Sobol.scrambled(dimensions, seed)::point;
        } else {
            SplittableRandom random = new SplittableRandom(seed);
            points = index -> random.doubles(dimensions).toArray();
        }
        search.champion().ifPresent(first::add);
        if (!first.contains(search.base())) {
            first.add(search.base());
        }
    }

    /** What is tried before all points. */
    List<String> first() {
        return first.stream().map(Trainer::describe).toList();
    }

    /** Settings that were not tried; empty if there are no more. */
    Optional<T> next() {
        if (tried.size() < first.size()) {
            T next = first.get(tried.size());
            tried.add(next.describe());
            return Optional.of(next);
        }
        for (int repeat = 0; repeat < MOST_REPEATS; repeat++) {
            T next = at(points.apply(point++));
            if (tried.add(next.describe())) {
                return Optional.of(next);
            }
        }
        return Optional.empty();
    }

    private T at(double[] place) {
        T trainer = search.base();
        for (int i = 0; i < place.length; i++) {
            trainer = search.dials().get(i).turn(trainer, place[i]);
        }
        return trainer;
    }
}
