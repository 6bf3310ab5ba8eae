package dev.flywheel.pipeline.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Scan;
import dev.flywheel.pipeline.check.Check;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CsvRealDataTest {

    @TempDir
    Path directory;

    record Flight(Instant depTime, double distance, String origin, String destination) {}

    record Day(
            LocalDate date,
            double austin,
            @Nullable Double temp,
            @Nullable Double weatherRain) {}

    record Customer(
            int tenure, double monthlyCharges, @Nullable Double totalCharges, String contract, int seniorCitizen) {}

    private static Path data(String name) {
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            Path file = at.resolve("shared/data").resolve(name);
            if (Files.exists(file)) {
                return file;
            }
        }
        Assumptions.abort("no shared/data/" + name + " beside the project");
        throw new AssertionError("unreachable");
    }

    private static double sum(Dataset dataset, String name) {
        int column = dataset.schema().indexOf(name);
        double sum = 0;
        try (Scan scan = dataset.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int i = 0; i < batch.rows(); i++) {
                    sum += batch.missing(column, i) ? 0 : batch.number(column, i);
                }
            }
        }
        return sum;
    }

    private static long missing(Dataset dataset, String name) {
        int column = dataset.schema().indexOf(name);
        long missing = 0;
        try (Scan scan = dataset.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int i = 0; i < batch.rows(); i++) {
                    missing += batch.missing(column, i) ? 1 : 0;
                }
            }
        }
        return missing;
    }

    @Test
    void flights() {
        Ingested<Flight> ingested = Csv.files(data("flights.csv.gz"))
                .eventTime("dep_time")
                .examples(Flight.class, Target.atLeast("delay", 15))
                .ingest(Ingestion.into(directory)
                        .checks(List.of(
                                Check.column("distance").between(0, 12_000).notNull())));

        Dataset dataset = ingested.dataset();
        assertThat(ingested.report().rowsRead()).isEqualTo(300_000);
        assertThat(ingested.report().rowsAccepted()).isEqualTo(300_000);
        assertThat(sum(dataset, Source.LABEL) / dataset.rows()).isBetween(0.2085, 0.2095);
        try (Scan scan = dataset.scan()) {
            Batch batch = scan.next();
            assertThat(batch).isNotNull();
            assertThat(ingested.type().read(batch.row(0)))
                    .isEqualTo(new Flight(Instant.parse("2001-01-01T00:03:00Z"), 1946, "LAX", "ATL"));
        }
    }

    @Test
    void implausibleDelaysAreFoundByACheck() {
        Ingested<Row> ingested = Csv.files(data("flights.csv.gz"))
                .rows(Target.number("delay"))
                .ingest(Ingestion.into(directory)
                        .checks(List.of(Check.column("$label").between(-67, 1_400))));

        assertThat(ingested.type().schema())
                .hasToString("[dep_time:time?, distance:integer?, origin:text?, destination:text?]");
        assertThat(ingested.report().quarantined()).containsExactly(entry("$label: expected between -67 and 1400", 6L));
        assertThat(ingested.report().quarantineFile()).content().contains("2001-03-31T23:58,1671,PHX,DTW,1438");
    }

    @Test
    void telcoChurn() {
        Ingested<Customer> ingested = Csv.files(data("telco_churn.csv.gz"))
                .examples(Customer.class, Target.isTrue("churn"))
                .ingest(Ingestion.into(directory));

        assertThat(ingested.dataset().rows()).isEqualTo(7_043);
        assertThat(sum(ingested.dataset(), Source.LABEL)).isEqualTo(1_869);
        assertThat(missing(ingested.dataset(), "totalCharges")).isEqualTo(11);
        assertThat(ingested.report().notes()).hasSize(1);
    }

    @Test
    void telcoChurnAsRows() {
        Ingested<Row> ingested = Csv.files(data("telco_churn.csv.gz"))
                .rows(Target.isTrue("churn"))
                .ingest(Ingestion.into(directory));

        assertThat(ingested.dataset().rows()).isEqualTo(7_043);
        assertThat(ingested.type().schema().size()).isEqualTo(19);
        assertThat(ingested.type().schema().toString())
                .contains("tenure:integer?", "monthly_charges:number?", "contract:text?", "total_charges:number?");
    }

    @Test
    void chicagoRidershipAsRecords() {
        Ingested<Day> ingested = Csv.files(data("chicago_ridership.csv.gz"))
                .eventTime("date")
                .examples(Day.class, Target.number("ridership"))
                .ingest(Ingestion.into(directory));

        assertThat(ingested.dataset().rows()).isEqualTo(5_698);
        try (Scan scan = ingested.dataset().scan()) {
            Batch batch = scan.next();
            assertThat(batch).isNotNull();
            assertThat(ingested.type().read(batch.row(0)))
                    .isEqualTo(new Day(LocalDate.of(2001, 1, 22), 1.463, 19.45, 0.0));
            assertThat(batch.number(4, 0)).isEqualTo(15.732);
        }
    }

    @Test
    void chicagoRidershipAsRows() {
        Ingested<Row> ingested = Csv.files(data("chicago_ridership.csv.gz"))
                .eventTime("date")
                .ignore("austin")
                .rows(Target.number("ridership"))
                .ingest(Ingestion.into(directory));

        assertThat(ingested.dataset().rows()).isEqualTo(5_698);
        assertThat(ingested.type().schema().size()).isEqualTo(48);
        assertThat(ingested.type().schema().toString()).startsWith("[date:time?, quincy_wells:number?, ");
        assertThat(ingested.report().quarantined()).isEmpty();
    }
}
