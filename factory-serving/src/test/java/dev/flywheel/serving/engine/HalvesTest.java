package dev.flywheel.serving.engine;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.platform.Fp16Conversions;
import java.util.Random;
import org.junit.jupiter.api.Test;

class HalvesTest {

    @Test
    void readsEveryFloat16AndBfloat16AsOnnxRuntimeDoesAndWritesItBack() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            short half = (short) bits;
            float value = Halves.fromFloat16(half);
            assertThat(Float.floatToIntBits(value)).isEqualTo(Float.floatToIntBits(Fp16Conversions.fp16ToFloat(half)));
            assertThat(Float.floatToIntBits(Halves.fromBfloat16(half)))
                    .isEqualTo(Float.floatToIntBits(Fp16Conversions.bf16ToFloat(half)));
            if (!Float.isNaN(value)) {
                assertThat(Halves.toFloat16(value)).isEqualTo(half);
            }
            if (!Float.isNaN(Halves.fromBfloat16(half))) {
                assertThat(Halves.toBfloat16(Halves.fromBfloat16(half))).isEqualTo(half);
            }
        }
    }

    @Test
    void roundsToTheNearestAndTiesToEven() {
        assertThat(Halves.toFloat16(1 + 0x1p-11f)).isEqualTo(Halves.toFloat16(1));
        assertThat(Halves.toFloat16(1 + 3 * 0x1p-11f)).isEqualTo(Halves.toFloat16(1 + 0x1p-9f));
        assertThat(Halves.fromFloat16(Halves.toFloat16(65_519))).isEqualTo(65_504);
        assertThat(Halves.fromFloat16(Halves.toFloat16(65_520))).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(Halves.fromFloat16(Halves.toFloat16(-1e30f))).isEqualTo(Float.NEGATIVE_INFINITY);
        assertThat(Halves.fromFloat16(Halves.toFloat16(0x1p-25f))).isZero();
        assertThat(Halves.fromFloat16(Halves.toFloat16(0x1.8p-25f))).isEqualTo(0x1p-24f);
        assertThat(Halves.fromFloat16(Halves.toFloat16(Float.NaN))).isNaN();
        assertThat(Halves.fromBfloat16(Halves.toBfloat16(1 + 0x1p-8f))).isEqualTo(1);
        assertThat(Halves.fromBfloat16(Halves.toBfloat16(1 + 3 * 0x1p-8f))).isEqualTo(1 + 0x1p-6f);
        assertThat(Halves.fromBfloat16(Halves.toBfloat16(Float.MAX_VALUE))).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(Halves.fromBfloat16(Halves.toBfloat16(Float.NaN))).isNaN();
        Random random = new Random(1);
        for (int i = 0; i < 100_000; i++) {
            float value = (float) (random.nextGaussian() * Math.pow(2, random.nextInt(40) - 25));
            float half = Halves.fromFloat16(Halves.toFloat16(value));
            float onnxRuntime = Fp16Conversions.fp16ToFloat(Fp16Conversions.floatToFp16(value));
            assertThat(half).isEqualTo(onnxRuntime);
        }
    }
}
