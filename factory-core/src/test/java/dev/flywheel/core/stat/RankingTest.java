package dev.flywheel.core.stat;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RankingTest {

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 15, 16, 17, 100, 4_097})
    void ordersRowsByValueAndKeepsTiesInOrder(int n) {
        Random random = new Random(n);
        double[] values = random.doubles(n).map(x -> Math.rint(x * 50)).toArray();
        assertThat(Ranking.ascending(values))
                .containsExactly(IntStream.range(0, n)
                        .boxed()
                        .sorted(Comparator.comparingDouble(i -> values[i]))
                        .mapToInt(i -> i)
                        .toArray());
    }
}
