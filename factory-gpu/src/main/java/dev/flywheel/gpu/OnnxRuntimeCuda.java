package dev.flywheel.gpu;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtProvider;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.io.InputStream;
import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;

/**
 * Finds the CUDA devices that ONNX Runtime can run a model on, by doing so: its list of providers names CUDA whenever
 * that was compiled in, with or without a GPU.
 */
final class OnnxRuntimeCuda {

    private static final int MOST_DEVICES = 64;

    private static final String CLASS = "ai/onnxruntime/OrtEnvironment.class";

    private OnnxRuntimeCuda() {}

    static String find(Map<Integer, OptionalLong> memory) throws IOException, OrtException {
        ClassLoader loader = OrtEnvironment.class.getClassLoader();
        if (Collections.list(loader.getResources(CLASS)).size() > 1) {
            return "on the class path twice, so not asked";
        }
        if ("1.29.0".equals(OrtEnvironment.class.getPackage().getImplementationVersion())
                && !"1".equals(System.getenv("ORT_DISABLE_TELEMETRY"))) {
            return "version 1.29.0 may kill the process when it starts, so not asked";
        }
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        if (!OrtEnvironment.getAvailableProviders().contains(OrtProvider.CUDA)) {
            return "its build on the class path is for the CPU only";
        }
        byte[] model;
        try (InputStream in = OnnxRuntimeCuda.class.getResourceAsStream("tiny.onnx")) {
            model = Objects.requireNonNull(in, "tiny.onnx").readAllBytes();
        }
        for (int index = 0; index < MOST_DEVICES; index++) {
            try {
                open(environment, model, index);
                memory.putIfAbsent(index, OptionalLong.empty());
            } catch (OrtException e) {
                if (index == 0) {
                    throw e;
                }
                break;
            }
        }
        return memory.size() + " usable";
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
