package dev.flywheel.pipeline.source;

import dev.flywheel.core.DataException;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.RecordType;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.Schema;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Examples in CSV files. Immutable.
 *
 * @param type the record that rows become, or null for {@link Row}
 */
record CsvSource<I, L>(Csv csv, @Nullable RecordType<I> type, Target<L> target) implements Source<I, L> {

    @Override
    public String describe() {
        return csv.describe() + ", rows as "
                + (type == null ? "Row" : type.type().getName()) + ", target " + target.describe();
    }

    @Override
    @SuppressWarnings("unchecked") // without a record the input is Row
    public RowType<I> type(Schema inputs) {
        if (type == null) {
            return (RowType<I>) Row.type(inputs);
        }
        if (!type.schema().equals(inputs)) {
            throw new DataException(
                    "the examples that were kept cannot be read as record "
                            + type.type().getName(),
                    "they have the columns " + inputs + ", the record has " + type.schema(),
                    "give the pipeline of the new record another name, or run the pipeline once on its source");
        }
        return type;
    }

    @Override
    public Ingested<I> ingest(Ingestion where) {
        CsvHeader header;
        try (CsvFile first = new CsvFile(csv.files().get(0))) {
            header = new CsvHeader(first.name(), first.header());
        }
        Set<Integer> ignored = new LinkedHashSet<>();
        for (String name : csv.ignored()) {
            ignored.add(header.require(name, "ignore"));
        }
        List<String> notes = new ArrayList<>();
        return type == null ? rows(header, ignored, notes, where) : records(type, header, ignored, notes, where);
    }

    private Ingested<I> records(
            RecordType<I> type, CsvHeader header, Set<Integer> ignored, List<String> notes, Ingestion where) {
        Schema inputs = type.schema();
        int[] fields = new int[inputs.size()];
        Set<Integer> used = new LinkedHashSet<>(ignored);
        for (int i = 0; i < fields.length; i++) {
            String name = inputs.column(i).name();
            fields[i] = header.require(name, "record " + type.type().getName());
            if (ignored.contains(fields[i])) {
                throw new DataException(
                        csv.files().get(0) + " cannot be used",
                        "the column \"" + header.names().get(fields[i]) + "\" is ignored, but record "
                                + type.type().getName() + " needs it",
                        "take it out of ignore(...), or out of the record");
            }
            used.add(fields[i]);
        }
        CsvPlan plan = plan(header, inputs, fields, used);
        noteUnused(header, used, notes);
        return new CsvIngestion<>(csv.files(), header, plan, type, notes, where).run();
    }

    @SuppressWarnings("unchecked") // without a record the input is Row
    private Ingested<I> rows(CsvHeader header, Set<Integer> ignored, List<String> notes, Ingestion where) {
        Set<Integer> left = new LinkedHashSet<>(ignored);
        left.add(header.require(target.column(), "the target"));
        if (csv.eventIdColumn() != null) {
            left.add(header.require(csv.eventIdColumn(), "eventId"));
        }
        List<Integer> fields = new ArrayList<>();
        for (int i = 0; i < header.names().size(); i++) {
            String name = header.names().get(i);
            if (name.isBlank()) {
                notes.add("column " + (i + 1) + " has no name and is ignored");
            } else if (!left.contains(i)) {
                requireUnreserved(name);
                fields.add(i);
            }
        }
        if (fields.isEmpty()) {
            throw new DataException(
                    csv.files().get(0) + " cannot be used",
                    "it has no column left beside the target " + target.column(),
                    "give a file with columns to predict from, or ignore fewer");
        }
        Schema inputs = infer(header, fields, notes);
        int[] array = fields.stream().mapToInt(Integer::intValue).toArray();
        CsvPlan plan = plan(header, inputs, array, left);
        return new CsvIngestion<>(csv.files(), header, plan, (RowType<I>) Row.type(inputs), notes, where).run();
    }

    private CsvPlan plan(CsvHeader header, Schema inputs, int[] fields, Set<Integer> used) {
        int time =
                csv.eventTimeColumn() == null ? CsvHeader.ABSENT : header.require(csv.eventTimeColumn(), "eventTime");
        int id = csv.eventIdColumn() == null ? CsvHeader.ABSENT : header.require(csv.eventIdColumn(), "eventId");
        used.add(time);
        used.add(id);
        used.add(header.require(target.column(), "the target"));
        return new CsvPlan(header, target, inputs, fields, time, id);
    }

    private static void noteUnused(CsvHeader header, Set<Integer> used, List<String> notes) {
        List<String> unused = new ArrayList<>();
        for (int i = 0; i < header.names().size(); i++) {
            if (!used.contains(i)) {
                unused.add(header.names().get(i));
            }
        }
        if (!unused.isEmpty()) {
            notes.add("not used: " + String.join(", ", unused));
        }
    }

    private void requireUnreserved(String name) {
        if (name.startsWith("$")) {
            throw new DataException(
                    csv.files().get(0) + " cannot be used",
                    "its column \"" + name + "\" has a reserved name, as all that begin with $",
                    "rename it, or ignore it with ignore(\"" + name + "\")");
        }
    }

    private Schema infer(CsvHeader header, List<Integer> fields, List<String> notes) {
        List<CsvInference> columns = new ArrayList<>();
        for (int field : fields) {
            columns.add(new CsvInference(header.names().get(field)));
        }
        CellParser cell = new CellParser();
        for (String name : csv.files()) {
            try (CsvFile file = new CsvFile(name)) {
                header.requireSame(name, file.header());
                for (CsvLine line = file.next(); line != null; line = file.next()) {
                    if (CsvPlan.structure(line, header) == null) {
                        for (int i = 0; i < columns.size(); i++) {
                            columns.get(i).add(line.cell(fields.get(i), cell), line.line());
                        }
                    }
                }
            }
        }
        List<Column> found = new ArrayList<>();
        for (CsvInference column : columns) {
            found.add(column.column());
            String note = column.note();
            if (note != null) {
                notes.add(note);
            }
        }
        return Schema.of(found);
    }
}
