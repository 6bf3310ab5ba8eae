package dev.flywheel.gpu;

import dev.flywheel.core.device.Accelerator.Hold;
import java.nio.ByteBuffer;

/** Keeps memory of the machine where it is, for a device. Thread-safe. */
interface PageLocks {

    /** Where that cannot be done. */
    PageLocks NONE = buffer -> () -> {};

    /** {@return the lock; one that does nothing where that cannot be} */
    Hold lock(ByteBuffer buffer);
}
