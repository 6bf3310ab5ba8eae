package dev.flywheel.serving;

import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.flywheel.serving.engine.Halves;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Reads tensors from the files of the ONNX standard. */
final class TensorProtos {

    private TensorProtos() {}

    /** {@return the tensor in these bytes} */
    static Tensor tensor(byte[] bytes) throws InvalidProtocolBufferException {
        TensorProto proto = TensorProto.parseFrom(bytes);
        long[] shape = proto.getDimsList().stream().mapToLong(Long::longValue).toArray();
        int size = 1;
        for (long dimension : shape) {
            size = Math.toIntExact(size * dimension);
        }
        TensorProto.DataType type = TensorProto.DataType.forNumber(proto.getDataType());
        ByteBuffer raw = raw(proto, type, size);
        return switch (type) {
            case FLOAT -> {
                float[] floats = new float[size];
                raw.asFloatBuffer().get(floats);
                yield Tensor.of(floats, shape);
            }
            case DOUBLE -> {
                double[] doubles = new double[size];
                raw.asDoubleBuffer().get(doubles);
                yield Tensor.of(doubles, shape);
            }
            case INT64, UINT64 -> {
                long[] longs = new long[size];
                raw.asLongBuffer().get(longs);
                yield type == TensorProto.DataType.INT64 ? Tensor.of(longs, shape) : Tensor.uint64(longs, shape);
            }
            case INT32, UINT32 -> {
                int[] ints = new int[size];
                raw.asIntBuffer().get(ints);
                yield type == TensorProto.DataType.INT32 ? Tensor.of(ints, shape) : Tensor.uint32(ints, shape);
            }
            case INT16, UINT16 -> {
                short[] shorts = new short[size];
                raw.asShortBuffer().get(shorts);
                yield type == TensorProto.DataType.INT16 ? Tensor.of(shorts, shape) : Tensor.uint16(shorts, shape);
            }
            case FLOAT16, BFLOAT16 -> {
                float[] floats = new float[size];
                for (int i = 0; i < size; i++) {
                    short bits = raw.getShort(2 * i);
                    floats[i] =
                            type == TensorProto.DataType.FLOAT16 ? Halves.fromFloat16(bits) : Halves.fromBfloat16(bits);
                }
                yield type == TensorProto.DataType.FLOAT16
                        ? Tensor.float16(floats, shape)
                        : Tensor.bfloat16(floats, shape);
            }
            case INT8, UINT8 -> {
                byte[] one = new byte[size];
                raw.get(one);
                yield type == TensorProto.DataType.INT8 ? Tensor.of(one, shape) : Tensor.uint8(one, shape);
            }
            case BOOL -> {
                boolean[] booleans = new boolean[size];
                for (int i = 0; i < size; i++) {
                    booleans[i] = raw.get(i) != 0;
                }
                yield Tensor.of(booleans, shape);
            }
            case STRING ->
                Tensor.of(
                        proto.getStringDataList().stream()
                                .map(ByteString::toStringUtf8)
                                .toArray(String[]::new),
                        shape);
            default -> throw new IllegalArgumentException("no tensor of type " + proto.getDataType());
        };
    }

    /** {@return the BFLOAT16 tensor with the bits of a UINT16 one} */
    static Tensor bfloat16(Tensor bits) {
        float[] floats = new float[bits.size()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = Halves.fromBfloat16((short) (int) bits.number(i));
        }
        return Tensor.bfloat16(floats, bits.shape());
    }

    /** {@return the elements as the standard lays them out in raw_data, wherever the file keeps them} */
    private static ByteBuffer raw(TensorProto proto, TensorProto.DataType type, int size) {
        if (proto.hasRawData()) {
            return proto.getRawData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        }
        ByteBuffer raw = ByteBuffer.allocate(8 * size).order(ByteOrder.LITTLE_ENDIAN);
        proto.getFloatDataList().forEach(raw::putFloat);
        proto.getDoubleDataList().forEach(raw::putDouble);
        proto.getInt64DataList().forEach(raw::putLong);
        proto.getUint64DataList().forEach(v -> {
            if (type == TensorProto.DataType.UINT32) {
                raw.putInt((int) (long) v);
            } else {
                raw.putLong(v);
            }
        });
        proto.getInt32DataList().forEach(v -> {
            switch (type) {
                case INT32 -> raw.putInt(v);
                case INT16, UINT16, FLOAT16, BFLOAT16 -> raw.putShort((short) (int) v);
                default -> raw.put((byte) (int) v);
            }
        });
        return raw.flip();
    }
}
