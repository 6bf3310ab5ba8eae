package dev.flywheel.core.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DeviceRequestTest {

    @BeforeEach
    @AfterEach
    void clear() {
        System.clearProperty(DeviceRequest.PROPERTY);
    }

    @ParameterizedTest
    @CsvSource({"auto, AUTO", "cuda, CUDA", "cpu, CPU", "require-cuda, REQUIRE_CUDA"})
    void thePropertySaysWhatIsStandard(String value, DeviceRequest request) {
        System.setProperty(DeviceRequest.PROPERTY, value);
        assertThat(DeviceRequest.standard()).isEqualTo(request);
    }

    @Test
    void withoutThePropertyItIsAuto() {
        assertThat(DeviceRequest.standard()).isEqualTo(DeviceRequest.AUTO);
    }

    @Test
    void refusesWhatItDoesNotKnow() {
        System.setProperty(DeviceRequest.PROPERTY, "gpu");
        assertThatThrownBy(DeviceRequest::standard)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "the system property flywheel.device is invalid: found \"gpu\", expected one of auto, cuda, "
                                + "cpu, require-cuda");
    }
}
