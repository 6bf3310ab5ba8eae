package dev.flywheel.gpu;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtProvider;
import ai.onnxruntime.OrtSession;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.Probe;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;

/**
 * Finds the CUDA devices that ONNX Runtime can run a model on, by doing so: its list of providers names CUDA whenever
 * that was compiled in, with or without a GPU.
 */
final class OnnxRuntimeCuda {

    private static final String CLASS = "ai/onnxruntime/OrtEnvironment.class";

    private OnnxRuntimeCuda() {}

    static Probe probe(List<Device> devices) throws IOException, OrtException {
        ClassLoader loader = OrtEnvironment.class.getClassLoader();
        if (Collections.list(loader.getResources(CLASS)).size() > 1) {
            return Probe.blocked(
                    Probe.Engine.ONNX_RUNTIME,
                    Probe.Cause.FAILED,
                    "ONNX Runtime is on the class path twice",
                    "exclude com.microsoft.onnxruntime:onnxruntime where onnxruntime_gpu is used");
        }
        if ("1.29.0".equals(OrtEnvironment.class.getPackage().getImplementationVersion())
                && !"1".equals(System.getenv("ORT_DISABLE_TELEMETRY"))) {
            return Probe.blocked(
                    Probe.Engine.ONNX_RUNTIME,
                    Probe.Cause.FAILED,
                    "ONNX Runtime 1.29.0 may kill the process when it starts",
                    "use version 1.28.0, or start Java with the environment variable ORT_DISABLE_TELEMETRY=1");
        }
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        environment.setTelemetry(false);
        if (!OrtEnvironment.getAvailableProviders().contains(OrtProvider.CUDA)) {
            return CudaObstacles.blocked(Probe.Engine.ONNX_RUNTIME, CudaObstacles.cpuBuild(Probe.Engine.ONNX_RUNTIME));
        }
        byte[] model;
        try (InputStream in = OnnxRuntimeCuda.class.getResourceAsStream("tiny.onnx")) {
            model = Objects.requireNonNull(in, "tiny.onnx").readAllBytes();
        }
        List<Device> usable = new ArrayList<>();
        for (Device device : devices) {
            try {
                open(environment, model, device.index());
                usable.add(device);
            } catch (OrtException e) {
                if (device.index() == 0) {
                    throw e;
                }
            }
        }
        return Probe.found(Probe.Engine.ONNX_RUNTIME, usable);
    }

    private static void open(OrtEnvironment environment, byte[] model, int index) throws OrtException {
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
            options.addConfigEntry("session.disable_cpu_ep_fallback", "1");
            options.addCUDA(index);
            environment.createSession(model, options).close();
        }
    }
}
