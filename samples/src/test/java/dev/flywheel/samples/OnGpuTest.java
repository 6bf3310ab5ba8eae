package dev.flywheel.samples;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.MissingEngineException;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.Devices;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnGpuTest {

    @TempDir
    Path directory;

    @Test
    void withoutAGpuItSaysWhyAndWhatToDo() throws IOException {
        Assumptions.assumeTrue(
                Devices.all().stream().allMatch(device -> device.kind() == Device.Kind.CPU), "this machine has a GPU");
        Path model = Files.write(directory.resolve("model.onnx"), new byte[] {1});
        assertThatThrownBy(() -> OnGpu.open(model))
                .isInstanceOf(MissingEngineException.class)
                .hasMessageStartingWith("ONNX Runtime cannot run on CUDA, which is required: ")
                .hasMessageContaining(". Fix: ");
    }
}
