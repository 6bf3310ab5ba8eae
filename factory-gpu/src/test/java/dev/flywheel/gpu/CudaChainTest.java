package dev.flywheel.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.Probe;
import dev.flywheel.core.device.Probe.Cause;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** The real libraries of CUDA, where the profile cuda-natives has put their artifacts on the class path. */
class CudaChainTest {

    @Test
    void nothingButTheDriverIsMissingInTheChainOfLibraries() {
        Assumptions.assumeTrue(
                System.getProperty("java.class.path").contains("-redist.jar"),
                "the artifacts of CUDA are not on the class path: run with -Pcuda-natives");
        List<Path> loaded = CudaNatives.install(Path.of("target", "cuda-natives"));
        assertThat(loaded)
                .extracting(library -> library.getFileName().toString())
                .contains("libcudart.so.12", "libcublasLt.so.12", "libcudnn.so.9");
        Device first = new Device(Device.Kind.CUDA, 0, "GPU", OptionalLong.empty(), Optional.empty());
        Probe probe = CudaProbe.of(Probe.Engine.ONNX_RUNTIME).probe(List.of(first));
        if (CudaDriver.ofThisMachine().visible()) {
            assertThat(probe.devices()).containsExactly(first);
        } else {
            assertThat(probe.obstacle().map(Probe.Obstacle::cause))
                    .isIn(Optional.of(Cause.NO_DRIVER), Optional.of(Cause.NO_DEVICE));
        }
    }
}
