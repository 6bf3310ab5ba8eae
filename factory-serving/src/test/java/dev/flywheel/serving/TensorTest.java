package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.model.ElementType;
import java.util.List;
import org.junit.jupiter.api.Test;

class TensorTest {

    @Test
    void keepsWhatItWasMadeOfWhateverBecomesOfTheArrays() {
        float[] elements = {1, 2, 3, 4, 5, 6};
        long[] shape = {2, 3};
        Tensor tensor = Tensor.of(elements, shape);
        elements[0] = 9;
        shape[0] = 9;
        tensor.floats()[1] = 9;
        tensor.shape()[1] = 9;
        assertThat(tensor.type()).isEqualTo(ElementType.FLOAT);
        assertThat(tensor.shape()).containsExactly(2, 3);
        assertThat(tensor.size()).isEqualTo(6);
        assertThat(tensor.floats()).containsExactly(1, 2, 3, 4, 5, 6);
        String[] texts = {"a"};
        Tensor text = Tensor.of(texts, 1);
        texts[0] = "b";
        assertThat(text.texts()).containsExactly("a");
    }

    @Test
    void hasEveryElementType() {
        List<Tensor> tensors = List.of(
                Tensor.of(new float[] {1, 0}, 2),
                Tensor.of(new double[] {1, 0}, 2),
                Tensor.of(new long[] {1, 0}, 2),
                Tensor.of(new int[] {1, 0}, 2),
                Tensor.of(new short[] {1, 0}, 2),
                Tensor.of(new byte[] {1, 0}, 2),
                Tensor.of(new boolean[] {true, false}, 2),
                Tensor.float16(new float[] {1, 0}, 2),
                Tensor.bfloat16(new float[] {1, 0}, 2),
                Tensor.uint8(new byte[] {1, 0}, 2),
                Tensor.uint16(new short[] {1, 0}, 2),
                Tensor.uint32(new int[] {1, 0}, 2),
                Tensor.uint64(new long[] {1, 0}, 2));
        assertThat(tensors).extracting(Tensor::type).doesNotHaveDuplicates().hasSize(ElementType.values().length - 1);
        assertThat(tensors).allSatisfy(t -> {
            assertThat(t.number(0)).isEqualTo(1);
            assertThat(t.number(1)).isZero();
        });
        assertThat(Tensor.of(new String[] {"x"}, 1).type()).isEqualTo(ElementType.STRING);
        assertThat(Tensor.of(new boolean[] {true, false}, 2).booleans()).containsExactly(true, false);
        assertThat(Tensor.float16(new float[] {65_504, 1e6f}, 2).floats())
                .containsExactly(65_504, Float.POSITIVE_INFINITY);
        assertThat(Tensor.uint8(new byte[] {-1}, 1).number(0)).isEqualTo(255);
        assertThat(Tensor.uint16(new short[] {-1}, 1).number(0)).isEqualTo(65_535);
        assertThat(Tensor.uint32(new int[] {-1}, 1).number(0)).isEqualTo(4_294_967_295.0);
        assertThat(Tensor.uint64(new long[] {-1}, 1).number(0)).isEqualTo(0x1p64);
        assertThat(Tensor.uint64(new long[] {-1}, 1).longs()).containsExactly(-1);
    }

    @Test
    void equalsByTypeShapeAndElements() {
        Tensor tensor = Tensor.of(new float[] {1, Float.NaN}, 1, 2);
        assertThat(tensor)
                .isEqualTo(Tensor.of(new float[] {1, Float.NaN}, 1, 2))
                .hasSameHashCodeAs(Tensor.of(new float[] {1, Float.NaN}, 1, 2))
                .isNotEqualTo(Tensor.of(new float[] {1, Float.NaN}, 2))
                .isNotEqualTo(Tensor.of(new float[] {1, 2}, 1, 2))
                .isNotEqualTo(Tensor.of(new double[] {1, Float.NaN}, 1, 2));
        assertThat(Tensor.of(new int[] {1}, 1)).isNotEqualTo(Tensor.uint32(new int[] {1}, 1));
        assertThat(Tensor.of(new String[] {"a", "b"}, 2)).isEqualTo(Tensor.of(new String[] {"a", "b"}, 2));
    }

    @Test
    void printsTypeShapeAndFirstElements() {
        assertThat(Tensor.of(new float[] {1, 2.5f}, 1, 2)).hasToString("FLOAT[1, 2] {1.0, 2.5}");
        assertThat(Tensor.of(new long[] {16_000})).hasToString("INT64[] {16000}");
        assertThat(Tensor.of(new boolean[] {true}, 1)).hasToString("BOOL[1] {true}");
        assertThat(Tensor.of(new String[] {"a"}, 1)).hasToString("STRING[1] {\"a\"}");
        assertThat(Tensor.uint64(new long[] {-1}, 1)).hasToString("UINT64[1] {18446744073709551615}");
        assertThat(Tensor.of(new float[0], 2, 0)).hasToString("FLOAT[2, 0] {}");
        assertThat(Tensor.of(new int[20], 4, 5)).hasToString("INT32[4, 5] {0, 0, 0, 0, 0, 0, 0, 0, ... 20 elements}");
    }

    @Test
    void refusesElementsThatDoNotFillTheShape() {
        assertThatThrownBy(() -> Tensor.of(new float[5], 2, 3))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a tensor of shape [2, 3] has 6 elements, found 5");
        assertThatThrownBy(() -> Tensor.of(new float[5]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a tensor of shape [] has 1 element, found 5");
        assertThatThrownBy(() -> Tensor.of(new float[5], -1, 5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a tensor has no negative dimensions, found [-1, 5]");
        assertThatThrownBy(() -> Tensor.of(new long[1], 1).floats())
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("a tensor of type INT64 cannot be seen as floats");
        assertThatThrownBy(() -> Tensor.of(new String[] {"1"}, 1).number(0))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("a tensor of type STRING cannot be seen as numbers");
    }
}
