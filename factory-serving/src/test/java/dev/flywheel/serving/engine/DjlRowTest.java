package dev.flywheel.serving.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.util.passthrough.PassthroughNDManager;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a row does on the heap is what the engine does. */
class DjlRowTest {

    private final Random random = new Random(5);
    private NDManager manager = PassthroughNDManager.INSTANCE;

    @BeforeEach
    void open() {
        DjlDefaults.apply();
        manager = NDManager.newBaseManager("PyTorch");
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private void same(Shape shape, UnaryOperator<NDArray> operation) {
        float[] values = new float[(int) shape.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (10 * random.nextGaussian());
        }
        ByteBuffer bytes = ByteBuffer.allocate(values.length * 4).order(ByteOrder.nativeOrder());
        bytes.asFloatBuffer().put(values);
        NDArray here = operation.apply(new DjlRow(PassthroughNDManager.INSTANCE, bytes, shape, DataType.FLOAT32));
        NDArray there = operation.apply(manager.create(values, shape));
        assertThat(here).isInstanceOf(DjlRow.class);
        assertThat(here.getShape()).isEqualTo(there.getShape());
        assertThat(here.getDataType()).isEqualTo(there.getDataType());
        if (here.getDataType() == DataType.INT64) {
            assertThat(here.toLongArray()).isEqualTo(there.toLongArray());
        } else {
            assertThat(here.toFloatArray()).containsExactly(there.toFloatArray(), within(1e-6f));
        }
    }

    @Test
    void normalisesAlongAnyAxis() {
        for (Shape shape : List.of(new Shape(7), new Shape(3, 4), new Shape(2, 3, 5), new Shape(4, 1), new Shape(0))) {
            for (int axis = -shape.dimension(); axis < shape.dimension(); axis++) {
                int along = axis;
                same(shape, array -> array.softmax(along));
            }
        }
    }

    @Test
    void findsTheGreatest() {
        same(new Shape(9), NDArray::argMax);
        same(new Shape(3, 4), NDArray::argMax);
        same(new Shape(1), array -> array.argMax());
    }

    @Test
    void picksElements() {
        same(new Shape(9), array -> array.getScalar(4));
        same(new Shape(2, 3, 4), array -> array.getScalar(1, 2, 0));
        same(new Shape(2, 3), array -> array.getScalar(-1, 1));
    }

    @Test
    void changesItsShape() {
        same(new Shape(2, 6), array -> array.reshape(3, 4));
        same(new Shape(2, 6), array -> array.reshape(4, -1));
        same(new Shape(2, 6), NDArray::flatten);
        for (int axis : new int[] {0, 1, 2, -1, -3}) {
            same(new Shape(2, 6), array -> array.expandDims(axis));
        }
        same(new Shape(1, 6, 1), array -> array.squeeze());
        same(new Shape(1, 6, 1), array -> array.squeeze(0));
        same(new Shape(1, 6, 1), array -> array.squeeze(-1));
        same(new Shape(1, 6), array -> array.squeeze(0).softmax(0).expandDims(1));
    }

    @Test
    void refusesWhatItDoesNotKnow() {
        DjlRow row = new DjlRow(PassthroughNDManager.INSTANCE, ByteBuffer.allocate(8), new Shape(2), DataType.INT32);
        assertThatThrownBy(() -> row.add(row)).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> row.softmax(0)).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> row.reshape(3))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("an array of shape (2) cannot be seen as (3)");
    }
}
