package dev.flywheel.pipeline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LbfgsTest {

    @Test
    void findsTheBottomOfRosenbrocksValley() {
        double[] found = Lbfgs.minimize(
                new double[] {-1.2, 1},
                (p, g) -> {
                    double a = 1 - p[0];
                    double b = p[1] - p[0] * p[0];
                    g[0] = -2 * a - 400 * p[0] * b;
                    g[1] = 200 * b;
                    return a * a + 100 * b * b;
                },
                200,
                (iteration, value) -> {});
        assertThat(found).containsExactly(new double[] {1, 1}, within(1e-3));
    }

    @Test
    void findsTheBottomOfALongNarrowBowlAndNeverClimbs() {
        int size = 50;
        List<Double> values = new ArrayList<>();
        double[] found = Lbfgs.minimize(
                new double[size],
                (p, g) -> {
                    double sum = 1;
                    for (int i = 0; i < size; i++) {
                        double bend = Math.pow(10, 4.0 * i / size);
                        g[i] = bend * (p[i] - 1);
                        sum += bend * (p[i] - 1) * (p[i] - 1) / 2;
                    }
                    return sum;
                },
                500,
                (iteration, value) -> values.add(value));
        assertThat(values.get(values.size() - 1)).isCloseTo(1, within(1e-4));
        assertThat(values).isSortedAccordingTo((a, b) -> Double.compare(b, a));
        assertThat(found[size - 1]).isCloseTo(1, within(1e-3));
    }

    @Test
    void staysWhereItIsAtTheBottom() {
        double[] found = Lbfgs.minimize(
                new double[] {3},
                (p, g) -> {
                    g[0] = 0;
                    return 7;
                },
                10,
                (iteration, value) -> {});
        assertThat(found).containsExactly(3);
    }

    @Test
    void endsAfterSoManyIterations() {
        List<Integer> iterations = new ArrayList<>();
        Lbfgs.minimize(
                new double[] {0},
                (p, g) -> {
                    g[0] = -1; // falls for ever
                    return -p[0];
                },
                5,
                (iteration, value) -> iterations.add(iteration));
        assertThat(iterations).containsExactly(1, 2, 3, 4, 5);
    }
}
