package dev.flywheel.serving.engine;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.device.Accelerator;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import org.jspecify.annotations.Nullable;
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
    private final LaneInputs inputs;
    private final TensorBuffer[] rowOutputs;
    private final TensorBuffer[] shapedOutputs;
    private final boolean[] pinned;
    private final OnnxBindings bindings;
    private final RunControl control;
    private final @Nullable OnGpu gpu;
    private Accelerator.Tier tier = Accelerator.Tier.SERVING;
    private TensorBuffer[] outputs;

    /**
     * @param session ended when no run uses it any more, after {@link #close}
     * @param gpu what the model has of a GPU; null on the CPU
     */
    OnnxLane(
            Path model,
            OnnxSessions.Use session,
            Signature signature,
            RowShapes shapes,
            Collection<OnnxCategories.Lookup> lookups,
            int maxRows,
            @Nullable OnGpu gpu) {
        OrtEnvironment environment = OnnxRuntime.environment();
        this.model = model;
        this.session = session;
        this.signature = signature;
        this.shapes = shapes;
        this.gpu = gpu;
        this.inputs = new LaneInputs(signature, shapes, maxRows);
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
        this.bindings = new OnnxBindings(environment, inputs, lookups, rowOutputs, pinned, gpu);
        try {
            this.control = new RunControl(() -> {
                bindings.close();
                session.end();
            });
        } catch (OrtException e) {
            bindings.close();
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
        return inputs.maxRows;
    }

    @Override
    public void length(int length) {
        boolean unused = inputs.length(length);
    }

    @Override
    public void inBulk() {
        tier = Accelerator.Tier.BATCH;
    }

    @Override
    public TensorBuffer input(int index) {
        return inputs.tensors[index];
    }

    @Override
    public TensorBuffer output(int index) {
        return outputs[index];
    }

    @Override
    public void run(int rows) {
        boolean shaped = inputs.runsShaped(rows);
        control.begin();
        boolean terminated = false;
        try {
            try {
                if (gpu == null) {
                    run(rows, shaped);
                } else {
                    Accelerator.Hold turn = gpu.turn(tier);
                    try {
                        run(rows, shaped);
                    } finally {
                        turn.close();
                    }
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

    private void run(int rows, boolean shaped) throws OrtException {
        if (shaped) {
            runShaped();
        } else {
            runRows(shapes.fixedBatch() > 0 ? inputs.maxRows : rows);
        }
    }

    private void runRows(int rows) throws OrtException {
        outputs = rowOutputs;
        if (shapes.freeLength()) {
            for (int i = 0; i < outputs.length; i++) {
                if (pinned[i]) {
                    outputs[i].lay(shapes.output(i, rows, inputs.length()));
                }
            }
        }
        try {
            execute(bindings.rows(rows));
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
        long[][] layout = new long[inputs.tensors.length][];
        for (int i = 0; i < layout.length; i++) {
            layout[i] = inputs.ownShape(i);
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
            long[][] layout = new long[inputs.tensors.length][];
            for (int i = 0; i < layout.length; i++) {
                layout[i] = inputs.shape(i, rows);
            }
            execute(bindings.shaped(layout));
        } catch (OrtException e) {
            throw cause;
        }
        log.debug("{}: an output has not the shape that the file declares", model, cause);
        bindings.clear();
        Arrays.fill(pinned, false);
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

    private long[] firstOutput(int index) {
        if (pinned[index]) {
            return shapes.output(index, inputs.maxRows, inputs.length());
        }
        // Until a run tells more, an output has the rows that the file promises, without elements.
        return new long[] {shapes.certain(index) ? inputs.maxRows : 0, 0};
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
