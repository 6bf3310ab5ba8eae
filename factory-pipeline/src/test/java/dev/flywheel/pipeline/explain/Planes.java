package dev.flywheel.pipeline.explain;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;

/** Rows of three numbers, a count, a category and a text that no model takes, and models written as formulas. */
final class Planes {

    static final Schema SCHEMA = Schema.of(
            new Column("a", ColumnType.NUMBER, true),
            new Column("b", ColumnType.NUMBER, true),
            new Column("idle", ColumnType.NUMBER, false),
            new Column("count", ColumnType.INTEGER, false),
            new Column("kind", ColumnType.TEXT, false),
            new Column("unused", ColumnType.TEXT, true),
            new Column("$label", ColumnType.NUMBER, false));

    static final Signature SIGNATURE = new Signature(
            List.of(
                    input(Signature.NUMBERS, ElementType.FLOAT, "a", "b", "idle", "count"),
                    input(Signature.TEXTS, ElementType.STRING, "kind")),
            List.of());

    private Planes() {}

    static TensorSpec input(String name, ElementType type, String... columns) {
        return new TensorSpec(name, type, List.of(-1L, (long) columns.length), List.of(columns));
    }

    /** 2a - b + 3 for the kind "high" + noise; neither idle nor the count matters. */
    static Dataset rows(Path folder, int count, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        try (Dataset.Writer writer = Dataset.writer(folder, SCHEMA)) {
            for (int i = 0; i < count; i++) {
                double a = random.nextGaussian();
                double b = random.nextGaussian();
                boolean high = random.nextInt(4) == 0;
                writer.number(0, a);
                writer.number(1, b);
                writer.number(2, random.nextGaussian());
                writer.integer(3, random.nextInt(100));
                writer.text(4, high ? "high" : "low");
                writer.text(5, "text " + i);
                writer.number(6, 2 * a - b + (high ? 3 : 0) + random.nextGaussian());
                writer.endRow();
            }
            return writer.finish();
        }
    }

    /** What a good model makes of a row; a missing number counts as 0. */
    static double plane(RowReader row) {
        Schema schema = row.schema();
        return 2 * number(row, schema.indexOf("a"))
                - number(row, schema.indexOf("b"))
                + (!row.missing(schema.indexOf("kind"))
                                && row.text(schema.indexOf("kind")).equals("high")
                        ? 3
                        : 0);
    }

    static double number(RowReader row, int column) {
        return row.missing(column) ? 0 : row.number(column);
    }

    static Subject.Scorer scorer(ToDoubleFunction<RowReader> model) {
        return rows -> rows.stream().mapToDouble(model).toArray();
    }

    static double[] labels(Dataset data) {
        int[] all = Cells.sample((int) data.rows(), (int) data.rows(), new SplittableRandom(0));
        return Cells.of(data, List.of("$label"), all).all().stream()
                .mapToDouble(row -> row.number(0))
                .toArray();
    }
}
