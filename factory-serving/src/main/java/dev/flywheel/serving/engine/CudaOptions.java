package dev.flywheel.serving.engine;

import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * How ONNX Runtime uses an NVIDIA GPU; everything has a default. Immutable: each method gives a changed copy. Two with
 * the same content are equal.
 *
 * <p>What they leave out is said with {@link OnnxOptions#provider}, in ONNX Runtime's own words.
 */
public final class CudaOptions {

    /** How the memory that a session keeps on the GPU grows. */
    public enum Arena {
        /** By what a run needs. */
        AS_REQUESTED,
        /** By twice as much each time: fewer requests to the driver, more memory taken than used. */
        DOUBLING
    }

    /** With which precision float32 numbers are multiplied. */
    public enum Precision {
        /** With 24 bits, as on the CPU. */
        FLOAT32,
        /** With 11 bits where the GPU has tensor cores for that (TF32): several times as fast, and 1e-3 apart. */
        TF32
    }

    private static final CudaOptions DEFAULTS = new CudaOptions(0, Arena.AS_REQUESTED, Precision.FLOAT32, false);

    /** For the streams of three lanes at a time, and what their libraries keep. */
    private static final long BESIDE_BYTES = 3 * (64L << 20);

    private final long memoryBytes;
    private final Arena arena;
    private final Precision precision;
    private final boolean tensorRt;

    private CudaOptions(long memoryBytes, Arena arena, Precision precision, boolean tensorRt) {
        this.memoryBytes = memoryBytes;
        this.arena = arena;
        this.precision = precision;
        this.tensorRt = tensorRt;
    }

    /** {@return the options that nobody has changed} */
    public static CudaOptions defaults() {
        return DEFAULTS;
    }

    /**
     * {@return a copy with this as the most memory of a model on the GPU, weights included, in bytes} More than 0; by
     * default as much as there is. Beside it the GPU holds about half a gigabyte for the process, once.
     */
    public CudaOptions memoryLimit(long bytes) {
        if (bytes < 1) {
            throw new IllegalArgumentException(
                    "option memoryLimit is invalid: found " + bytes + ", expected at least 1");
        }
        return new CudaOptions(bytes, arena, precision, tensorRt);
    }

    /** {@return a copy with this as how the memory grows} By default {@link Arena#AS_REQUESTED}. */
    public CudaOptions arena(Arena growth) {
        return new CudaOptions(memoryBytes, Objects.requireNonNull(growth, "growth"), precision, tensorRt);
    }

    /**
     * {@return a copy with this as the precision of float32 models} By default {@link Precision#FLOAT32}, so that the
     * GPU answers what the gates have judged on the CPU. Models in float16 run in float16 in any case.
     */
    public CudaOptions precision(Precision multiplied) {
        return new CudaOptions(memoryBytes, arena, Objects.requireNonNull(multiplied, "multiplied"), tensorRt);
    }

    /**
     * {@return a copy that has TensorRT run what it can, and CUDA the rest} For that TensorRT's libraries have to be on
     * the machine. The first load of a model takes minutes.
     */
    public CudaOptions tensorRt() {
        return new CudaOptions(memoryBytes, arena, precision, true);
    }

    /** {@return the most memory in bytes; 0 if there is no limit} */
    long memoryBytes() {
        return memoryBytes;
    }

    /** {@return what a model with so many bytes of weights may come to hold, as far as can be said before it runs} */
    long expectedBytes(long weights) {
        long most = memoryBytes > 0 ? memoryBytes : 2 * weights;
        return Math.min(most, Long.MAX_VALUE - BESIDE_BYTES) + BESIDE_BYTES;
    }

    boolean usesTensorRt() {
        return tensorRt;
    }

    /** {@return ONNX Runtime's options for CUDA on a device} */
    Map<String, String> forCuda(int device) {
        Map<String, String> options = new TreeMap<>();
        options.put("device_id", Integer.toString(device));
        options.put("arena_extend_strategy", arena == Arena.AS_REQUESTED ? "kSameAsRequested" : "kNextPowerOfTwo");
        options.put("use_tf32", precision == Precision.TF32 ? "1" : "0");
        // The exhaustive search of the default is made again for every number of rows.
        options.put("cudnn_conv_algo_search", "HEURISTIC");
        if (memoryBytes > 0) {
            options.put("gpu_mem_limit", Long.toString(memoryBytes));
        }
        return options;
    }

    /** {@return ONNX Runtime's options for TensorRT on a device} */
    Map<String, String> forTensorRt(int device) {
        return Map.of("device_id", Integer.toString(device));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof CudaOptions options
                && tensorRt == options.tensorRt
                && forCuda(0).equals(options.forCuda(0));
    }

    @Override
    public int hashCode() {
        return Objects.hash(forCuda(0), tensorRt);
    }

    @Override
    public String toString() {
        return "CudaOptions[memoryLimit=" + (memoryBytes == 0 ? "none" : memoryBytes) + ", arena=" + arena
                + ", precision=" + precision + (tensorRt ? ", TensorRT" : "") + "]";
    }
}
