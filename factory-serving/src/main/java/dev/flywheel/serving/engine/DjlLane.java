package dev.flywheel.serving.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.device.Accelerator;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A lane of a {@link DjlModel}. A run makes one array over the rows of each input, without a copy where the engine can
 * do that, goes forward once, copies the outputs out once and frees everything that was made on the way. Not
 * thread-safe.
 */
final class DjlLane implements Lane {

    /**
     * Arrays over this many rows and fewer are kept, where they see what is written later: making one costs as much as
     * a tenth of a small model's run.
     */
    private static final int KEPT_ROWS = 256;

    private final DjlModel model;
    private final Signature signature;
    private final RowShapes shapes;
    private final NDManager manager;
    private final DjlParameters parameters;
    private final LaneInputs inputs;
    private final DataType[] types;
    private final TensorBuffer[] rowOutputs;
    private final TensorBuffer[] shapedOutputs;
    private final boolean[] steady;
    private final NDArray[] @Nullable [] kept;
    private Accelerator.Tier tier = Accelerator.Tier.SERVING;
    private TensorBuffer[] outputs;
    private int keptVersion;

    DjlLane(DjlModel model, Signature signature, int maxRows) {
        this.model = model;
        this.signature = signature;
        this.shapes = RowShapes.of(signature, unnamed(signature));
        this.inputs = new LaneInputs(signature, shapes, maxRows);
        this.types = new DataType[inputs.tensors.length];
        for (int i = 0; i < types.length; i++) {
            types[i] = DjlSignature.dataType(model, signature.inputs().get(i));
        }
        this.rowOutputs = new TensorBuffer[signature.outputs().size()];
        this.shapedOutputs = new TensorBuffer[rowOutputs.length];
        this.steady = new boolean[rowOutputs.length];
        for (int i = 0; i < rowOutputs.length; i++) {
            TensorSpec spec = signature.outputs().get(i);
            List<Long> shape = spec.shape();
            steady[i] = shapes.byRows() && shapes.certain(i) && shape.lastIndexOf(-1L) <= 0;
            long[] first = steady[i] ? shapes.output(i, inputs.maxRows, 1) : new long[] {0, 0};
            rowOutputs[i] = TensorBuffer.shaped(spec, first);
            shapedOutputs[i] = TensorBuffer.shaped(spec, 0);
        }
        this.outputs = shapes.byRows() ? rowOutputs : shapedOutputs;
        this.kept = new NDArray[model.aliases() ? Math.min(inputs.maxRows, KEPT_ROWS) + 1 : 0][];
        this.keptVersion = inputs.version();
        this.manager = model.newManager();
        this.parameters = new DjlParameters(manager);
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
        if (inputs.length(length)) {
            dropKept();
        }
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
    public void inBulk() {
        tier = Accelerator.Tier.BATCH;
    }

    @Override
    public void run(int rows) {
        Accelerator.Hold turn = model.turn(tier);
        try {
            forward(rows);
        } finally {
            turn.close();
        }
    }

    /** Until the outputs are there, and not just on their way. */
    private void forward(int rows) {
        boolean shaped = inputs.runsShaped(rows);
        outputs = shaped ? shapedOutputs : rowOutputs;
        int bound = shapes.byRows() && shapes.fixedBatch() > 0 ? inputs.maxRows : rows;
        try (NDManager run = manager.newSubManager()) {
            NDList given = shaped ? shaped(run) : rows(run, bound);
            NDList made = model.forward(parameters, run, given);
            require(made.size());
            for (int i = 0; i < outputs.length; i++) {
                take(output(made, i), i, shaped ? -1 : bound);
            }
        } catch (PredictionException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new PredictionException(
                    "model " + model + " failed on " + rows + (rows == 1 ? " row" : " rows"),
                    model.engine() + " says: " + DjlModel.text(e),
                    "check the values of the input against what the model expects",
                    e);
        }
    }

    @Override
    public void close() {
        manager.close();
    }

    /** {@return memory of the engine that lives as long as this lane} */
    NDManager memory() {
        return manager;
    }

    DjlModel model() {
        return model;
    }

    private NDList rows(NDManager run, int rows) {
        if (keptVersion != inputs.version()) {
            dropKept();
        }
        NDArray[] known = rows < kept.length ? kept[rows] : null;
        NDList given = new NDList(types.length);
        if (known == null && rows < kept.length) {
            known = new NDArray[types.length];
            for (int i = 0; i < types.length; i++) {
                known[i] = over(manager, i, inputs.shape(i, rows));
            }
            kept[rows] = known;
        }
        for (int i = 0; i < types.length; i++) {
            if (known == null) {
                given.add(over(run, i, inputs.shape(i, rows)));
            } else {
                // What the forward pass makes goes where its inputs are.
                known[i].tempAttach(run);
                given.add(known[i]);
            }
        }
        return given;
    }

    private NDList shaped(NDManager run) {
        NDList given = new NDList(types.length);
        for (int i = 0; i < types.length; i++) {
            given.add(over(run, i, inputs.ownShape(i)));
        }
        return given;
    }

    private NDArray over(NDManager owner, int index, long[] shape) {
        Shape wanted = new Shape(shape);
        ByteBuffer bytes = inputs.tensors[index].bytes();
        int needed = Math.toIntExact(wanted.size() * types[index].getNumOfBytes());
        NDArray array = owner.create(bytes.slice(0, needed).order(bytes.order()), wanted, types[index]);
        array.setName(inputs.tensors[index].spec().name());
        return array;
    }

    private void take(NDArray made, int index, int rows) {
        TensorBuffer output = outputs[index];
        TensorSpec spec = output.spec();
        long[] shape = made.getShape().getShape();
        boolean fits = DjlTypes.of(made.getDataType()) == spec.type() && fits(spec, shape);
        if (!fits || (rows > 1 && (shape.length == 0 || shape[0] != rows))) {
            throw new PredictionException(
                    "model " + model + " gave another output than its signature says",
                    "output \"" + spec.name() + "\" is " + made.getDataType() + " of shape " + Arrays.toString(shape)
                            + (rows < 0 ? "" : " for " + rows + (rows == 1 ? " row" : " rows")) + ", expected "
                            + spec.type() + " of shape " + spec.shape(),
                    "correct the signature, or let the model keep the rows as the first dimension of every output");
        }
        if (rows < 0 || !steady[index]) {
            output.lay(shape);
        }
        ByteBuffer bytes = made.toByteBuffer(true);
        output.bytes().duplicate().clear().put(bytes);
    }

    /** A dictionary of outputs has names, and an order of its own. */
    private NDArray output(NDList made, int index) {
        NDArray array = made.get(index);
        String name = array.getName();
        if (name != null && !name.equals(outputs[index].spec().name())) {
            for (NDArray other : made) {
                if (outputs[index].spec().name().equals(other.getName())) {
                    return other;
                }
            }
        }
        return array;
    }

    private static boolean fits(TensorSpec spec, long[] shape) {
        boolean fits = spec.shape().size() == shape.length;
        for (int d = 0; fits && d < shape.length; d++) {
            long size = spec.shape().get(d);
            fits = size < 0 || size == shape[d];
        }
        return fits;
    }

    private void require(int made) {
        if (made != outputs.length) {
            throw new PredictionException(
                    "model " + model + " gave another output than its signature says",
                    "it gave " + made + " tensors, expected " + DjlTypes.text(signature.outputs()),
                    "correct the signature");
        }
    }

    private void dropKept() {
        for (int rows = 0; rows < kept.length; rows++) {
            NDArray[] arrays = kept[rows];
            if (arrays != null) {
                for (NDArray array : arrays) {
                    array.close();
                }
                kept[rows] = null;
            }
        }
        keptVersion = inputs.version();
    }

    /** DJL has no names for free dimensions: that of the batch is the first, and any other is the length. */
    private static RowShapes.Symbols unnamed(Signature signature) {
        return new RowShapes.Symbols(unnamed(signature.inputs()), unnamed(signature.outputs()));
    }

    private static List<String[]> unnamed(List<TensorSpec> tensors) {
        return tensors.stream()
                .map(tensor -> {
                    String[] names = new String[tensor.shape().size()];
                    Arrays.fill(names, "");
                    return names;
                })
                .toList();
    }
}
