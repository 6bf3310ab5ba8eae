package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.RowWriter;
import dev.flywheel.core.data.Schema;
import java.util.function.Consumer;

/** Rows of flights for tests. */
final class Flights {

    static final Schema SCHEMA =
            Schema.of(new Column("distance", ColumnType.NUMBER, true), new Column("origin", ColumnType.TEXT, true));

    static final RowType<Row> TYPE = Row.type(SCHEMA);

    private Flights() {}

    static Row row(int i) {
        return Row.of("distance", i + 0.5, "origin", "airport " + i);
    }

    /** {@return a type that lets a test look at, stop or fail each row before it is written} */
    static RowType<Row> type(Consumer<Row> before) {
        return new Watched(before);
    }

    private static final class Watched implements RowType<Row> {
        private static final long serialVersionUID = 1L;
        private final transient Consumer<Row> before;

        Watched(Consumer<Row> before) {
            this.before = before;
        }

        @Override
        public Schema schema() {
            return SCHEMA;
        }

        @Override
        public void write(Row row, RowWriter out) {
            before.accept(row);
            TYPE.write(row, out);
        }

        @Override
        public Row read(RowReader in) {
            return TYPE.read(in);
        }
    }
}
