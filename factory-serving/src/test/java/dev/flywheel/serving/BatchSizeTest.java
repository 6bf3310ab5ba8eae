package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BatchSizeTest {

    /** A run of n rows takes a + b * n; doubling from n brings 2 (a + b n) / (a + 2 b n) times the rows a second. */
    @ParameterizedTest
    @CsvSource({
        // a = 0: no run is better than another
        "0, 100, 65536, 64",
        // 2 (a + b n) / (a + 2 b n) < 1.05 from n > 0.95 a / (0.1 b) on, here from 9500 / 10 = 950 on: 1024
        "10000, 100, 65536, 1024",
        "1000000, 100, 65536, 65536",
        "1000000, 100, 5000, 4096",
        "1000000, 100, 16, 16"
    })
    void doublesWhileItPays(long a, long b, int most, int best) {
        assertThat(BatchSize.best(most, rows -> 1 + a * 10 + b * 10 * rows)).isEqualTo(best);
    }

    @ParameterizedTest
    @CsvSource({
        "10, 10000000000, 65536",
        "4096, 10000000000, 16384",
        // 3 of 512 MiB: 32 bytes for each number
        "1024, 178956970, 5461",
        "1024, 1000, 1"
    })
    void triesWhatThereIsMemoryFor(long elements, long bytes, int most) {
        assertThat(BatchSize.most(elements, bytes)).isEqualTo(most);
    }

    @Test
    void stopsAtRunsThatCannotBeMade() {
        List<Integer> tried = new ArrayList<>();
        int best = BatchSize.best(65536, rows -> {
            tried.add(rows);
            return rows > 256 ? 0 : 1_000_000;
        });
        assertThat(best).isEqualTo(256);
        assertThat(tried).containsExactly(64, 128, 256, 512);
        assertThat(BatchSize.best(65536, rows -> 0)).isEqualTo(BatchSize.FIRST);
    }
}
