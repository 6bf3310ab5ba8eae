package dev.flywheel.pipeline.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;

class ShapleyTest {

    /** Plays for a model of plain numbers. */
    static Shapley play(
            ToDoubleFunction<double[]> model, double[] row, double[][] background, int mostExact, long seed) {
        return Shapley.of(
                row.length,
                background.length,
                (other, column) -> background[other][column] != row[column],
                plays -> plays.stream()
                        .mapToDouble(play -> {
                            double[] mixed = background[play.background()].clone();
                            for (int column = 0; column < mixed.length; column++) {
                                mixed[column] = play.explained(column) ? row[column] : mixed[column];
                            }
                            return model.applyAsDouble(mixed);
                        })
                        .toArray(),
                mostExact,
                seed);
    }

    private static double[] numbers(int count, SplittableRandom random) {
        return random.doubles(count, -1, 1).toArray();
    }

    private static double entangled(double[] x) {
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += (i + 1) * x[i] * x[(i + 1) % x.length] * x[(i + 5) % x.length];
        }
        return 1 / (1 + Math.exp(-sum / 4));
    }

    @Test
    void aSampleComesWithinItsErrorsOfTheExactValuesAndSumsToThePredictionAsTheyDo() {
        SplittableRandom random = new SplittableRandom(11);
        double[] row = numbers(12, random);
        double[][] background = {numbers(12, random), numbers(12, random), numbers(12, random)};

        Shapley exact = play(ShapleyTest::entangled, row, background, Shapley.MOST_EXACT, 0);
        Shapley sampled = play(ShapleyTest::entangled, row, background, 0, 5);

        assertThat(exact.exact()).isTrue();
        assertThat(sampled.exact()).isFalse();
        for (int player = 0; player < row.length; player++) {
            assertThat(sampled.errors()[player]).isPositive().isLessThan(0.01);
            assertThat(sampled.values()[player])
                    .isCloseTo(exact.values()[player], within(4 * sampled.errors()[player]));
        }
        for (Shapley each : new Shapley[] {exact, sampled}) {
            assertThat(each.base() + Arrays.stream(each.values()).sum()).isCloseTo(each.prediction(), within(1e-12));
            assertThat(each.prediction()).isEqualTo(entangled(row));
            assertThat(each.base())
                    .isCloseTo(
                            Arrays.stream(background)
                                    .mapToDouble(ShapleyTest::entangled)
                                    .average()
                                    .orElseThrow(),
                            within(1e-12));
        }
    }

    @Test
    void manyColumnsBesideOneBackgroundRowAreSampled() {
        double[] row = new double[40];
        Arrays.fill(row, 1);
        Shapley found = play(x -> Arrays.stream(x).sum(), row, new double[][] {new double[40]}, Shapley.MOST_EXACT, 0);

        assertThat(found.exact()).isFalse();
        assertThat(found.values()).containsOnly(1);
    }

    @Test
    void theStatedErrorIsThatOfRepeatedSamples() {
        SplittableRandom random = new SplittableRandom(3);
        double[] row = numbers(6, random);
        double[][] background = {numbers(6, random), numbers(6, random)};
        Shapley exact = play(ShapleyTest::entangled, row, background, Shapley.MOST_EXACT, 0);
        double off = 0;
        double stated = 0;
        for (int seed = 0; seed < 20; seed++) {
            Shapley sampled = play(ShapleyTest::entangled, row, background, 0, seed);
            for (int player = 0; player < row.length; player++) {
                off += Math.pow(sampled.values()[player] - exact.values()[player], 2);
                stated += Math.pow(sampled.errors()[player], 2);
            }
        }

        assertThat(Math.sqrt(off / stated)).isLessThan(1.2);
    }

    @Test
    void aPlayerThatMakesNoDifferenceHasNoValueAndCostsNothing() {
        double[] row = {1, 2, 3};
        int[] scored = {0};
        Shapley found = Shapley.of(
                3,
                1,
                (other, column) -> column != 1,
                plays -> {
                    scored[0] = plays.size();
                    return plays.stream()
                            .mapToDouble(play -> play.explained(0) ? row[0] : 0)
                            .toArray();
                },
                Shapley.MOST_EXACT,
                0);

        assertThat(scored[0]).isEqualTo(4);
        assertThat(found.values()).containsExactly(1, 0, 0);
    }
}
