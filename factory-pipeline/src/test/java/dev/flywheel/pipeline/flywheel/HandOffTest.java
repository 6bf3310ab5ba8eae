package dev.flywheel.pipeline.flywheel;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class HandOffTest {

    private final HandOff<Integer> queue = new HandOff<>(8);

    @Test
    void givesEntriesInOrderAndRefusesMoreThanItHolds() {
        assertThat(queue.peek()).isNull();
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < 8; i++) {
                assertThat(offer(i)).isEqualTo(8L * round + i);
            }
            assertThat(offer(8)).isEqualTo(-1);
            for (int i = 0; i < 8; i++) {
                HandOff.Entry<Integer> entry = queue.peek();
                assertThat(entry).isNotNull();
                assertThat(entry.row).isEqualTo(i);
                assertThat(entry.id).isEqualTo(new UUID(0, i));
                assertThat(entry.version).isEqualTo(i);
                assertThat(entry.output).isEqualTo(i);
                assertThat(entry.at).isEqualTo(Instant.ofEpochSecond(i));
                queue.giveBack(entry);
                assertThat(entry.row).isNull();
            }
            assertThat(queue.peek()).isNull();
            queue.publish();
            assertThat(queue.taken()).isEqualTo(queue.offered()).isEqualTo(8L * (round + 1));
        }
    }

    @Test
    void losesNothingBetweenManyThreadsAndOne() throws Exception {
        int threads = 4;
        int each = 20_000;
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try {
            List<Future<?>> producers = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int first = t * each;
                producers.add(pool.submit(() -> {
                    for (int i = first; i < first + each; i++) {
                        while (offer(i) < 0) {
                            Thread.onSpinWait();
                        }
                    }
                }));
            }
            int[] next = new int[threads];
            for (int taken = 0; taken < threads * each; ) {
                HandOff.Entry<Integer> entry = queue.peek();
                if (entry == null) {
                    Thread.onSpinWait();
                    continue;
                }
                int value = java.util.Objects.requireNonNull(entry.row);
                assertThat(value % each).isEqualTo(next[value / each]++);
                queue.giveBack(entry);
                taken++;
            }
            for (Future<?> producer : producers) {
                producer.get();
            }
            assertThat(queue.peek()).isNull();
        } finally {
            pool.shutdownNow();
        }
    }

    private long offer(int i) {
        return queue.offer(new UUID(0, i), i, i, i, Instant.ofEpochSecond(i));
    }
}
