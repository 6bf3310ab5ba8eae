package dev.flywheel.pipeline.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SobolTest {

    /**
     * Of SciPy 1.17.1, {@code scipy.stats.qmc.Sobol(21, scramble=False, bits=32).random(1024)}: some rows, in 64ths.
     */
    private static final int[][] ROWS = {
        {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
        {32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32},
        {48, 16, 16, 16, 48, 48, 16, 48, 48, 48, 48, 48, 16, 16, 48, 16, 48, 16, 48, 16, 16},
        {16, 48, 48, 48, 16, 16, 48, 16, 16, 16, 16, 16, 48, 48, 16, 48, 16, 48, 16, 48, 48},
        {24, 24, 40, 56, 24, 8, 24, 56, 56, 40, 56, 24, 24, 40, 24, 56, 24, 56, 56, 8, 8},
        {56, 56, 8, 24, 56, 40, 56, 24, 24, 8, 24, 56, 56, 8, 56, 24, 56, 24, 24, 40, 40},
        {40, 8, 56, 40, 40, 56, 8, 8, 8, 24, 8, 40, 8, 56, 40, 40, 40, 40, 8, 24, 24},
        {8, 40, 24, 8, 8, 24, 40, 40, 40, 56, 40, 8, 40, 24, 8, 8, 8, 8, 40, 56, 56},
        {12, 20, 60, 28, 36, 20, 28, 60, 60, 20, 44, 4, 60, 60, 52, 60, 52, 52, 60, 20, 12},
        {44, 52, 28, 60, 4, 52, 60, 28, 28, 52, 12, 36, 28, 28, 20, 28, 20, 20, 28, 52, 44},
        {60, 4, 44, 12, 20, 36, 12, 12, 12, 36, 28, 52, 44, 44, 4, 44, 4, 36, 12, 4, 28},
        {28, 36, 12, 44, 52, 4, 44, 44, 44, 4, 60, 20, 12, 12, 36, 12, 36, 4, 44, 36, 60},
        {20, 12, 20, 36, 60, 28, 4, 4, 4, 60, 20, 28, 36, 20, 44, 4, 44, 12, 4, 28, 4},
        {52, 44, 52, 4, 28, 60, 36, 36, 36, 28, 52, 60, 4, 52, 12, 36, 12, 44, 36, 60, 36},
        {36, 28, 4, 52, 12, 44, 20, 52, 52, 12, 36, 44, 52, 4, 28, 20, 28, 28, 52, 12, 20},
        {4, 60, 36, 20, 44, 12, 52, 20, 20, 44, 4, 12, 20, 36, 60, 52, 60, 60, 20, 44, 52},
        {6, 30, 30, 42, 18, 62, 34, 54, 30, 10, 6, 26, 42, 42, 22, 2, 50, 38, 50, 2, 46},
        {38, 62, 62, 10, 50, 30, 2, 22, 62, 42, 38, 58, 10, 10, 54, 34, 18, 6, 18, 34, 14},
        {54, 14, 14, 58, 34, 14, 50, 6, 46, 58, 54, 42, 58, 58, 38, 18, 2, 54, 2, 18, 62},
        {22, 46, 46, 26, 2, 46, 18, 38, 14, 26, 22, 10, 26, 26, 6, 50, 34, 22, 34, 50, 30},
        {30, 6, 54, 18, 10, 54, 58, 14, 38, 34, 62, 2, 50, 2, 14, 58, 42, 30, 10, 10, 38},
        {62, 38, 22, 50, 42, 22, 26, 46, 6, 2, 30, 34, 18, 34, 46, 26, 10, 62, 42, 42, 6},
        {46, 22, 38, 2, 58, 6, 42, 62, 22, 18, 14, 50, 34, 18, 62, 42, 26, 14, 58, 26, 54},
        {14, 54, 6, 34, 26, 38, 10, 30, 54, 50, 46, 18, 2, 50, 30, 10, 58, 46, 26, 58, 22},
        {10, 10, 34, 54, 54, 42, 62, 10, 34, 30, 42, 30, 22, 22, 34, 62, 6, 18, 14, 22, 34},
        {42, 42, 2, 22, 22, 10, 30, 42, 2, 62, 10, 62, 54, 54, 2, 30, 38, 50, 46, 54, 2},
        {58, 26, 50, 38, 6, 26, 46, 58, 18, 46, 26, 46, 6, 6, 18, 46, 54, 2, 62, 6, 50},
        {26, 58, 18, 6, 38, 58, 14, 26, 50, 14, 58, 14, 38, 38, 50, 14, 22, 34, 30, 38, 18},
        {18, 18, 10, 14, 46, 34, 38, 50, 26, 54, 18, 6, 14, 62, 58, 6, 30, 42, 54, 30, 42},
        {50, 50, 42, 46, 14, 2, 6, 18, 58, 22, 50, 38, 46, 30, 26, 38, 62, 10, 22, 62, 10},
        {34, 2, 26, 30, 30, 18, 54, 2, 42, 6, 34, 54, 30, 46, 10, 22, 46, 58, 6, 14, 58},
        {2, 34, 58, 62, 62, 50, 22, 34, 10, 38, 2, 22, 62, 14, 42, 54, 14, 26, 38, 46, 26}
    };

    /** And the sums of all 1,024 points, each in 1024ths times its place modulo 97. */
    private static final long[] SUMS = {
        24292166, 24723866, 24438370, 24653006, 24813882, 24511774, 24527538, 24631278, 24552902, 24596990, 24575262,
        24327086, 24616850, 24611490, 24642458, 24644326, 24668138, 24486554, 24596990, 24548878, 24677694
    };

    @Test
    void theFirstPointsAreThoseOfSciPy() {
        Sobol plain = Sobol.plain(Sobol.MOST_DIMENSIONS);
        for (int row = 0; row < ROWS.length; row++) {
            double[] expected =
                    Arrays.stream(ROWS[row]).mapToDouble(value -> value / 64.0).toArray();
            assertThat(plain.point(row)).as("point %s", row).isEqualTo(expected);
        }
        long[] sums = new long[Sobol.MOST_DIMENSIONS];
        for (int index = 0; index < 1024; index++) {
            double[] point = plain.point(index);
            for (int dimension = 0; dimension < point.length; dimension++) {
                sums[dimension] += ((long) (point[dimension] * 1024)) * (index % 97);
            }
        }
        assertThat(sums).isEqualTo(SUMS);
    }

    @Test
    void scramblingKeepsOnePointInEveryStripOfEachDimension() {
        for (long seed = 0; seed < 20; seed++) {
            Sobol scrambled = Sobol.scrambled(Sobol.MOST_DIMENSIONS, seed);
            for (int dimension = 0; dimension < Sobol.MOST_DIMENSIONS; dimension++) {
                Set<Integer> strips = new HashSet<>();
                for (int index = 0; index < 64; index++) {
                    strips.add((int) (scrambled.point(index)[dimension] * 64));
                }
                assertThat(strips).hasSize(64);
            }
        }
    }

    @Test
    void scramblingKeepsTheFirstTwoDimensionsInEveryBox() {
        Sobol scrambled = Sobol.scrambled(2, 5);
        for (int high = 0; high <= 6; high++) {
            int columns = 1 << high;
            int lines = 64 / columns;
            Set<Integer> boxes = new HashSet<>();
            for (int index = 0; index < 64; index++) {
                double[] point = scrambled.point(index);
                boxes.add(((int) (point[0] * columns)) * lines + (int) (point[1] * lines));
            }
            assertThat(boxes).as("%s x %s", columns, lines).hasSize(64);
        }
    }

    @Test
    void theSeedAloneTellsTheScrambling() {
        assertThat(Sobol.scrambled(3, 1).point(7))
                .isEqualTo(Sobol.scrambled(3, 1).point(7));
        assertThat(Sobol.scrambled(3, 1).point(7))
                .isNotEqualTo(Sobol.scrambled(3, 2).point(7));
    }

    @Test
    void refusesWhatItHasNoNumbersFor() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Sobol.plain(22))
                .withMessage("a Sobol sequence has 1 to 21 dimensions, found 22");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Sobol.plain(1).point(-1))
                .withMessage("a point's place is at least 0, found -1");
    }
}
