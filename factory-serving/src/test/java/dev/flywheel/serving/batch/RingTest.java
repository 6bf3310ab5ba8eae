package dev.flywheel.serving.batch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RingTest {

    private final Ring<Integer> ring = new Ring<>(5);

    private boolean add(int element, long limit) {
        long position = ring.claim(1, limit);
        if (position >= 0) {
            ring.put(position, element);
        }
        return position >= 0;
    }

    @Test
    void holdsAPowerOfTwo() {
        assertThat(ring.capacity()).isEqualTo(8);
        assertThat(new Ring<>(8).capacity()).isEqualTo(8);
        assertThat(new Ring<>(1).capacity()).isEqualTo(2);
    }

    @Test
    void whatCameFirstGoesFirstRoundAfterRound() {
        for (int round = 0; round < 10; round++) {
            for (int i = 0; i < 5; i++) {
                assertThat(add(10 * round + i, 100)).isTrue();
            }
            assertThat(ring.size()).isEqualTo(5);
            for (int i = 0; i < 5; i++) {
                assertThat(ring.poll()).isEqualTo(10 * round + i);
            }
            assertThat(ring.poll()).isNull();
            assertThat(ring.size())
                    .as("places are given back when that is published")
                    .isEqualTo(5);
            ring.publish();
            assertThat(ring.isEmpty()).isTrue();
        }
    }

    @Test
    void claimsNoMoreThanTheLimitAndNoMoreThanItHolds() {
        assertThat(ring.claim(4, 3)).isEqualTo(Ring.FULL);
        assertThat(ring.claim(3, 3)).isZero();
        assertThat(ring.claim(1, 3)).isEqualTo(Ring.FULL);
        assertThat(ring.claim(5, 100)).isEqualTo(3);
        assertThat(ring.claim(1, 100)).isEqualTo(Ring.FULL);
    }

    @Test
    void aClaimThatIsNotFilledHoldsUpWhatComesAfterIt() {
        long first = ring.claim(1, 100);
        assertThat(add(2, 100)).isTrue();
        assertThat(ring.poll()).isNull();
        assertThat(ring.isEmpty()).isFalse();
        ring.put(first, 1);
        assertThat(ring.at(1)).isEqualTo(2);
        assertThat(ring.poll()).isEqualTo(1);
        assertThat(ring.poll()).isEqualTo(2);
    }

    @Test
    void tellsWhoIsNext() {
        assertThat(add(1, 100)).isTrue();
        assertThat(ring.isNext(0)).isTrue();
        assertThat(ring.isNext(1)).isFalse();
        assertThat(ring.peek()).isEqualTo(1);
    }

    @Test
    void aSealedRingTakesNothingMoreAndGivesWhatItHas() {
        assertThat(add(1, 100)).isTrue();
        ring.seal();
        ring.seal();
        assertThat(ring.isSealed()).isTrue();
        assertThat(ring.claim(1, 100)).isEqualTo(Ring.SEALED);
        assertThat(ring.size()).isEqualTo(1);
        assertThat(ring.poll()).isEqualTo(1);
        ring.publish();
        assertThat(ring.isEmpty()).isTrue();
    }

    @Test
    void nothingIsLostDoubledOrReorderedBetweenThreads() throws InterruptedException {
        int producers = 4;
        int each = 50_000;
        Ring<int[]> shared = new Ring<>(64);
        List<Thread> threads = new ArrayList<>();
        for (int p = 0; p < producers; p++) {
            int producer = p;
            Thread thread = new Thread(() -> {
                for (int i = 0; i < each; ) {
                    long position = shared.claim(1, 64);
                    if (position >= 0) {
                        shared.put(position, new int[] {producer, i++});
                    } else {
                        Thread.onSpinWait();
                    }
                }
            });
            thread.start();
            threads.add(thread);
        }
        AtomicInteger wrong = new AtomicInteger();
        int[] next = new int[producers];
        for (int taken = 0; taken < producers * each; ) {
            int[] element = shared.poll();
            if (element == null) {
                shared.publish();
                Thread.onSpinWait();
            } else {
                if (element[1] != next[element[0]]++) {
                    wrong.incrementAndGet();
                }
                taken++;
            }
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(wrong).hasValue(0);
        assertThat(shared.poll()).isNull();
    }
}
