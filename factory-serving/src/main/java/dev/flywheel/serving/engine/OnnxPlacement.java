package dev.flywheel.serving.engine;

import ai.onnxruntime.OrtEnvironment;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.DeviceRequest;
import dev.flywheel.core.device.Devices;
import dev.flywheel.core.device.Probe;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Where a model runs.
 *
 * @param device the device
 * @param options the model's options, with the execution providers of that device
 */
record OnnxPlacement(Device device, OnnxOptions options) {

    private static final String CUDA = "CUDA";

    private static final String NO_CPU = "session.disable_cpu_ep_fallback";

    /**
     * {@return where a model of so many bytes runs}
     *
     * @throws dev.flywheel.core.MissingEngineException if a GPU is required and there is none
     */
    static OnnxPlacement of(OnnxOptions options, long modelBytes) {
        if (!options.providers().isEmpty()) {
            return new OnnxPlacement(named(options.providers()), options);
        }
        DeviceRequest request = options.device();
        if (request == DeviceRequest.CPU || (request == DeviceRequest.AUTO && modelBytes <= OnnxRecipe.SMALL_BYTES)) {
            return new OnnxPlacement(Device.cpu(), options);
        }
        // Made as this library needs it before whoever looks for GPUs makes it.
        OrtEnvironment unused = OnnxRuntime.environment();
        Device device = Devices.choose(request, Probe.Engine.ONNX_RUNTIME).device();
        return new OnnxPlacement(device, device.kind() == Device.Kind.CUDA ? onCuda(options, device.index()) : options);
    }

    static OnnxOptions onCuda(OnnxOptions options, int index) {
        CudaOptions cuda = options.cuda();
        OnnxOptions placed = options;
        if (cuda.usesTensorRt()) {
            placed = placed.provider("TensorRT", cuda.forTensorRt(index));
        }
        placed = placed.provider(CUDA, cuda.forCuda(index));
        boolean all = options.device() == DeviceRequest.REQUIRE_CUDA
                && !options.config().containsKey(NO_CPU);
        return all ? placed.config(NO_CPU, "1") : placed;
    }

    /** {@return the device of providers that the caller has named} */
    private static Device named(Map<String, Map<String, String>> providers) {
        for (Map.Entry<String, Map<String, String>> provider : providers.entrySet()) {
            String name = provider.getKey().toLowerCase(Locale.ROOT);
            if (name.startsWith("cuda") || name.startsWith("tensorrt")) {
                int index = OnnxProviders.device(provider.getValue());
                return new Device(
                        Device.Kind.CUDA, index, "CUDA device " + index, OptionalLong.empty(), Optional.empty());
            }
        }
        return Device.cpu();
    }
}
