package dev.flywheel.serving.engine;

import dev.flywheel.core.model.Signature;

/**
 * The inputs of a lane, laid out for as many rows as it takes, of a length that changes, or each in a shape of its own.
 * Not thread-safe.
 */
final class LaneInputs {

    /** The shapes of the model, and the inputs in the signature's order. */
    final RowShapes shapes;

    final TensorBuffer[] tensors;
    final int maxRows;
    private int length = 1;

    /** @param maxRows the most rows of a run, where the model leaves that open */
    LaneInputs(Signature signature, RowShapes shapes, int maxRows) {
        this.shapes = shapes;
        this.maxRows = !shapes.byRows() ? 1 : shapes.fixedBatch() > 0 ? shapes.fixedBatch() : maxRows;
        this.tensors = new TensorBuffer[signature.inputs().size()];
        for (int i = 0; i < tensors.length; i++) {
            tensors[i] = TensorBuffer.shaped(signature.inputs().get(i), shape(i, this.maxRows));
        }
    }

    int length() {
        return length;
    }

    /** Lays the inputs out for rows of this length, as {@link Lane#length} says. {@return whether it is another} */
    boolean length(int wanted) {
        if (wanted != 1 && !shapes.freeLength()) {
            throw new IllegalArgumentException(
                    "a model whose rows have a fixed size takes rows of length 1, found " + wanted);
        }
        if (wanted < 1) {
            throw new IllegalArgumentException("rows have a length of at least 1, found " + wanted);
        }
        boolean changed = wanted != length;
        length = 0; // of no rows, should one of them turn out to be too long
        for (int i = 0; i < tensors.length; i++) {
            if (changed || (tensors[i].reshaped() && shapes.byRows())) {
                tensors[i].lay(shapes.input(i, maxRows, wanted));
            }
        }
        length = wanted;
        return changed;
    }

    /** {@return whether the run is of inputs in shapes of their own; it then must be of one row} */
    boolean runsShaped(int rows) {
        if (rows < 1 || rows > maxRows) {
            throw new IllegalArgumentException("a lane of " + maxRows + " rows cannot run " + rows);
        }
        boolean shaped = !shapes.byRows();
        for (int i = 0; i < tensors.length && !shaped; i++) {
            shaped = tensors[i].reshaped();
        }
        if (shaped && rows > 1) {
            throw new IllegalStateException(
                    "an input was given a shape of its own, so that it runs alone, not with " + rows + " rows");
        }
        return shaped;
    }

    /** {@return the shape of so many rows of an input, at the present length} */
    long[] shape(int index, int rows) {
        return shapes.input(index, rows, length);
    }

    /** {@return the shape that an input was given, or else that of a row} */
    long[] ownShape(int index) {
        boolean own = !shapes.byRows() || tensors[index].reshaped();
        return own ? tensors[index].shape() : shape(index, 1);
    }

    /** {@return a number that is another whenever the memory of an input is} */
    int version() {
        int sum = 0;
        for (TensorBuffer tensor : tensors) {
            sum += tensor.version();
        }
        return sum;
    }
}
