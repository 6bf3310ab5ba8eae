package dev.flywheel.pipeline.watch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.log.RowDecoder;
import dev.flywheel.core.log.RowEncoder;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.registry.PipelineDirectory;
import dev.flywheel.core.stat.Metric;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Predictions of one of three classes, logged as the number of the most probable one. */
class ClassWatchTest {

    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
    private static final Schema INPUTS = Schema.of(new Column("size", ColumnType.NUMBER, true));
    private static final int ROWS = 500;

    @TempDir
    Path home;

    private final Random random = new Random(9);
    private final List<WindowResult> windows = new ArrayList<>();
    private Path version = Path.of("");

    /** Half of the predictions are class 0, a quarter each of the others. */
    @BeforeEach
    void reference() {
        version = home.resolve("version");
        double[] labels = new double[2_000];
        double[] scores = new double[3 * labels.length];
        for (int row = 0; row < labels.length; row++) {
            int decided = row % 4 < 2 ? 0 : row % 4 - 1;
            labels[row] = decided;
            for (int i = 0; i < 3; i++) {
                scores[3 * row + i] = i == decided ? 0.6 : 0.2;
            }
        }
        Dataset known = rows(labels.length);
        Reference.write(
                version,
                new Reference.Origin(Task.MULTICLASS, INPUTS, known, known, labels, scores, null),
                Watch.defaults());
    }

    private Dataset rows(int count) {
        try (Dataset.Writer writer = Dataset.writer(home.resolve("data"), INPUTS)) {
            for (int row = 0; row < count; row++) {
                writer.number(0, random.nextGaussian());
                writer.endRow();
            }
            return writer.finish();
        }
    }

    private Watcher open() {
        ModelCard card = new ModelCard(
                "p",
                "r",
                START,
                Task.MULTICLASS,
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
        Watch watch = Watch.defaults().window(ROWS).confirmedBy(1);
        Watcher watcher =
                new Watcher(watch, Task.MULTICLASS, INPUTS, Set.of(), new PipelineDirectory(home), windows::add);
        watcher.serving(1, card, version, START);
        return watcher;
    }

    /** @param rightOf how many of four predictions are right */
    private void window(Watcher watcher, int rightOf, int... classes) {
        RowEncoder encoder = new RowEncoder(INPUTS);
        for (int i = 0; i < ROWS; i++) {
            UUID id = new UUID(windows.size(), i);
            Instant at = START.plus(Duration.ofMinutes(i));
            encoder.clear();
            encoder.number(0, random.nextGaussian());
            RowReader row = new RowDecoder(INPUTS).read(encoder.row());
            int decided = classes[i % classes.length];
            watcher.labelled(id, 0, at); // of a prediction that nobody knows yet
            watcher.predicted(id, 1, row, decided, at);
            watcher.labelled(id, i / 4 % 4 < rightOf ? decided : (decided + 1) % 3, at);
        }
    }

    @Test
    void tellsAccuracyOfOutcomesAndLeavesOutWhatNeedsProbabilities() {
        Watcher watcher = open();
        window(watcher, 3, 0, 0, 1, 2);
        window(watcher, 3, 0, 0, 1, 2);
        WindowResult result = windows.get(1);
        assertThat(result.quality())
                .extracting(WindowResult.Quality::metric)
                .containsExactly(Metric.ACCURACY, Metric.MACRO_F1);
        assertThat(result.quality().get(0).now().value()).isBetween(0.74, 0.76);
        assertThat(result.quality().get(0).before()).isEqualTo(0.9);
        assertThat(result.estimated()).isEmpty();
        assertThat(result.calibration()).isNull();
        assertThat(result.raisesAlarm()).isFalse();
    }

    @Test
    void seesThatOtherClassesArePredicted() {
        Watcher watcher = open();
        window(watcher, 4, 0, 1, 2, 2);
        WindowResult.Feature prediction = Objects.requireNonNull(windows.get(0).prediction());
        assertThat(prediction.alarm()).isEqualTo(WindowResult.Alarm.RAISED);
        assertThat(prediction.test()).isEqualTo("chi-square");
    }

    @Test
    void seesThatErrorsGrow() {
        Watcher watcher = open();
        window(watcher, 4, 0, 0, 1, 2);
        window(watcher, 4, 0, 0, 1, 2);
        assertThat(watcher.shifts()).isEmpty();
        window(watcher, 1, 0, 0, 1, 2);
        assertThat(watcher.shifts()).extracting(Shift::name).contains(Watcher.ERRORS);
    }
}
