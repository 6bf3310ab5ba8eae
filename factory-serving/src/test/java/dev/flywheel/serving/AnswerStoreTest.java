package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.serving.AnswerStore.Answer;
import java.time.Duration;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class AnswerStoreTest {

    private static final Object VERSION = new Object();
    private final AtomicLong nanos = new AtomicLong();

    private static RowKey key(Object version, int... bytes) {
        byte[] row = new byte[bytes.length];
        for (int i = 0; i < row.length; i++) {
            row[i] = (byte) bytes[i];
        }
        return new RowKey(version, row);
    }

    private static Answer answer(int bytes) {
        return new Answer(new byte[bytes], 1);
    }

    @Test
    void findsWhatWasKeptForTheSameBytesOfTheSameVersionAlone() {
        AnswerStore store = new AnswerStore(1 << 20, null, nanos::get);
        Answer kept = answer(8);
        store.keep(key(VERSION, 1, 2, 3), kept);
        assertThat(store.find(key(VERSION, 1, 2, 3))).isSameAs(kept);
        assertThat(store.find(key(VERSION, 1, 2, 4))).isNull();
        assertThat(store.find(key(VERSION, 1, 2))).isNull();
        assertThat(store.find(key(VERSION, 1, 2, 3, 0))).isNull();
        assertThat(store.find(key(new Object(), 1, 2, 3))).isNull();
    }

    @Test
    void forgetsAVersionAndNoOther() {
        AnswerStore store = new AnswerStore(1 << 20, null, nanos::get);
        Object other = new Object();
        for (int i = 0; i < 100; i++) {
            store.keep(key(VERSION, i), answer(8));
            store.keep(key(other, i), answer(8));
        }
        store.forget(VERSION);
        assertThat(store.size()).isEqualTo(100);
        assertThat(store.find(key(VERSION, 7))).isNull();
        assertThat(store.find(key(other, 7))).isNotNull();
    }

    @Test
    void takesNoMoreThanItsMemoryHoweverLargeTheAnswers() {
        AnswerStore small = new AnswerStore(100_000, null, nanos::get);
        AnswerStore large = new AnswerStore(100_000, null, nanos::get);
        for (int i = 0; i < 10_000; i++) {
            small.keep(key(VERSION, i, i >> 8), answer(800));
            large.keep(key(VERSION, i, i >> 8), answer(30_000));
        }
        assertThat(small.size()).isBetween(10L, 100L);
        assertThat(large.size()).isLessThanOrEqualTo(3);
    }

    @Test
    void anAnswerIsGoodForItsTime() {
        AnswerStore store = new AnswerStore(1 << 20, Duration.ofMinutes(5), nanos::get);
        store.keep(key(VERSION, 1), answer(8));
        nanos.addAndGet(Duration.ofMinutes(5).toNanos() - 1);
        assertThat(store.find(key(VERSION, 1))).isNotNull();
        nanos.incrementAndGet();
        assertThat(store.find(key(VERSION, 1))).isNull();
    }

    @Test
    void hashesTellRowsApartThatDifferInOneBitOrInLength() {
        Random random = new Random(7);
        Set<Long> hashes = new HashSet<>();
        int made = 0;
        for (int length = 0; length < 40; length++) {
            byte[] row = new byte[length];
            random.nextBytes(row);
            hashes.add(RowKey.hash(row));
            hashes.add(RowKey.hash(new byte[length]));
            made += length == 0 ? 1 : 2;
            for (int bit = 0; bit < length * 8; bit++) {
                row[bit / 8] ^= (byte) (1 << bit % 8);
                hashes.add(RowKey.hash(row));
                row[bit / 8] ^= (byte) (1 << bit % 8);
                made++;
            }
        }
        assertThat(hashes).hasSize(made);
    }
}
