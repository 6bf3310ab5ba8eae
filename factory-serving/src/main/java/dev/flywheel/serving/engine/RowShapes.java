package dev.flywheel.serving.engine;

import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * How rows lie in the tensors of a model: the first dimension of each is the batch, the others make a row; at most one
 * size beyond the batch is free, the length. Models that are not like that are fed in shapes given for each run.
 * Immutable.
 */
final class RowShapes {

    private static final long FREE = -1;

    /**
     * The names of the free dimensions, tensor by tensor, empty where there is none: equal names are equal sizes.
     *
     * @param inputs in the signature's order
     * @param outputs in the signature's order
     */
    record Symbols(List<String[]> inputs, List<String[]> outputs) {}

    private final Signature signature;
    private final boolean byRows;
    private final long batch;
    private final Set<String> lengthSymbols;
    private final boolean[] predictable;
    private final boolean[] certain;

    private RowShapes(Signature signature, Symbols symbols, boolean byRows, String batchSymbol, Set<String> lengths) {
        this.signature = signature;
        this.byRows = byRows;
        this.lengthSymbols = lengths;
        this.batch = byRows ? signature.inputs().get(0).shape().get(0) : 1;
        this.predictable = new boolean[signature.outputs().size()];
        this.certain = new boolean[predictable.length];
        for (int i = 0; byRows && i < predictable.length; i++) {
            List<Long> shape = signature.outputs().get(i).shape();
            String[] names = symbols.outputs.get(i);
            certain[i] = !shape.isEmpty() && shape.get(0) == batch && (batch > 0 || names[0].equals(batchSymbol));
            predictable[i] = certain[i] && predictable(shape, names);
        }
    }

    static RowShapes of(Signature signature, Symbols symbols) {
        String batchSymbol = "";
        Set<String> lengths = new HashSet<>();
        boolean byRows = !signature.inputs().isEmpty();
        for (int i = 0; i < signature.inputs().size(); i++) {
            List<Long> shape = signature.inputs().get(i).shape();
            List<Long> first = signature.inputs().get(0).shape();
            if (shape.isEmpty() || shape.get(0) == 0 || !shape.get(0).equals(first.get(0))) {
                byRows = false;
                break;
            }
            String[] names = symbols.inputs.get(i);
            byRows &= names[0].isEmpty() || batchSymbol.isEmpty() || names[0].equals(batchSymbol);
            batchSymbol = batchSymbol.isEmpty() ? names[0] : batchSymbol;
            int unnamed = 0;
            for (int d = 1; d < names.length; d++) {
                byRows &= shape.get(d) != 0;
                if (shape.get(d) < 0) {
                    lengths.add(names[d]);
                    unnamed += names[d].isEmpty() ? 1 : 0;
                }
            }
            byRows &= unnamed < 2;
        }
        byRows &= lengths.size() < 2 && (batchSymbol.isEmpty() || !lengths.contains(batchSymbol));
        return new RowShapes(signature, symbols, byRows, batchSymbol, lengths);
    }

    /** {@return whether the model can be fed in rows} */
    boolean byRows() {
        return byRows;
    }

    /** {@return whether the rows have a free length} */
    boolean freeLength() {
        return byRows && !lengthSymbols.isEmpty();
    }

    /** {@return the rows that every run must have, or -1 if it may have any number} */
    int fixedBatch() {
        return (int) batch;
    }

    /** {@return whether an output has the rows of the inputs, by what the file says} */
    boolean certain(int output) {
        return certain[output];
    }

    /** {@return whether rows and length give an output's shape, so that it can be written straight into our memory} */
    boolean pinned(int output) {
        return predictable[output]
                && OnnxTensors.writable(signature.outputs().get(output).type());
    }

    long[] input(int index, int rows, int length) {
        return filled(signature.inputs().get(index), rows, length);
    }

    long[] output(int index, int rows, int length) {
        return filled(signature.outputs().get(index), rows, length);
    }

    private boolean predictable(List<Long> shape, String[] names) {
        for (int d = 1; d < names.length; d++) {
            boolean length = shape.get(d) == FREE && !names[d].isEmpty() && lengthSymbols.contains(names[d]);
            if (shape.get(d) < 1 && !length) {
                return false;
            }
        }
        return true;
    }

    private static long[] filled(TensorSpec spec, int rows, int length) {
        long[] shape = new long[spec.shape().size()];
        for (int d = 0; d < shape.length; d++) {
            long size = spec.shape().get(d);
            shape[d] = size >= 0 ? size : d == 0 ? rows : length;
        }
        return shape;
    }
}
