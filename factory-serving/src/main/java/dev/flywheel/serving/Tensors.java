package dev.flywheel.serving;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.engine.Lane;
import java.nio.FloatBuffer;
import java.util.List;

/** The codecs for plain arrays. */
public final class Tensors {

    private Tensors() {}

    /**
     * {@return the codec for models with one FLOAT input and one FLOAT output: an array holds the elements of one row,
     * in row-major order} An array of another length is refused with {@link IllegalArgumentException}.
     */
    public static Codec<float[], float[]> floats() {
        return Floats::new;
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
                        "write a Codec that fills and reads these tensors");
            }
        }
    }
}
