package dev.flywheel.benchmarks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/**
 * Rounds that alternate between the contenders, so that a busy moment of the machine hits all of them. Each round
 * begins with another contender.
 */
final class Rounds {

    private static final int WARM_UP = 2;

    private final int count;

    /** @param count the rounds that count; two more come before them */
    Rounds(int count) {
        this.count = count;
    }

    /** Measures a contender once. */
    @FunctionalInterface
    interface Round<C> {
        Measured run(C contender) throws Exception;
    }

    /** {@return the rounds of each contender, by its name} */
    <W extends Contender.Worker> Map<String, List<Measured>> run(
            List<Contender<W>> contenders, Round<? super Contender<W>> round) throws Exception {
        Map<String, Callable<Measured>> rounds = new LinkedHashMap<>();
        contenders.forEach(contender -> rounds.put(contender.name(), () -> round.run(contender)));
        return run(rounds);
    }

    /** {@return what the rounds of each name found} */
    <T> Map<String, List<T>> run(Map<String, Callable<T>> contenders) throws Exception {
        List<String> names = new ArrayList<>(contenders.keySet());
        List<Callable<T>> work = new ArrayList<>(contenders.values());
        List<List<T>> measured = new ArrayList<>();
        names.forEach(name -> measured.add(new ArrayList<>()));
        for (int i = 0; i < WARM_UP + count; i++) {
            for (int k = 0; k < names.size(); k++) {
                int at = (i + k) % names.size();
                T result = work.get(at).call();
                if (i >= WARM_UP) {
                    measured.get(at).add(result);
                }
            }
        }
        Map<String, List<T>> found = new LinkedHashMap<>();
        for (int i = 0; i < names.size(); i++) {
            found.put(names.get(i), measured.get(i));
        }
        return found;
    }
}
