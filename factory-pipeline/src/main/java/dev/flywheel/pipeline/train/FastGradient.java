package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Objects;

/**
 * Moves rows to where a network does worse, by the sign of the gradient of the loss with respect to each number:
 * Goodfellow, Shlens and Szegedy, <em>Explaining and Harnessing Adversarial Examples</em>, ICLR 2015.
 */
final class FastGradient {

    private final Network network;
    private final NDArray parameters;
    private final Objective objective;

    FastGradient(Network network, NDArray parameters, Objective objective) {
        this.network = network;
        this.parameters = parameters;
        this.objective = objective;
    }

    /**
     * The rows with each number moved by {@code epsilon} of its standard deviations in these rows.
     *
     * @param labels as the network has learned them
     */
    FeatureMatrix moved(NDManager manager, FeatureMatrix rows, double[] labels, double epsilon) {
        Examples examples = Examples.of(manager, rows, labels, objective);
        float[] steps = steps(rows, epsilon);
        ByteBuffer moved = ByteBuffer.allocateDirect(rows.numbers().capacity()).order(ByteOrder.nativeOrder());
        FloatBuffer target = moved.asFloatBuffer().put(rows.numbers().asFloatBuffer());
        int size = network.passRows();
        for (int from = 0; from < rows.rows(); from += size) {
            try (NDManager pass = manager.newSubManager()) {
                int to = Math.min(rows.rows(), from + size);
                float[] gradient = gradient(pass, examples.slice(pass, from, to));
                for (int i = 0; i < gradient.length; i++) {
                    int at = from * steps.length + i;
                    target.put(at, target.get(at) + Math.signum(gradient[i]) * steps[i % steps.length]);
                }
            }
        }
        return rows.withNumbers(moved);
    }

    /** The gradient of the summed loss by each number of each row, of shape [rows, numbers]. */
    private float[] gradient(NDManager pass, Examples rows) {
        PtNDArray numbers = (PtNDArray) Objects.requireNonNull(rows.numbers()).duplicate();
        numbers.attach(pass);
        boolean before = JniUtils.isGradMode();
        JniUtils.setGradMode(true);
        try {
            numbers.setRequiresGradient(true);
            Examples leaves = new Examples(rows.rows(), numbers, rows.ids(), rows.labels(), null);
            // One row's mean loss does not depend on another row, and only the sign counts.
            NDArray loss = objective.loss(network.forward(pass, parameters, leaves, hidden -> hidden), leaves);
            JniUtils.backward((PtNDArray) loss, (PtNDArray) loss.onesLike(), false, false);
            try (PtNDArray gradient = JniUtils.getGradient(numbers)) {
                return gradient.toFloatArray();
            }
        } finally {
            JniUtils.setGradMode(before);
        }
    }

    private static float[] steps(FeatureMatrix rows, double epsilon) {
        FloatBuffer numbers = rows.numbers().asFloatBuffer();
        double[] means = new double[rows.numberCount()];
        double[] squares = new double[means.length];
        for (int row = 0; row < rows.rows(); row++) {
            for (int i = 0; i < means.length; i++) {
                double gap = numbers.get() - means[i];
                means[i] += gap / (row + 1);
                squares[i] += gap * gap * row / (row + 1);
            }
        }
        float[] steps = new float[means.length];
        for (int i = 0; i < steps.length; i++) {
            steps[i] = (float) (epsilon * Math.sqrt(squares[i] / rows.rows()));
        }
        return steps;
    }
}
