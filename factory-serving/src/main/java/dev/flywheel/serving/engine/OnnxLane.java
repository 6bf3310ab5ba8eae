package dev.flywheel.serving.engine;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A lane of an {@link OnnxSession}. Numeric inputs, and outputs whose row has a fixed size, are tensors over this
 * lane's own memory, made once for each row count and kept, so that a run copies nothing. Strings and outputs of
 * varying size go through memory of ONNX Runtime. Not thread-safe.
 */
final class OnnxLane implements Lane {

    /** Bindings for this many rows and fewer are all kept: a few hundred bytes each. Above, only the largest is. */
    private static final int KEPT_ROWS = 64;

    private final Path model;
    private final OrtEnvironment environment;
    private final OrtSession session;
    private final Signature signature;
    private final RowShapes shapes;
    private final int maxRows;
    private final TensorBuffer[] inputs;
    private final TensorBuffer[] outputs;
    private final Set<String> unpinned = new LinkedHashSet<>();
    private final List<Integer> texts = new ArrayList<>();
    private final @Nullable Binding[] bindings;
    private @Nullable Binding largest;

    OnnxLane(Path model, OrtSession session, Signature signature, int maxRows) {
        this.model = model;
        this.environment = OnnxRuntime.environment();
        this.session = session;
        this.signature = signature;
        this.shapes = RowShapes.of(model, signature);
        this.maxRows = shapes.fixedBatch() > 0 ? shapes.fixedBatch() : maxRows;
        this.bindings = new Binding[Math.min(this.maxRows, KEPT_ROWS) + 1];
        this.inputs = new TensorBuffer[signature.inputs().size()];
        for (int i = 0; i < inputs.length; i++) {
            TensorSpec spec = signature.inputs().get(i);
            inputs[i] = TensorBuffer.allocate(spec, shapes.inputWidth(i), this.maxRows);
            if (spec.type() == ElementType.STRING) {
                texts.add(i);
            }
        }
        this.outputs = new TensorBuffer[signature.outputs().size()];
        for (int i = 0; i < outputs.length; i++) {
            TensorSpec spec = signature.outputs().get(i);
            outputs[i] = TensorBuffer.allocate(spec, Math.max(1, shapes.outputWidth(i)), this.maxRows);
            if (!shapes.pinned(i)) {
                unpinned.add(spec.name());
            }
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
        int bound = shapes.fixedBatch() > 0 ? maxRows : rows;
        try {
            Binding binding = binding(bound);
            try {
                bindTexts(binding, bound);
                try (OrtSession.Result result = session.run(binding.inputs, unpinned, binding.outputs)) {
                    for (int i = 0; i < outputs.length && !unpinned.isEmpty(); i++) {
                        copy(i, result, bound);
                    }
                }
            } finally {
                releaseTexts(binding);
                if (!kept(bound)) {
                    binding.close();
                }
            }
        } catch (OrtException e) {
            throw new PredictionException(
                    "model " + model + " failed on " + rows + (rows == 1 ? " row" : " rows"),
                    "ONNX Runtime says: " + OnnxSession.text(e),
                    "check the values of the input against what the model expects",
                    e);
        }
    }

    @Override
    public void close() {
        for (int i = 0; i < bindings.length; i++) {
            Binding binding = bindings[i];
            if (binding != null) {
                binding.close();
                bindings[i] = null;
            }
        }
        if (largest != null) {
            largest.close();
            largest = null;
        }
    }

    private boolean kept(int rows) {
        return rows < bindings.length || rows == maxRows;
    }

    private Binding binding(int rows) throws OrtException {
        Binding known = rows < bindings.length ? bindings[rows] : rows == maxRows ? largest : null;
        if (known != null) {
            return known;
        }
        Binding made = bind(rows);
        if (rows < bindings.length) {
            bindings[rows] = made;
        } else if (rows == maxRows) {
            largest = made;
        }
        return made;
    }

    private Binding bind(int rows) throws OrtException {
        Binding made = new Binding();
        try {
            for (int i = 0; i < inputs.length; i++) {
                if (inputs[i].spec().type() != ElementType.STRING) {
                    made.inputs.put(inputs[i].spec().name(), over(inputs[i], shapes.input(i, rows), rows));
                }
            }
            for (int i = 0; i < outputs.length; i++) {
                if (shapes.pinned(i)) {
                    made.outputs.put(outputs[i].spec().name(), over(outputs[i], shapes.output(i, rows), rows));
                }
            }
            return made;
        } catch (OrtException | RuntimeException e) {
            made.close();
            throw e;
        }
    }

    private OnnxTensor over(TensorBuffer memory, long[] shape, int rows) throws OrtException {
        ByteBuffer bytes = memory.bytes();
        ByteBuffer used =
                bytes.slice(0, bytes.capacity() / memory.rows() * rows).order(bytes.order());
        OnnxJavaType type = OnnxJavaType.valueOf(memory.spec().type().name());
        return OnnxTensor.createTensor(environment, used, shape, type);
    }

    private void bindTexts(Binding binding, int rows) throws OrtException {
        for (int i : texts) {
            TensorBuffer memory = inputs[i];
            String[] values = Arrays.copyOf(memory.texts(), rows * memory.width());
            binding.inputs.put(
                    memory.spec().name(), OnnxTensor.createTensor(environment, values, shapes.input(i, rows)));
        }
    }

    private void releaseTexts(Binding binding) {
        for (int i : texts) {
            OnnxTensor tensor = binding.inputs.remove(inputs[i].spec().name());
            if (tensor != null) {
                tensor.close();
            }
        }
    }

    private void copy(int index, OrtSession.Result result, int rows) throws OrtException {
        if (shapes.pinned(index)) {
            return;
        }
        TensorBuffer memory = outputs[index];
        OnnxTensor tensor = (OnnxTensor) result.get(memory.spec().name()).orElseThrow();
        int width = width(memory.spec(), tensor.getInfo().getShape(), rows);
        if (width != memory.width()) {
            memory = TensorBuffer.allocate(memory.spec(), width, maxRows);
            outputs[index] = memory;
        }
        if (memory.spec().type() == ElementType.STRING) {
            flatten(tensor.getValue(), memory.texts(), 0);
        } else {
            memory.bytes().duplicate().put(tensor.getByteBuffer());
        }
    }

    private int width(TensorSpec spec, long[] shape, int rows) {
        long elements = 1;
        for (long dimension : shape) {
            elements *= dimension;
        }
        if (shape.length == 0 || shape[0] != rows || elements == 0) {
            throw new PredictionException(
                    "model " + model + " gave no output for each row",
                    "output \"" + spec.name() + "\" has shape " + Arrays.toString(shape) + " for " + rows
                            + " rows, expected the rows as its first dimension",
                    "export the model with the batch as the first dimension of every output");
        }
        return Math.toIntExact(elements / rows);
    }

    private static int flatten(Object value, String[] target, int from) {
        if (value instanceof Object[] array) {
            int next = from;
            for (Object element : array) {
                next = flatten(element, target, next);
            }
            return next;
        }
        target[from] = (String) value;
        return from + 1;
    }

    /** The tensors for one row count. */
    private static final class Binding {

        final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
        final Map<String, OnnxTensor> outputs = new HashMap<>();

        void close() {
            inputs.values().forEach(OnnxTensor::close);
            outputs.values().forEach(OnnxTensor::close);
        }
    }
}
