package dev.flywheel.core.data;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Rows of every column type, drawn from a seed that {@code -Dtests.seed=} repeats. */
final class RandomRows {

    static final Schema SCHEMA = Schema.of(
            new Column("number", ColumnType.NUMBER, true),
            new Column("integer", ColumnType.INTEGER, true),
            new Column("flag", ColumnType.BOOLEAN, true),
            new Column("text", ColumnType.TEXT, true),
            new Column("time", ColumnType.TIME, true),
            new Column("always", ColumnType.INTEGER, false));

    private static final String[] PIECES = {"", "a", "Köln", "漢字", "😀", "\u0000", "line\nbreak", "\"", "ß"};

    private RandomRows() {}

    static long seed() {
        return Long.getLong("tests.seed", System.nanoTime());
    }

    static List<Row> of(int count, Random random) {
        List<Row> rows = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            rows.add(row(i, random));
        }
        return rows;
    }

    private static Row row(int i, Random random) {
        return Row.of(
                "number", maybe(random, number(random)),
                "integer", maybe(random, random.nextLong()),
                "flag", maybe(random, random.nextBoolean()),
                "text", maybe(random, text(random)),
                "time",
                        maybe(
                                random,
                                Instant.EPOCH
                                        .plusNanos(random.nextInt() * 1_000L)
                                        .plusSeconds(random.nextInt())),
                "always", (long) i);
    }

    private static @Nullable Object maybe(Random random, Object value) {
        return random.nextInt(5) == 0 ? null : value;
    }

    private static double number(Random random) {
        return switch (random.nextInt(20)) {
            case 0 -> Double.POSITIVE_INFINITY;
            case 1 -> -0.0;
            case 2 -> Double.MIN_VALUE;
            default -> random.nextGaussian() * 1e3;
        };
    }

    private static String text(Random random) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(4); i > 0; i--) {
            text.append(PIECES[random.nextInt(PIECES.length)]);
        }
        return text.toString();
    }
}
