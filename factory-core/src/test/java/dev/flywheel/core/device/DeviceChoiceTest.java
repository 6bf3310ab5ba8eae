package dev.flywheel.core.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.MissingEngineException;
import dev.flywheel.core.device.Probe.Cause;
import dev.flywheel.core.device.Probe.Engine;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The whole table: four requests, two engines, devices or one of eight obstacles. */
class DeviceChoiceTest {

    private static Device gpu(int index, OptionalLong bytes) {
        return new Device(Device.Kind.CUDA, index, "GPU " + index, bytes, Optional.of("GPU-" + index));
    }

    private static Device gpu(int index, long gigabytes) {
        return gpu(index, OptionalLong.of(gigabytes << 30));
    }

    private static Probe blocked(Engine engine, Cause cause) {
        return Probe.blocked(engine, cause, "it is " + cause, "mend " + cause);
    }

    private static Stream<Arguments> obstacles() {
        return Stream.of(Engine.values())
                .flatMap(engine -> Stream.of(Cause.values()).map(cause -> Arguments.of(engine, cause)));
    }

    @ParameterizedTest
    @EnumSource(names = "CPU", mode = EnumSource.Mode.EXCLUDE)
    void whoDoesNotRefuseItGetsTheGpuWithTheMostMemoryAndThenTheFirst(DeviceRequest request) {
        Probe probe = Probe.found(Engine.ONNX_RUNTIME, List.of(gpu(0, 24), gpu(1, 80), gpu(2, 80)));
        assertThat(DeviceChoice.of(request, probe)).isEqualTo(new DeviceChoice(gpu(1, 80), Optional.empty()));
        Probe unknown =
                Probe.found(Engine.ONNX_RUNTIME, List.of(gpu(0, OptionalLong.empty()), gpu(1, OptionalLong.empty())));
        assertThat(DeviceChoice.of(request, unknown).device().index()).isZero();
    }

    @Test
    void whoWantsTheCpuGetsIt() {
        Probe probe = Probe.found(Engine.DJL, List.of(gpu(0, 24)));
        assertThat(DeviceChoice.of(DeviceRequest.CPU, probe))
                .isEqualTo(new DeviceChoice(Device.cpu(), Optional.empty()));
    }

    @ParameterizedTest
    @MethodSource("obstacles")
    void withoutAGpuEachRequestHasItsOwnAnswer(Engine engine, Cause cause) {
        Probe probe = blocked(engine, cause);
        String line = engine + " runs on the CPU, not on CUDA: it is " + cause + ". Fix: mend " + cause + ".";
        assertThat(DeviceChoice.of(DeviceRequest.CPU, probe).fallback()).isEmpty();
        assertThat(DeviceChoice.of(DeviceRequest.CUDA, probe))
                .isEqualTo(new DeviceChoice(Device.cpu(), Optional.of(line)));
        assertThat(DeviceChoice.of(DeviceRequest.AUTO, probe))
                .isEqualTo(new DeviceChoice(
                        Device.cpu(), cause == Cause.NO_MODULE ? Optional.empty() : Optional.of(line)));
        assertThatThrownBy(() -> DeviceChoice.of(DeviceRequest.REQUIRE_CUDA, probe))
                .isInstanceOf(MissingEngineException.class)
                .hasMessage(engine + " cannot run on CUDA, which is required: it is " + cause + ". Fix: mend " + cause
                        + ".");
    }

    @Test
    void aProbeHasDevicesOrAnObstacle() {
        assertThatThrownBy(() -> Probe.found(Engine.DJL, List.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a probe has devices or an obstacle, found [] and Optional.empty");
    }
}
