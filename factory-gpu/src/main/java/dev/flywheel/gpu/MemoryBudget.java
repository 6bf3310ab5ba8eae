package dev.flywheel.gpu;

import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How much of a device's memory this process may promise: what others leave, at most 92 % of all, less what a CUDA
 * context takes. Not thread-safe.
 */
final class MemoryBudget {

    /** What a CUDA context holds besides anything that is asked for. */
    static final long CONTEXT_BYTES = 600_000_000;

    private static final Logger log = LoggerFactory.getLogger(MemoryBudget.class);
    private static final double MOST = 0.92;
    private static final double DRIFT = 0.05;

    private final String device;
    private final long totalBytes;
    private long othersBytes;
    private long toldBytes;

    /** @param start what is held before this process does anything */
    MemoryBudget(String device, MemoryUse start) {
        this.device = device;
        this.totalBytes = start.totalBytes();
        this.othersBytes = start.usedBytes() - start.ownBytes().orElse(0);
        this.toldBytes = bytes();
    }

    /** {@return the most that it can ever be} */
    long most() {
        return (long) (totalBytes * MOST) - CONTEXT_BYTES;
    }

    /** {@return how many bytes may be promised} */
    long bytes() {
        return Math.max(0, Math.min(totalBytes - othersBytes - CONTEXT_BYTES, most()));
    }

    /**
     * Looks again.
     *
     * @param reservedBytes what is promised; what this process holds beyond is as lost as what others hold
     */
    void look(MemoryUse now, long reservedBytes) {
        long promised = reservedBytes + CONTEXT_BYTES;
        if (now.ownBytes().isPresent()) {
            long own = now.ownBytes().getAsLong();
            othersBytes = now.usedBytes() - Math.min(own, promised);
        } else {
            // This process holds something from nothing to all that it was promised.
            othersBytes = Math.max(now.usedBytes() - promised, Math.min(othersBytes, now.usedBytes()));
        }
        tell(now, reservedBytes);
    }

    private void tell(MemoryUse now, long reservedBytes) {
        if (Math.abs(bytes() - toldBytes) > DRIFT * totalBytes) {
            log.warn(
                    "{} gives this process {} instead of {} from now on: {} are in use, of which {} are reserved here",
                    device,
                    text(bytes()),
                    text(toldBytes),
                    text(now.usedBytes()),
                    text(reservedBytes));
            toldBytes = bytes();
        }
    }

    /** {@return so many bytes for a reader} */
    static String text(long bytes) {
        return bytes < 1_000_000_000
                ? String.format(Locale.ROOT, "%.1f MB", bytes / 1e6)
                : String.format(Locale.ROOT, "%.1f GB", bytes / 1e9);
    }
}
