package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.evaluate.RunReport;
import dev.flywheel.pipeline.explain.Explanation;
import dev.flywheel.pipeline.explain.Explanation.Contribution;
import dev.flywheel.pipeline.explain.Importance;
import dev.flywheel.pipeline.explain.Robustness;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.flywheel.Logging;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExplainTest {

    @TempDir
    Path directory;

    private Path home;
    private Path csv;

    @BeforeEach
    void writePoints() throws IOException {
        home = directory.resolve("home");
        csv = CrashTest.writePoints(directory.resolve("points.csv"), 600);
    }

    @Test
    void explainsAPredictionAlikeBeforeAndAfterARestartAndOnceAnotherVersionServes() {
        Pipeline<Point, Boolean, Double> pipeline = CrashChild.pipeline(csv);
        Point point = new Point(2, 1, "red");
        Explanation first;
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            first = live.explain(point);
            assertThat(first.version()).isEqualTo(1);
            assertThat(first.exact()).isTrue();
            assertThat(first.prediction()).isCloseTo(live.predict(point).value(), within(1e-6));
            assertThat(sum(first)).isCloseTo(first.prediction(), within(1e-9));
            assertThat(first.contributions().stream().map(Contribution::column))
                    .containsExactlyInAnyOrder("x", "y", "colour");
            assertThat(first.backgroundRows()).isEqualTo(100);
            assertThat(live.snapshot().total().requests()).isEqualTo(1);
        }
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            assertThat(live.explain(point)).isEqualTo(first);
            live.retrain().join();
            assertThat(live.explain(point).version()).isEqualTo(live.version());
        }
    }

    /** By definition: the mean over all orders of the columns, and all rows of the background. */
    @Test
    void theValuesAreThoseOfTheDefinition() throws IOException {
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(CrashChild.pipeline(csv))) {
            Point point = new Point(-1, 0.5, "blue");
            Explanation found = live.explain(point);
            List<Point> background = background();
            Map<String, Double> expected = new HashMap<>();
            List<List<String>> orders = List.of(
                    List.of("x", "y", "colour"),
                    List.of("x", "colour", "y"),
                    List.of("y", "x", "colour"),
                    List.of("y", "colour", "x"),
                    List.of("colour", "x", "y"),
                    List.of("colour", "y", "x"));
            for (Point other : background) {
                for (List<String> order : orders) {
                    Point mixed = other;
                    double before = live.predict(mixed).value();
                    for (String column : order) {
                        mixed = new Point(
                                column.equals("x") ? point.x() : mixed.x(),
                                column.equals("y") ? point.y() : mixed.y(),
                                column.equals("colour") ? point.colour() : mixed.colour());
                        double after = live.predict(mixed).value();
                        expected.merge(column, (after - before) / 6 / background.size(), Double::sum);
                        before = after;
                    }
                }
            }
            for (Contribution each : found.contributions()) {
                assertThat(each.value()).isCloseTo(expected.get(each.column()), within(1e-5));
            }
        }
    }

    private List<Point> background() throws IOException {
        List<Point> points = new ArrayList<>();
        Path folder = home.resolve("pipelines/points/versions/1/reference/background");
        try (Stream<Path> files = Files.list(folder)) {
            var data = Dataset.open(files.findFirst().orElseThrow());
            try (var scan = data.scan()) {
                for (var batch = scan.next(); batch != null; batch = scan.next()) {
                    for (int row = 0; row < batch.rows(); row++) {
                        var schema = batch.schema();
                        points.add(new Point(
                                batch.number(schema.indexOf("x"), row),
                                batch.number(schema.indexOf("y"), row),
                                batch.text(schema.indexOf("colour"), row)));
                    }
                }
            }
        }
        return points;
    }

    @Test
    void aRunReportsWhatItsWinnerGoesByAndWithstands() throws IOException {
        try (Factory factory = Factory.open(home)) {
            Run run = factory.run(CrashChild.pipeline(csv));
            Path json = run.report().resolveSibling("run.json");
            RunReport.Examination found = RunReport.read(Files.readAllBytes(json), json.toString())
                    .models()
                    .examination();
            assertThat(found).isNotNull();
            assertThat(found.importances().stream().map(Importance::column))
                    .containsExactlyInAnyOrder("x", "y", "colour");
            assertThat(found.importances().get(0).loss().low()).isPositive();
            assertThat(found.robustness().stream().map(Robustness::perturbation))
                    .containsExactlyElementsOf(Robustness.USUAL);
            assertThat(found.robustness()).allMatch(Robustness::available);
            assertThat(Files.readString(run.report()))
                    .contains("What the winner goes by", "What the winner withstands");
        }
    }

    @Test
    void keepsNoRowsWhereThePipelineLogsNothing() {
        Pipeline<Point, Boolean, Double> silent = Pipeline.named("points")
                .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                .features(Features.auto(Point.class))
                .train(Trainers.logistic())
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.5))
                .respond(p -> p)
                .log(Logging.of(Point.class).durability(Logging.Durability.NONE))
                .build();
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(silent)) {
            Random random = new Random(1);
            assertThat(home.resolve("pipelines/points/versions/1/reference/background"))
                    .doesNotExist();
            assertThatThrownBy(() -> live.explain(CrashChild.point(random)))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("version 1 cannot explain its predictions")
                    .hasMessageContaining("let the pipeline log the columns that it learns from, and train again");
        }
    }

    private static double sum(Explanation explanation) {
        return explanation.base()
                + explanation.contributions().stream()
                        .mapToDouble(Contribution::value)
                        .sum();
    }
}
