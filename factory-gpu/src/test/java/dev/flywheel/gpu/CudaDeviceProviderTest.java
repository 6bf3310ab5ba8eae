package dev.flywheel.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnxruntime.OrtException;
import dev.flywheel.core.device.Accelerator;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.DeviceChoice;
import dev.flywheel.core.device.DeviceProvider;
import dev.flywheel.core.device.DeviceRequest;
import dev.flywheel.core.device.Devices;
import dev.flywheel.core.device.Probe;
import dev.flywheel.core.device.Probe.Cause;
import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.ServiceLoader;
import java.util.Set;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class CudaDeviceProviderTest {

    @TempDir
    Path directory;

    private static CudaProbe probing(Exception failure) {
        return new CudaProbe(Probe.Engine.ONNX_RUNTIME, "java.lang.String") {
            @Override
            Probe attempt(List<Device> devices) throws Exception {
                throw failure;
            }
        };
    }

    private CudaDriver driver() throws IOException, InterruptedException {
        Path library = NativeFake.compile(directory, "fake_cuda.c", "libcuda.so.1");
        return new CudaDriver(List.of(Files.writeString(directory.resolve("nvidiactl"), "")), library.toString());
    }

    @Test
    void isFoundByTheServiceLoader() {
        assertThat(ServiceLoader.load(DeviceProvider.class)).hasAtLeastOneElementOfType(CudaDeviceProvider.class);
    }

    @Test
    void isFoundFromAThreadThatDoesNotKnowTheApplication() throws Exception {
        Assumptions.assumeFalse(CudaDriver.ofThisMachine().visible(), "this machine has an NVIDIA driver");
        List<URL> classPath = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            classPath.add(Path.of(entry).toUri().toURL());
        }
        ClassLoader nothing = ClassLoader.getPlatformClassLoader();
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        // Devices are looked for once in the life of a class.
        try (URLClassLoader application = new URLClassLoader(classPath.toArray(URL[]::new), nothing)) {
            thread.setContextClassLoader(nothing);
            Class<?> request = application.loadClass(DeviceRequest.class.getName());
            Class<?> engine = application.loadClass(Probe.Engine.class.getName());
            Object choice = application
                    .loadClass(Devices.class.getName())
                    .getMethod("choose", request, engine)
                    .invoke(
                            null,
                            request.getField("CUDA").get(null),
                            engine.getField("DJL").get(null));
            assertThat(choice.toString()).contains("no NVIDIA driver is visible");
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    @Test
    void aDeviceIsSharedByAllWhoNameItsPlace() throws Exception {
        CudaDeviceProvider provider = new CudaDeviceProvider(driver(), engine -> probing(new IllegalStateException()));
        Device named = new Device(Device.Kind.CUDA, 1, "CUDA device 1", OptionalLong.empty(), Optional.empty());
        Accelerator shared = provider.accelerator(named).orElseThrow();
        assertThat(shared.device().name()).isEqualTo("NVIDIA H200 MIG 1g.18gb");
        assertThat(provider.accelerator(shared.device())).containsSame(shared);
        assertThat(provider.accelerator(Device.cpu())).isEmpty();
        Device absent = new Device(Device.Kind.CUDA, 2, "CUDA device 2", OptionalLong.empty(), Optional.empty());
        assertThat(provider.accelerator(absent)).isEmpty();
        assertThatThrownBy(() -> shared.reserve("a", Accelerator.Tier.SERVING, 18_000_000_000L, Duration.ZERO, null))
                .hasMessageContaining("the budget is 16.8 GB");
    }

    @Test
    void withoutADriverNoEngineIsAsked() {
        CudaDriver none = new CudaDriver(List.of(directory.resolve("nvidiactl")), "libcuda.so.1");
        CudaDeviceProvider provider =
                new CudaDeviceProvider(none, engine -> probing(new IllegalStateException("asked without a driver")));
        assertThat(provider.probe(Probe.Engine.ONNX_RUNTIME))
                .isEqualTo(Probe.blocked(
                        Probe.Engine.ONNX_RUNTIME,
                        Cause.NO_DRIVER,
                        "no NVIDIA driver is visible, as there is none of [" + directory.resolve("nvidiactl") + "]",
                        "install the NVIDIA driver, and in a container start with the NVIDIA runtime "
                                + "(docker run --gpus all)"));
    }

    @ParameterizedTest
    @EnumSource
    void onAMachineWithoutADriverEverythingRunsOnTheCpu(Probe.Engine engine) {
        Assumptions.assumeFalse(CudaDriver.ofThisMachine().visible(), "this machine has an NVIDIA driver");
        DeviceChoice choice = Devices.choose(DeviceRequest.AUTO, engine);
        assertThat(choice.device()).isEqualTo(Device.cpu());
        assertThat(choice.fallback())
                .hasValueSatisfying(line -> assertThat(line)
                        .startsWith(engine + " runs on the CPU, not on CUDA: no NVIDIA driver is visible, as there is")
                        .contains(". Fix: install the NVIDIA driver"));
    }

    @ParameterizedTest
    @EnumSource
    void withADriverEachEngineOfTheClassPathIsTried(Probe.Engine engine) throws Exception {
        Probe probe = new CudaDeviceProvider(driver(), CudaProbe::of).probe(engine);
        assertThat(probe.obstacle())
                .contains(engine == Probe.Engine.DJL ? CudaObstacles.noEngine(engine) : CudaObstacles.cpuBuild(engine));
    }

    @Test
    void anEngineThatIsNotThereIsNotAsked() {
        CudaProbe absent = new CudaProbe(Probe.Engine.DJL, "no.such.Library") {
            @Override
            Probe attempt(List<Device> devices) {
                throw new AssertionError("asked without its library");
            }
        };
        assertThat(absent.probe(List.of()))
                .isEqualTo(Probe.blocked(
                        Probe.Engine.DJL,
                        Cause.NO_ENGINE,
                        "DJL is not on the class path",
                        "add ai.djl.pytorch:pytorch-engine and ai.djl.pytorch:pytorch-jni"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "CPU_BUILD | the build of ONNX Runtime that is there is for the CPU only "
                        + "| Error code - ORT_EP_FAIL - message: Failed to find CUDA shared provider",
                "LIBRARY_MISSING | ONNX Runtime needs libcublasLt.so.12, which does not load "
                        + "| Failed to load library libonnxruntime_providers_cuda.so with error: libcublasLt.so.12: "
                        + "cannot open shared object file: No such file or directory",
                "DRIVER_TOO_OLD | the NVIDIA driver is older than the CUDA libraries (CUDA error 35) "
                        + "| CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version",
                "NO_DEVICE | the driver shows no GPU to this process (CUDA error 100) "
                        + "| CUDA failure 100: no CUDA-capable device is detected",
                "FAILED | ONNX Runtime fails on the GPU: out of luck (OrtException) | out of luck."
            })
    void whatAnEngineSaysIsUnderstood(Cause cause, String why, String message) throws Exception {
        CudaDeviceProvider provider = new CudaDeviceProvider(driver(), engine -> probing(new OrtException(message)));
        assertThat(provider.probe(Probe.Engine.ONNX_RUNTIME).obstacle()).hasValueSatisfying(o -> {
            assertThat(o.cause()).isEqualTo(cause);
            assertThat(o.why()).startsWith(why);
            assertThat(o.fix()).isNotBlank();
        });
    }

    @Test
    void whatOnnxRuntimeDoesNotNameIsLookedFor() {
        Probe.Engine engine = Probe.Engine.ONNX_RUNTIME;
        assertThat(CudaObstacles.unlinked(engine, List.of("libcuda.so.1", "libcudnn.so.9")))
                .isEqualTo(CudaObstacles.noDriver("the NVIDIA driver's library libcuda.so.1 does not load"));
        assertThat(CudaObstacles.unlinked(engine, List.of("libcudnn.so.9")).why())
                .isEqualTo("ONNX Runtime needs libcudnn.so.9, which does not load");
        assertThat(CudaObstacles.unlinked(engine, List.of("libcublas.so.12", "libcudnn.so.9"))
                        .why())
                .isEqualTo("ONNX Runtime needs libcublas.so.12, libcudnn.so.9, which do not load");
        assertThat(CudaObstacles.unlinked(engine, List.of()).cause()).isEqualTo(Cause.LIBRARY_MISSING);
    }

    @Test
    @Tag("gpu")
    void everyEngineUsesTheGpuOfThisMachine() {
        new CudaDeviceProvider()
                .probe(Probe.Engine.ONNX_RUNTIME)
                .obstacle()
                .ifPresent(o -> Assumptions.assumeFalse(
                        Set.of(Cause.NO_DRIVER, Cause.NO_DEVICE, Cause.CPU_BUILD)
                                .contains(o.cause()),
                        o.why()));
        assertThat(Devices.choose(DeviceRequest.REQUIRE_CUDA, Probe.Engine.ONNX_RUNTIME)
                        .device()
                        .kind())
                .isEqualTo(Device.Kind.CUDA);
    }
}
