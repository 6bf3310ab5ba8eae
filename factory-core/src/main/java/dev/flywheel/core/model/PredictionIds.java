package dev.flywheel.core.model;

import java.security.SecureRandom;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * A source of prediction ids: UUIDs of version 7 (RFC 9562, section 5.7), unique, unguessable and sortable by time.
 * Thread-safe and free of locks.
 *
 * <p>An id is 48 bits of Unix milliseconds, 12 bits of the millisecond's fraction (section 6.2, method 3), an 8-bit
 * counter for ids within one such tick of 0.24 us, and 54 bits that nobody can tell without the key. The ids that one
 * thread makes always increase, also when the clock is set back; those of several threads are in order as far as the
 * clock tells their times apart.
 *
 * <p>The unguessable bits are SipHash-2-4 (Aumasson and Bernstein, 2012), a keyed pseudo-random function, of the time,
 * counter and lane, none of which comes twice; the key of 128 bits comes from {@link SecureRandom}, once for each
 * source.
 */
public final class PredictionIds {

    private static final int LANES = 64;
    // two cache lines apart, so that threads on different lanes do not slow each other down
    private static final int STRIDE = 16;
    private static final int COUNTER_BITS = 8;
    private static final int FRACTION_BITS = 12;
    private static final long VERSION = 0x7000L;
    private static final long VARIANT = 0x8000_0000_0000_0000L;
    private static final long RANDOM_MASK = (1L << 54) - 1;

    private final InstantSource clock;
    private final AtomicLongArray stamps = new AtomicLongArray(LANES * STRIDE);
    private final long key0;
    private final long key1;

    /** Makes a source with a fresh key. */
    public PredictionIds(InstantSource clock) {
        this.clock = Objects.requireNonNull(clock, "clock");
        SecureRandom random = new SecureRandom();
        this.key0 = random.nextLong();
        this.key1 = random.nextLong();
    }

    /** {@return an id that no call has returned before} */
    public UUID next() {
        int lane = lane();
        return id(lane, advance(lane * STRIDE, stamp(clock.instant()), 1));
    }

    /**
     * Fills the first places of an array with ids, in increasing order, for the price of one reading of the clock.
     *
     * @param count how many, at most the length of the array
     */
    public void next(UUID[] ids, int count) {
        int lane = lane();
        long first = advance(lane * STRIDE, stamp(clock.instant()), count);
        for (int i = 0; i < count; i++) {
            ids[i] = id(lane, first + i);
        }
    }

    private static int lane() {
        return (int) Thread.currentThread().getId() & (LANES - 1);
    }

    private UUID id(int lane, long stamp) {
        long tick = stamp >>> COUNTER_BITS;
        long high = ((tick >>> FRACTION_BITS) << 16) | VERSION | (tick & 0xFFF);
        long low = VARIANT | ((stamp & 0xFF) << 54) | (sip(key0, key1, stamp, lane) & RANDOM_MASK);
        return new UUID(high, low);
    }

    /**
     * {@return when the id was made, to the millisecond}
     *
     * @throws IllegalArgumentException if the id is not a UUID of version 7
     */
    public static Instant time(UUID id) {
        if (id.version() != 7) {
            throw new IllegalArgumentException("expected a UUID of version 7, found version " + id.version());
        }
        return Instant.ofEpochMilli(id.getMostSignificantBits() >>> 16);
    }

    /** Takes {@code count} stamps, and gives the first. */
    private long advance(int slot, long now, int count) {
        while (true) {
            long last = stamps.getPlain(slot);
            long next = Math.max(now, last + 1);
            if (stamps.compareAndSet(slot, last, next + count - 1)) {
                return next;
            }
        }
    }

    private static long stamp(Instant now) {
        int nanos = now.getNano();
        long millis = now.getEpochSecond() * 1000 + nanos / 1_000_000;
        long fraction = ((nanos % 1_000_000L) << FRACTION_BITS) / 1_000_000;
        return ((millis << FRACTION_BITS) | fraction) << COUNTER_BITS;
    }

    /** SipHash-2-4 of two words. */
    static long sip(long key0, long key1, long first, long second) {
        long v0 = key0 ^ 0x736f6d6570736575L;
        long v1 = key1 ^ 0x646f72616e646f6dL;
        long v2 = key0 ^ 0x6c7967656e657261L;
        long v3 = key1 ^ 0x7465646279746573L;
        long word = first;
        // two message words, the length word, and two passes of finalisation: two rounds each
        for (int pass = 0; pass < 5; pass++) {
            v3 ^= word;
            for (int round = 0; round < 2; round++) {
                v0 += v1;
                v2 += v3;
                v1 = Long.rotateLeft(v1, 13) ^ v0;
                v3 = Long.rotateLeft(v3, 16) ^ v2;
                v0 = Long.rotateLeft(v0, 32);
                v2 += v1;
                v0 += v3;
                v1 = Long.rotateLeft(v1, 17) ^ v2;
                v3 = Long.rotateLeft(v3, 21) ^ v0;
                v2 = Long.rotateLeft(v2, 32);
            }
            v0 ^= word;
            word = pass == 0 ? second : pass == 1 ? 16L << 56 : 0;
            if (pass == 2) {
                v2 ^= 0xFF;
            }
        }
        return v0 ^ v1 ^ v2 ^ v3;
    }
}
