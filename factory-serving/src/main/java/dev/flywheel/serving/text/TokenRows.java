package dev.flywheel.serving.text;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.TensorBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.util.List;
import java.util.stream.Collectors;

/** The inputs of a lane that tokens are written into: ids, then padding, and the mask that tells them apart. */
final class TokenRows {

    private final Lane lane;
    private final long pad;
    private final int ids;
    private final int mask;
    private final int types;
    private final int[] counts;

    /** @throws ModelFormatException if the lane's model does not take tokens */
    TokenRows(Lane lane, long pad) {
        List<TensorSpec> inputs = lane.signature().inputs();
        this.lane = lane;
        this.pad = pad;
        this.ids = index(inputs, "input_ids");
        this.mask = index(inputs, "attention_mask");
        this.types = index(inputs, "token_type_ids");
        this.counts = new int[lane.maxRows()];
        // Without a mask the answer of a text would depend on the padding.
        if (ids < 0
                || mask < 0
                || inputs.size() != (types < 0 ? 2 : 3)
                || !inputs.stream().allMatch(TokenRows::fits)) {
            throw new ModelFormatException(
                    "the model does not take text",
                    "its inputs are " + text(inputs)
                            + ", expected input_ids, attention_mask and possibly token_type_ids, "
                            + "of type INT64 or INT32 and shape [-1, -1]",
                    "export it with these inputs and with a dynamic batch and sequence, or write a Codec for it");
        }
    }

    /** {@return tensors as messages show them, such as {@code input_ids INT64 [-1, -1]}} */
    static String text(List<TensorSpec> tensors) {
        return tensors.stream()
                .map(t -> t.name() + " " + t.type() + " " + t.shape())
                .collect(Collectors.joining(" and "));
    }

    private static int index(List<TensorSpec> tensors, String name) {
        for (int i = 0; i < tensors.size(); i++) {
            if (tensors.get(i).name().equals(name)) {
                return i;
            }
        }
        return -1;
    }

    private static boolean fits(TensorSpec input) {
        boolean whole = input.type() == ElementType.INT64 || input.type() == ElementType.INT32;
        return whole && input.shape().size() == 2 && input.shape().get(1) < 0;
    }

    void write(Tokens tokens, int row) {
        int count = tokens.count();
        int length = length();
        if (count > length) {
            throw new IllegalArgumentException("a lane of length " + length + " takes no text of " + count + " tokens");
        }
        int from = row * length;
        int end = from + length;
        copy(tokens.ids, lane.input(ids), from);
        fill(pad, lane.input(ids), from + count, end);
        fill(1, lane.input(mask), from, from + count);
        fill(0, lane.input(mask), from + count, end);
        if (types >= 0) {
            int typed = 0;
            if (tokens.types != null) {
                copy(tokens.types, lane.input(types), from);
                typed = count;
            }
            fill(0, lane.input(types), from + typed, end);
        }
        counts[row] = count;
    }

    /** {@return the tokens of the text in a row} */
    int count(int row) {
        return counts[row];
    }

    /** {@return the tokens of every row, padding included} */
    int length() {
        return lane.input(ids).width();
    }

    private static void copy(long[] values, TensorBuffer target, int from) {
        if (target.spec().type() == ElementType.INT64) {
            target.longs().put(from, values);
        } else {
            IntBuffer ints = target.ints();
            for (int i = 0; i < values.length; i++) {
                ints.put(from + i, (int) values[i]);
            }
        }
    }

    private static void fill(long value, TensorBuffer target, int from, int end) {
        if (target.spec().type() == ElementType.INT64) {
            LongBuffer longs = target.longs();
            for (int i = from; i < end; i++) {
                longs.put(i, value);
            }
        } else {
            IntBuffer ints = target.ints();
            for (int i = from; i < end; i++) {
                ints.put(i, (int) value);
            }
        }
    }
}
