package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.DeviceChoice;
import dev.flywheel.core.device.DeviceRequest;
import dev.flywheel.core.device.Devices;
import dev.flywheel.core.device.Probe;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Has the tests of a class, and of those inside it, run models on a GPU for which nothing else is said. Where ONNX
 * Runtime cannot use one they are skipped, and the log says why.
 */
public final class OnCuda implements ExecutionCondition, BeforeEachCallback, AfterEachCallback {

    private static final String OTHERWISE = DeviceRequest.standard().toString();

    /** Asked for once: it warns each time. */
    private static final class Chosen {
        static final DeviceChoice CHOICE = Devices.choose(DeviceRequest.CUDA, Probe.Engine.ONNX_RUNTIME);
    }

    /** {@return whether models run on a GPU, in the test that runs now} */
    public static boolean isOn() {
        return DeviceRequest.standard() == DeviceRequest.CUDA;
    }

    /** A model's answers are those of the CPU: to the last bit there, and nearly on a GPU. */
    public static void assertSame(float[] answers, float[] onCpu) {
        if (isOn()) {
            assertThat(answers).containsExactly(onCpu, within(1e-3f));
        } else {
            assertThat(answers).isEqualTo(onCpu);
        }
    }

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        DeviceChoice choice = Chosen.CHOICE;
        return choice.device().kind() == Device.Kind.CUDA
                ? ConditionEvaluationResult.enabled(choice.device().name())
                : ConditionEvaluationResult.disabled(choice.fallback().orElseThrow());
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        System.setProperty(DeviceRequest.PROPERTY, DeviceRequest.CUDA.toString());
    }

    @Override
    public void afterEach(ExtensionContext context) {
        System.setProperty(DeviceRequest.PROPERTY, OTHERWISE);
    }
}
