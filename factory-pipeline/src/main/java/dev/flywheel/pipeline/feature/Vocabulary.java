package dev.flywheel.pipeline.feature;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Counts the values of a category in bounded memory: when more than a million different ones are held, those seen
 * fewest times are forgotten (lossy counting in the manner of Manku and Motwani, VLDB 2002), which cannot touch a
 * frequent one. Not thread-safe.
 */
final class Vocabulary {

    private static final int LIMIT = 1 << 20;

    private final int limit;
    private final Map<String, int[]> counts = new HashMap<>();
    private int forgotten;

    Vocabulary() {
        this(LIMIT);
    }

    /** @param limit the most values that are held */
    Vocabulary(int limit) {
        this.limit = limit;
    }

    void add(String value) {
        int[] count = counts.get(value);
        if (count != null) {
            count[0]++;
            return;
        }
        if (counts.size() == limit) {
            forgotten = counts.values().stream().mapToInt(seen -> seen[0]).min().orElse(0);
            counts.values().removeIf(seen -> seen[0] == forgotten);
        }
        counts.put(value, new int[] {1 + forgotten});
    }

    boolean isEmpty() {
        return counts.isEmpty();
    }

    /** How often a value was seen: exactly while none was forgotten, afterwards at most. */
    int count(String value) {
        return counts.getOrDefault(value, new int[1])[0];
    }

    /** The values seen often enough, the most frequent first, equally frequent ones by name. */
    List<String> values(int minCount, int limit) {
        return counts.entrySet().stream()
                .filter(entry ->
                        entry.getValue()[0] >= minCount && !entry.getKey().isEmpty())
                .sorted(Comparator.comparingInt((Map.Entry<String, int[]> entry) -> -entry.getValue()[0])
                        .thenComparing(Map.Entry::getKey))
                .limit(limit)
                .map(Map.Entry::getKey)
                .toList();
    }
}
