package dev.flywheel.serving.route;

/**
 * The hash that turns a key into a number from 0 to 1, as GrowthBook's SDKs define it (their specification 0.8,
 * "hash"): FNV-1a of 32 bits (Fowler, Noll, Vo; draft-eastlake-fnv) over the UTF-16 code units. Version 1 is
 * {@code fnv(key + seed)} in thousandths; version 2 is {@code fnv(decimal(fnv(seed + key)))} in ten-thousandths and
 * mixes better.
 *
 * <p>Immutable. Nothing is allocated for a key.
 */
final class Hash {

    private static final int OFFSET = 0x811C9DC5;
    private static final int PRIME = 0x01000193;
    private static final long BILLION = 1_000_000_000;

    private final String seed;
    private final int version;
    private final int seeded;

    /** @throws IllegalArgumentException if the version is neither 1 nor 2 */
    Hash(String seed, int version) {
        if (version != 1 && version != 2) {
            throw new IllegalArgumentException("hash versions are 1 and 2, found " + version);
        }
        this.seed = seed;
        this.version = version;
        this.seeded = fnv(OFFSET, seed);
    }

    String seed() {
        return seed;
    }

    int version() {
        return version;
    }

    /** {@return the number of a key, from 0 up to but not including 1} */
    double of(String key) {
        if (version == 1) {
            return Integer.remainderUnsigned(fnv(fnv(OFFSET, key), seed), 1_000) / 1_000.0;
        }
        return Integer.remainderUnsigned(ofDecimal(Integer.toUnsignedLong(fnv(seeded, key))), 10_000) / 10_000.0;
    }

    private static int fnv(int start, String text) {
        int hash = start;
        for (int i = 0; i < text.length(); i++) {
            hash = (hash ^ text.charAt(i)) * PRIME;
        }
        return hash;
    }

    /** {@return the hash of a number's decimal digits} */
    private static int ofDecimal(long number) {
        long unit = BILLION;
        while (unit > 1 && number < unit) {
            unit /= 10;
        }
        int hash = OFFSET;
        for (long rest = number; unit > 0; unit /= 10) {
            hash = (hash ^ (int) ('0' + rest / unit)) * PRIME;
            rest %= unit;
        }
        return hash;
    }
}
