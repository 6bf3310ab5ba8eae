package dev.flywheel.serving.engine;

import dev.flywheel.core.device.DeviceRequest;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How ONNX Runtime loads and runs a model; everything has a default that suits most models. Immutable: each method
 * gives a changed copy. Two with the same content are equal.
 */
public final class OnnxOptions {

    /** How far ONNX Runtime rewrites the graph before it runs. */
    public enum Optimization {
        /** Not at all. */
        NONE,
        /** What does not depend on the device: constants folded, nodes without effect removed. */
        BASIC,
        /** Nodes fused as well. */
        EXTENDED,
        /** Layouts chosen for the processor as well. */
        ALL
    }

    private static final OnnxOptions DEFAULTS = new OnnxOptions();

    private int threads = 1;
    private Optimization optimization = Optimization.ALL;
    private @Nullable Path optimizedModels;
    private @Nullable DeviceRequest device;
    private CudaOptions cuda = CudaOptions.defaults();
    private @Nullable String owner;
    private Map<String, String> config = Collections.emptyMap();
    private Map<String, Map<String, String>> providers = Collections.emptyMap();

    private OnnxOptions() {}

    private OnnxOptions(OnnxOptions other) {
        threads = other.threads;
        optimization = other.optimization;
        optimizedModels = other.optimizedModels;
        device = other.device;
        cuda = other.cuda;
        owner = other.owner;
        config = other.config;
        providers = other.providers;
    }

    /** {@return the options that nobody has changed} */
    public static OnnxOptions defaults() {
        return DEFAULTS;
    }

    /**
     * {@return a copy with this as the threads of one run} At least 1. By default 1, which gives the most answers where
     * several lanes are at work; more make a single run of a large model faster. They belong to the model, not to the
     * lane, and do not spin.
     */
    public OnnxOptions threads(int count) {
        if (count < 1) {
            throw new IllegalArgumentException("a run needs at least 1 thread, found " + count);
        }
        OnnxOptions copy = new OnnxOptions(this);
        copy.threads = count;
        return copy;
    }

    /** {@return a copy with this as what is done to the graph} By default {@link Optimization#ALL}. */
    public OnnxOptions optimization(Optimization level) {
        OnnxOptions copy = new OnnxOptions(this);
        copy.optimization = Objects.requireNonNull(level, "level");
        return copy;
    }

    /**
     * {@return a copy with this as the directory where optimised models are kept, so that the next start is quicker} By
     * default none. What is kept is found by the SHA-256 of the model, the version of ONNX Runtime, these options and
     * the kind of processor, and verified before it is used. Models with data in further files are not kept.
     */
    public OnnxOptions optimizedModels(Path directory) {
        OnnxOptions copy = new OnnxOptions(this);
        copy.optimizedModels = Objects.requireNonNull(directory, "directory");
        return copy;
    }

    /**
     * {@return a copy with this as where the model runs} By default {@link DeviceRequest#standard()}, so AUTO. AUTO
     * leaves models of at most 1 MiB on the CPU, where a run takes less time than the way to a GPU and back. Providers
     * that are {@linkplain #provider named} stand in its place.
     */
    public OnnxOptions device(DeviceRequest where) {
        OnnxOptions copy = new OnnxOptions(this);
        copy.device = Objects.requireNonNull(where, "where");
        return copy;
    }

    /** {@return a copy with this as how a GPU is used, if the model gets one} */
    public OnnxOptions cuda(CudaOptions options) {
        OnnxOptions copy = new OnnxOptions(this);
        copy.cuda = Objects.requireNonNull(options, "options");
        return copy;
    }

    /**
     * {@return a copy with this as who the model's memory and time on a GPU are counted for} By default the name of its
     * file.
     *
     * @param path a pipeline and a part of it, as {@link dev.flywheel.core.device.Accelerator#reserve} takes them
     */
    public OnnxOptions owner(String path) {
        OnnxOptions copy = new OnnxOptions(this);
        copy.owner = Objects.requireNonNull(path, "path");
        return copy;
    }

    /**
     * {@return a copy with this entry for ONNX Runtime's session configuration, in place of an earlier one with this
     * key} The keys are those of {@code onnxruntime_session_options_config_keys.h}.
     */
    public OnnxOptions config(String key, String value) {
        Map<String, String> more = new TreeMap<>(config);
        more.put(Objects.requireNonNull(key, "key"), Objects.requireNonNull(value, "value"));
        OnnxOptions copy = new OnnxOptions(this);
        copy.config = Collections.unmodifiableMap(more);
        return copy;
    }

    /**
     * {@return a copy that runs on this execution provider what it can run, after those named before; the CPU does the
     * rest}
     *
     * @param name as ONNX Runtime has it, such as CUDA, TensorRT, CoreML, OpenVINO, XNNPACK or QNN
     * @param options the provider's own, such as {@code device_id}
     */
    public OnnxOptions provider(String name, Map<String, String> options) {
        Map<String, Map<String, String>> more = new LinkedHashMap<>(providers);
        more.put(Objects.requireNonNull(name, "name"), Map.copyOf(options));
        OnnxOptions copy = new OnnxOptions(this);
        copy.providers = Collections.unmodifiableMap(more);
        return copy;
    }

    int threads() {
        return threads;
    }

    Optimization optimization() {
        return optimization;
    }

    @Nullable
    Path optimizedModels() {
        return optimizedModels;
    }

    DeviceRequest device() {
        return device == null ? DeviceRequest.standard() : device;
    }

    CudaOptions cuda() {
        return cuda;
    }

    /** {@return who a model is counted for} */
    String ownerOf(Path model) {
        return owner == null ? model.getFileName() + "/" + model : owner;
    }

    Map<String, String> config() {
        return config;
    }

    Map<String, Map<String, String>> providers() {
        return providers;
    }

    /** {@return what decides how the graph is rewritten} */
    String graphOptions() {
        Map<String, Map<String, String>> sorted = new LinkedHashMap<>();
        providers.forEach((name, options) -> sorted.put(name, new TreeMap<>(options)));
        return optimization + " " + config + " " + sorted;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof OnnxOptions options
                && threads == options.threads
                && device == options.device
                && cuda.equals(options.cuda)
                && Objects.equals(owner, options.owner)
                && Objects.equals(optimizedModels, options.optimizedModels)
                && graphOptions().equals(options.graphOptions());
    }

    @Override
    public int hashCode() {
        return Objects.hash(threads, optimizedModels, device, cuda, owner, graphOptions());
    }

    @Override
    public String toString() {
        return "OnnxOptions[threads=" + threads + ", optimization=" + optimization + ", optimizedModels="
                + optimizedModels + (device == null ? "" : ", device=" + device)
                + (cuda.equals(CudaOptions.defaults()) ? "" : ", cuda=" + cuda)
                + (owner == null ? "" : ", owner=" + owner) + ", config=" + config + ", providers="
                + providers + "]";
    }
}
