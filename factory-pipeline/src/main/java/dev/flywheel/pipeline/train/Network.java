package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.flywheel.core.device.Accelerator;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.feature.FittedFeatures.Emitted;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What a training learns the parameters of: a way from features to outputs, whose parameters are one flat vector. It
 * holds none of them itself. Immutable.
 */
interface Network {

    /** How many outputs a row has. */
    int outputs();

    /** The number of parameters. */
    int size();

    /** How many of the first parameters learn; what is behind them is only kept. */
    default int learned() {
        return size();
    }

    /** The parameters where training begins. */
    float[] start(SplittableRandom random);

    /** One for each parameter that is a weight, zero for those that neither decay nor are penalized. */
    float[] weightMask();

    /** The sizes of the layers that {@code after} of a pass sees. */
    List<Integer> hidden();

    /** The size of an id's entry in the table of ids that the parameters begin with; 0 without a table. */
    int entrySize();

    /** How many multiplications a row takes on its way. */
    long multiplications();

    /** The same network, whose hidden layers multiply in other numbers; itself if it has none. */
    Network in(Bfloat16 numbers);

    /** Whether the output follows a trend of the numbers without a bound. */
    boolean isLinear();

    /** Rows that a pass without learning takes at once. */
    int passRows();

    /**
     * The outputs [rows, outputs] for the rows of {@code input}. Everything that is made on the way is put into
     * {@code pass}, so that closing that frees it.
     */
    NDArray forward(NDManager pass, NDArray parameters, Examples input, UnaryOperator<NDArray> after);

    /** Writes the network as nodes behind its features; the name of the predictions, FLOAT [rows, outputs]. */
    String emit(OnnxGraph graph, Emitted front, FittedFeatures features, float[] parameters, Scale scale);

    /** In words. */
    String describe();

    /**
     * The outputs for all rows, row after row.
     *
     * @param gpu a part of a GPU that is shared; null if this runs elsewhere
     */
    default float[] outputs(NDManager manager, NDArray parameters, Examples input, @Nullable OnGpu gpu) {
        float[] outputs = new float[Math.multiplyExact(input.rows(), outputs())];
        int rows = passRows();
        for (int from = 0; from < input.rows(); from += rows) {
            Accelerator.Hold turn = OnGpu.turn(gpu, parameters);
            try (NDManager pass = manager.newSubManager()) {
                Examples some = input.slice(pass, from, Math.min(input.rows(), from + rows));
                float[] part = forward(pass, parameters, some, hidden -> hidden).toFloatArray();
                System.arraycopy(part, 0, outputs, from * outputs(), part.length);
            } finally {
                turn.close();
            }
        }
        return outputs;
    }
}
