package dev.flywheel.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.benchmarks.GpuFindings.Notes;
import dev.flywheel.benchmarks.GpuFindings.Skip;
import dev.flywheel.benchmarks.GpuModels.Model;
import dev.flywheel.benchmarks.GpuModels.Width;
import dev.flywheel.core.device.Accelerator;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.DeviceChoice;
import dev.flywheel.core.device.DeviceRequest;
import dev.flywheel.core.device.Devices;
import dev.flywheel.core.device.Probe;
import dev.flywheel.gpu.GpuReading;
import dev.flywheel.gpu.GpuTelemetry;
import dev.flywheel.gpu.GpuTelemetry.Gpu;
import dev.flywheel.serving.engine.CudaOptions;
import dev.flywheel.serving.engine.OnnxEngine;
import dev.flywheel.serving.engine.OnnxOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The GPU that is looked at, or the CPU in its place with models that it can manage; what PyTorch gave on the same
 * machine; and the models. Not thread-safe.
 */
final class GpuBench implements AutoCloseable {

    private final DeviceChoice choice = Devices.choose(DeviceRequest.CUDA, Probe.Engine.ONNX_RUNTIME);
    private final GpuTelemetry telemetry = GpuTelemetry.open();
    private final JsonNode torch;
    private final double seconds;
    private @Nullable Model large;
    private @Nullable Model small;
    private @Nullable Model transformer;
    private int bestThreads = 2;

    /**
     * @param torch what torch_baseline.py wrote; a missing node if it could not
     * @param seconds how long a figure is measured; GPU.md's ten at 1
     */
    GpuBench(JsonNode torch, double seconds) {
        this.torch = torch;
        this.seconds = seconds;
    }

    boolean onGpu() {
        return choice.device().kind() == Device.Kind.CUDA;
    }

    Device device() {
        return choice.device();
    }

    GpuTelemetry telemetry() {
        return telemetry;
    }

    double seconds() {
        return seconds;
    }

    /** {@return why there is no GPU, and the mend} */
    String obstacle() {
        return choice.fallback().orElse("a GPU can be used");
    }

    /** What follows runs on the CPU if there is no GPU, and is no finding about one then. */
    void onGpuOrInstead(Notes notes) {
        notes.put("device", device().name());
        if (!onGpu()) {
            notes.insteadOfGpu(obstacle());
        }
    }

    void needGpu() throws Skip {
        if (!onGpu()) {
            throw new Skip(obstacle());
        }
    }

    /** {@return the GPU in the driver's words} */
    Gpu gpu() throws Skip {
        Optional<Gpu> found = device().uuid().flatMap(telemetry::gpu);
        if (found.isPresent()) {
            return found.get();
        }
        if (telemetry.gpus().isEmpty()) {
            throw new Skip(telemetry.obstacle().orElse("NVML tells of no GPU"));
        }
        return telemetry.gpus().get(0);
    }

    double usedMegabytes() throws Skip {
        GpuReading.Memory memory = telemetry.read(gpu()).memory().orElseThrow(() -> new Skip("NVML tells no memory"));
        return memory.usedBytes() / 1e6;
    }

    /** {@return the memory of this process, or of the GPU where it is used} */
    double residentMegabytes() throws IOException, Skip {
        if (onGpu()) {
            return usedMegabytes();
        }
        Path status = Path.of("/proc/self/status");
        if (!Files.isReadable(status)) {
            throw new Skip("the memory of this process cannot be read");
        }
        System.gc(); // which frees the buffers of lanes that are closed
        return Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) / 1024)
                .findFirst()
                .orElseThrow();
    }

    Accelerator accelerator() throws Skip {
        needGpu();
        return Devices.accelerator(device()).orElseThrow(() -> new Skip("the device is not shared"));
    }

    /** {@return what PyTorch measured; empty if it did not} */
    Optional<Double> torch(String figure) {
        JsonNode found = torch.path(figure);
        return found.isNumber() ? Optional.of(found.asDouble()) : Optional.empty();
    }

    /** Writes PyTorch's figure down, if there is one. */
    Optional<Double> torch(Notes notes, String figure) {
        Optional<Double> found = torch(figure);
        found.ifPresentOrElse(
                value -> notes.put("torch " + figure, value.doubleValue()),
                () -> notes.put("torch " + figure, "not measured"));
        return found;
    }

    OnnxEngine open(Model model, CudaOptions cuda) {
        return OnnxEngine.open(
                model.file(),
                OnnxOptions.defaults().device(request(DeviceRequest.CUDA)).cuda(cuda));
    }

    OnnxEngine open(Model model) {
        return open(model, CudaOptions.defaults());
    }

    /** {@return the model with every node on the GPU} */
    OnnxEngine openWhole(Model model) {
        return OnnxEngine.open(model.file(), OnnxOptions.defaults().device(request(DeviceRequest.REQUIRE_CUDA)));
    }

    private DeviceRequest request(DeviceRequest onGpu) {
        return onGpu() ? onGpu : DeviceRequest.CPU;
    }

    /** {@return M1: a large MLP in float16, or a little one for a CPU} */
    Model large() {
        if (large == null) {
            large = onGpu()
                    ? GpuModels.mlp(Width.FLOAT16, 1024, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 16)
                    : GpuModels.mlp(Width.FLOAT16, 256, 512, 512, 16);
        }
        return large;
    }

    int largeBatch() {
        return onGpu() ? 8192 : 64;
    }

    /** {@return M2, and M-small: an MLP of 256 bytes a row} */
    Model small() {
        if (small == null) {
            small = GpuModels.mlp(Width.FLOAT32, 64, 256, 256, 16);
        }
        return small;
    }

    int smallBatch() {
        return onGpu() ? 65_536 : 1024;
    }

    /** {@return an encoder of the size of BERT's in float16, or a little one for a CPU} */
    Model transformer() {
        if (transformer == null) {
            transformer = onGpu()
                    ? GpuModels.transformer(Width.FLOAT16, 128, 768, 12, 12)
                    : GpuModels.transformer(Width.FLOAT16, 16, 64, 4, 2);
        }
        return transformer;
    }

    int transformerBatch() {
        return onGpu() ? 256 : 4;
    }

    /** How many threads ran the large model fastest. */
    int bestThreads() {
        return bestThreads;
    }

    void bestThreads(int threads) {
        bestThreads = threads;
    }

    @Override
    public void close() {
        telemetry.close();
    }
}
