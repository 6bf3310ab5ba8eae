package dev.flywheel.pipeline.source;

import dev.flywheel.core.DataException;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.Schema;
import dev.flywheel.pipeline.check.BoundCheck;
import dev.flywheel.pipeline.check.Violation;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One reading of a source: rows go into a dataset or, refused, to quarantine. Used once. Not thread-safe. */
final class Intake implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Intake.class);

    private static final int PROGRESS_ROWS = 8_192;
    private static final int NONE = -1;

    private final Ingestion where;
    private final BoundCheck[] checks;
    private final int id;
    private final Set<String> ids = new HashSet<>();
    private final Dataset.Writer writer;
    private final Quarantine quarantine;
    private long read;

    /** @param schema the columns of the dataset */
    Intake(Schema schema, Ingestion where) {
        this.where = where;
        this.checks = where.checks().stream().map(check -> check.bind(schema)).toArray(BoundCheck[]::new);
        this.id = schema.contains(Source.ID) ? schema.indexOf(Source.ID) : NONE;
        this.writer = Dataset.writer(where.datasets(), schema);
        this.quarantine = new Quarantine(where.quarantine());
    }

    /** {@return the number of rows that were found} */
    long rows() {
        return read;
    }

    /** Counts a row that was found. */
    void next() {
        if (read > 0 && read % PROGRESS_ROWS == 0) {
            where.onRowsRead().accept(read);
        }
        read++;
    }

    /** {@return why a check refuses a row, or null} */
    @Nullable
    Refusal judge(RowReader row) {
        for (BoundCheck check : checks) {
            Violation violation = check.violation(row);
            if (violation != null) {
                return new Refusal(violation.column(), "expected " + violation.expected(), violation.found());
            }
        }
        return null;
    }

    /**
     * {@return whether a row has no id, or one that no row before has} To be asked last: it remembers the id.
     *
     * @param name what the id is called in the source
     */
    @Nullable
    Refusal judgeId(RowReader row, Supplier<String> name) {
        return id == NONE || ids.add(row.text(id))
                ? null
                : new Refusal(name.get(), "expected an id that no row before has", row.text(id));
    }

    void accept(RowReader row) {
        row.copyTo(writer);
        writer.endRow();
    }

    /**
     * Keeps a refused row.
     *
     * @param source the file it is in
     * @param line where it is there, from 1
     * @param raw as it is there
     */
    void refuse(String source, long line, Supplier<String> raw, Refusal refusal) {
        quarantine.add(source, line, raw, refusal);
    }

    /**
     * {@return what was read}
     *
     * @param what the source
     * @throws DataException if more than half of the rows were refused
     */
    <I> Ingested<I> finish(String what, RowType<I> type, List<String> notes) {
        where.onRowsRead().accept(read);
        if (quarantine.total() * 2 > read) {
            throw new DataException(
                    what + " cannot be used",
                    quarantine.total() + " of " + read + " rows were refused, most often for " + quarantine.worst(),
                    "mend the data, or the record, the target and the checks that it should fit; every refused row is"
                            + " in " + quarantine.file());
        }
        Dataset dataset = writer.finish();
        LOG.debug("read {} rows of {}, refused {}", read, what, quarantine.total());
        IngestReport report = new IngestReport(read, dataset.rows(), quarantine.counts(), quarantine.file(), notes);
        return new Ingested<>(dataset, type, report);
    }

    @Override
    public void close() {
        try {
            quarantine.close();
        } finally {
            writer.close();
        }
    }
}
