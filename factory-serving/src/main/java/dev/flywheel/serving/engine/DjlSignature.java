package dev.flywheel.serving.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.util.Pair;
import ai.djl.util.PairList;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out what goes into a model of DJL and what comes out, by what its owner says, what its block describes and what
 * trial runs on zeros give.
 */
final class DjlSignature {

    private static final Logger log = LoggerFactory.getLogger(DjlSignature.class);

    /** Two sizes for a free dimension; what differs in the outputs is free. Not 1, which PyTorch would broadcast. */
    private static final int[] SMALL = {2, 3};

    /** For dimensions beyond the first, where the small ones are too small for what the model does, as for images. */
    private static final int[] LARGE = {64, 96};

    private static final String OUTPUT = "output";

    private final DjlModel model;
    private final List<TensorSpec> inputs;

    private DjlSignature(DjlModel model, List<TensorSpec> inputs) {
        this.model = model;
        this.inputs = inputs;
    }

    /**
     * {@return the whole signature}
     *
     * @param said what the owner says: no inputs, and the block's description is taken; no outputs, and they are those
     *     of the trial runs
     * @throws ModelFormatException if it remains unknown, or is not what the model does
     */
    static Signature of(DjlModel model, Signature said) {
        List<TensorSpec> inputs = said.inputs().isEmpty() ? described(model) : said.inputs();
        inputs.forEach(input -> dataType(model, input));
        DjlSignature trial = new DjlSignature(model, inputs);
        if (said.outputs().isEmpty()) {
            return new Signature(inputs, trial.outputs());
        }
        List<TensorSpec> found;
        try {
            found = named(said.outputs(), trial.outputs());
        } catch (ModelFormatException e) {
            // Zeros, or the sizes tried, may be what only this model refuses; what comes out is checked in every run.
            log.debug("{} is served as its owner says, for it gave nothing on zeros", model, e);
            return new Signature(inputs, said.outputs());
        }
        if (!agree(said.outputs(), found)) {
            throw new ModelFormatException(
                    "the signature given for " + model + " is not its own",
                    "the outputs should be " + DjlTypes.text(said.outputs()) + ", but on " + DjlTypes.text(inputs)
                            + " it gave " + DjlTypes.text(found),
                    "correct the signature, or leave its outputs out, and they are found by a run");
        }
        return new Signature(inputs, said.outputs());
    }

    /** {@return which output it is, from 0, that has such a name because it has none of its own} */
    static int number(String output) {
        return output.equals(OUTPUT) ? 0 : Integer.parseInt(output.substring(OUTPUT.length()));
    }

    /** {@return DJL's type for an input} */
    static DataType dataType(DjlModel model, TensorSpec input) {
        DataType type = DjlTypes.of(input.type());
        if (type == null) {
            throw new ModelFormatException(
                    "cannot feed " + model,
                    "its input \"" + input.name() + "\" is " + input.type()
                            + ", which DJL cannot take, expected FLOAT, "
                            + "DOUBLE, FLOAT16, INT8, UINT8, INT32, INT64 or BOOL",
                    "let the model take another type and convert by itself");
        }
        return type;
    }

    private static List<TensorSpec> described(DjlModel model) {
        @Nullable
        PairList<String, Shape> described = model.mute() ? null : model.block().describeInput();
        ElementType type = DjlTypes.of(model.model().getDataType());
        if (described == null || described.isEmpty() || described.values().contains(null) || type == null) {
            throw new ModelFormatException(
                    "cannot serve " + model,
                    "its inputs are unknown: nobody named them and its block does not describe them",
                    "name them, as in TensorSpec.of(\"x\", ElementType.FLOAT, -1, 16)");
        }
        List<TensorSpec> inputs = new ArrayList<>();
        for (Pair<String, Shape> input : described) {
            List<Long> shape = new ArrayList<>(DjlTypes.dimensions(input.getValue()));
            if (!shape.isEmpty()) {
                shape.set(0, -1L);
            }
            String name = input.getKey() == null ? "input" + inputs.size() : input.getKey();
            inputs.add(new TensorSpec(name, type, shape, List.of()));
        }
        return inputs;
    }

    private List<TensorSpec> outputs() {
        boolean free = inputs.stream().anyMatch(input -> input.shape().contains(-1L));
        if (!free) {
            return run(1, 1);
        }
        try {
            return merged(run(SMALL[0], SMALL[0]), run(SMALL[1], SMALL[1]));
        } catch (ModelFormatException e) {
            boolean beyond = inputs.stream().anyMatch(input -> input.shape().lastIndexOf(-1L) > 0);
            if (!beyond) {
                throw e;
            }
            try {
                return merged(run(SMALL[0], LARGE[0]), run(SMALL[1], LARGE[1]));
            } catch (ModelFormatException larger) {
                e.addSuppressed(larger);
                throw e;
            }
        }
    }

    private List<TensorSpec> merged(List<TensorSpec> first, List<TensorSpec> second) {
        List<TensorSpec> outputs = new ArrayList<>();
        for (int i = 0; i < first.size(); i++) {
            TensorSpec one = first.get(i);
            if (second.size() != first.size()
                    || second.get(i).shape().size() != one.shape().size()) {
                throw new ModelFormatException(
                        "cannot serve " + model,
                        "its outputs were " + DjlTypes.text(first) + " and then " + DjlTypes.text(second)
                                + ", expected the same number of dimensions from every run",
                        "let the model give outputs that differ only in their sizes");
            }
            List<Long> shape = new ArrayList<>(one.shape());
            for (int d = 0; d < shape.size(); d++) {
                if (!Objects.equals(shape.get(d), second.get(i).shape().get(d))) {
                    shape.set(d, -1L);
                }
            }
            outputs.add(new TensorSpec(one.name(), one.type(), shape, List.of()));
        }
        return outputs;
    }

    /** {@return the outputs for inputs whose free dimensions have these sizes, the first one and those beyond it} */
    private List<TensorSpec> run(int batch, int size) {
        try (NDManager manager = model.newManager()) {
            NDList zeros = new NDList();
            for (TensorSpec input : inputs) {
                long[] shape = sizes(input);
                for (int d = 0; d < shape.length; d++) {
                    shape[d] = shape[d] >= 0 ? shape[d] : d == 0 ? batch : size;
                }
                NDArray array = manager.zeros(new Shape(shape), dataType(model, input));
                array.setName(input.name());
                zeros.add(array);
            }
            NDList made = model.forward(new DjlParameters(manager), manager, zeros);
            List<TensorSpec> outputs = new ArrayList<>();
            for (NDArray output : made) {
                outputs.add(spec(output, made.size() == 1 ? OUTPUT : OUTPUT + outputs.size()));
            }
            return outputs;
        } catch (ModelFormatException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new ModelFormatException(
                    "cannot run " + model + " on zeros of the shape " + DjlTypes.text(inputs) + ", with " + size
                            + " for each -1",
                    model.engine() + " says: " + DjlModel.text(e),
                    "name the inputs that the model takes; if they are right, and it only refuses zeros or these sizes, "
                            + "name its outputs too",
                    e);
        }
    }

    private TensorSpec spec(NDArray output, String name) {
        ElementType type = DjlTypes.of(output.getDataType());
        String given = output.getName();
        String called = given == null ? name : given;
        if (type == null) {
            throw new ModelFormatException(
                    "cannot serve " + model,
                    "its output \"" + called + "\" is of a type that DJL cannot read (" + output.getDataType() + ")",
                    "let the model convert its outputs to float32 or int64");
        }
        return new TensorSpec(called, type, DjlTypes.dimensions(output.getShape()), List.of());
    }

    /** {@return the outputs in the order in which they are named, for models that name theirs} */
    private static List<TensorSpec> named(List<TensorSpec> said, List<TensorSpec> found) {
        List<TensorSpec> ordered = new ArrayList<>();
        for (TensorSpec output : said) {
            found.stream()
                    .filter(f -> f.name().equals(output.name()))
                    .findFirst()
                    .ifPresent(ordered::add);
        }
        return ordered.size() == found.size() ? ordered : found;
    }

    private static boolean agree(List<TensorSpec> said, List<TensorSpec> found) {
        boolean agree = said.size() == found.size();
        for (int i = 0; agree && i < said.size(); i++) {
            long[] expected = sizes(said.get(i));
            long[] actual = sizes(found.get(i));
            agree = said.get(i).type() == found.get(i).type() && expected.length == actual.length;
            for (int d = 0; agree && d < actual.length; d++) {
                agree = expected[d] < 0 || expected[d] == actual[d];
            }
        }
        return agree;
    }

    private static long[] sizes(TensorSpec tensor) {
        return tensor.shape().stream().mapToLong(Long::longValue).toArray();
    }
}
