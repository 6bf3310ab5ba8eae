package dev.flywheel.serving.monitor;

import dev.flywheel.core.energy.Energy;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * An endpoint at a moment, and what it did in the time before. Immutable.
 *
 * @param endpoint what the endpoint calls itself in messages
 * @param at the moment
 * @param period the time in which it was done: since the endpoint opened, or since an earlier snapshot
 * @param total what all versions did, those that are no longer loaded included
 * @param versions those that are loaded, by number, then those that still answer what they began with
 * @param shadow what the shadow, or the last one, has found since it began; null if there was none
 */
public record EndpointSnapshot(
        String endpoint,
        Instant at,
        Duration period,
        Activity total,
        List<VersionSnapshot> versions,
        @Nullable ShadowReport shadow) {

    /** Copies the list. */
    public EndpointSnapshot {
        versions = List.copyOf(versions);
    }

    /**
     * {@return what was done since an earlier snapshot} What is of the moment, such as the queues, and the shadow's
     * report, is as it is here.
     *
     * @param earlier a snapshot of the same endpoint, counted from its opening as this one
     */
    public EndpointSnapshot since(EndpointSnapshot earlier) {
        return new EndpointSnapshot(
                endpoint,
                at,
                period.minus(earlier.period),
                total.since(earlier.total),
                versions.stream().map(version -> version.since(earlier)).toList(),
                shadow);
    }

    /**
     * {@return what each loaded version took of the energy of the period, by the rows that it ran} What versions ran
     * that are no longer loaded, and energy in which nothing ran, is nobody's.
     *
     * @param energy what was taken in the period of this snapshot
     */
    public Map<Integer, Energy> energy(Energy energy) {
        Map<Integer, Energy> shares = new TreeMap<>();
        for (VersionSnapshot version : versions) {
            long rows = version.activity().rows();
            if (rows > 0) {
                shares.merge(version.version(), energy.times(Math.min(1, (double) rows / total.rows())), Energy::plus);
            }
        }
        return shares;
    }

    /** {@return the requests a second, over the period; 0 where it is empty} */
    public double requestsPerSecond() {
        long nanos = period.toNanos();
        return nanos <= 0 ? 0 : total.requests() * 1e9 / nanos;
    }

    /** {@return the requests that wait at the moment, for all versions} */
    public int queued() {
        return versions.stream().mapToInt(VersionSnapshot::queued).sum();
    }
}
