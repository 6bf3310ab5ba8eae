package dev.flywheel.serving.engine;

import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import java.util.ArrayList;
import java.util.List;

/**
 * A lane for one row that runs nothing: what is written into it can be taken as bytes, to be compared, and what a run
 * of another lane of the same model gave can be laid into its outputs, to be read again. Not thread-safe. Closed by
 * whoever made it, before the engine.
 */
public final class Replay implements Lane {

    private final Lane lane;
    private final List<TensorBuffer> inputs;
    private final List<TensorBuffer> outputs;

    private Replay(Lane lane) {
        this.lane = lane;
        this.inputs = inputs(lane);
        this.outputs = new ArrayList<>();
        List<TensorSpec> specs = lane.signature().outputs();
        for (int i = 0; i < specs.size(); i++) {
            // As large as a run would make it, so that views of it last where they would last there.
            outputs.add(TensorBuffer.shaped(specs.get(i), lane.output(i).shape()));
        }
    }

    /** {@return a lane that replays what lanes of this engine gave} */
    public static Replay of(Engine engine) {
        return new Replay(engine.newLane(1));
    }

    /**
     * {@return the row in the outputs of a lane's last run, as {@link #replay} takes it: the shapes and the values}
     * Where the run was not one of rows, it is all of the outputs.
     *
     * @param row from 0
     */
    public static byte[] outputs(Lane lane, int row) {
        boolean whole = whole(lane, inputs(lane));
        List<TensorBuffer> outputs = new ArrayList<>();
        for (int i = 0; i < lane.signature().outputs().size(); i++) {
            outputs.add(lane.output(i));
        }
        return RowImage.of(outputs, row, whole);
    }

    /** {@return the row in the inputs, to the bit: equal bytes are equal shapes and equal values, and the other way} */
    public byte[] inputs() {
        return RowImage.of(inputs, 0, whole(lane, inputs));
    }

    /** Lays what a run gave into the outputs. */
    public void replay(byte[] row) {
        RowImage.read(row, outputs);
    }

    /** {@return the lane of the engine whose inputs these are} */
    Lane real() {
        return lane;
    }

    @Override
    public Signature signature() {
        return lane.signature();
    }

    @Override
    public int maxRows() {
        return lane.maxRows();
    }

    @Override
    public void length(int length) {
        lane.length(length);
    }

    @Override
    public TensorBuffer input(int index) {
        return inputs.get(index);
    }

    /** Not for this lane. */
    @Override
    public void run(int rows) {
        throw new UnsupportedOperationException("a replay runs nothing");
    }

    @Override
    public TensorBuffer output(int index) {
        return outputs.get(index);
    }

    @Override
    public void close() {
        lane.close();
    }

    private static List<TensorBuffer> inputs(Lane lane) {
        List<TensorBuffer> inputs = new ArrayList<>();
        for (int i = 0; i < lane.signature().inputs().size(); i++) {
            inputs.add(lane.input(i));
        }
        return inputs;
    }

    private static boolean whole(Lane lane, List<TensorBuffer> inputs) {
        boolean whole = lane.maxRows() == 1;
        for (TensorBuffer input : inputs) {
            whole |= input.reshaped();
        }
        return whole;
    }
}
