package dev.flywheel.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.Probe.Cause;
import dev.flywheel.gpu.CudaDriver.Blocked;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CudaDriverTest {

    @TempDir
    Path directory;

    private CudaDriver driver(String... defines) throws IOException, InterruptedException {
        Path library = NativeFake.compile(directory, "fake_cuda.c", "libcuda.so.1", defines);
        Path sign = Files.writeString(directory.resolve("nvidiactl"), "");
        return new CudaDriver(List.of(sign), library.toString());
    }

    @Test
    void givesDevicesAndSlicesInCudasOrderWithTheirUuids() throws Exception {
        assertThat(driver().devices())
                .containsExactly(
                        new Device(
                                Device.Kind.CUDA,
                                0,
                                "NVIDIA H200",
                                OptionalLong.of(150_754_820_096L),
                                Optional.of("GPU-f0f1f2f3-f4f5-f6f7-f8f9-fafbfcfdfeff")),
                        new Device(
                                Device.Kind.CUDA,
                                1,
                                "NVIDIA H200 MIG 1g.18gb",
                                OptionalLong.of(18_874_368_000L),
                                Optional.of("MIG-e0e1e2e3-e4e5-e6e7-e8e9-eaebecedeeef")));
    }

    @Test
    void anOldDriverTellsNoUuid() throws Exception {
        assertThat(driver("OLD").devices()).extracting(Device::uuid).containsOnly(Optional.empty());
    }

    @ParameterizedTest
    @CsvSource({
        "34, NO_DRIVER, 'the libcuda on the path is the stub'",
        "35, DRIVER_TOO_OLD, 'the NVIDIA driver is older than the CUDA libraries'",
        "100, NO_DEVICE, 'the driver shows no GPU to this process'",
        "803, DRIVER_TOO_OLD, 'the NVIDIA driver and its library on the path are of different versions'",
        "999, FAILED, 'CUDA does not start'"
    })
    void anErrorOfTheDriverIsTold(int code, Cause cause, String why) throws Exception {
        CudaDriver driver = driver("INIT=" + code);
        assertThatThrownBy(driver::devices)
                .asInstanceOf(InstanceOfAssertFactories.type(Blocked.class))
                .extracting(Blocked::obstacle)
                .satisfies(o -> {
                    assertThat(o.cause()).isEqualTo(cause);
                    assertThat(o.why()).startsWith(why).contains("(CUDA error " + code + ")");
                    assertThat(o.fix()).isNotBlank();
                });
    }

    @Test
    void aDriverThatCountsNothingHasNoDevice() throws Exception {
        CudaDriver driver = driver("COUNT=0");
        assertThatThrownBy(driver::devices).hasMessageStartingWith("the driver shows no GPU to this process");
    }

    @Test
    void withoutASignOfADriverNothingIsLoaded() throws Exception {
        Path library = Files.writeString(directory.resolve("libcuda.so.1"), "not a library");
        CudaDriver none = new CudaDriver(List.of(directory.resolve("nvidiactl")), library.toString());
        assertThatThrownBy(none::devices)
                .hasMessage(
                        "no NVIDIA driver is visible, as there is none of [" + directory.resolve("nvidiactl") + "]");
        Path sign = Files.writeString(directory.resolve("nvidiactl"), "");
        CudaDriver broken = new CudaDriver(List.of(sign), library.toString());
        assertThatThrownBy(broken::devices).hasMessage("the NVIDIA driver's library " + library + " does not load");
    }
}
