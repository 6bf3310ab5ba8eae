package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.optimizer.Optimizer;
import java.util.ArrayList;
import java.util.List;

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
    private final NDArray most;

    /** Lengths since somebody asked for the greatest: reading one waits for the device. */
    private final List<NDArray> unread = new ArrayList<>();

    private double longest;

    /** @param learned how many of the first parameters learn */
    OwnDescent(NDManager manager, PtNDArray parameters, int learned, Optimizer optimizer) {
        this.manager = manager;
        this.parameters = parameters;
        this.learned = learned;
        this.optimizer = optimizer;
        this.most = manager.create(MOST_GRADIENT);
    }

    @Override
    public void step(double rate, double decay) {
        try (NDManager pass = manager.newSubManager();
                PtNDArray all = JniUtils.getGradient(parameters)) {
            NDArray values = cut(pass, parameters.stopGradient());
            NDArray gradient = cut(pass, all);
            NDArray length = gradient.norm();
            NDArray share = most.div(length.maximum(most)); // exactly 1 unless it is too long
            share.attach(pass);
            gradient.muli(share);
            keep(length);
            optimizer.update(ALL, values, gradient);
            keep(values.norm());
            JniUtils.zeroGrad(parameters);
        }
    }

    private void keep(NDArray length) {
        length.attach(manager);
        unread.add(length);
    }

    private NDArray cut(NDManager pass, NDArray all) {
        if (all != parameters) {
            all.attach(pass);
        }
        return all.get(pass, new NDIndex().addSliceDim(0, learned));
    }

    @Override
    public double longest() {
        for (NDArray length : unread) {
            float value = length.getFloat();
            longest = value > longest ? value : longest;
            length.close();
        }
        unread.clear();
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
