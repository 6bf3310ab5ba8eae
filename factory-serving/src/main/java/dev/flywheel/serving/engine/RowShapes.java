package dev.flywheel.serving.engine;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import java.nio.file.Path;
import java.util.List;

/**
 * How rows lie in the tensors of a model: the first dimension of each is the batch, the others make a row. Immutable.
 */
final class RowShapes {

    private final int fixedBatch;
    private final long[][] inputs;
    private final long[][] outputs;
    private final int[] inputWidths;
    private final int[] outputWidths;
    private final boolean[] pinned;

    private RowShapes(int fixedBatch, Signature signature, int[] inputWidths, int[] outputWidths) {
        this.fixedBatch = fixedBatch;
        this.inputs = shapes(signature.inputs());
        this.outputs = shapes(signature.outputs());
        this.inputWidths = inputWidths;
        this.outputWidths = outputWidths;
        this.pinned = new boolean[outputWidths.length];
        for (int i = 0; i < pinned.length; i++) {
            TensorSpec output = signature.outputs().get(i);
            pinned[i] = outputWidths[i] > 0 && writable(output.type());
        }
    }

    /** @throws ModelFormatException if a row of an input has no fixed size, or the batch sizes differ */
    static RowShapes of(Path model, Signature signature) {
        int[] inputWidths = new int[signature.inputs().size()];
        int batch = -1;
        for (int i = 0; i < inputWidths.length; i++) {
            TensorSpec input = signature.inputs().get(i);
            inputWidths[i] = width(input);
            if (inputWidths[i] < 1 || (!writable(input.type()) && input.type() != ElementType.STRING)) {
                throw new ModelFormatException(
                        "cannot serve " + model + " row by row",
                        "input \"" + input.name() + "\" is " + input.type() + " of shape " + input.shape()
                                + ", expected a supported type with a batch as the first dimension and fixed sizes "
                                + "beyond it",
                        "export the model with only its first dimension dynamic");
            }
            int own = Math.toIntExact(input.shape().get(0));
            if (own > 0 && batch > 0 && own != batch) {
                throw new ModelFormatException(
                        "cannot serve " + model + " row by row",
                        "its inputs want batches of " + batch + " and of " + own + " rows",
                        "export the model with a dynamic first dimension");
            }
            batch = Math.max(batch, own);
        }
        int[] outputWidths = new int[signature.outputs().size()];
        for (int i = 0; i < outputWidths.length; i++) {
            TensorSpec output = signature.outputs().get(i);
            boolean batched = !output.shape().isEmpty() && output.shape().get(0) == batch;
            outputWidths[i] = batched ? width(output) : -1;
        }
        return new RowShapes(batch, signature, inputWidths, outputWidths);
    }

    /** {@return the rows that every run must have, or -1 if it may have any number} */
    int fixedBatch() {
        return fixedBatch;
    }

    /** {@return the elements of a row} */
    int inputWidth(int index) {
        return inputWidths[index];
    }

    /** {@return the elements of a row, or -1 if only the run tells} */
    int outputWidth(int index) {
        return outputWidths[index];
    }

    /** {@return whether the output can be written straight into memory of ours} */
    boolean pinned(int index) {
        return pinned[index];
    }

    long[] input(int index, int rows) {
        return withRows(inputs[index], rows);
    }

    long[] output(int index, int rows) {
        return withRows(outputs[index], rows);
    }

    private static long[] withRows(long[] shape, int rows) {
        long[] copy = shape.clone();
        copy[0] = rows;
        return copy;
    }

    private static long[][] shapes(List<TensorSpec> specs) {
        return specs.stream()
                .map(s -> s.shape().stream().mapToLong(Long::longValue).toArray())
                .toArray(long[][]::new);
    }

    private static int width(TensorSpec spec) {
        List<Long> shape = spec.shape();
        if (shape.isEmpty()) {
            return -1;
        }
        long width = 1;
        for (long dimension : shape.subList(1, shape.size())) {
            if (dimension < 1) {
                return -1;
            }
            width = Math.multiplyExact(width, dimension);
        }
        return Math.toIntExact(width);
    }

    /** The Java API makes tensors over foreign memory for these. */
    private static boolean writable(ElementType type) {
        return switch (type) {
            case STRING, UINT16, UINT32, UINT64 -> false;
            default -> true;
        };
    }
}
