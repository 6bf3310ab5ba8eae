package dev.flywheel.pipeline.source;

import dev.flywheel.core.DataException;
import dev.flywheel.core.FactoryException;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RecordType;
import dev.flywheel.core.data.RowType;
import dev.flywheel.pipeline.check.BoundCheck;
import dev.flywheel.pipeline.check.Violation;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One reading of CSV files into a dataset. Used once. Not thread-safe. */
final class CsvIngestion<I> {

    private static final Logger LOG = LoggerFactory.getLogger(CsvIngestion.class);

    private static final int PROGRESS_ROWS = 8_192;

    private final List<String> files;
    private final CsvHeader header;
    private final CsvPlan plan;
    private final RowType<I> type;
    private final List<String> notes;
    private final Ingestion where;
    private final BoundCheck[] checks;
    private final RowBuffer row;
    private final int id;
    private final Set<String> ids = new HashSet<>();
    private long read;

    CsvIngestion(
            List<String> files, CsvHeader header, CsvPlan plan, RowType<I> type, List<String> notes, Ingestion where) {
        this.files = files;
        this.header = header;
        this.plan = plan;
        this.type = type;
        this.notes = notes;
        this.where = where;
        this.row = new RowBuffer(plan.schema());
        this.id = plan.schema().contains(Source.ID) ? plan.schema().indexOf(Source.ID) : CsvHeader.ABSENT;
        this.checks =
                where.checks().stream().map(check -> check.bind(plan.schema())).toArray(BoundCheck[]::new);
    }

    Ingested<I> run() {
        try (Dataset.Writer writer = Dataset.writer(where.datasets(), plan.schema());
                Quarantine quarantine = new Quarantine(where.quarantine())) {
            for (String file : files) {
                read(file, writer, quarantine);
            }
            where.onRowsRead().accept(read);
            requireUsable(quarantine);
            Dataset dataset = writer.finish();
            LOG.debug("read {} rows of {}, refused {}", read, files, quarantine.total());
            IngestReport report = new IngestReport(read, dataset.rows(), quarantine.counts(), quarantine.file(), notes);
            return new Ingested<>(dataset, type, report);
        }
    }

    private void read(String name, Dataset.Writer writer, Quarantine quarantine) {
        try (CsvFile file = new CsvFile(name)) {
            header.requireSame(name, file.header());
            for (CsvLine line = file.next(); line != null; line = file.next()) {
                if (read > 0 && read % PROGRESS_ROWS == 0) {
                    where.onRowsRead().accept(read);
                }
                read++;
                Refusal refusal = plan.read(line, row);
                if (refusal == null) {
                    refusal = judge();
                }
                if (refusal == null) {
                    row.copyTo(writer);
                    writer.endRow();
                } else {
                    quarantine.add(name, line, refusal);
                }
            }
        }
    }

    /** {@return why a row that could be read is refused, or null} */
    private @Nullable Refusal judge() {
        for (BoundCheck check : checks) {
            Violation violation = check.violation(row);
            if (violation != null) {
                return new Refusal(violation.column(), "expected " + violation.expected(), violation.found());
            }
        }
        if (type instanceof RecordType<I> record) {
            try {
                record.read(row);
            } catch (FactoryException e) {
                return new Refusal(
                        null,
                        "expected values that record " + record.type().getName() + " accepts",
                        String.valueOf(e.getMessage()));
            }
        }
        if (id != CsvHeader.ABSENT && !ids.add(row.text(id))) {
            return new Refusal(plan.idName(), "expected an id that no row before has", row.text(id));
        }
        return null;
    }

    private void requireUsable(Quarantine quarantine) {
        String what = String.join(", ", files) + " cannot be used";
        if (read == 0) {
            throw new DataException(what, "there is no row below the header", "give a file with examples");
        }
        if (quarantine.total() * 2 > read) {
            throw new DataException(
                    what,
                    quarantine.total() + " of " + read + " rows were refused, most often for " + quarantine.worst(),
                    "mend the data, or the record, the target and the checks that it should fit; every refused row is"
                            + " in " + quarantine.file());
        }
    }
}
