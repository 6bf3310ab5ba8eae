package dev.flywheel.serving.batch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.serving.batch.FakeRunner.Ask;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WaitingLineTest {

    private final WaitingLine<Ask> line = new WaitingLine<>("endpoint test", BatchOptions.defaults());
    private final CostModel model = new CostModel();
    private final Batch<Ask> batch = new Batch<>(4);

    private void take(int rows) {
        line.take(batch, rows, 1_000, model);
        batch.clear();
    }

    @Test
    void theOldestIsKnownAlsoWhereItIsLeftOverOfABatch() {
        long before = Nanos.now();
        line.add(new Ask(1, 3, Priority.NORMAL, 0), null);
        line.add(new Ask(2, 3, Priority.NORMAL, 0), null);
        long after = Nanos.now();
        take(1);
        assertThat(line.size()).isOne();
        assertThat(line.oldestNanos(Long.MAX_VALUE)).isBetween(before, after);
        take(1);
        assertThat(line.oldestNanos(Long.MAX_VALUE)).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void aLineIsNeverTakenForEmptyWhileWhatWaitsIsSorted() {
        // Odd while a call waits all the time.
        AtomicInteger phase = new AtomicInteger();
        CompletableFuture<Integer> wrong = CompletableFuture.supplyAsync(() -> {
            int seen = 0;
            for (int now = phase.get(); now >= 0; now = phase.get()) {
                if ((now & 1) == 1 && line.isEmpty() && phase.get() == now) {
                    seen++;
                }
            }
            return seen;
        });
        for (int i = 0; i < 100_000; i++) {
            line.add(new Ask(1, 3, Priority.NORMAL, 0), null);
            line.add(new Ask(2, 3, Priority.NORMAL, 0), null);
            phase.incrementAndGet();
            take(1);
            phase.incrementAndGet();
            take(1);
        }
        phase.set(-1);
        assertThat(wrong.join()).isZero();
    }
}
