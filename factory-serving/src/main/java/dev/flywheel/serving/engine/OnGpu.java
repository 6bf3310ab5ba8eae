package dev.flywheel.serving.engine;

import dev.flywheel.core.device.Accelerator;
import dev.flywheel.core.model.ElementType;
import java.time.Duration;
import java.util.List;

/** What a model that serves has of a GPU, which it shares with all others of this process. Thread-safe. */
final class OnGpu {

    /** A training that is asked for its memory comes to the end of a step, keeps where it stands, and frees it. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Accelerator accelerator;
    private final Accelerator.Reservation memory;

    private OnGpu(Accelerator accelerator, Accelerator.Reservation memory) {
        this.accelerator = accelerator;
        this.memory = memory;
    }

    /**
     * {@return memory for a model}
     *
     * @throws dev.flywheel.core.OverloadedException if there is not so much
     */
    static OnGpu of(Accelerator shared, String owner, long bytes) {
        return new OnGpu(shared, shared.reserve(owner, Accelerator.Tier.SERVING, bytes, PATIENCE, null));
    }

    /** {@return a turn for one run} */
    Accelerator.Hold turn(Accelerator.Tier tier) {
        return memory.turn(tier);
    }

    /** Locks the memory of a tensor, as long as it has this memory. */
    void pin(TensorBuffer tensor, List<Accelerator.Hold> locks) {
        if (tensor.spec().type() != ElementType.STRING) {
            locks.add(accelerator.pin(tensor.bytes()));
        }
    }

    /** Gives the memory back; to be called when the model is freed. */
    void free() {
        memory.close();
    }
}
