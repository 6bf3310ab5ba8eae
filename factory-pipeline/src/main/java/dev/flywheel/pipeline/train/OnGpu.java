package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDArray;
import dev.flywheel.core.device.Accelerator;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** What a training has of a GPU, which it shares with all others of this process. Not thread-safe. */
final class OnGpu implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofHours(1);

    private static final Accelerator.Hold ALONE = () -> {};

    private final Accelerator.Reservation memory;

    /**
     * Waits until there is room.
     *
     * @param asked set when others want the memory; null if the training cannot be left
     * @throws dev.flywheel.core.OverloadedException if there is none in time
     */
    OnGpu(Accelerator shared, String owner, long bytes, @Nullable AtomicBoolean asked) {
        this.memory = shared.reserve(
                owner, Accelerator.Tier.TRAINING, bytes, PATIENCE, asked == null ? null : () -> asked.set(true));
    }

    /**
     * A turn for one step, until that is done with a vector.
     *
     * @param gpu null where nothing is shared, and nobody waits
     */
    static Accelerator.Hold turn(@Nullable OnGpu gpu, NDArray result) {
        if (gpu == null) {
            return ALONE;
        }
        Accelerator.Hold turn = gpu.memory.turn();
        return () -> {
            try (NDArray first = result.get(0)) {
                float unused = first.getFloat(); // there when the step has run, and not just been sent to the device
            } finally {
                turn.close();
            }
        };
    }

    @Override
    public void close() {
        memory.close();
    }
}
