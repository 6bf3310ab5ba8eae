package dev.flywheel.gpu;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The functions of NVML, each looked up when it is first called: drivers differ in which they have. Thread-safe.
 *
 * <p>Codes and layouts are those of {@code nvml.h}, version 12.4.
 */
final class NvmlLibrary {

    /** Tried in this order. The plain {@code .so} is a developer's file: it may be a stub. */
    static final List<String> NAMES = Platform.isWindows()
            ? List.of("nvml.dll", "C:\\Program Files\\NVIDIA Corporation\\NVSMI\\nvml.dll")
            : List.of("libnvidia-ml.so.1", "/usr/local/nvidia/lib64/libnvidia-ml.so.1");

    private static final Logger log = LoggerFactory.getLogger(NvmlLibrary.class);

    static final int SUCCESS = 0;
    static final int INVALID_ARGUMENT = 2;
    static final int NOT_SUPPORTED = 3;
    static final int NO_PERMISSION = 4;
    static final int NOT_FOUND = 6;
    static final int INSUFFICIENT_SIZE = 7;
    static final int DRIVER_NOT_LOADED = 9;
    static final int FUNCTION_NOT_FOUND = 13;
    static final int GPU_IS_LOST = 15;
    static final int RESET_REQUIRED = 16;
    static final int LIB_RM_VERSION_MISMATCH = 18;
    static final int NO_DATA = 21;
    static final int ARGUMENT_VERSION_MISMATCH = 25;

    private final NativeLibrary library;
    private final Map<String, Optional<Function>> functions = new ConcurrentHashMap<>();

    private NvmlLibrary(NativeLibrary library) {
        this.library = library;
    }

    /** {@return the first of these libraries that loads; empty if none does} */
    static Optional<NvmlLibrary> load(List<String> names) {
        for (String name : names) {
            try {
                return Optional.of(new NvmlLibrary(NativeLibrary.getInstance(name)));
            } catch (UnsatisfiedLinkError e) {
                log.debug("{} does not load", name, e);
            }
        }
        return Optional.empty();
    }

    /** {@return the code that a function answers; {@link #FUNCTION_NOT_FOUND} if this driver has none of that name} */
    int call(String function, Object... arguments) {
        Optional<Function> found = functions.computeIfAbsent(function, this::find);
        return found.isPresent() ? found.get().invokeInt(arguments) : FUNCTION_NOT_FOUND;
    }

    /** {@return what the library calls a code, with its number} */
    String words(int code) {
        String words = functions
                .computeIfAbsent("nvmlErrorString", this::find)
                .map(function -> function.invokeString(new Object[] {code}, false))
                .orElse("an error");
        return words + " (NVML " + code + ")";
    }

    private Optional<Function> find(String name) {
        try {
            return Optional.of(library.getFunction(name));
        } catch (UnsatisfiedLinkError e) {
            return Optional.empty();
        }
    }
}
