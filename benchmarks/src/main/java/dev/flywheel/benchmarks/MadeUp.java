package dev.flywheel.benchmarks;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.Codec;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.TensorBuffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;

/**
 * Inputs made up out of a signature: floats around 0, whole numbers from 0 to 9, ones in masks, zeros in types. An
 * input is the number from which its values are drawn. Thread-safe.
 */
final class MadeUp implements Codec<Integer, float[]> {

    private static final int DIFFERENT = 16;

    private final Signature signature;
    private final int length;
    private final boolean byRows;
    private final boolean free;
    private final List<byte[][]> rows = new ArrayList<>();

    /**
     * @param length the size of every dimension beyond the batch that the signature leaves free
     * @param byRows whether inputs are rows of a batch; otherwise an input is all that a run takes, and {@code length}
     *     is the size of every free dimension
     * @throws IllegalArgumentException if it has an input of which nothing can be made up
     */
    MadeUp(Signature signature, int length, boolean byRows) {
        this.signature = signature;
        this.length = length;
        this.byRows = byRows;
        for (TensorSpec spec : signature.inputs()) {
            switch (spec.type()) {
                case FLOAT, DOUBLE, INT64, INT32, INT8, UINT8, BOOL -> {}
                default ->
                    throw new IllegalArgumentException("nothing can be made up for the input \"" + spec.name()
                            + "\" of type " + spec.type()
                            + ", only for FLOAT, DOUBLE, INT64, INT32, INT8, UINT8 and BOOL;"
                            + " write a benchmark with a Codec of your own");
            }
        }
        for (TensorSpec spec : signature.inputs()) {
            byte[][] drawn = new byte[DIFFERENT][];
            Arrays.setAll(drawn, seed -> draw(spec, seed));
            rows.add(drawn);
        }
        this.free = byRows
                && signature.inputs().stream()
                        .anyMatch(spec ->
                                spec.shape().subList(1, spec.shape().size()).contains(-1L));
    }

    Signature signature() {
        return signature;
    }

    /** {@return the elements of an input} */
    int width(TensorSpec spec) {
        long width = 1;
        for (long dimension : shape(spec)) {
            width *= dimension;
        }
        return Math.toIntExact(width);
    }

    /** {@return the shape of an input} */
    long[] shape(TensorSpec spec) {
        long[] shape = spec.shape().stream().mapToLong(d -> d < 0 ? length : d).toArray();
        if (byRows) {
            shape[0] = 1;
        }
        return shape;
    }

    int bytes(TensorSpec spec) {
        return switch (spec.type()) {
            case DOUBLE, INT64 -> 8;
            case FLOAT, INT32 -> 4;
            default -> 1;
        };
    }

    /** Writes a row of an input, the same for the same number. */
    void fill(int input, ByteBuffer bytes, int row, int number) {
        byte[] values = rows.get(input)[number % DIFFERENT];
        bytes.put(row * values.length, values);
    }

    private byte[] draw(TensorSpec spec, int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int width = width(spec);
        int bound = spec.name().contains("type") ? 1 : 10;
        boolean mask = spec.name().contains("mask");
        ByteBuffer bytes = ByteBuffer.allocate(width * bytes(spec)).order(ByteOrder.nativeOrder());
        for (int i = 0; i < width; i++) {
            int at = i * bytes(spec);
            long whole = mask ? 1 : random.nextInt(bound);
            switch (spec.type()) {
                case FLOAT -> bytes.putFloat(at, (float) random.nextDouble(-1, 1));
                case DOUBLE -> bytes.putDouble(at, random.nextDouble(-1, 1));
                case INT64 -> bytes.putLong(at, whole);
                case INT32 -> bytes.putInt(at, (int) whole);
                default -> bytes.put(at, (byte) (whole & 1));
            }
        }
        return bytes.array();
    }

    /** {@return the numbers of a tensor of one row; none if it is of another type than FLOAT, DOUBLE and INT64} */
    float[] read(OnnxValue output) {
        if (!(output instanceof OnnxTensor tensor)) {
            return new float[0];
        }
        float[] values = {};
        switch (tensor.getInfo().type) {
            case FLOAT -> {
                FloatBuffer floats = tensor.getFloatBuffer();
                values = new float[floats.remaining()];
                floats.get(values);
            }
            case DOUBLE -> {
                DoubleBuffer doubles = tensor.getDoubleBuffer();
                values = new float[doubles.remaining()];
                for (int i = 0; i < values.length; i++) {
                    values[i] = (float) doubles.get(i);
                }
            }
            case INT64 -> {
                LongBuffer longs = tensor.getLongBuffer();
                values = new float[longs.remaining()];
                for (int i = 0; i < values.length; i++) {
                    values[i] = longs.get(i);
                }
            }
            default -> {}
        }
        return values;
    }

    @Override
    public int length(Integer input) {
        return free ? length : 1;
    }

    @Override
    public List<Integer> examples() {
        return List.of(0, 1, 2, 3);
    }

    @Override
    public Binding<Integer, float[]> bind(Lane lane) {
        return new Binding<>() {
            @Override
            public void write(Integer input, int row) {
                for (int i = 0; i < signature.inputs().size(); i++) {
                    TensorBuffer buffer = lane.input(i);
                    if (!byRows) {
                        buffer.reshape(shape(buffer.spec()));
                    }
                    fill(i, buffer.bytes(), row, input);
                }
            }

            @Override
            public float[] read(int row) {
                TensorBuffer output = lane.output(0);
                boolean read = EnumSet.of(ElementType.FLOAT, ElementType.DOUBLE, ElementType.INT64)
                        .contains(output.spec().type());
                float[] values = new float[!read ? 0 : byRows ? output.width() : output.size()];
                for (int i = 0; i < values.length; i++) {
                    values[i] = (float) output.number(row * (byRows ? output.width() : 0) + i);
                }
                return values;
            }
        };
    }

    @Override
    public String toString() {
        return signature.inputs().stream()
                .map(spec -> spec.name() + " " + spec.type() + spec.shape())
                .collect(Collectors.joining(", "));
    }
}
