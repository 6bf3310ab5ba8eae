package dev.flywheel.serving;

import dev.flywheel.core.stat.Decisions;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How probable each of several classes is. Immutable. */
public final class Classification {

    private final List<String> labels;
    private final double[] probabilities;
    private final int best;

    /** Takes both as they are. */
    Classification(List<String> labels, double[] probabilities) {
        this.labels = labels;
        this.probabilities = probabilities;
        this.best = Decisions.of(probabilities, 0, probabilities.length);
    }

    /**
     * {@return the classification of these probabilities}
     *
     * @param labels the names of the classes, two or more
     * @param probabilities that of each class, in the order of the labels; copied
     * @throws IllegalArgumentException if there is not one for each label
     */
    public static Classification of(List<String> labels, double... probabilities) {
        if (labels.size() < 2 || probabilities.length != labels.size()) {
            throw new IllegalArgumentException("two or more classes need a probability each, found "
                    + probabilities.length + " probabilities of " + labels);
        }
        return new Classification(List.copyOf(labels), probabilities.clone());
    }

    /** {@return the most probable class; of equals the first} */
    public String label() {
        return labels.get(best);
    }

    /** {@return the probability of the most probable class, 0 to 1} */
    public double probability() {
        return probabilities[best];
    }

    /**
     * {@return the probability of a class, 0 to 1}
     *
     * @throws IllegalArgumentException if there is no such class; the message lists those that exist
     */
    public double probability(String label) {
        int place = labels.indexOf(label);
        if (place < 0) {
            throw new IllegalArgumentException("there is no class \"" + label + "\"; the classes are " + labels);
        }
        return probabilities[place];
    }

    /** {@return the probabilities of all classes, in the order of the labels; they sum to 1} */
    public Map<String, Double> probabilities() {
        Map<String, Double> all = new LinkedHashMap<>();
        for (int i = 0; i < probabilities.length; i++) {
            all.put(labels.get(i), probabilities[i]);
        }
        return Collections.unmodifiableMap(all);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Classification that
                && labels.equals(that.labels)
                && Arrays.equals(probabilities, that.probabilities);
    }

    @Override
    public int hashCode() {
        return 31 * labels.hashCode() + Arrays.hashCode(probabilities);
    }

    @Override
    public String toString() {
        return label() + " of " + probabilities();
    }
}
