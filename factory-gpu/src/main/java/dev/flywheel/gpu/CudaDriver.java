package dev.flywheel.gpu;

import com.sun.jna.Function;
import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.Probe.Obstacle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The devices that CUDA shows to this process, in the order in which every engine counts them, by the driver's own
 * library. Asking makes no context, so it takes no memory of a GPU. Thread-safe.
 *
 * <p>NVML counts in the order of the PCI bus, and sees what CUDA_VISIBLE_DEVICES hides: only the UUID joins the two.
 */
final class CudaDriver {

    private static final int NAME_BYTES = 256;

    private final List<Path> signs;
    private final String library;

    /**
     * @param signs files of which one is there when a driver is; without, nothing native is touched
     * @param library the name or path of the driver's library
     */
    CudaDriver(List<Path> signs, String library) {
        this.signs = List.copyOf(signs);
        this.library = library;
    }

    static CudaDriver ofThisMachine() {
        String windows = System.getenv().getOrDefault("SystemRoot", "C:\\Windows");
        return System.getProperty("os.name").startsWith("Windows")
                ? new CudaDriver(List.of(Path.of(windows, "System32", "nvcuda.dll")), "nvcuda")
                // Of a machine without a display the device may be made only when it is first used.
                : new CudaDriver(
                        List.of(Path.of("/dev/nvidiactl"), Path.of("/proc/driver/nvidia/version"), Path.of("/dev/dxg")),
                        "libcuda.so.1");
    }

    /** {@return whether this machine has a driver, as far as files tell} */
    boolean visible() {
        return signs.stream().anyMatch(Files::exists);
    }

    /** {@return why it is not visible} */
    Obstacle absent() {
        return CudaObstacles.noDriver("no NVIDIA driver is visible, as there is none of " + signs);
    }

    /** Why the driver shows no device. */
    static final class Blocked extends Exception {

        private static final long serialVersionUID = 1L;

        private final transient Obstacle obstacle;

        Blocked(Obstacle obstacle) {
            super(obstacle.why(), null, false, false);
            this.obstacle = obstacle;
        }

        Obstacle obstacle() {
            return obstacle;
        }
    }

    /** {@return at least one device} */
    List<Device> devices() throws Blocked {
        NativeLibrary cuda = load();
        check(call(cuda, "cuInit", 0));
        IntByReference count = new IntByReference();
        check(call(cuda, "cuDeviceGetCount", count));
        List<Device> devices = new ArrayList<>();
        for (int index = 0; index < count.getValue(); index++) {
            IntByReference handle = new IntByReference();
            check(call(cuda, "cuDeviceGet", handle, index));
            devices.add(device(cuda, index, handle.getValue()));
        }
        if (devices.isEmpty()) {
            throw new Blocked(CudaObstacles.ofCode(100));
        }
        return devices;
    }

    /** {@return the driver's library} */
    NativeLibrary load() throws Blocked {
        if (!visible()) {
            throw new Blocked(absent());
        }
        try {
            return NativeLibrary.getInstance(library);
        } catch (UnsatisfiedLinkError e) {
            throw new Blocked(CudaObstacles.noDriver("the NVIDIA driver's library " + library + " does not load"));
        }
    }

    private static Device device(NativeLibrary cuda, int index, int handle) throws Blocked {
        byte[] name = new byte[NAME_BYTES];
        check(call(cuda, "cuDeviceGetName", name, NAME_BYTES, handle));
        LongByReference bytes = new LongByReference();
        check(call(cuda, "cuDeviceTotalMem_v2", bytes, handle));
        String model = text(name);
        return new Device(Device.Kind.CUDA, index, model, OptionalLong.of(bytes.getValue()), uuid(cuda, handle, model));
    }

    /** The second version, since driver 470, gives a slice's own UUID; the first that of its GPU. */
    private static Optional<String> uuid(NativeLibrary cuda, int handle, String model) {
        try (Memory bytes = new Memory(16)) {
            if (call(cuda, "cuDeviceGetUuid_v2", bytes, handle) != 0) {
                return Optional.empty();
            }
            String hex = String.format("%016x%016x", bigEndian(bytes, 0), bigEndian(bytes, 8));
            String prefix = model.contains(" MIG ") ? "MIG-" : "GPU-";
            return Optional.of(prefix + hex.replaceFirst("(.{8})(.{4})(.{4})(.{4})(.{12})", "$1-$2-$3-$4-$5"));
        } catch (UnsatisfiedLinkError e) {
            return Optional.empty();
        }
    }

    private static long bigEndian(Memory bytes, int offset) {
        return bytes.getByteBuffer(offset, 8).order(ByteOrder.BIG_ENDIAN).getLong();
    }

    private static String text(byte[] name) {
        int end = 0;
        while (end < name.length && name[end] != 0) {
            end++;
        }
        return new String(name, 0, end, StandardCharsets.UTF_8);
    }

    static int call(NativeLibrary cuda, String name, Object... arguments) {
        Function function = cuda.getFunction(name);
        return function.invokeInt(arguments);
    }

    static void check(int code) throws Blocked {
        if (code != 0) {
            throw new Blocked(CudaObstacles.ofCode(code));
        }
    }
}
