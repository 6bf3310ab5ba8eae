package dev.flywheel.pipeline.train;

import ai.djl.util.cuda.CudaUtils;
import dev.flywheel.core.device.Device;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * In which numbers minibatches are learned from, as the system property {@value #PROPERTY} has it: {@code auto},
 * {@code float32} or {@code bfloat16}.
 *
 * <p>In bfloat16 means that hidden layers multiply in it, while the parameters, the optimizer, the last layer and the
 * loss stay in 32 bits, as does the model that comes of it: its range is that of 32 bits, so that no gradient has to be
 * scaled.
 */
enum Precision {
    /**
     * In bfloat16 on a GPU of compute capability 8.0 and later, which has units for it, if a row takes a million
     * multiplications and more: smaller networks do not wait for multiplications, and keep the numbers of the CPU.
     */
    AUTO,
    /** In 32 bits on any device. */
    FLOAT32,
    /** In bfloat16 on any device. */
    BFLOAT16;

    static final String PROPERTY = "flywheel.precision";

    private static final Logger log = LoggerFactory.getLogger(Precision.class);
    private static final long LEAST_MULTIPLICATIONS = 1L << 20;
    private static final int LEAST_CAPABILITY = 80;

    static Precision standard() {
        String value = System.getProperty(PROPERTY, AUTO.toString());
        for (Precision precision : values()) {
            if (precision.toString().equals(value)) {
                return precision;
            }
        }
        throw new IllegalArgumentException("the system property " + PROPERTY + " is invalid: found \"" + value
                + "\", expected one of "
                + Arrays.stream(values()).map(Precision::toString).collect(Collectors.joining(", ")));
    }

    /** Whether hidden layers of a network multiply in bfloat16. */
    boolean isNarrow(Device device, Work work) {
        return switch (this) {
            case FLOAT32 -> false;
            case BFLOAT16 -> true;
            case AUTO ->
                device.kind() == Device.Kind.CUDA
                        && work.multiplications() >= LEAST_MULTIPLICATIONS
                        && capability(device) >= LEAST_CAPABILITY;
        };
    }

    /** As in 90 for 9.0; 0 if it cannot be told. */
    private static int capability(Device device) {
        try {
            return Integer.parseInt(CudaUtils.getComputeCapability(device.index()));
        } catch (RuntimeException | LinkageError e) {
            log.debug("the compute capability of {} is not known", device, e);
            return 0;
        }
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
