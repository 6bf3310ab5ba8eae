package dev.flywheel.pipeline.watch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.log.RowDecoder;
import dev.flywheel.core.log.RowEncoder;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.registry.PipelineDirectory;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.watch.WindowResult.Alarm;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WatcherTest {

    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
    private static final Schema INPUTS =
            Schema.of(List.of(new Column("size", ColumnType.NUMBER, true), new Column("kind", ColumnType.TEXT, true)));

    @TempDir
    Path home;

    private final Random random = new Random(7);
    private final List<WindowResult> windows = new ArrayList<>();
    private Path version = Path.of("");
    private long ids;
    private final RowReader row = aRow();

    @BeforeEach
    void reference() {
        version = home.resolve("version");
        Dataset known = rows(2_000, 0);
        double[] scores = random.doubles(2_000).toArray();
        double[] labels = Arrays.stream(scores)
                .map(score -> random.nextDouble() < score ? 1 : 0)
                .toArray();
        Reference.write(
                version,
                new Reference.Origin(Task.BINARY, INPUTS, known, known, labels, scores, null),
                Watch.defaults());
    }

    @Test
    void aDriftCountsOnceTwoWindowsInARowHaveSeenIt() {
        Watcher watcher = open();
        day(watcher, 0, 0);
        day(watcher, 1, 2);
        assertThat(watcher.shifts()).isEmpty();
        day(watcher, 2, 2);
        assertThat(watcher.shifts()).extracting(Shift::name).containsExactly("size");
        assertThat(watcher.shifts().get(0).since()).isEqualTo(START.plus(Duration.ofDays(1)));
        day(watcher, 3, 0);
        assertThat(watcher.shifts()).isEmpty();
        assertThat(windows).extracting(WindowResult::raisesAlarm).containsExactly(false, false, true, false);
        assertThat(WatchHistory.read(new PipelineDirectory(home))).isEqualTo(windows);
    }

    @Test
    void anOpenWindowAndItsFindingsSurviveARestart() {
        Watcher watcher = open();
        day(watcher, 0, 2);
        feed(watcher, 1, 2, 150);
        watcher.save();
        Watcher reopened = open();
        assertThat(reopened.watched(0).rows()).isEqualTo(150);
        feed(reopened, 1, 2, 150);
        reopened.passed(START.plus(Duration.ofDays(2)));
        assertThat(windows.get(1).rows()).isEqualTo(300);
        assertThat(windows.get(1).feature("size")).hasValueSatisfying(f -> {
            assertThat(f.alarm()).isEqualTo(Alarm.RAISED);
            assertThat(f.since()).isEqualTo(START);
        });
    }

    @Test
    void anotherVersionBeginsAnewAndOneWithoutAReferenceSeesNoDrift() {
        Watcher watcher = open();
        day(watcher, 0, 2);
        day(watcher, 1, 2);
        assertThat(watcher.shifts()).isNotEmpty();
        watcher.serving(2, card(), home.resolve("nothing"), START.plus(Duration.ofDays(2)));
        assertThat(watcher.shifts()).isEmpty();
        assertThat(watcher.watched(0).comparable()).isFalse();
    }

    @Test
    void measuresQualityOnOutcomesAndEstimatesItWithout() {
        Watcher watcher = open();
        day(watcher, 0, 0);
        assertThat(watcher.estimated(Metric.ROC_AUC))
                .hasValueSatisfying(q -> assertThat(q.quality().now().value()).isBetween(0.7, 0.95));
        assertThat(windows.get(0).labels()).isEqualTo(300);
        assertThat(windows.get(0).quality())
                .extracting(WindowResult.Quality::metric)
                .contains(Metric.ROC_AUC);
        assertThat(windows.get(0).calibration()).isNotNull();
    }

    @Test
    void rulesGoByTheLastOutcomesOfTheServingVersion() {
        Watcher watcher = open();
        label(watcher, 899, 900);
        label(watcher, 0, 99);
        assertThat(watcher.quality(Metric.ACCURACY))
                .as("999 outcomes say nothing")
                .isEmpty();
        label(watcher, 0, 1);
        Measured first = watcher.quality(Metric.ACCURACY).orElseThrow();
        assertThat(first.quality().now().value()).isEqualTo(0.899);
        assertThat(first.quality().before()).isEqualTo(0.9);
        assertThat(first.quality().rows()).isEqualTo(1_000);
        label(watcher, 0, 99);
        assertThat(watcher.quality(Metric.ACCURACY))
                .as("looks every 100 labels")
                .contains(first);
        watcher.save();
        Watcher reopened = open();
        label(reopened, 0, 1);
        assertThat(reopened.quality(Metric.ACCURACY)
                        .orElseThrow()
                        .quality()
                        .now()
                        .value())
                .isEqualTo(0.799);
        assertThat(reopened.quality(Metric.ROC_AUC)).isEmpty();
        reopened.serving(2, card(), home.resolve("nothing"), START);
        label(reopened, 0, 1_000);
        assertThat(reopened.quality(Metric.ACCURACY))
                .as("outcomes of the version before")
                .isEmpty();
    }

    @Test
    void whatAModelAnswersWithoutANumberIsLeftOut() {
        Watcher watcher = open();
        for (double output : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
            label(watcher, output, 1);
        }
        label(watcher, 1_000, 1_000);
        assertThat(watcher.quality(Metric.ACCURACY)
                        .orElseThrow()
                        .quality()
                        .now()
                        .value())
                .isEqualTo(1);
    }

    /** Labels predictions of version 1, of which the first ones are right. */
    private void label(Watcher watcher, int right, int count) {
        for (int i = 0; i < count; i++) {
            label(watcher, 0.9, i < right ? 1.0 : 0.0);
        }
    }

    private void label(Watcher watcher, double output, double label) {
        UUID id = new UUID(0, ids++);
        watcher.predicted(id, 1, row, output, START);
        watcher.labelled(id, label, START);
    }

    private Watcher open() {
        Watcher watcher = new Watcher(
                Watch.defaults(),
                Task.BINARY,
                INPUTS,
                Set.of(Metric.ACCURACY),
                new PipelineDirectory(home),
                windows::add);
        watcher.serving(1, card(), version, START);
        return watcher;
    }

    private void day(Watcher watcher, int day, double shift) {
        feed(watcher, day, shift, 300);
        watcher.passed(START.plus(Duration.ofDays(day + 1)));
    }

    private void feed(Watcher watcher, int day, double shift, int rows) {
        try (Scan scan = rows(rows, shift).scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int row = 0; row < batch.rows(); row++) {
                    UUID id = new UUID(0, ids++);
                    double score = random.nextDouble();
                    Instant at = START.plus(Duration.ofDays(day)).plusSeconds(row);
                    watcher.predicted(id, 1, batch.row(row), score, at);
                    watcher.labelled(id, random.nextDouble() < score ? 1 : 0, at);
                }
            }
        }
    }

    private Dataset rows(int count, double shift) {
        try (Dataset.Writer writer = Dataset.writer(home.resolve("data"), INPUTS)) {
            for (int row = 0; row < count; row++) {
                writer.number(0, random.nextGaussian() + shift);
                writer.text(1, random.nextInt(3) == 0 ? "rare" : "common");
                writer.endRow();
            }
            return writer.finish();
        }
    }

    private static RowReader aRow() {
        RowEncoder encoder = new RowEncoder(INPUTS);
        encoder.number(0, 1);
        encoder.text(1, "common");
        return new RowDecoder(INPUTS).read(encoder.row());
    }

    private static ModelCard card() {
        return new ModelCard(
                "p",
                "r",
                START,
                Task.BINARY,
                "",
                "",
                List.of(),
                1,
                1,
                OptionalInt.empty(),
                "",
                Map.of("ACCURACY", new Estimate(0.9, 0.9, 0.9, "")),
                List.of(),
                Map.of());
    }
}
