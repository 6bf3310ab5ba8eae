package dev.flywheel.serving;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.engine.Lane;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;

/** The codecs for plain arrays and for tensors. */
public final class Tensors {

    private Tensors() {}

    /**
     * {@return the codec for models with one FLOAT input and one FLOAT output: an array holds the elements of one row,
     * in row-major order} An array of another length is refused with {@link IllegalArgumentException}.
     */
    public static Codec<float[], float[]> floats() {
        return Floats::new;
    }

    /**
     * {@return the codec for any model: a request holds all inputs by their names, an answer all outputs}
     *
     * <p>Where the model takes any number of rows of a fixed size, requests of one row (a first dimension of 1 in every
     * input) may run together; all others run by themselves, in the shapes that they have. So a model with a state or a
     * cache of keys and values is served by giving its outputs back to it with the next request.
     *
     * <p>A request with a name, type or shape that the model does not take is refused with an
     * {@link IllegalArgumentException} that says which input, what was found and what the model takes.
     */
    public static Codec<Map<String, Tensor>, Map<String, Tensor>> named() {
        return NamedTensors::new;
    }

    private static final class Floats implements Codec.Binding<float[], float[]> {

        private final Lane lane;
        private final String name;
        private final FloatBuffer in;
        private final int width;

        Floats(Lane lane) {
            Signature signature = lane.signature();
            only("input", signature.inputs());
            only("output", signature.outputs());
            List<Long> shape = signature.inputs().get(0).shape();
            if (shape.isEmpty() || shape.lastIndexOf(-1L) > 0) {
                throw new ModelFormatException(
                        "Tensors.floats() does not fit the model",
                        "its input is " + signature.inputs().get(0) + ", expected rows of a fixed size",
                        "use Tensors.named(), or write a Codec that gives the input its shape");
            }
            this.lane = lane;
            this.name = signature.inputs().get(0).name();
            this.in = lane.input(0).floats();
            this.width = lane.input(0).width();
        }

        @Override
        public void write(float[] input, int row) {
            if (input.length != width) {
                throw new IllegalArgumentException(
                        "input \"" + name + "\" takes " + width + " floats a row, found " + input.length);
            }
            in.put(row * width, input);
        }

        @Override
        public float[] read(int row) {
            int size = lane.output(0).width();
            float[] output = new float[size];
            lane.output(0).floats().get(row * size, output);
            return output;
        }

        private static void only(String kind, List<TensorSpec> tensors) {
            if (tensors.size() != 1 || tensors.get(0).type() != ElementType.FLOAT) {
                throw new ModelFormatException(
                        "Tensors.floats() does not fit the model",
                        "it has the " + kind + "s " + tensors + ", expected a single one, of type FLOAT",
                        "use Tensors.named(), or write a Codec that fills and reads these tensors");
            }
        }
    }
}
