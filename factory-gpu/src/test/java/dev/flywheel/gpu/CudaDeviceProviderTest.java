package dev.flywheel.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.DeviceProvider;
import dev.flywheel.core.device.Devices;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CudaDeviceProviderTest {

    @TempDir
    Path directory;

    private static CudaProbe counting(int count, long bytes) {
        return new CudaProbe("fake", "java.lang.String") {
            @Override
            String look(Map<Integer, OptionalLong> memory) {
                for (int i = 0; i < count; i++) {
                    memory.put(i, OptionalLong.of(bytes));
                }
                return count + " counted";
            }
        };
    }

    private NvidiaDriver driver(String... gpus) throws IOException {
        for (int i = 0; i < gpus.length; i++) {
            Path gpu = Files.createDirectories(directory.resolve("gpus/0000:0" + i + ":00.0"));
            Files.writeString(gpu.resolve("information"), gpus[i]);
        }
        Path sign = Files.writeString(directory.resolve("nvidiactl"), "");
        return new NvidiaDriver(List.of(sign), directory.resolve("gpus"));
    }

    @Test
    void isFoundByTheServiceLoader() {
        assertThat(ServiceLoader.load(DeviceProvider.class)).hasAtLeastOneElementOfType(CudaDeviceProvider.class);
    }

    @Test
    void withoutADriverNothingNativeIsTouchedAndTheReasonIsNamed() {
        NvidiaDriver none = new NvidiaDriver(List.of(directory.resolve("nvidiactl")), directory.resolve("gpus"));
        CudaProbe untouchable = new CudaProbe("fake", "java.lang.String") {
            @Override
            String look(Map<Integer, OptionalLong> memory) {
                throw new AssertionError("asked without a driver");
            }
        };
        CudaDeviceProvider provider = new CudaDeviceProvider(none, List.of(untouchable));
        assertThat(provider.devices()).isEmpty();
        assertThat(provider.explanation())
                .isEqualTo("no NVIDIA driver is visible: found none of [" + directory.resolve("nvidiactl") + "]");
    }

    @Test
    void onAMachineWithoutAGpuTheBestDeviceIsTheCpu() {
        Assumptions.assumeTrue(NvidiaDriver.ofThisMachine().missing().isPresent(), "this machine has an NVIDIA driver");
        CudaDeviceProvider provider = new CudaDeviceProvider();
        assertThat(provider.devices()).isEmpty();
        assertThat(provider.explanation()).startsWith("no NVIDIA driver is visible: found none of ");
        assertThat(Devices.best().kind()).isEqualTo(Device.Kind.CPU);
    }

    @Test
    void eachLibrarySaysWhyItFindsNothing() throws IOException {
        Assumptions.assumeTrue(NvidiaDriver.ofThisMachine().missing().isPresent(), "this machine has an NVIDIA driver");
        CudaDeviceProvider provider =
                new CudaDeviceProvider(driver(), List.of(CudaProbe.onnxRuntime(), CudaProbe.djl()));
        assertThat(provider.devices()).isEmpty();
        assertThat(provider.explanation())
                .isEqualTo("ONNX Runtime: its build on the class path is for the CPU only, DJL: 0 counted");
    }

    @Test
    void aProbeWithoutItsLibraryOrThatFailsFindsNothing() throws IOException {
        CudaProbe absent = new CudaProbe("absent", "no.such.Library") {
            @Override
            String look(Map<Integer, OptionalLong> memory) {
                throw new AssertionError("asked without its library");
            }
        };
        CudaProbe failing = new CudaProbe("failing", "java.lang.String") {
            @Override
            String look(Map<Integer, OptionalLong> memory) {
                throw new UnsatisfiedLinkError("libcudart.so.12: cannot open shared object file\nmore");
            }
        };
        CudaDeviceProvider provider = new CudaDeviceProvider(driver(), List.of(absent, failing, counting(1, 8)));
        assertThat(provider.devices()).hasSize(1);
        assertThat(provider.explanation())
                .isEqualTo("absent: not on the class path, failing: libcudart.so.12: cannot open shared object file "
                        + "(UnsatisfiedLinkError), fake: 1 counted");
    }

    @Test
    void theOnlyGpuHasTheNameThatTheDriverGivesIt() throws IOException {
        NvidiaDriver driver =
                driver("Model: \t\t NVIDIA H200\nIRQ:   \t\t 47\nGPU UUID: \t GPU-7e6c1f2a-11\nBus Type: \t PCIe\n");
        assertThat(new CudaDeviceProvider(driver, List.of(counting(1, 144))).devices())
                .containsExactly(new Device(
                        Device.Kind.CUDA, 0, "NVIDIA H200", OptionalLong.of(144), Optional.of("GPU-7e6c1f2a-11")));
    }

    @Test
    void severalGpusAreNotNamedByGuessing() throws IOException {
        NvidiaDriver driver = driver("Model: A\nGPU UUID: GPU-a\n", "Model: B\nGPU UUID: GPU-b\n");
        assertThat(new CudaDeviceProvider(driver, List.of(counting(2, 24))).devices())
                .extracting(Device::name)
                .containsExactly("CUDA device 0", "CUDA device 1");
        assertThat(new CudaDeviceProvider(driver, List.of(counting(1, 24))).devices())
                .extracting(Device::name)
                .containsExactly("CUDA device 0");
    }

    @Test
    void aHiddenUuidIsUnknown() throws IOException {
        NvidiaDriver driver = driver("Model: NVIDIA H200\nGPU UUID: GPU-????????-????\n");
        assertThat(driver.onlyGpu()).contains(new NvidiaDriver.Gpu("NVIDIA H200", Optional.empty()));
    }

    @Test
    @Tag("gpu")
    void findsTheGpuOfThisMachine() {
        assertThat(Devices.best().kind()).isEqualTo(Device.Kind.CUDA);
    }
}
