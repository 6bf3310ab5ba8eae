package dev.flywheel.serving;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The answers that an endpoint keeps, of all its versions together, in a bounded memory; those that are asked for least
 * go first. Thread-safe.
 */
final class AnswerStore {

    /** What an entry takes beside its rows: key, value, the headers of two arrays, the cache's own node and tables. */
    private static final int ENTRY_BYTES = 200;

    private static final long LEAST_BYTES = 1 << 20;

    private final Cache<RowKey, Answer> answers;

    /**
     * How much is kept for how long. Immutable.
     *
     * @param expiry null if for ever
     */
    record Limits(long bytes, @Nullable Duration expiry) {

        /** @throws IllegalArgumentException if there is too little of either */
        static Limits of(long bytes, @Nullable Duration expiry) {
            if (bytes < LEAST_BYTES) {
                throw new IllegalArgumentException(
                        "option cache is invalid: found " + bytes + " bytes, expected at least " + LEAST_BYTES);
            }
            if (expiry != null && (expiry.isNegative() || expiry.isZero())) {
                throw new IllegalArgumentException(
                        "option cache is invalid: found an expiry of " + expiry + ", expected more than 0");
            }
            return new Limits(bytes, expiry);
        }

        @Override
        public String toString() {
            return bytes + " bytes" + (expiry == null ? "" : " for " + expiry);
        }
    }

    static AnswerStore of(Limits limits) {
        return new AnswerStore(limits.bytes, limits.expiry, Ticker.systemTicker());
    }

    /**
     * @param maxBytes the memory that it may take
     * @param expiry how long an answer is good; null if for ever
     * @param ticker tells the nanoseconds
     */
    AnswerStore(long maxBytes, @Nullable Duration expiry, Ticker ticker) {
        // On the threads that use it: its upkeep is short, and the library starts no thread for it.
        Caffeine<Object, Object> options =
                Caffeine.newBuilder().maximumWeight(maxBytes).ticker(ticker).executor(Runnable::run);
        if (expiry != null) {
            options.expireAfterWrite(expiry);
        }
        this.answers = options.weigher((RowKey key, Answer answer) -> answer.row.length + key.bytes() + ENTRY_BYTES)
                .build();
    }

    /** What a run gave for one row, and how long the rows of that run were. Immutable. */
    static final class Answer {

        final byte[] row;
        final int length;

        Answer(byte[] row, int length) {
            this.row = row;
            this.length = length;
        }
    }

    @Nullable
    Answer find(RowKey key) {
        return answers.getIfPresent(key);
    }

    /** Keeps an answer, unless its version is closed: a run that was given up may end after that. */
    void keep(RowKey key, Answer answer) {
        answers.put(key, answer);
        if (key.version() instanceof ResponseCache<?, ?> cache && cache.isClosed()) {
            answers.invalidate(key);
        }
    }

    /** Drops what a version answered. */
    void forget(Object version) {
        answers.asMap().keySet().removeIf(key -> key.version() == version);
    }

    /** {@return the answers kept} */
    long size() {
        answers.cleanUp();
        return answers.estimatedSize();
    }
}
