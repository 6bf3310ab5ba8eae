package dev.flywheel.pipeline.evaluate;

import com.google.common.hash.Hashing;
import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Counts of values, exact up to a number of different ones. Beyond it the rare ones are dropped in bulk (Misra and
 * Gries 1982: a count is then too low by at most the sum of what was subtracted), and their number is estimated by
 * linear counting (Whang, Vander-Zanden and Taylor 1990).
 */
final class TextTally extends Profiles.Tally {

    private static final int MOST_VALUES = 20_000;
    private static final int KEPT_VALUES = 5_000;
    private static final int LONGEST = 120;
    private static final int TOP = 8;
    private static final int BITS = 1 << 20;

    private final ColumnType type;
    private final Map<String, long[]> counts = new HashMap<>();
    private @Nullable BitSet seen;

    TextTally(Column column) {
        super(column);
        this.type = column.type();
    }

    @Override
    void add(Batch batch, int index, int row) {
        String value = type == ColumnType.TEXT ? batch.text(index, row) : String.valueOf(batch.bool(index, row));
        String key = value.length() > LONGEST ? value.substring(0, LONGEST) + "\u2026" : value;
        if (seen != null) {
            seen.set(bit(key));
        }
        counts.computeIfAbsent(key, unused -> new long[1])[0]++;
        if (counts.size() > MOST_VALUES) {
            dropRare();
        }
    }

    private void dropRare() {
        if (seen == null) {
            seen = new BitSet(BITS);
            for (String value : counts.keySet()) {
                seen.set(bit(value));
            }
        }
        long[] sorted =
                counts.values().stream().mapToLong(count -> count[0]).sorted().toArray();
        long rare = sorted[sorted.length - KEPT_VALUES];
        counts.values().removeIf(count -> (count[0] -= rare) <= 0);
    }

    private static int bit(String value) {
        return Hashing.murmur3_128().hashUnencodedChars(value).asInt() & (BITS - 1);
    }

    @Override
    Profiles.ColumnProfile profile(Profiles.Shell shell) {
        List<Profiles.TopValue> top = counts.entrySet().stream()
                .map(entry -> new Profiles.TopValue(entry.getKey(), entry.getValue()[0]))
                .sorted(Comparator.comparingLong(Profiles.TopValue::rows)
                        .reversed()
                        .thenComparing(Profiles.TopValue::value))
                .limit(TOP)
                .toList();
        return shell.with(
                seen == null
                        ? new Profiles.Text(counts.size(), Profiles.Precision.EXACT, top)
                        : new Profiles.Text(estimated(seen), Profiles.Precision.ESTIMATED, top),
                null,
                null);
    }

    private static long estimated(BitSet seen) {
        double empty = Math.max(1, BITS - seen.cardinality());
        return Math.round(-BITS * Math.log(empty / BITS));
    }
}
