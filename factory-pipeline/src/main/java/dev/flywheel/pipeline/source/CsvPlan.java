package dev.flywheel.pipeline.source;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Schema;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which field of a CSV record goes to which column of the dataset, and how. Not thread-safe. */
final class CsvPlan {

    /** Characters in a field: more is a quotation mark gone wrong, or a document that belongs in a file. */
    static final int FIELD_LIMIT = 1 << 20;

    private final CsvHeader header;
    private final Target<?> target;
    private final Schema schema;
    private final int inputs;
    private final int[] fields;
    private final int label;
    private final int time;
    private final int id;
    private final CellParser parser = new CellParser();

    /**
     * @param inputs the columns of the input
     * @param fields the field of each input
     * @param time the field of the event time, or {@link CsvHeader#ABSENT}
     * @param id the field of the event id, or {@link CsvHeader#ABSENT}
     */
    CsvPlan(CsvHeader header, Target<?> target, Schema inputs, int[] fields, int time, int id) {
        this.header = header;
        this.target = target;
        this.inputs = inputs.size();
        this.fields = fields.clone();
        this.label = header.require(target.column(), "the target");
        this.time = time;
        this.id = id;
        List<Column> columns = new ArrayList<>(inputs.columns());
        columns.add(new Column(Source.LABEL, ColumnType.NUMBER, false));
        if (time != CsvHeader.ABSENT) {
            columns.add(new Column(Source.TIME, ColumnType.TIME, false));
        }
        if (id != CsvHeader.ABSENT) {
            columns.add(new Column(Source.ID, ColumnType.TEXT, false));
        }
        this.schema = Schema.of(columns);
    }

    /** {@return the columns of the dataset} */
    Schema schema() {
        return schema;
    }

    /** {@return why a record is no row at all, or null if its fields may be read} */
    static @Nullable Refusal structure(CsvLine line, CsvHeader header) {
        int expected = header.names().size();
        if (line.fields() != expected) {
            return new Refusal(null, "expected " + expected + " fields", line.fields() + " fields");
        } else if (line.damagedField() >= 0) {
            String name = header.names().get(line.damagedField());
            return new Refusal(name, "expected UTF-8 text", line.text(line.damagedField()));
        } else if (line.longest() > FIELD_LIMIT) {
            return new Refusal(
                    null, "expected at most " + FIELD_LIMIT + " characters in a field", line.longest() + " characters");
        }
        return null;
    }

    /** Reads a record into a row; {@return why that is not possible, or null}. */
    @Nullable
    Refusal read(CsvLine line, RowBuffer row) {
        Refusal refusal = structure(line, header);
        if (refusal != null) {
            return refusal;
        }
        row.clear();
        for (int i = 0; i < inputs; i++) {
            String expected = input(line.cell(fields[i], parser), schema.column(i), i, row);
            if (expected != null) {
                return new Refusal(schema.column(i).name(), "expected " + expected, line.text(fields[i]));
            }
        }
        return label(line, row);
    }

    private @Nullable Refusal label(CsvLine line, RowBuffer row) {
        double value = target.parse(line.cell(label, parser));
        if (Double.isNaN(value)) {
            boolean missing = parser.missing();
            return new Refusal(
                    name(label), missing ? "expected a label" : "expected " + target.expected(), line.text(label));
        }
        row.number(inputs, value);
        int column = inputs + 1;
        if (time != CsvHeader.ABSENT) {
            long micros = line.cell(time, parser).time();
            if (!parser.ok()) {
                return new Refusal(name(time), "expected " + CellParser.EXPECTED_TIME, line.text(time));
            }
            row.time(column++, micros);
        }
        if (id != CsvHeader.ABSENT) {
            if (line.cell(id, parser).isEmpty()) {
                return new Refusal(name(id), "expected an id", "");
            }
            row.text(column, parser.text());
        }
        return null;
    }

    /** Reads the cell of an input; {@return what was expected, or null if that was found}. */
    private static @Nullable String input(CellParser cell, Column column, int position, RowBuffer row) {
        ColumnType type = column.type();
        if (type == ColumnType.TEXT ? cell.isEmpty() : cell.missing()) {
            return column.nullable() ? null : "a value";
        }
        switch (type) {
            case NUMBER -> {
                double number = cell.number();
                if (cell.ok() && Float.isInfinite((float) number)) {
                    return CellParser.EXPECTED_FLOAT;
                }
                row.number(position, number);
            }
            case INTEGER -> row.integer(position, cell.integer());
            case BOOLEAN -> row.bool(position, cell.bool());
            case TIME -> row.time(position, cell.time());
            case TEXT -> {
                row.text(position, cell.text());
                return null;
            }
            case VECTOR -> throw new IllegalStateException("a source of CSV files refuses vectors");
        }
        return cell.ok() ? null : expected(type);
    }

    private static String expected(ColumnType type) {
        return switch (type) {
            case NUMBER -> CellParser.EXPECTED_NUMBER;
            case INTEGER -> CellParser.EXPECTED_INTEGER;
            case BOOLEAN -> CellParser.EXPECTED_BOOLEAN;
            case TIME -> CellParser.EXPECTED_TIME;
            case TEXT -> "text";
            case VECTOR -> "a vector";
        };
    }

    /** {@return the name of the event id in the file} */
    String idName() {
        return name(id);
    }

    private String name(int field) {
        return header.names().get(field);
    }
}
