package dev.flywheel.pipeline.source;

import dev.flywheel.core.DataException;
import dev.flywheel.core.FactoryException;
import dev.flywheel.core.data.RecordType;
import dev.flywheel.core.data.RowType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One reading of CSV files into a dataset. Used once. Not thread-safe. */
final class CsvIngestion<I> {

    private final List<String> files;
    private final CsvHeader header;
    private final CsvPlan plan;
    private final RowType<I> type;
    private final List<String> notes;
    private final Ingestion where;
    private final RowBuffer row;

    CsvIngestion(
            List<String> files, CsvHeader header, CsvPlan plan, RowType<I> type, List<String> notes, Ingestion where) {
        this.files = files;
        this.header = header;
        this.plan = plan;
        this.type = type;
        this.notes = notes;
        this.where = where;
        this.row = new RowBuffer(plan.schema());
    }

    Ingested<I> run() {
        try (Intake intake = new Intake(plan.schema(), where)) {
            for (String file : files) {
                read(file, intake);
            }
            String what = String.join(", ", files);
            if (intake.rows() == 0) {
                throw new DataException(
                        what + " cannot be used", "there is no row below the header", "give a file with examples");
            }
            return intake.finish(what, type, notes);
        }
    }

    private void read(String name, Intake intake) {
        try (CsvFile file = new CsvFile(name)) {
            header.requireSame(name, file.header());
            for (CsvLine line = file.next(); line != null; line = file.next()) {
                intake.next();
                Refusal refusal = plan.read(line, row);
                if (refusal == null) {
                    refusal = judge(intake);
                }
                if (refusal == null) {
                    intake.accept(row);
                } else {
                    CsvLine refused = line;
                    intake.refuse(name, line.line(), () -> refused.raw(Quarantine.ROW_LIMIT), refusal);
                }
            }
        }
    }

    /** {@return why a row that could be read is refused, or null} */
    private @Nullable Refusal judge(Intake intake) {
        Refusal refusal = intake.judge(row);
        if (refusal == null && type instanceof RecordType<I> record) {
            try {
                record.read(row);
            } catch (FactoryException e) {
                return new Refusal(
                        null,
                        "expected values that record " + record.type().getName() + " accepts",
                        String.valueOf(e.getMessage()));
            }
        }
        return refusal != null ? refusal : intake.judgeId(row, plan::idName);
    }
}
