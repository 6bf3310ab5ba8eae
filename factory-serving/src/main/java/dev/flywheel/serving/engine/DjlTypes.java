package dev.flywheel.serving.engine;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.TensorSpec;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The element types and shapes of DJL and ours. */
final class DjlTypes {

    private DjlTypes() {}

    /** {@return DJL's type, or null where none is safe: DJL's PyTorch engine ends the process when asked for others} */
    static @Nullable DataType of(ElementType type) {
        return switch (type) {
            case FLOAT -> DataType.FLOAT32;
            case DOUBLE -> DataType.FLOAT64;
            case FLOAT16 -> DataType.FLOAT16;
            case INT8 -> DataType.INT8;
            case UINT8 -> DataType.UINT8;
            case INT32 -> DataType.INT32;
            case INT64 -> DataType.INT64;
            case BOOL -> DataType.BOOLEAN;
            case BFLOAT16, INT16, UINT16, UINT32, UINT64, STRING -> null;
        };
    }

    /** {@return our type, or null if there is none} */
    static @Nullable ElementType of(DataType type) {
        return switch (type) {
            case FLOAT32 -> ElementType.FLOAT;
            case FLOAT64 -> ElementType.DOUBLE;
            case FLOAT16 -> ElementType.FLOAT16;
            case INT8 -> ElementType.INT8;
            case UINT8 -> ElementType.UINT8;
            case INT32 -> ElementType.INT32;
            case INT64 -> ElementType.INT64;
            case BOOLEAN -> ElementType.BOOL;
            default -> null;
        };
    }

    static List<Long> dimensions(Shape shape) {
        return Arrays.stream(shape.getShape()).boxed().toList();
    }

    /** {@return tensors as messages show them, such as {@code x FLOAT [-1, 16]}} */
    static String text(List<TensorSpec> tensors) {
        return tensors.stream()
                .map(t -> t.name() + " " + t.type() + " " + t.shape())
                .collect(Collectors.joining(" and "));
    }
}
