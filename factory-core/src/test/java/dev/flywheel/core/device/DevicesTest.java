package dev.flywheel.core.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.device.Probe.Cause;
import dev.flywheel.core.device.Probe.Engine;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.ServiceConfigurationError;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class DevicesTest {

    private static Device gpu(int index, long gigabytes) {
        return new Device(
                Device.Kind.CUDA, index, "GPU " + index, OptionalLong.of(gigabytes << 30), Optional.of("GPU-" + index));
    }

    private static DeviceProvider provider(Function<Engine, Probe> probes) {
        return new DeviceProvider() {
            @Override
            public String name() {
                return "CUDA";
            }

            @Override
            public Probe probe(Engine engine) {
                return probes.apply(engine);
            }
        };
    }

    @Test
    void withoutAProviderThereIsTheCpuAndTheReason() {
        Discovery discovery = Discovery.of(List.of());
        assertThat(discovery.devices()).containsExactly(Device.cpu());
        assertThat(discovery.probe(Engine.ONNX_RUNTIME))
                .isEqualTo(Probe.blocked(
                        Engine.ONNX_RUNTIME,
                        Cause.NO_MODULE,
                        "no module for accelerators is on the class path",
                        "add dev.flywheel:factory-gpu"));
    }

    @Test
    void aProviderThatFindsNothingSaysWhy() {
        Probe blocked = Probe.blocked(Engine.DJL, Cause.NO_DRIVER, "no driver", "install it");
        Discovery discovery = Discovery.of(List.of(provider(engine -> blocked)));
        assertThat(discovery.probe(Engine.DJL)).isEqualTo(blocked);
    }

    @Test
    void eachEngineHasItsOwnDevicesAndIsAskedOnce() {
        AtomicInteger asked = new AtomicInteger();
        Discovery discovery = Discovery.of(List.of(provider(engine -> {
            asked.incrementAndGet();
            return Probe.found(engine, engine == Engine.DJL ? List.of(gpu(1, 80)) : List.of(gpu(0, 24), gpu(1, 80)));
        })));
        assertThat(discovery.probe(Engine.DJL).devices()).containsExactly(gpu(1, 80));
        assertThat(asked).hasValue(1);
        assertThat(discovery.devices()).containsExactly(gpu(0, 24), gpu(1, 80), Device.cpu());
        assertThat(discovery.devices()).hasSize(3);
        assertThat(asked).hasValue(2);
    }

    @Test
    void aBrokenProviderDoesNotHideTheOthers() {
        DeviceProvider broken = provider(engine -> {
            throw new NoClassDefFoundError("ai/onnxruntime/OrtEnvironment");
        });
        DeviceProvider fine = provider(engine -> Probe.found(engine, List.of(gpu(0, 8))));
        assertThat(Discovery.of(List.of(broken, fine)).probe(Engine.DJL).devices())
                .containsExactly(gpu(0, 8));
        assertThat(Discovery.of(List.of(broken)).probe(Engine.DJL))
                .isEqualTo(Probe.blocked(
                        Engine.DJL,
                        Cause.FAILED,
                        "the device provider CUDA failed: java.lang.NoClassDefFoundError: ai/onnxruntime/OrtEnvironment",
                        "use versions of the modules that belong together"));
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
                return provider(engine -> Probe.found(engine, List.of(gpu(0, 8))));
            }
        };
        assertThat(Discovery.of(() -> iterator).devices()).containsExactly(gpu(0, 8), Device.cpu());
    }

    @Test
    void aDeviceIsSharedByTheProviderThatHasIt() {
        assertThat(Devices.accelerator(Device.cpu())).isEmpty();
        assertThat(Devices.accelerator(gpu(0, 80))).isEmpty();
        Discovery none = Discovery.of(List.of(provider(engine -> Probe.found(engine, List.of(gpu(0, 80))))));
        assertThat(none.accelerator(gpu(0, 80))).isEmpty();
    }

    @Test
    void theProcessHasACpu() {
        assertThat(Devices.all()).containsExactly(Device.cpu());
        assertThat(Devices.choose(DeviceRequest.AUTO, Engine.ONNX_RUNTIME))
                .isEqualTo(new DeviceChoice(Device.cpu(), Optional.empty()));
        assertThat(Device.cpu().name()).contains("processor").contains(System.getProperty("os.arch"));
    }

    @Test
    void refusesANegativeIndex() {
        assertThatThrownBy(() -> gpu(-1, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a device counts from 0, found -1");
    }
}
