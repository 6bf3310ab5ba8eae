package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.feature.CalendarPart;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Ingested;
import dev.flywheel.pipeline.source.Ingestion;
import dev.flywheel.pipeline.source.Source;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainer;
import dev.flywheel.pipeline.train.Trainers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a user gets who writes the shortest definition that makes sense, on real data. The bounds are what scikit-learn
 * reaches with its defaults on the same rows: logistic and ridge regression, and its MLP for the diamonds.
 */
class QualityTest {

    private static final Trainer[] BINARY = {Trainers.logistic(), Trainers.mlp(64, 32)};
    private static final Trainer[] REGRESSION = {Trainers.linear(), Trainers.mlp(64, 32)};
    private static final int COMPARED = 5_000;

    @TempDir
    Path directory;

    @Test
    void churn() {
        Source<Row, Boolean> source = Csv.files(SharedData.csv("telco_churn")).rows(Target.isTrue("churn"));
        Run run = run(source, auto("churn", source, BINARY), 5_635, 1_408);
        assertThat(value(run, Metric.ROC_AUC)).isGreaterThanOrEqualTo(0.835);
    }

    @Test
    void spam() {
        Source<Row, Boolean> source = Csv.files(SharedData.csv("spambase")).rows(Target.equal("type", "spam"));
        Run run = run(source, auto("spam", source, BINARY), 3_681, 920);
        assertThat(value(run, Metric.ROC_AUC)).isGreaterThanOrEqualTo(0.969);
    }

    @Test
    void diamonds() {
        Source<Row, Double> source = Csv.files(SharedData.csv("diamonds"))
                .rows(Target.number("price").onLogScale());
        Run run = run(source, auto("diamonds", source, REGRESSION), 43_152, 10_788);
        assertThat(value(run, Metric.RMSE)).isLessThanOrEqualTo(755);
    }

    @Test
    void ridership() {
        Source<Row, Double> source =
                Csv.files(SharedData.csv("chicago_ridership")).eventTime("date").rows(Target.number("ridership"));
        Features<Row> features =
                Features.auto().calendar("date", CalendarPart.DAY_OF_WEEK, CalendarPart.MONTH, CalendarPart.YEAR);
        Pipeline<Row, Double, Double> pipeline = Pipeline.named("ridership")
                .from(source)
                .split(Split.newest(Duration.ofDays(971))) // from 2014 on
                .features(features)
                .train(REGRESSION)
                .respond(p -> p)
                .build();
        Run run = run(source, pipeline, 4_727, 971);
        assertThat(value(run, Metric.RMSE)).isLessThanOrEqualTo(2.62);
    }

    @Test
    @Tag("slow")
    void flights() {
        Source<Row, Boolean> source =
                Csv.files(SharedData.csv("flights")).eventTime("dep_time").rows(Target.atLeast("delay", 15));
        Pipeline<Row, Boolean, Double> pipeline = Pipeline.named("flights")
                .from(source)
                .split(Split.newest(Duration.ofDays(91))) // from April on
                .features(Features.auto())
                .train(BINARY)
                .respond(p -> p)
                .build();
        Run run = run(source, pipeline, 147_791, 152_209);
        assertThat(value(run, Metric.ROC_AUC)).isGreaterThanOrEqualTo(0.645);
        assertThat(value(run, Metric.LOG_LOSS)).isLessThanOrEqualTo(0.472);
    }

    private static <L> Pipeline<Row, L, Double> auto(String name, Source<Row, L> source, Trainer... candidates) {
        return Pipeline.named(name)
                .from(source)
                .split(Split.everyNth(5))
                .features(Features.auto())
                .train(candidates)
                .respond(p -> p)
                .build();
    }

    private static double value(Run run, Metric metric) {
        return Objects.requireNonNull(run.metrics().get(metric.name())).value();
    }

    private <L> Run run(Source<Row, L> source, Pipeline<Row, L, Double> pipeline, int trainRows, int testRows) {
        try (Factory factory = Factory.open(directory.resolve("home"))) {
            long start = System.nanoTime();
            Run run = factory.run(pipeline);
            record(run, (System.nanoTime() - start) / 1e9);
            assertThat(run.outcome()).as(run.reason()).isEqualTo(Run.Outcome.PROMOTED);
            ModelCard card = factory.versions(pipeline.name()).get(0).card();
            assertThat(card.trainRows()).isEqualTo(trainRows);
            assertThat(card.testRows()).isEqualTo(testRows);
            assertThat(run.report()).content().contains(labels(run));
            try (Deployment<Row, L, Double> live = factory.start(pipeline)) {
                comparePaths(live, source.ingest(Ingestion.into(directory.resolve("data"))));
            }
            return run;
        }
    }

    /** Keeps the numbers under target/, for whoever tunes a default. */
    private static void record(Run run, double seconds) {
        Map<String, Object> numbers = new LinkedHashMap<>();
        numbers.put("candidate", run.candidate());
        numbers.put("seconds", seconds);
        numbers.put("metrics", run.metrics());
        Path folder = Path.of("target", "quality");
        Durable.createDirectories(folder);
        Durable.write(folder.resolve(run.pipeline() + ".json"), Json.write(numbers));
    }

    private static List<String> labels(Run run) {
        return run.metrics().keySet().stream()
                .map(name -> Metric.valueOf(name).label())
                .toList();
    }

    /** One row alone, many rows, and a dataset must get the same answers. */
    private static void comparePaths(Deployment<Row, ?, Double> live, Ingested<Row> examples) {
        double[] scores = live.score(examples.dataset());
        assertThat(scores).hasSize((int) examples.dataset().rows());
        double tolerance = 1e-6 * Arrays.stream(scores).map(Math::abs).max().orElseThrow();
        List<Row> rows = firstRows(examples);
        List<Prediction<Double>> together = live.predictAll(rows);
        for (int i = 0; i < rows.size(); i++) {
            assertThat(together.get(i).value()).isFinite().isCloseTo(scores[i], within(tolerance));
            if (i % 16 == 0) {
                assertThat(live.predict(rows.get(i)).value()).isCloseTo(scores[i], within(tolerance));
            }
        }
    }

    private static List<Row> firstRows(Ingested<Row> examples) {
        List<Row> rows = new ArrayList<>();
        try (Scan scan = examples.dataset().scan()) {
            for (Batch batch = scan.next(); batch != null && rows.size() < COMPARED; batch = scan.next()) {
                for (int row = 0; row < batch.rows() && rows.size() < COMPARED; row++) {
                    rows.add(examples.type().read(batch.row(row)));
                }
            }
        }
        return rows;
    }
}
