package dev.flywheel.serving.monitor;

import dev.flywheel.core.device.Device;
import java.time.Instant;

/**
 * One version in an endpoint, at a moment: loaded, or still answering what it began with. Immutable.
 *
 * @param version its number
 * @param loadedAt when it was ready to serve; tells it from an earlier one of the same number
 * @param device where it runs
 * @param activity what it did, in the time of the snapshot
 * @param queued requests that wait for it at the moment
 * @param maxQueued the most requests that ever waited for it at a time
 * @param lanes runs that it can do at a time
 */
public record VersionSnapshot(
        int version, Instant loadedAt, Device device, Activity activity, int queued, int maxQueued, int lanes) {

    boolean isSameAs(VersionSnapshot other) {
        return version == other.version && loadedAt.equals(other.loadedAt);
    }

    VersionSnapshot since(EndpointSnapshot earlier) {
        for (VersionSnapshot before : earlier.versions()) {
            if (isSameAs(before)) {
                return new VersionSnapshot(
                        version, loadedAt, device, activity.since(before.activity), queued, maxQueued, lanes);
            }
        }
        return this;
    }
}
