package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.optimizer.Optimizer;

/**
 * A user's optimizer of DJL, which is given all parameters that learn as one vector and a gradient no longer than
 * {@value #MOST_GRADIENT}; it has a learning rate and a decay of its own. What it remembers cannot be read.
 */
final class OwnDescent implements Descent {

    private static final float MOST_GRADIENT = 1;
    private static final String ALL = "parameters";

    private final NDManager manager;
    private final PtNDArray parameters;
    private final int learned;
    private final Optimizer optimizer;
    private double longest;

    /** @param learned how many of the first parameters learn */
    OwnDescent(NDManager manager, PtNDArray parameters, int learned, Optimizer optimizer) {
        this.manager = manager;
        this.parameters = parameters;
        this.learned = learned;
        this.optimizer = optimizer;
    }

    @Override
    public void step(double rate, double decay) {
        try (NDManager pass = manager.newSubManager();
                PtNDArray all = JniUtils.getGradient(parameters)) {
            NDArray values = cut(pass, parameters.stopGradient());
            NDArray gradient = cut(pass, all);
            float length = gradient.norm().getFloat();
            keep(length);
            if (length > MOST_GRADIENT) {
                gradient.muli(MOST_GRADIENT / length);
            }
            optimizer.update(ALL, values, gradient);
            keep(values.norm().getFloat());
            all.muli(0);
        }
    }

    private void keep(float length) {
        if (length > longest) {
            longest = length;
        }
    }

    private NDArray cut(NDManager pass, NDArray all) {
        if (all != parameters) {
            all.attach(pass);
        }
        return all.get(pass, new NDIndex().addSliceDim(0, learned));
    }

    @Override
    public double longest() {
        return longest;
    }

    @Override
    public float[] means() {
        throw new IllegalStateException("what " + optimizer + " remembers cannot be read");
    }

    @Override
    public float[] squares() {
        return means();
    }
}
