package dev.flywheel.pipeline.explain;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.data.Schema;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Rows in memory, out of whose cells other rows can be put together. A cell is a {@link Double}, {@link Long},
 * {@link Boolean}, {@link String} or {@code float[]} as its column's type is, the microseconds of a time as a
 * {@link Long}, or null where it is missing. Immutable.
 */
final class Cells {

    private final Schema schema;
    private final @Nullable Object[][] columns;
    private final int rows;

    private Cells(Schema schema, @Nullable Object[][] columns, int rows) {
        this.schema = schema;
        this.columns = columns;
        this.rows = rows;
    }

    /**
     * {@return some rows of a dataset}
     *
     * @param names the columns to keep
     * @param order the numbers of the rows, ascending
     */
    static Cells of(Dataset data, Collection<String> names, int[] order) {
        Schema schema = nullable(data.schema(), names);
        int[] positions = schema.columns().stream()
                .mapToInt(column -> data.schema().indexOf(column.name()))
                .toArray();
        @Nullable Object[][] columns = new @Nullable Object[positions.length][order.length];
        int first = 0;
        int at = 0;
        try (Scan scan = data.scan()) {
            for (Batch batch = scan.next(); batch != null && at < order.length; batch = scan.next()) {
                for (; at < order.length && order[at] < first + batch.rows(); at++) {
                    RowReader row = batch.row(order[at] - first);
                    for (int column = 0; column < positions.length; column++) {
                        columns[column][at] = cell(row, positions[column]);
                    }
                }
                first += batch.rows();
            }
        }
        return new Cells(schema, columns, order.length);
    }

    /** {@return the columns of these names, in the order of the schema, all of which may be missing} */
    private static Schema nullable(Schema schema, Collection<String> names) {
        return Schema.of(schema.columns().stream()
                .filter(column -> names.contains(column.name()))
                .map(column -> new Column(column.name(), column.type(), true, column.length()))
                .toList());
    }

    private static @Nullable Object cell(RowReader row, int column) {
        if (row.missing(column)) {
            return null;
        }
        return switch (row.schema().column(column).type()) {
            case NUMBER -> row.number(column);
            case INTEGER -> row.integer(column);
            case BOOLEAN -> row.bool(column);
            case TEXT -> row.text(column);
            case TIME -> row.time(column);
            case VECTOR -> row.vector(column);
        };
    }

    Schema schema() {
        return schema;
    }

    int rows() {
        return rows;
    }

    /** {@return a copy of a column} */
    @Nullable
    Object[] column(int column) {
        return columns[column].clone();
    }

    /** {@return these with other values in a column} */
    Cells with(int column, @Nullable Object[] values) {
        @Nullable Object[][] changed = columns.clone();
        changed[column] = values;
        return new Cells(schema, changed, rows);
    }

    /** {@return these and a row behind them} */
    Cells plus(WrittenRow row) {
        @Nullable Object[][] longer = new @Nullable Object[columns.length][];
        for (int column = 0; column < columns.length; column++) {
            longer[column] = Arrays.copyOf(columns[column], rows + 1);
            longer[column][rows] = row.cell(schema.column(column).name());
        }
        return new Cells(schema, longer, rows + 1);
    }

    /** {@return whether two rows have the same in a column} */
    boolean same(int column, int row, int other) {
        return Objects.deepEquals(columns[column][row], columns[column][other]);
    }

    /** {@return all rows as they are} */
    List<RowReader> all() {
        return rows(rows, row -> column -> row);
    }

    /**
     * {@return rows made of these}
     *
     * @param count how many
     * @param sources tells for each of them from which row here it has each column
     */
    List<RowReader> rows(int count, IntFunction<IntUnaryOperator> sources) {
        return new AbstractList<>() {
            @Override
            public RowReader get(int index) {
                return new Mixed(sources.apply(Objects.checkIndex(index, count)));
            }

            @Override
            public int size() {
                return count;
            }
        };
    }

    /** {@return the numbers of {@code count} of {@code of} rows at random, ascending} */
    static int[] sample(int of, int count, SplittableRandom random) {
        int[] picked = new int[Math.min(of, count)];
        int taken = 0;
        // Selection sampling: Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S.
        for (int row = 0; row < of && taken < picked.length; row++) {
            if (random.nextInt(of - row) < picked.length - taken) {
                picked[taken++] = row;
            }
        }
        return picked;
    }

    /** {@return 0 to {@code size - 1} in random order} */
    static int[] permutation(int size, SplittableRandom random) {
        int[] order = new int[size];
        for (int i = 0; i < size; i++) {
            int place = random.nextInt(i + 1);
            order[i] = order[place];
            order[place] = i;
        }
        return order;
    }

    /** A row whose columns come from several. */
    private final class Mixed implements RowReader {

        private final IntUnaryOperator source;

        Mixed(IntUnaryOperator source) {
            this.source = source;
        }

        private @Nullable Object value(int column) {
            return columns[column][source.applyAsInt(column)];
        }

        private Object there(int column) {
            return Objects.requireNonNull(value(column));
        }

        @Override
        public Schema schema() {
            return schema;
        }

        @Override
        public boolean missing(int column) {
            return value(column) == null;
        }

        @Override
        public double number(int column) {
            Object value = there(column);
            return value instanceof Boolean bool ? (bool ? 1 : 0) : ((Number) value).doubleValue();
        }

        @Override
        public long integer(int column) {
            return (Long) there(column);
        }

        @Override
        public boolean bool(int column) {
            return (Boolean) there(column);
        }

        @Override
        public String text(int column) {
            return (String) there(column);
        }

        @Override
        public long time(int column) {
            return (Long) there(column);
        }

        @Override
        public float[] vector(int column) {
            return ((float[]) there(column)).clone();
        }
    }
}
