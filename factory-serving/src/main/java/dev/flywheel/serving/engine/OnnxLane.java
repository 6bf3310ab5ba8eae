package dev.flywheel.serving.engine;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import java.nio.file.Path;
import java.util.Arrays;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A lane of an {@link OnnxSession}, on a session of its own where that is worth it. Inputs, and outputs whose shape
 * follows from the rows and their length, are tensors over this lane's own memory, kept from run to run, so that a run
 * copies nothing. Strings, unsigned integers and outputs of varying size go through memory of ONNX Runtime. Not
 * thread-safe.
 */
final class OnnxLane implements Lane {

    private static final Logger log = LoggerFactory.getLogger(OnnxLane.class);

    private final Path model;
    private final OnnxSessions.Use session;
    private final Signature signature;
    private final RowShapes shapes;
    private final int maxRows;
    private final TensorBuffer[] inputs;
    private final TensorBuffer[] rowOutputs;
    private final TensorBuffer[] shapedOutputs;
    private final boolean[] pinned;
    private final OnnxBindings bindings;
    private final RunControl control;
    private TensorBuffer[] outputs;
    private int length = 1;

    /** @param session ended when no run uses it any more, after {@link #close} */
    OnnxLane(Path model, OnnxSessions.Use session, Signature signature, RowShapes shapes, int maxRows) {
        OrtEnvironment environment = OnnxRuntime.environment();
        this.model = model;
        this.session = session;
        this.signature = signature;
        this.shapes = shapes;
        this.maxRows = !shapes.byRows() ? 1 : shapes.fixedBatch() > 0 ? shapes.fixedBatch() : maxRows;
        this.inputs = new TensorBuffer[signature.inputs().size()];
        for (int i = 0; i < inputs.length; i++) {
            inputs[i] = TensorBuffer.shaped(signature.inputs().get(i), shapes.input(i, this.maxRows, length));
        }
        this.rowOutputs = new TensorBuffer[signature.outputs().size()];
        this.shapedOutputs = new TensorBuffer[rowOutputs.length];
        this.pinned = new boolean[rowOutputs.length];
        for (int i = 0; i < rowOutputs.length; i++) {
            TensorSpec spec = signature.outputs().get(i);
            pinned[i] = shapes.pinned(i);
            rowOutputs[i] = TensorBuffer.shaped(spec, firstOutput(i));
            shapedOutputs[i] = TensorBuffer.shaped(spec, 0);
        }
        this.outputs = shapes.byRows() ? rowOutputs : shapedOutputs;
        this.bindings = new OnnxBindings(environment, shapes, inputs, rowOutputs, pinned, this.maxRows);
        try {
            this.control = new RunControl(() -> {
                bindings.clear();
                session.end();
            });
        } catch (OrtException e) {
            throw new ModelFormatException(
                    "cannot run " + model, "ONNX Runtime says: " + OnnxSession.text(e), "free some memory", e);
        }
    }

    @Override
    public Signature signature() {
        return signature;
    }

    @Override
    public int maxRows() {
        return maxRows;
    }

    @Override
    public void length(int length) {
        if (length != 1 && !shapes.freeLength()) {
            Lane.super.length(length);
        }
        if (length < 1) {
            throw new IllegalArgumentException("rows have a length of at least 1, found " + length);
        }
        boolean changed = length != this.length;
        this.length = 0; // of no rows, should one of them turn out to be too long
        for (int i = 0; i < inputs.length; i++) {
            if (changed || (inputs[i].reshaped() && shapes.byRows())) {
                inputs[i].lay(shapes.input(i, maxRows, length));
            }
        }
        this.length = length;
    }

    @Override
    public TensorBuffer input(int index) {
        return inputs[index];
    }

    @Override
    public TensorBuffer output(int index) {
        return outputs[index];
    }

    @Override
    public void run(int rows) {
        if (rows < 1 || rows > maxRows) {
            throw new IllegalArgumentException("a lane of " + maxRows + " rows cannot run " + rows);
        }
        boolean shaped = !shapes.byRows() || anyReshaped();
        if (shaped && rows > 1) {
            throw new IllegalStateException(
                    "an input was given a shape of its own, so that it runs alone, not with " + rows + " rows");
        }
        control.begin();
        boolean terminated = false;
        try {
            try {
                if (shaped) {
                    runShaped();
                } else {
                    runRows(shapes.fixedBatch() > 0 ? maxRows : rows);
                }
            } finally {
                terminated = control.end();
            }
        } catch (OrtException e) {
            throw terminated ? ended(e) : failed(rows, e);
        }
    }

    @Override
    public void terminate() {
        control.terminate();
    }

    @Override
    public void close() {
        control.close();
    }

    private void runRows(int rows) throws OrtException {
        outputs = rowOutputs;
        if (shapes.freeLength()) {
            for (int i = 0; i < outputs.length; i++) {
                if (pinned[i]) {
                    outputs[i].lay(shapes.output(i, rows, length));
                }
            }
        }
        try {
            execute(bindings.rows(rows, length));
        } catch (OrtException e) {
            runUnpinned(rows, e);
        }
        for (int i = 0; i < outputs.length; i++) {
            if (!pinned[i]) {
                requireRows(outputs[i], rows);
            }
        }
    }

    private void runShaped() throws OrtException {
        outputs = shapedOutputs;
        long[][] layout = rowLayout(1);
        for (int i = 0; i < inputs.length; i++) {
            if (!shapes.byRows() || inputs[i].reshaped()) {
                layout[i] = inputs[i].shape();
            }
        }
        execute(bindings.shaped(layout));
    }

    private void execute(OnnxBindings.Binding binding) throws OrtException {
        try {
            bindings.bindCopies(binding);
            OrtSession chosen = session.next();
            try (OrtSession.Result result =
                    chosen.run(binding.inputs, binding.unpinned, binding.pinned, control.options())) {
                for (int i = 0; i < outputs.length && !binding.unpinned.isEmpty(); i++) {
                    String name = outputs[i].spec().name();
                    if (binding.unpinned.contains(name)) {
                        OnnxTensors.take((OnnxTensor) result.get(name).orElseThrow(), outputs[i]);
                    }
                }
            }
        } finally {
            bindings.release(binding);
        }
    }

    /**
     * Some files declare outputs of another shape than they give; then ONNX Runtime has to choose the memory. Whether
     * that was what failed can only be found out by trying.
     */
    private void runUnpinned(int rows, OrtException cause) throws OrtException {
        if (!anyPinned()) {
            throw cause;
        }
        try {
            execute(bindings.shaped(rowLayout(rows)));
        } catch (OrtException e) {
            throw cause;
        }
        log.debug("{}: an output has not the shape that the file declares", model, cause);
        bindings.clear();
        Arrays.fill(pinned, false);
    }

    private long[][] rowLayout(int rows) {
        long[][] layout = new long[inputs.length][];
        for (int i = 0; i < inputs.length; i++) {
            layout[i] = shapes.input(i, rows, length);
        }
        return layout;
    }

    private void requireRows(TensorBuffer output, int rows) {
        long[] shape = output.shape();
        if (rows > 1 && (shape.length == 0 || shape[0] != rows)) {
            throw new PredictionException(
                    "model " + model + " gave no output for each row",
                    "output \"" + output.spec().name() + "\" has shape " + Arrays.toString(shape) + " for " + rows
                            + " rows, expected the rows as its first dimension",
                    "export the model with the batch as the first dimension of every output");
        }
    }

    private boolean anyPinned() {
        for (boolean one : pinned) {
            if (one) {
                return true;
            }
        }
        return false;
    }

    private boolean anyReshaped() {
        for (TensorBuffer input : inputs) {
            if (input.reshaped()) {
                return true;
            }
        }
        return false;
    }

    private long[] firstOutput(int index) {
        if (pinned[index]) {
            return shapes.output(index, maxRows, length);
        }
        // Until a run tells more, an output has the rows that the file promises, without elements.
        return new long[] {shapes.certain(index) ? maxRows : 0, 0};
    }

    private PredictionException failed(int rows, OrtException cause) {
        return new PredictionException(
                "model " + model + " failed on " + rows + (rows == 1 ? " row" : " rows"),
                "ONNX Runtime says: " + OnnxSession.text(cause),
                "check the values of the input against what the model expects",
                cause);
    }

    private PredictionException ended(OrtException cause) {
        return new PredictionException(
                "a run of model " + model + " was ended",
                "it was told to, before it had finished",
                "give requests more time, or make them smaller",
                cause);
    }
}
