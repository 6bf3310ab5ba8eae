package dev.flywheel.core.stat.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.stat.Curves;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import dev.flywheel.core.stat.stream.CalibrationTable.Saved;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CalibrationTableTest {

    /** Labels that come true with {@code score + gap}. */
    private static double[] labels(double[] scores, double gap, long seed) {
        Random random = new Random(seed);
        return Arrays.stream(scores)
                .map(score -> random.nextDouble() < score + gap ? 1 : 0)
                .toArray();
    }

    private static CalibrationTable table(double[] scores, double[] labels) {
        CalibrationTable table = new CalibrationTable();
        for (int i = 0; i < scores.length; i++) {
            table.add(scores[i], labels[i]);
        }
        return table;
    }

    @Test
    void hasTheCalibrationErrorOfTheMetric() {
        double[] scores = Streams.made(3000, 1, Random::nextDouble);
        double[] labels = labels(scores, 0.05, 2);

        Estimate error = table(scores, labels).error();
        Estimate metric = Metrics.estimate(Metric.ECE, labels, scores);

        assertThat(error.value()).isCloseTo(metric.value(), within(1e-12));
        assertThat(error.high() - error.low()).isCloseTo(metric.high() - metric.low(), within(0.01));
    }

    @Test
    void mergesToTheTableOfAllRows() {
        double[] scores = Streams.made(1000, 3, Random::nextDouble);
        double[] labels = labels(scores, 0, 4);
        CalibrationTable whole = table(scores, labels);
        CalibrationTable merged = table(Arrays.copyOf(scores, 300), Arrays.copyOf(labels, 300));
        merged.merge(table(Arrays.copyOfRange(scores, 300, 1000), Arrays.copyOfRange(labels, 300, 1000)));

        assertThat(merged.rows()).isEqualTo(1000);
        assertThat(merged.error().value()).isCloseTo(whole.error().value(), within(1e-12));
        assertThat(merged.pValue()).isCloseTo(whole.pValue(), within(1e-9));
        assertThat(merged.bins())
                .extracting(Curves.Bin::high)
                .isEqualTo(whole.bins().stream().map(Curves.Bin::high).toList());
    }

    @Test
    void alarmsOnCalibratedScoresAsOftenAsItSays() {
        int below = 0;
        int rare = 0;
        int runs = 2000;
        for (int seed = 0; seed < runs; seed++) {
            double[] scores = Streams.made(400, seed, Random::nextDouble);
            below += table(scores, labels(scores, 0, 10_000L + seed)).pValue() < 0.05 ? 1 : 0;
            double[] low = Streams.made(400, seed, random -> 0.05 * random.nextDouble());
            rare += table(low, labels(low, 0, 20_000L + seed)).pValue() < 0.05 ? 1 : 0;
        }

        // fixed seeds; four standard errors of 5% in 2,000 runs are 2%
        assertThat((double) below / runs).isCloseTo(0.05, within(0.02));
        assertThat((double) rare / runs).isCloseTo(0.05, within(0.02));
    }

    @Test
    void seesScoresThatAreOff() {
        double[] scores = Streams.made(2000, 5, random -> 0.8 * random.nextDouble());

        assertThat(table(scores, labels(scores, 0.1, 6)).pValue()).isLessThan(1e-6);
        assertThat(table(new double[] {1, 1, 0}, new double[] {1, 0, 0}).pValue())
                .isZero();
        assertThat(table(new double[] {1, 0}, new double[] {1, 0}).pValue()).isEqualTo(1);
    }

    @Test
    void showsItsBins() {
        List<Curves.Bin> bins = table(new double[] {0.05, 0.95, 1, 0.91}, new double[] {0, 1, 1, 0})
                .bins();

        assertThat(bins).hasSize(2);
        assertThat(bins.get(1).low()).isEqualTo(0.91);
        assertThat(bins.get(1).high()).isEqualTo(1);
        assertThat(bins.get(1).rows()).isEqualTo(3);
        assertThat(bins.get(1).predicted()).isCloseTo(2.86 / 3, within(1e-12));
        assertThat(bins.get(1).observed().value()).isCloseTo(2.0 / 3, within(1e-12));
    }

    @Test
    void saysThatItHasNoRows() {
        CalibrationTable empty = new CalibrationTable();

        assertThat(empty.error().method()).isEqualTo("undefined: no rows");
        assertThat(empty.pValue()).isEqualTo(1);
        assertThat(empty.bins()).isEmpty();
    }

    @Test
    void isTheSameAfterARestart() {
        CalibrationTable table = table(new double[] {0.1, 0.7, 0.75}, new double[] {0, 1, 0});
        CalibrationTable restored = CalibrationTable.of(Json.read(Json.write(table.saved()), Saved.class, "a test"));
        table.add(0.3, 1);
        restored.add(0.3, 1);

        assertThat(restored.saved()).isEqualTo(table.saved());
        assertThatThrownBy(() -> CalibrationTable.of(new Saved(List.of(1.0))))
                .isInstanceOf(StoreException.class)
                .hasMessage("restoring a calibration table: it holds 1 values, expected 70. Fix: restore the file that"
                        + " it was saved in from a backup, or start with a new one.");
    }

    @Test
    void refusesWhatIsNoScoreOrLabel() {
        CalibrationTable table = new CalibrationTable();

        assertThatThrownBy(() -> table.add(1.2, 1)).hasMessage("the score must be from 0 to 1, found 1.2");
        assertThatThrownBy(() -> table.add(0.2, 2)).hasMessage("the label must be 0 or 1, found 2.0");
    }
}
