package dev.flywheel.pipeline.watch;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the watch of a deployment sees now. Immutable.
 *
 * @param version the version that is watched; 0 if none is
 * @param comparable whether the version has a reference, so that drift can be seen
 * @param start when the window that is open began; null if nothing was predicted since the last one ended
 * @param rows the predictions in it
 * @param labels the outcomes in it
 * @param skipped the predictions since the deployment started that were not looked at, because there were too many
 * @param shifts what has changed beyond chance, as the last window told
 * @param last the last window; empty if none has ended yet
 */
public record Watched(
        int version,
        boolean comparable,
        @Nullable Instant start,
        long rows,
        long labels,
        long skipped,
        List<Shift> shifts,
        Optional<WindowResult> last) {

    /** Copies the list. */
    public Watched {
        shifts = List.copyOf(shifts);
    }
}
