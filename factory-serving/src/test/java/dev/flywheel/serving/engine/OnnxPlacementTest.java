package dev.flywheel.serving.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.flywheel.core.MissingEngineException;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.DeviceRequest;
import dev.flywheel.core.device.Devices;
import dev.flywheel.core.device.Probe;
import dev.flywheel.serving.TestModels;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxPlacementTest {

    private static final long LARGE = 1L << 30;

    @TempDir
    Path directory;

    @Test
    void aGpuGetsTheModelWithItsOptionsInOnnxRuntimesWords() {
        OnnxOptions options = OnnxOptions.defaults()
                .cuda(CudaOptions.defaults()
                        .memoryLimit(2L << 30)
                        .arena(CudaOptions.Arena.DOUBLING)
                        .precision(CudaOptions.Precision.TF32));
        OnnxOptions placed = OnnxPlacement.onCuda(options.device(DeviceRequest.CUDA), 3);
        assertThat(placed.providers())
                .isEqualTo(Map.of(
                        "CUDA",
                        Map.of(
                                "device_id", "3",
                                "arena_extend_strategy", "kNextPowerOfTwo",
                                "use_tf32", "1",
                                "cudnn_conv_algo_search", "HEURISTIC",
                                "gpu_mem_limit", "2147483648")));
        assertThat(placed.config()).isEmpty();
    }

    @Test
    void byDefaultAGpuMultipliesAsTheCpuDoes() {
        assertThat(OnnxPlacement.onCuda(OnnxOptions.defaults(), 0).providers().get("CUDA"))
                .containsEntry("use_tf32", "0")
                .containsEntry("arena_extend_strategy", "kSameAsRequested")
                .doesNotContainKey("gpu_mem_limit");
    }

    @Test
    void whereAGpuIsRequiredNoNodeRunsOnTheCpuUnlessTheCallerSaysSo() {
        OnnxOptions required = OnnxOptions.defaults().device(DeviceRequest.REQUIRE_CUDA);
        String key = "session.disable_cpu_ep_fallback";
        assertThat(OnnxPlacement.onCuda(required, 0).config()).isEqualTo(Map.of(key, "1"));
        assertThat(OnnxPlacement.onCuda(required.config(key, "0"), 0).config()).isEqualTo(Map.of(key, "0"));
    }

    @Test
    void tensorRtComesBeforeCuda() {
        OnnxOptions options = OnnxOptions.defaults().cuda(CudaOptions.defaults().tensorRt());
        assertThat(OnnxPlacement.onCuda(options, 1).providers().keySet()).containsExactly("TensorRT", "CUDA");
    }

    @Test
    void whereNoGpuCanBeUsedEverythingStaysOnTheCpuAndWhoRequiresOneIsToldWhy() {
        String why = Devices.choose(DeviceRequest.CUDA, Probe.Engine.ONNX_RUNTIME)
                .fallback()
                .orElse("");
        assumeFalse(why.isEmpty(), "a GPU can be used");
        for (DeviceRequest request : new DeviceRequest[] {DeviceRequest.AUTO, DeviceRequest.CUDA, DeviceRequest.CPU}) {
            OnnxOptions options = OnnxOptions.defaults().device(request);
            assertThat(OnnxPlacement.of(options, LARGE)).isEqualTo(new OnnxPlacement(Device.cpu(), options));
        }
        OnnxOptions required = OnnxOptions.defaults().device(DeviceRequest.REQUIRE_CUDA);
        assertThatThrownBy(() -> OnnxEngine.open(TestModels.mlp(directory.resolve("mlp.onnx"), 4, 8, 2, 3), required))
                .isInstanceOf(MissingEngineException.class)
                .hasMessage("ONNX Runtime cannot run on CUDA, which is required"
                        + why.substring("ONNX Runtime runs on the CPU, not on CUDA".length()));
    }

    @Test
    void anEngineSaysWhereItRuns() {
        try (OnnxEngine engine = OnnxEngine.open(TestModels.mlp(directory.resolve("mlp.onnx"), 4, 8, 2, 3))) {
            assertThat(engine.device()).isEqualTo(Device.cpu());
        }
    }

    @Test
    void namedProvidersTellTheDevice() {
        OnnxOptions named = OnnxOptions.defaults().provider("CUDAExecutionProvider", Map.of("device_id", "2"));
        assertThat(OnnxPlacement.of(named, 1).device())
                .extracting(Device::kind, Device::index)
                .containsExactly(Device.Kind.CUDA, 2);
        assertThat(OnnxPlacement.of(OnnxOptions.defaults().provider("XNNPACK", Map.of()), 1)
                        .device())
                .isEqualTo(Device.cpu());
    }

    @Test
    void refusesAMemoryLimitOfNothing() {
        assertThatThrownBy(() -> CudaOptions.defaults().memoryLimit(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("option memoryLimit is invalid: found 0, expected at least 1");
    }

    @Test
    void optionsWithTheSameContentAreEqual() {
        CudaOptions limited = CudaOptions.defaults().memoryLimit(5);
        assertThat(limited)
                .isEqualTo(CudaOptions.defaults().memoryLimit(5))
                .hasSameHashCodeAs(CudaOptions.defaults().memoryLimit(5))
                .isNotEqualTo(CudaOptions.defaults())
                .hasToString("CudaOptions[memoryLimit=5, arena=AS_REQUESTED, precision=FLOAT32]");
        assertThat(OnnxOptions.defaults().cuda(limited)).isNotEqualTo(OnnxOptions.defaults());
        assertThat(OnnxOptions.defaults().device(DeviceRequest.CPU)).isNotEqualTo(OnnxOptions.defaults());
    }
}
