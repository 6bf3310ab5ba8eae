package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.log.RowDecoder;
import dev.flywheel.core.log.RowEncoder;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.registry.PipelineDirectory;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.drift.DriftLimits;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Ingested;
import dev.flywheel.pipeline.source.Ingestion;
import dev.flywheel.pipeline.source.Source;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import dev.flywheel.pipeline.watch.Reference;
import dev.flywheel.pipeline.watch.Watch;
import dev.flywheel.pipeline.watch.Watcher;
import dev.flywheel.pipeline.watch.WindowResult;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Customers that were only shuffled, watched as a deployment watches them: encoded rows and a model's answers. */
class TelcoWatchTest {

    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
    private static final int WINDOWS = 1_000;
    private static final int WINDOWS_A_VERSION = 50;
    private static final int ROWS = 500;

    @TempDir
    Path directory;

    private final List<WindowResult> windows = new ArrayList<>();

    @Test
    void raisesNoMoreAlarmsInAThousandWindowsThanItsRate() {
        Source<Row, Boolean> source = Csv.files(SharedData.csv("telco_churn")).rows(Target.isTrue("churn"));
        Ingested<Row> customers = source.ingest(Ingestion.into(directory.resolve("data")));
        Pipeline<Row, Boolean, Double> pipeline = Pipeline.named("telco")
                .from(source)
                .features(Features.auto())
                .train(Trainers.logistic())
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.5))
                .respond(p -> p)
                .build();
        try (Factory factory = Factory.open(directory.resolve("home"));
                Deployment<Row, Boolean, Double> live = factory.start(pipeline)) {
            double[] scores = live.score(customers.dataset());
            ModelCard card = factory.versions("telco").get(0).card();
            watch(customers, scores, card);
        }
        long alarms = windows.stream().filter(TelcoWatchTest::alarms).count();
        assertThat(windows).hasSize(WINDOWS).allSatisfy(window -> {
            assertThat(window.rows()).isEqualTo(ROWS);
            assertThat(window.features()).hasSize(19);
            assertThat(window.prediction()).isNotNull();
        });
        assertThat(alarms).as("windows with an alarm, of 1,000").isLessThanOrEqualTo((long)
                (DriftLimits.defaults().falseDiscoveryRate() * WINDOWS));
    }

    private static boolean alarms(WindowResult window) {
        return Stream.concat(window.features().stream(), Stream.ofNullable(window.prediction()))
                .anyMatch(feature -> feature.alarm() != WindowResult.Alarm.NONE);
    }

    /** Each version knows one half of the customers, in another order, and is asked about the other. */
    private void watch(Ingested<Row> customers, double[] scores, ModelCard card) {
        RowType<Row> type = customers.type();
        List<Customer> all = customers(customers, scores);
        Random random = new Random(20);
        Watch watch = Watch.defaults().window(ROWS).confirmedBy(1); // a window that is odd by chance counts
        PipelineDirectory place = new PipelineDirectory(directory);
        Watcher watcher = new Watcher(watch, Task.BINARY, type.schema(), Set.of(), place, windows::add);
        RowEncoder encoder = new RowEncoder(type.schema());
        RowDecoder decoder = new RowDecoder(type.schema());
        for (int version = 1; windows.size() < WINDOWS; version++) {
            Collections.shuffle(all, random);
            List<Customer> known = all.subList(0, all.size() / 2);
            Path path = directory.resolve("version-" + version);
            Reference.write(path, origin(type, known), watch);
            watcher.serving(version, card, path, START);
            List<Customer> others = new ArrayList<>(all.subList(known.size(), all.size()));
            for (int window = 0; window < WINDOWS_A_VERSION; window++) {
                Collections.shuffle(others, random);
                for (Customer customer : others.subList(0, ROWS)) {
                    encoder.clear();
                    type.write(customer.row, encoder);
                    RowReader row = decoder.read(encoder.row());
                    watcher.predicted(UUID.randomUUID(), version, row, customer.score, START);
                }
            }
        }
    }

    private record Customer(Row row, double label, double score) {}

    private static List<Customer> customers(Ingested<Row> ingested, double[] scores) {
        List<Customer> all = new ArrayList<>();
        int label = ingested.dataset().schema().indexOf(Source.LABEL);
        try (Scan scan = ingested.dataset().scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int i = 0; i < batch.rows(); i++) {
                    Row row = ingested.type().read(batch.row(i));
                    all.add(new Customer(row, batch.number(label, i), scores[all.size()]));
                }
            }
        }
        return all;
    }

    /** What a run tells of its winner: a fifth was held out to evaluate it. */
    private Reference.Origin origin(RowType<Row> type, List<Customer> known) {
        int held = known.size() / 5;
        List<Customer> test = known.subList(0, held);
        return new Reference.Origin(
                Task.BINARY,
                type.schema(),
                dataset(type, known.subList(held, known.size())),
                dataset(type, test),
                test.stream().mapToDouble(Customer::label).toArray(),
                test.stream().mapToDouble(Customer::score).toArray(),
                null);
    }

    private Dataset dataset(RowType<Row> type, List<Customer> customers) {
        try (Dataset.Writer writer = Dataset.writer(directory.resolve("parts"), type.schema())) {
            customers.forEach(customer -> {
                type.write(customer.row, writer);
                writer.endRow();
            });
            return writer.finish();
        }
    }
}
