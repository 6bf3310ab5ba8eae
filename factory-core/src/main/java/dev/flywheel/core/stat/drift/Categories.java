package dev.flywheel.core.stat.drift;

import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How often each text occurs. Listed texts, those of a reference, are counted exactly. Of the others up to
 * {@link #ROOM} are counted exactly; beyond that the {@link #KEPT} most frequent stay, each short of its true count by
 * at most rows / ({@link #KEPT} + 1), after Misra and Gries (1982), merged after Agarwal et al. (2012, "Mergeable
 * summaries"). A text of more than {@link #LONGEST} characters is known by its beginning and a hash. Not thread-safe.
 */
final class Categories {

    static final int ROOM = 512;
    static final int KEPT = 256;
    static final int LONGEST = 64;

    private static final int BEGINNING = 40;

    private final Map<String, long[]> listed = new HashMap<>();
    private final Map<String, long[]> others = new HashMap<>();
    private long total;
    private long shortBy;
    private @Nullable HyperLogLog distinct;

    /**
     * What is kept of the categories.
     *
     * @param listed counts of the reference's texts, exact
     * @param others counts of other texts
     * @param total the rows
     * @param shortBy by how much a count of others may be too low
     * @param distinct the registers of the estimate of different texts, in base 64; null while all are held
     */
    record State(
            Map<String, Long> listed,
            Map<String, Long> others,
            long total,
            long shortBy,
            @Nullable String distinct) {}

    Categories() {}

    /** {@return nothing counted yet, with this one's texts listed} */
    Categories fresh() {
        Categories fresh = new Categories();
        counts().entrySet().stream()
                .sorted(Map.Entry.<String, Long>comparingByValue().reversed().thenComparing(Map.Entry.comparingByKey()))
                .limit(ROOM)
                .forEach(e -> fresh.listed.put(e.getKey(), new long[1]));
        return fresh;
    }

    /** {@return the categories that were described; null if there can be none such} */
    static @Nullable Categories of(State state) {
        Categories categories = new Categories();
        state.listed.forEach((text, count) -> categories.listed.put(text, new long[] {count}));
        state.others.forEach((text, count) -> categories.others.put(text, new long[] {count}));
        categories.total = state.total;
        categories.shortBy = state.shortBy;
        if (state.distinct != null) {
            byte[] registers;
            try {
                registers = Base64.getDecoder().decode(state.distinct);
            } catch (IllegalArgumentException e) {
                return null;
            }
            if (registers.length != HyperLogLog.REGISTERS) {
                return null;
            }
            categories.distinct = new HyperLogLog(registers);
        }
        boolean negative = categories.counts().values().stream().anyMatch(count -> count < 0);
        boolean lost = categories.unheld() != 0 && categories.distinct == null;
        boolean crowded = categories.others.size() > ROOM || categories.listed.size() > ROOM;
        return negative || lost || crowded || categories.unheld() < 0 ? null : categories;
    }

    State state() {
        Map<String, Long> known = new LinkedHashMap<>();
        new TreeMap<>(listed).forEach((text, count) -> known.put(text, count[0]));
        Map<String, Long> rest = new LinkedHashMap<>();
        new TreeMap<>(others).forEach((text, count) -> rest.put(text, count[0]));
        String registers = distinct == null ? null : Base64.getEncoder().encodeToString(distinct.registers());
        return new State(known, rest, total, shortBy, registers);
    }

    void add(String text) {
        add(key(text), 1);
        total++;
        if (others.size() > ROOM) {
            purge();
        }
    }

    void merge(Categories other) {
        if (distinct != null || other.distinct != null) {
            HyperLogLog both = estimating();
            HyperLogLog theirs = other.distinct;
            if (theirs != null) {
                both.merge(theirs);
            }
        }
        other.listed.forEach((text, count) -> add(text, count[0]));
        other.others.forEach((text, count) -> add(text, count[0]));
        total += other.total;
        shortBy += other.shortBy;
        if (others.size() > ROOM) {
            purge();
        }
    }

    private void add(String key, long count) {
        if (count == 0) {
            return;
        }
        long[] counter = listed.get(key);
        if (counter == null) {
            counter = others.computeIfAbsent(key, k -> new long[1]);
        }
        if (counter[0] == 0 && distinct != null) {
            distinct.add(key);
        }
        counter[0] += count;
    }

    private HyperLogLog estimating() {
        HyperLogLog estimate = distinct;
        if (estimate == null) {
            estimate = new HyperLogLog();
            counts().keySet().forEach(estimate::add);
            distinct = estimate;
        }
        return estimate;
    }

    /** Takes the count of the first that cannot stay from all, so that at most {@link #KEPT} are left. */
    private void purge() {
        estimating();
        long[] sorted = others.values().stream().mapToLong(c -> c[0]).sorted().toArray();
        long taken = sorted[sorted.length - 1 - KEPT];
        others.values().removeIf(count -> (count[0] -= taken) <= 0);
        shortBy += taken;
    }

    long total() {
        return total;
    }

    long count(String key) {
        long[] counter = listed.get(key);
        counter = counter == null ? others.get(key) : counter;
        return counter == null ? 0 : counter[0];
    }

    /** {@return the texts that occurred and are held, with their counts} */
    Map<String, Long> counts() {
        Map<String, Long> counts = new HashMap<>();
        listed.forEach((text, count) -> {
            if (count[0] != 0) {
                counts.put(text, count[0]);
            }
        });
        others.forEach((text, count) -> counts.put(text, count[0]));
        return counts;
    }

    /** {@return whether every text that occurred is held with its exact count} */
    boolean complete() {
        return distinct == null;
    }

    long distinct() {
        HyperLogLog estimate = distinct;
        return estimate == null ? counts().size() : estimate.estimate();
    }

    private long unheld() {
        return total - counts().values().stream().mapToLong(c -> c).sum();
    }

    private static String key(String text) {
        return text.length() <= LONGEST ? text : text.substring(0, BEGINNING) + "…" + Long.toHexString(Hashes.of(text));
    }
}
