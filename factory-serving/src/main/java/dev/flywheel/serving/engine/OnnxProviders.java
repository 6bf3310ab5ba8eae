package dev.flywheel.serving.engine;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtEpDevice;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession.SessionOptions;
import ai.onnxruntime.providers.OrtCUDAProviderOptions;
import ai.onnxruntime.providers.OrtTensorRTProviderOptions;
import dev.flywheel.core.MissingEngineException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Adds execution providers to the options of sessions, by their names. */
final class OnnxProviders {

    private OnnxProviders() {}

    /** @throws MissingEngineException if the ONNX Runtime that is there has no such provider, or cannot start it */
    static void add(SessionOptions session, String name, Map<String, String> options) {
        try {
            switch (plain(name)) {
                case "cpu" -> {}
                case "cuda" -> addCuda(session, options);
                case "tensorrt" -> addTensorRt(session, options);
                case "coreml" -> session.addCoreML(options);
                case "xnnpack" -> session.addXnnpack(options);
                case "qnn" -> session.addQnn(options);
                case "webgpu" -> session.addWebGPU(options);
                default -> addDevices(session, name, options);
            }
        } catch (OrtException | LinkageError | IllegalArgumentException e) {
            throw missing(name, e instanceof OrtException ort ? OnnxSession.text(ort) : e.toString(), e);
        }
    }

    private static String plain(String name) {
        return name.toLowerCase(Locale.ROOT).replaceFirst("_?executionprovider$", "");
    }

    private static void addCuda(SessionOptions session, Map<String, String> options) throws OrtException {
        try (OrtCUDAProviderOptions cuda = new OrtCUDAProviderOptions(device(options))) {
            for (Map.Entry<String, String> option : options.entrySet()) {
                cuda.add(option.getKey(), option.getValue());
            }
            session.addCUDA(cuda);
        }
    }

    private static void addTensorRt(SessionOptions session, Map<String, String> options) throws OrtException {
        try (OrtTensorRTProviderOptions tensorRt = new OrtTensorRTProviderOptions(device(options))) {
            for (Map.Entry<String, String> option : options.entrySet()) {
                tensorRt.add(option.getKey(), option.getValue());
            }
            session.addTensorrt(tensorRt);
        }
    }

    static int device(Map<String, String> options) {
        return Integer.parseInt(options.getOrDefault("device_id", "0"));
    }

    /** Providers without a method of their own are found among the devices that ONNX Runtime has discovered. */
    private static void addDevices(SessionOptions session, String name, Map<String, String> options)
            throws OrtException {
        List<OrtEpDevice> devices = new ArrayList<>();
        for (OrtEpDevice device : OnnxRuntime.environment().getEpDevices()) {
            if (plain(device.getEpName()).equals(plain(name))) {
                devices.add(device);
            }
        }
        if (devices.isEmpty()) {
            throw new IllegalArgumentException("no device of that provider was found");
        }
        session.addExecutionProvider(devices, options);
    }

    private static MissingEngineException missing(String name, String why, Throwable cause) {
        return new MissingEngineException(
                "cannot use ONNX Runtime's execution provider " + name,
                why + "; the ONNX Runtime that is there was built with " + OrtEnvironment.getAvailableProviders(),
                "use com.microsoft.onnxruntime:onnxruntime_gpu in place of onnxruntime, or a build with that provider, "
                        + "on a machine that has such a device; or leave the provider out",
                cause);
    }
}
