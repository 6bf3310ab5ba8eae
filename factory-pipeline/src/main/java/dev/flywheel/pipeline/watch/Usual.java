package dev.flywheel.pipeline.watch;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.stat.drift.ColumnDrift;
import dev.flywheel.core.stat.drift.Comparison;
import dev.flywheel.core.stat.drift.DriftLimits;
import dev.flywheel.core.stat.drift.Profile;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How far the windows of a version's training rows lie from the others of the same season: the mean of the effect and
 * three standard deviations. Tests take rows to be independent, which the days of a series are not; what such a series
 * does by nature is measured here on itself, as a control chart does (Shewhart 1931). Immutable.
 *
 * @param column the column
 * @param psi the population stability index from where on a window is unusual
 * @param wasserstein the distance, in standard deviations, from where on it is
 */
record Usual(String column, double psi, double wasserstein) {

    private static final int PERIODS = 48;
    private static final int ROWS = 2_000;
    private static final int LEAST = 4;

    /** {@return what is usual, column by column; nothing where there are too few windows to tell} */
    static List<Usual> of(Dataset rows, String timeColumn, Schema inputs, Periods periods, DriftLimits limits) {
        TreeMap<Long, long[]> counts = count(rows, timeColumn, periods);
        List<Long> full = counts.entrySet().stream()
                .filter(e -> e.getValue()[0] >= limits.leastRows())
                .map(Map.Entry::getKey)
                .toList();
        Map<Long, Profile> profiles = new TreeMap<>();
        full.subList(Math.max(0, full.size() - PERIODS), full.size())
                .forEach(period -> profiles.put(period, Profile.of(inputs)));
        fill(rows, timeColumn, periods, counts, profiles);
        Map<Integer, List<Profile>> seasons = new TreeMap<>();
        profiles.forEach((period, profile) -> seasons.computeIfAbsent(periods.season(period), s -> new ArrayList<>())
                .add(profile));
        Map<String, List<ColumnDrift.Values>> effects = new HashMap<>();
        for (List<Profile> same : seasons.values()) {
            besideOthers(same, limits, effects);
        }
        List<Usual> usual = new ArrayList<>();
        effects.forEach((column, values) -> {
            if (values.size() >= LEAST) {
                usual.add(new Usual(
                        column,
                        limit(values.stream()
                                .mapToDouble(ColumnDrift.Values::psi)
                                .toArray()),
                        limit(values.stream()
                                .mapToDouble(ColumnDrift.Values::wasserstein)
                                .toArray())));
            }
        });
        return List.copyOf(usual);
    }

    private static TreeMap<Long, long[]> count(Dataset rows, String timeColumn, Periods periods) {
        TreeMap<Long, long[]> counts = new TreeMap<>();
        int time = rows.schema().indexOf(timeColumn);
        try (Scan scan = rows.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int row = 0; row < batch.rows(); row++) {
                    counts.computeIfAbsent(periods.of(batch.time(time, row)), p -> new long[2])[0]++;
                }
            }
        }
        return counts;
    }

    /** Of a large window every so many-th row is enough. */
    private static void fill(
            Dataset rows, String timeColumn, Periods periods, Map<Long, long[]> counts, Map<Long, Profile> profiles) {
        int time = rows.schema().indexOf(timeColumn);
        try (Scan scan = rows.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int row = 0; row < batch.rows(); row++) {
                    long period = periods.of(batch.time(time, row));
                    Profile profile = profiles.get(period);
                    long[] count = counts.get(period);
                    if (profile != null && count != null && count[1]++ % (1 + count[0] / ROWS) == 0) {
                        profile.add(batch.row(row));
                    }
                }
            }
        }
    }

    private static void besideOthers(
            List<Profile> same, DriftLimits limits, Map<String, List<ColumnDrift.Values>> effects) {
        List<Profile> after = new ArrayList<>(same);
        for (int i = same.size() - 2; i >= 0; i--) {
            after.set(i, merged(same.get(i), after.get(i + 1)));
        }
        Profile before = null;
        for (int i = 0; i < same.size(); i++) {
            Profile others = merged(before, i + 1 < same.size() ? after.get(i + 1) : null);
            if (others != null) {
                for (ColumnDrift drift :
                        Comparison.of(others, same.get(i), limits).columns()) {
                    effects.computeIfAbsent(drift.column(), c -> new ArrayList<>())
                            .add(drift.values());
                }
            }
            before = merged(before, same.get(i));
        }
    }

    private static @Nullable Profile merged(@Nullable Profile first, @Nullable Profile second) {
        if (first == null || second == null) {
            return first == null ? second : first;
        }
        Profile both = Profile.of(first.schema());
        both.merge(first);
        both.merge(second);
        return both;
    }

    private static double limit(double[] effects) {
        double mean = 0;
        for (double effect : effects) {
            mean += effect / effects.length;
        }
        double squares = 0;
        for (double effect : effects) {
            squares += (effect - mean) * (effect - mean);
        }
        return mean + 3 * Math.sqrt(squares / (effects.length - 1));
    }
}
