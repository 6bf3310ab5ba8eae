package dev.flywheel.serving.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.Batchifier;
import ai.djl.translate.StackBatchifier;
import ai.djl.translate.Translator;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.PredictionException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A translator of DJL at work on the memory of a lane. Not thread-safe; as long-lived as its lane.
 *
 * <p>What the translator makes of an input is copied into a row of the lane, and a copy of a row of the outputs is what
 * it makes an answer of. Its arrays are on the Java heap; only for a translator that computes with them they are those
 * of the engine, and closed after the item.
 *
 * @param <I> the type of an input
 * @param <O> the type of an output
 */
public final class DjlTranslation<I, O> {

    private final Translator<I, O> translator;
    private final Lane lane;
    private final boolean stacked;
    private final @Nullable DjlItem[] items;
    private final @Nullable DjlModel model;
    private final @Nullable NDManager memory;
    private boolean computesInputs;
    private boolean computesOutputs;

    private DjlTranslation(Translator<I, O> translator, Lane lane) {
        Lane real = lane instanceof Replay replay ? replay.real() : lane;
        DjlLane own = real instanceof DjlLane djl ? djl : null;
        this.translator = translator;
        this.lane = lane;
        this.stacked = translator.getBatchifier() != null;
        this.items = new DjlItem[lane.maxRows()];
        this.model = own == null ? null : own.model();
        this.memory = own == null ? null : own.memory();
    }

    /**
     * {@return the translator, prepared, at work on this lane, of whichever engine}
     *
     * @throws ModelFormatException if the translator cannot be prepared, or makes batches in a way of its own and the
     *     lane takes more than one row
     */
    public static <I, O> DjlTranslation<I, O> bind(Translator<I, O> translator, Lane lane) {
        DjlDefaults.quiet();
        Batchifier batchifier = translator.getBatchifier();
        if (batchifier != null && !(batchifier instanceof StackBatchifier) && lane.maxRows() > 1) {
            throw new ModelFormatException(
                    "cannot serve with " + name(translator),
                    "it makes batches by " + batchifier.getClass().getSimpleName()
                            + ", which may pad or reorder them, expected Batchifier.STACK or none",
                    "let it stack, where inputs differ in length with DjlCodec.of(translator, length), or let the endpoint "
                            + "run one input at a time with maxBatch(1)");
        }
        DjlTranslation<I, O> bound = new DjlTranslation<>(translator, lane);
        try {
            translator.prepare(new DjlItem(bound.model, bound.memory).computing(bound.memory != null));
        } catch (Exception e) {
            throw new ModelFormatException(
                    "cannot prepare " + name(translator),
                    DjlModel.text(e),
                    "check what it looks for in the model's files, and that its engine is DJL's if it asks for a model",
                    e);
        }
        return bound;
    }

    /**
     * Writes what the translator makes of an input into a row of the lane, shorter ones filled up with zeros.
     *
     * @throws PredictionException if the translator fails with a checked exception, or what it makes does not fit
     */
    public void write(I input, int row) {
        DjlItem item = items[row];
        if (item == null) {
            item = new DjlItem(model, memory);
            items[row] = item;
        }
        item.clear();
        try {
            copy(processed(item, input), row);
        } finally {
            item.releaseUnattached();
        }
    }

    /**
     * {@return what the translator makes of a row of the outputs}
     *
     * @throws PredictionException if the translator fails with a checked exception
     */
    public O read(int row) {
        DjlItem item = items[row];
        if (item == null) {
            throw new IllegalStateException("row " + row + " was never written");
        }
        try {
            if (!computesOutputs) {
                try {
                    return translator.processOutput(item.computing(false), outputs(item, row));
                } catch (UnsupportedOperationException e) {
                    computesOutputs = true;
                } catch (RuntimeException e) {
                    // Perhaps only because the array could hold data and nothing more.
                    O answer = translator.processOutput(item.computing(true), outputs(item, row));
                    computesOutputs = true;
                    return answer;
                }
            }
            return translator.processOutput(item.computing(true), outputs(item, row));
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw failed("an output", e);
        } finally {
            item.clear();
        }
    }

    private NDList processed(DjlItem item, I input) {
        try {
            if (!computesInputs) {
                try {
                    return translator.processInput(item.computing(false), input);
                } catch (UnsupportedOperationException e) {
                    computesInputs = true;
                    item.clear();
                } catch (RuntimeException e) {
                    item.clear();
                    NDList made = translator.processInput(item.computing(true), input);
                    computesInputs = true;
                    return made;
                }
            }
            return translator.processInput(item.computing(true), input);
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw failed("an input", e);
        }
    }

    private PredictionException failed(String what, Exception cause) {
        return new PredictionException(
                name(translator) + " failed on " + what, DjlModel.text(cause), "mend or leave out that input", cause);
    }

    private void copy(NDList made, int row) {
        int expected = lane.signature().inputs().size();
        if (made.size() != expected) {
            throw unfit("it made " + made.size() + " arrays of an input", "the model takes " + expected);
        }
        for (int i = 0; i < expected; i++) {
            copy(made.get(i), lane.input(i), row);
        }
    }

    private void copy(NDArray array, TensorBuffer target, int row) {
        long[] own = array.getShape().getShape();
        long[] whole = stacked ? withBatch(own) : own;
        if (DjlTypes.of(array.getDataType()) != target.spec().type() || whole.length == 0) {
            throw unfit(array, target, "");
        }
        if (lane.maxRows() == 1) {
            try {
                target.reshape(whole);
            } catch (IllegalArgumentException e) {
                throw unfit(array, target, "");
            }
        }
        long[] shape = target.shape();
        shape[0] = 1;
        int bytes = array.getDataType().getNumOfBytes();
        ByteBuffer source = array.toByteBuffer(true);
        ByteBuffer memory = target.bytes();
        if (lane.maxRows() == 1 || Arrays.equals(whole, shape)) {
            int size = (lane.maxRows() == 1 ? target.size() : target.width()) * bytes;
            memory.put(row * size, source, source.position(), size);
            return;
        }
        int free = free(whole, shape);
        if (free < 0 || target.spec().shape().get(free) >= 0) {
            throw unfit(array, target, ", and rows of " + Arrays.toString(shape) + " now");
        }
        pad(source, memory, whole, shape, free, row * target.width() * bytes, bytes);
    }

    /** {@return the one dimension in which the item is smaller than the row, or -1} */
    private static int free(long[] item, long[] row) {
        int free = -1;
        boolean fits = item.length == row.length;
        for (int d = 0; fits && d < row.length; d++) {
            if (item[d] != row[d]) {
                fits = free < 0 && item[d] < row[d];
                free = d;
            }
        }
        return fits ? free : -1;
    }

    private static void pad(
            ByteBuffer source, ByteBuffer target, long[] item, long[] row, int free, int start, int bytes) {
        long before = 1;
        long after = bytes;
        for (int d = 0; d < row.length; d++) {
            before *= d < free ? row[d] : 1;
            after *= d > free ? row[d] : 1;
        }
        int taken = Math.toIntExact(item[free] * after);
        int given = Math.toIntExact(row[free] * after);
        byte[] zeros = new byte[given - taken];
        for (int i = 0; i < before; i++) {
            target.put(start + i * given, source, source.position() + i * taken, taken);
            target.put(start + i * given + taken, zeros);
        }
    }

    private NDList outputs(DjlItem item, int row) {
        int count = lane.signature().outputs().size();
        NDList outputs = new NDList(count);
        for (int i = 0; i < count; i++) {
            TensorBuffer output = lane.output(i);
            NDArray array = array(item, output, row);
            array.setName(output.spec().name());
            outputs.add(array);
        }
        return outputs;
    }

    private NDArray array(DjlItem item, TensorBuffer output, int row) {
        DataType type = DjlTypes.of(output.spec().type());
        if (type == null) {
            throw new ModelFormatException(
                    "cannot serve with " + name(translator),
                    "output \"" + output.spec().name() + "\" is "
                            + output.spec().type() + ", which DJL cannot take",
                    "write a Codec that reads this output");
        }
        long[] shape = output.shape();
        // A lone request may be answered by a tensor that has no rows.
        boolean rows = shape.length > 0 && (lane.maxRows() > 1 || shape[0] == 1);
        if (rows) {
            shape[0] = 1;
        }
        long[] seen = rows && stacked ? Arrays.copyOfRange(shape, 1, shape.length) : shape;
        int size = (rows ? output.width() : output.size()) * type.getNumOfBytes();
        ByteBuffer copy = ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
        copy.put(0, output.bytes(), rows ? row * size : 0, size);
        NDManager manager = item.getNDManager();
        return item.computing()
                ? manager.create(copy, new Shape(seen), type)
                : new DjlRow(manager, copy, new Shape(seen), type);
    }

    private static long[] withBatch(long[] shape) {
        long[] whole = new long[shape.length + 1];
        whole[0] = 1;
        System.arraycopy(shape, 0, whole, 1, shape.length);
        return whole;
    }

    private PredictionException unfit(NDArray array, TensorBuffer target, String now) {
        return unfit(
                "it made " + array.getDataType() + " of shape " + array.getShape() + " of an input",
                "input \"" + target.spec().name() + "\" takes " + target.spec().type() + " of shape "
                        + target.spec().shape() + now + (stacked ? ", where the first dimension is the batch" : ""));
    }

    private PredictionException unfit(String found, String expected) {
        return new PredictionException(
                name(translator) + " does not fit the model",
                found + ", but " + expected,
                "let the translator make what the model takes; where inputs differ in length, serve it with "
                        + "DjlCodec.of(translator, length)");
    }

    private static String name(Translator<?, ?> translator) {
        return "translator " + translator.getClass().getSimpleName();
    }
}
