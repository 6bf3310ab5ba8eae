package dev.flywheel.serving.engine;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import dev.flywheel.core.device.Accelerator;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The tensors over a lane's memory, made once for each number and length of rows and kept, as far as they are few. Not
 * thread-safe.
 */
final class OnnxBindings {

    /** Bindings for this many rows of fixed size and fewer are all kept: a few hundred bytes each. */
    private static final int KEPT_ROWS = 256;

    /** Of rows of free length so many bindings are kept. */
    private static final int KEPT_LENGTHS = 16;

    private final OrtEnvironment environment;
    private final LaneInputs lane;
    private final RowShapes shapes;
    /** What the session is given: the lane's own memory, and places where texts are looked up. */
    private final TensorBuffer[] inputs;

    private final OnnxCategories.@Nullable Lookup[] lookups;
    private final TensorBuffer[] outputs;
    private final boolean[] pinned;
    private final @Nullable OnGpu gpu;
    private final List<Accelerator.Hold> locks = new ArrayList<>();
    private final @Nullable Binding[] fixed;
    private final Map<Long, Binding> free = new LinkedHashMap<>(KEPT_LENGTHS, 0.75f, true);
    private @Nullable Binding largest;
    private @Nullable Binding shaped;
    private int version;

    OnnxBindings(
            OrtEnvironment environment,
            LaneInputs lane,
            Collection<OnnxCategories.Lookup> lookups,
            TensorBuffer[] outputs,
            boolean[] pinned,
            @Nullable OnGpu gpu) {
        this.environment = environment;
        this.lane = lane;
        this.shapes = lane.shapes;
        this.inputs = lane.tensors.clone();
        this.lookups = new OnnxCategories.@Nullable Lookup[inputs.length];
        for (int i = 0; i < inputs.length; i++) {
            TensorSpec spec = inputs[i].spec();
            for (OnnxCategories.Lookup lookup : lookups) {
                if (lookup.texts().equals(spec.name())) {
                    this.lookups[i] = lookup;
                    TensorSpec places = new TensorSpec(lookup.place(), ElementType.INT64, spec.shape(), List.of());
                    inputs[i] = TensorBuffer.shaped(places, inputs[i].shape());
                }
            }
        }
        this.outputs = outputs;
        this.pinned = pinned;
        this.gpu = gpu;
        this.fixed = new Binding[shapes.freeLength() ? 0 : Math.min(lane.maxRows, KEPT_ROWS) + 1];
        this.version = currentVersion();
        lock();
    }

    /** The tensors of one run. Not thread-safe. */
    static final class Binding {

        final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
        final Map<String, OnnxTensor> pinned = new HashMap<>();
        final Set<String> unpinned = new LinkedHashSet<>();
        private final long[][] shapes;
        private boolean kept;

        Binding(long[][] shapes) {
            this.shapes = shapes;
        }

        void close() {
            inputs.values().forEach(OnnxTensor::close);
            pinned.values().forEach(OnnxTensor::close);
        }
    }

    /** {@return the tensors for so many rows of the present length; to be {@linkplain #release released}} */
    Binding rows(int rows) throws OrtException {
        dropStale();
        int length = lane.length();
        Binding known = known(rows, length);
        if (known != null) {
            return known;
        }
        long[][] layout = new long[inputs.length][];
        for (int i = 0; i < inputs.length; i++) {
            layout[i] = lane.shape(i, rows);
        }
        Binding made = new Binding(layout);
        try {
            bindInputs(made);
            for (int i = 0; i < outputs.length; i++) {
                String name = outputs[i].spec().name();
                if (pinned[i]) {
                    made.pinned.put(name, OnnxTensors.over(environment, outputs[i], shapes.output(i, rows, length)));
                } else {
                    made.unpinned.add(name);
                }
            }
        } catch (OrtException | RuntimeException e) {
            made.close();
            throw e;
        }
        keep(made, rows, length);
        return made;
    }

    /** {@return the tensors for inputs of these shapes, with no output pinned; to be {@linkplain #release released}} */
    Binding shaped(long[][] layout) throws OrtException {
        dropStale();
        Binding last = shaped;
        if (last != null && Arrays.deepEquals(last.shapes, layout)) {
            return last;
        }
        Binding made = new Binding(layout);
        try {
            bindInputs(made);
        } catch (OrtException | RuntimeException e) {
            made.close();
            throw e;
        }
        for (TensorBuffer output : outputs) {
            made.unpinned.add(output.spec().name());
        }
        made.kept = true;
        shaped = made;
        if (last != null) {
            last.close();
        }
        return made;
    }

    /** Looks texts up, and binds the inputs that have no tensor over the lane's memory, until {@link #release}. */
    void bindCopies(Binding binding) throws OrtException {
        for (int i = 0; i < inputs.length; i++) {
            TensorBuffer memory = inputs[i];
            OnnxCategories.Lookup lookup = lookups[i];
            if (lookup != null) {
                int count = Math.toIntExact(binding.shapes[i][0] * binding.shapes[i][1]);
                lookup.write(lane.tensors[i].texts(), count, memory.longs());
            } else if (!OnnxTensors.writable(memory.spec().type())) {
                binding.inputs.put(memory.spec().name(), OnnxTensors.copied(environment, memory, binding.shapes[i]));
            }
        }
    }

    void release(Binding binding) {
        if (!binding.kept) {
            binding.close();
            return;
        }
        for (TensorBuffer memory : inputs) {
            if (!OnnxTensors.writable(memory.spec().type())) {
                OnnxTensor copy = binding.inputs.remove(memory.spec().name());
                if (copy != null) {
                    copy.close();
                }
            }
        }
    }

    /** Closes all that are kept. */
    void clear() {
        for (int i = 0; i < fixed.length; i++) {
            Binding binding = fixed[i];
            if (binding != null) {
                binding.close();
                fixed[i] = null;
            }
        }
        free.values().forEach(Binding::close);
        free.clear();
        if (largest != null) {
            largest.close();
            largest = null;
        }
        if (shaped != null) {
            shaped.close();
            shaped = null;
        }
    }

    /** Closes all, for good. */
    void close() {
        clear();
        unlock();
    }

    private void dropStale() {
        int now = currentVersion();
        if (now != version) {
            clear();
            version = now;
            lock();
        }
    }

    /** Locks the memory that there is now in place of any before, if it is copied to a GPU and back. */
    private void lock() {
        if (gpu != null) {
            unlock();
            for (TensorBuffer input : inputs) {
                gpu.pin(input, locks);
            }
            for (int i = 0; i < outputs.length; i++) {
                if (pinned[i]) {
                    gpu.pin(outputs[i], locks);
                }
            }
        }
    }

    private void unlock() {
        locks.forEach(Accelerator.Hold::close);
        locks.clear();
    }

    private int currentVersion() {
        int sum = lane.version();
        for (int i = 0; i < inputs.length; i++) {
            sum += lookups[i] == null ? 0 : inputs[i].version();
        }
        for (int i = 0; i < outputs.length; i++) {
            sum += pinned[i] ? outputs[i].version() : 0;
        }
        return sum;
    }

    private @Nullable Binding known(int rows, int length) {
        if (shapes.freeLength()) {
            return free.get(key(rows, length));
        }
        return rows < fixed.length ? fixed[rows] : rows == lane.maxRows ? largest : null;
    }

    private void keep(Binding made, int rows, int length) {
        made.kept = shapes.freeLength() || rows < fixed.length || rows == lane.maxRows;
        if (shapes.freeLength()) {
            free.put(key(rows, length), made);
            if (free.size() > KEPT_LENGTHS) {
                Long eldest = free.keySet().iterator().next();
                Binding dropped = free.remove(eldest);
                if (dropped != null) {
                    dropped.close();
                }
            }
        } else if (rows < fixed.length) {
            fixed[rows] = made;
        } else if (rows == lane.maxRows) {
            largest = made;
        }
    }

    private static long key(int rows, int length) {
        return ((long) rows << Integer.SIZE) | length;
    }

    private void bindInputs(Binding binding) throws OrtException {
        for (int i = 0; i < inputs.length; i++) {
            if (lookups[i] != null && inputs[i].size() < binding.shapes[i][0] * binding.shapes[i][1]) {
                inputs[i].lay(binding.shapes[i]);
            }
            if (OnnxTensors.writable(inputs[i].spec().type())) {
                binding.inputs.put(
                        inputs[i].spec().name(), OnnxTensors.over(environment, inputs[i], binding.shapes[i]));
            }
        }
    }
}
