package dev.flywheel.gpu;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.PointerByReference;
import dev.flywheel.core.device.Accelerator.Hold;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Locks memory by CUDA's driver, in the context that all engines of this process have in common, for all devices. What
 * cannot be locked is copied more slowly, and works all the same. Thread-safe.
 */
final class CudaPages implements PageLocks {

    private static final Logger log = LoggerFactory.getLogger(CudaPages.class);
    private static final Hold NOTHING = () -> {};

    /** Locked for all contexts, whichever of them copies. */
    private static final int PORTABLE = 1;

    private final CudaDriver driver;
    private final int device;
    private @Nullable Pointer context;

    /** @param device its place in CUDA's order */
    CudaPages(CudaDriver driver, int device) {
        this.driver = driver;
        this.device = device;
    }

    @Override
    public Hold lock(ByteBuffer buffer) {
        if (!buffer.isDirect() || buffer.capacity() == 0) {
            return NOTHING;
        }
        Pointer start = Native.getDirectBufferPointer(buffer.duplicate().clear());
        if (!inContext("cuMemHostRegister_v2", start, (long) buffer.capacity(), PORTABLE)) {
            return NOTHING;
        }
        AtomicBoolean locked = new AtomicBoolean(true);
        return () -> {
            if (locked.getAndSet(false) && !inContext("cuMemHostUnregister", start)) {
                // The buffer is kept until here, because its memory must not be freed while it is locked.
                log.debug("{} stays locked", buffer);
            }
        };
    }

    /** {@return whether that has succeeded} */
    private boolean inContext(String function, Object... arguments) {
        try {
            NativeLibrary cuda = driver.load();
            CudaDriver.check(CudaDriver.call(cuda, "cuCtxPushCurrent_v2", context(cuda)));
            try {
                CudaDriver.check(CudaDriver.call(cuda, function, arguments));
            } finally {
                int unused = CudaDriver.call(cuda, "cuCtxPopCurrent_v2", new PointerByReference());
            }
            return true;
        } catch (CudaDriver.Blocked | UnsatisfiedLinkError e) {
            log.debug("{} fails on device {}", function, device, e);
            return false;
        }
    }

    /** The primary context, which is kept. */
    private synchronized Pointer context(NativeLibrary cuda) throws CudaDriver.Blocked {
        Pointer known = context;
        if (known == null) {
            CudaDriver.check(CudaDriver.call(cuda, "cuInit", 0));
            IntByReference handle = new IntByReference();
            CudaDriver.check(CudaDriver.call(cuda, "cuDeviceGet", handle, device));
            PointerByReference made = new PointerByReference();
            CudaDriver.check(CudaDriver.call(cuda, "cuDevicePrimaryCtxRetain", made, handle.getValue()));
            known = made.getValue();
            context = known;
        }
        return known;
    }
}
