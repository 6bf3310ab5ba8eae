package dev.flywheel.core.stat.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.stat.stream.Calibration.Corner;
import dev.flywheel.core.stat.stream.Calibration.Saved;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CalibrationTest {

    /**
     * Expected numbers by scikit-learn 1.2.1: {@code IsotonicRegression(out_of_bounds='clip').fit(x, y).predict(q)}
     * with {@code x = (37 k mod 23) / 22} and {@code y = (7 k k + 3 k) mod 29 / 29 < x} for k from 0 to 59.
     */
    @Test
    void isScikitLearnsIsotonicRegression() {
        double[] x = IntStream.range(0, 60).mapToDouble(k -> k * 37 % 23 / 22.0).toArray();
        double[] y = IntStream.range(0, 60)
                .mapToDouble(k -> (k * k * 7 + 3 * k) % 29 / 29.0 < x[k] ? 1 : 0)
                .toArray();
        double[] asked = {-.5, 0, .2, .21, .25, .3, .31, .4, .57, .77, .84, 1, 1.5};
        double[] expected = {
            0.0,
            0.0,
            0.13333333333333341,
            0.2066666666666666,
            0.3333333333333333,
            0.4933333333333333,
            0.552,
            0.6,
            0.7799999999999996,
            0.9333333333333333,
            0.9653333333333333,
            1.0,
            1.0
        };

        Calibration calibration = Calibration.isotonic(x, y);

        assertThat(calibration.saved().corners()).hasSize(10);
        for (int i = 0; i < asked.length; i++) {
            assertThat(calibration.applyAsDouble(asked[i]))
                    .as("at %s", asked[i])
                    .isCloseTo(expected[i], within(1e-12));
        }
    }

    @Test
    void isTheMaxMinOfTheMeans() {
        for (int seed = 0; seed < 50; seed++) {
            Random random = new Random(seed);
            int rows = 1 + random.nextInt(40);
            int levels = 1 + random.nextInt(30);
            double[] scores = random.ints(rows, 0, levels).asDoubleStream().toArray();
            double[] labels = Arrays.stream(scores)
                    .map(score -> random.nextDouble() < 0.2 + 0.6 * score / levels ? 1 : 0)
                    .toArray();
            Calibration calibration = Calibration.isotonic(scores, labels);
            for (double score : scores) {
                assertThat(calibration.applyAsDouble(score))
                        .as("seed %d score %s", seed, score)
                        .isCloseTo(maxMin(scores, labels, score), within(1e-12));
            }
        }
    }

    /** The closed form of isotonic regression: the largest over all starts of the smallest mean over all ends. */
    private static double maxMin(double[] scores, double[] labels, double at) {
        return Arrays.stream(scores)
                .filter(from -> from <= at)
                .map(from -> Arrays.stream(scores)
                        .filter(to -> to >= at)
                        .map(to -> IntStream.range(0, scores.length)
                                .filter(i -> scores[i] >= from && scores[i] <= to)
                                .mapToDouble(i -> labels[i])
                                .average()
                                .orElseThrow())
                        .min()
                        .orElseThrow())
                .max()
                .orElseThrow();
    }

    @Test
    void makesOverconfidentScoresCalibrated() {
        Random random = new Random(4);
        double[] scores = new double[20_000];
        double[] labels = new double[scores.length];
        for (int i = 0; i < scores.length; i++) {
            double p = random.nextDouble();
            scores[i] = p * p / (p * p + (1 - p) * (1 - p));
            labels[i] = random.nextDouble() < p ? 1 : 0;
        }
        Calibration calibration = Calibration.isotonic(Arrays.copyOf(scores, 10_000), Arrays.copyOf(labels, 10_000));
        CalibrationTable before = new CalibrationTable();
        CalibrationTable after = new CalibrationTable();
        for (int i = 10_000; i < scores.length; i++) {
            before.add(scores[i], labels[i]);
            after.add(calibration.applyAsDouble(scores[i]), labels[i]);
        }

        assertThat(before.error().value()).isGreaterThan(0.06);
        assertThat(after.error().value()).isLessThan(0.02);
    }

    @Test
    void isTheSameAfterARestart() {
        Calibration calibration = Calibration.isotonic(new double[] {.1, .2, .3, .4}, new double[] {0, 1, 0, 1});
        Calibration restored = Calibration.of(Json.read(Json.write(calibration.saved()), Saved.class, "a test"));

        assertThat(restored.saved()).isEqualTo(calibration.saved());
        assertThat(calibration.saved().corners())
                .containsExactly(new Corner(.1, 0), new Corner(.2, .5), new Corner(.3, .5), new Corner(.4, 1));
    }

    @Test
    void refusesWhatCannotBeFitted() {
        assertThatThrownBy(() -> Calibration.isotonic(new double[0], new double[0]))
                .hasMessage("a calibration needs rows with a score and a label each, found 0 scores and 0 labels");
        assertThatThrownBy(() -> Calibration.isotonic(new double[] {Double.NaN}, new double[] {1}))
                .hasMessage("the score of row 0 is NaN, expected a finite number");
        assertThatThrownBy(() -> Calibration.isotonic(new double[] {0.3}, new double[] {0.5}))
                .hasMessage("the label of row 0 is 0.5, expected 0 or 1");
        Calibration calibration = Calibration.isotonic(new double[] {0.3}, new double[] {1});
        assertThatThrownBy(() -> calibration.applyAsDouble(Double.NaN))
                .hasMessage("a score must be a number, found NaN");
    }

    @Test
    void refusesADamagedCalibration() {
        assertThatThrownBy(() -> Calibration.of(new Saved(List.of())))
                .isInstanceOf(StoreException.class)
                .hasMessage("restoring a calibration: it has no corners. Fix: restore the file that it was saved in"
                        + " from a backup, or fit a new one.");
        assertThatThrownBy(() -> Calibration.of(new Saved(List.of(new Corner(0.2, 0.5), new Corner(0.3, 0.4)))))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("Corner[score=0.3, probability=0.4] comes after");
        assertThatThrownBy(() -> Calibration.of(new Saved(List.of(new Corner(Double.NaN, 0.5)))))
                .isInstanceOf(StoreException.class);
    }
}
