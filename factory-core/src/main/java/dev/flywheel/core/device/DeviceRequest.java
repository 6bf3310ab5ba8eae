package dev.flywheel.core.device;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Where a model is to run, as asked for. */
public enum DeviceRequest {
    /**
     * On an accelerator if there is one that can be used, otherwise on the CPU. That a module for accelerators is there
     * and none can be used is one warning in the log of a process.
     */
    AUTO,
    /**
     * On an NVIDIA GPU if one can be used, otherwise on the CPU, with a warning in the log for each model. What the
     * engine cannot run on the GPU it runs on the CPU.
     */
    CUDA,
    /** On the CPU; no GPU is looked for. */
    CPU,
    /** On an NVIDIA GPU, with every part of the model, or not at all. */
    REQUIRE_CUDA;

    /** The system property that says where models run for which nothing else is said. */
    public static final String PROPERTY = "flywheel.device";

    /**
     * {@return the request of everything that makes none of its own: that of the system property {@value #PROPERTY},
     * which is {@code auto}, {@code cuda}, {@code cpu} or {@code require-cuda}, or AUTO}
     *
     * @throws IllegalArgumentException if the property has another value
     */
    public static DeviceRequest standard() {
        String value = System.getProperty(PROPERTY, AUTO.toString());
        for (DeviceRequest request : values()) {
            if (request.toString().equals(value)) {
                return request;
            }
        }
        throw new IllegalArgumentException("the system property " + PROPERTY + " is invalid: found \"" + value
                + "\", expected one of "
                + Arrays.stream(values()).map(DeviceRequest::toString).collect(Collectors.joining(", ")));
    }

    /** {@return its name as the system property has it, as in "require-cuda"} */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
