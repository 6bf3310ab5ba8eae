package dev.flywheel.serving.engine;

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

    private static final OnnxOptions DEFAULTS =
            new OnnxOptions(1, Optimization.ALL, null, Collections.emptyMap(), Collections.emptyMap());

    private final int threads;
    private final Optimization optimization;
    private final @Nullable Path optimizedModels;
    private final Map<String, String> config;
    private final Map<String, Map<String, String>> providers;

    private OnnxOptions(
            int threads,
            Optimization optimization,
            @Nullable Path optimizedModels,
            Map<String, String> config,
            Map<String, Map<String, String>> providers) {
        this.threads = threads;
        this.optimization = optimization;
        this.optimizedModels = optimizedModels;
        this.config = config;
        this.providers = providers;
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
        return new OnnxOptions(count, optimization, optimizedModels, config, providers);
    }

    /** {@return a copy with this as what is done to the graph} By default {@link Optimization#ALL}. */
    public OnnxOptions optimization(Optimization level) {
        return new OnnxOptions(threads, Objects.requireNonNull(level, "level"), optimizedModels, config, providers);
    }

    /**
     * {@return a copy with this as the directory where optimised models are kept, so that the next start is quicker} By
     * default none. What is kept is found by the SHA-256 of the model, the version of ONNX Runtime, these options and
     * the kind of processor, and verified before it is used. Models with data in further files are not kept.
     */
    public OnnxOptions optimizedModels(Path directory) {
        return new OnnxOptions(
                threads, optimization, Objects.requireNonNull(directory, "directory"), config, providers);
    }

    /**
     * {@return a copy with this entry for ONNX Runtime's session configuration, in place of an earlier one with this
     * key} The keys are those of {@code onnxruntime_session_options_config_keys.h}.
     */
    public OnnxOptions config(String key, String value) {
        Map<String, String> more = new TreeMap<>(config);
        more.put(Objects.requireNonNull(key, "key"), Objects.requireNonNull(value, "value"));
        return new OnnxOptions(threads, optimization, optimizedModels, Collections.unmodifiableMap(more), providers);
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
        return new OnnxOptions(threads, optimization, optimizedModels, config, Collections.unmodifiableMap(more));
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
                && Objects.equals(optimizedModels, options.optimizedModels)
                && graphOptions().equals(options.graphOptions());
    }

    @Override
    public int hashCode() {
        return Objects.hash(threads, optimizedModels, graphOptions());
    }

    @Override
    public String toString() {
        return "OnnxOptions[threads=" + threads + ", optimization=" + optimization + ", optimizedModels="
                + optimizedModels + ", config=" + config + ", providers=" + providers + "]";
    }
}
