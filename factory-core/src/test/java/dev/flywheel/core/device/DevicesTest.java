package dev.flywheel.core.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.ServiceConfigurationError;
import org.junit.jupiter.api.Test;

class DevicesTest {

    private static Device gpu(int index, long gigabytes) {
        return new Device(
                Device.Kind.CUDA, index, "GPU " + index, OptionalLong.of(gigabytes << 30), Optional.of("GPU-" + index));
    }

    private static DeviceProvider provider(String explanation, Device... devices) {
        return new DeviceProvider() {
            @Override
            public String name() {
                return "CUDA";
            }

            @Override
            public List<Device> devices() {
                return Arrays.asList(devices);
            }

            @Override
            public String explanation() {
                return explanation;
            }
        };
    }

    @Test
    void withoutAProviderThereIsTheCpuAndTheReason() {
        Discovery discovery = Discovery.of(List.of());
        assertThat(discovery.devices()).containsExactly(Device.cpu());
        assertThat(discovery.best().kind()).isEqualTo(Device.Kind.CPU);
        assertThat(discovery.summary())
                .isEqualTo(
                        "no accelerator found, everything runs on the CPU (no module for accelerators is on the class "
                                + "path, such as factory-gpu)");
    }

    @Test
    void aProviderThatFindsNothingSaysWhy() {
        Discovery discovery = Discovery.of(List.of(provider("no driver")));
        assertThat(discovery.best().kind()).isEqualTo(Device.Kind.CPU);
        assertThat(discovery.summary()).isEqualTo("no accelerator found, everything runs on the CPU (CUDA: no driver)");
    }

    @Test
    void theBestIsTheAcceleratorWithTheMostMemoryAndThenTheFirst() {
        Discovery discovery = Discovery.of(List.of(provider("ONNX Runtime", gpu(0, 24), gpu(1, 80), gpu(2, 80))));
        assertThat(discovery.best()).isEqualTo(gpu(1, 80));
        assertThat(discovery.devices()).containsExactly(gpu(0, 24), gpu(1, 80), gpu(2, 80), Device.cpu());
        assertThat(discovery.summary()).startsWith("found [").endsWith("(CUDA: ONNX Runtime)");
    }

    @Test
    void aBrokenProviderDoesNotHideTheOthers() {
        DeviceProvider broken = new DeviceProvider() {
            @Override
            public String name() {
                return "broken";
            }

            @Override
            public List<Device> devices() {
                throw new NoClassDefFoundError("ai/onnxruntime/OrtEnvironment");
            }

            @Override
            public String explanation() {
                return "";
            }
        };
        Discovery discovery = Discovery.of(List.of(broken, provider("fine", gpu(0, 8))));
        assertThat(discovery.best()).isEqualTo(gpu(0, 8));
        assertThat(discovery.summary()).contains("a device provider failed: java.lang.NoClassDefFoundError");
    }

    @Test
    void aProviderThatCannotBeMadeIsPassedOver() {
        Iterator<DeviceProvider> iterator = new Iterator<>() {
            private int asked;

            @Override
            public boolean hasNext() {
                return asked < 2;
            }

            @Override
            public DeviceProvider next() {
                if (asked++ == 0) {
                    throw new ServiceConfigurationError("no such class");
                }
                return provider("fine", gpu(0, 8));
            }
        };
        assertThat(Discovery.of(() -> iterator).best()).isEqualTo(gpu(0, 8));
    }

    @Test
    void theProcessHasACpu() {
        assertThat(Devices.all()).last().isEqualTo(Device.cpu());
        assertThat(Devices.best()).isIn(Devices.all());
        assertThat(Device.cpu().name()).contains("processor").contains(System.getProperty("os.arch"));
    }

    @Test
    void refusesANegativeIndex() {
        assertThatThrownBy(() -> gpu(-1, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a device counts from 0, found -1");
    }
}
