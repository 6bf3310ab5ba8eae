package dev.flywheel.pipeline.train;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.nn.Activation;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;
import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.source.Target;
import java.nio.ByteBuffer;
import java.util.Objects;

/** What a trainer makes small. */
enum Objective {
    /** The mean log loss of the probability that the label is 1. */
    PROBABILITY(Task.BINARY),
    /** The mean log loss of the probability of the label, which is the number of a class. */
    CLASSES(Task.MULTICLASS),
    /** The mean squared error of the label. */
    NUMBER(Task.REGRESSION),
    /** The mean squared error of the label's natural logarithm; the model still answers in the label's own unit. */
    NUMBER_ON_LOG_SCALE(Task.REGRESSION);

    private final Task task;

    Objective(Task task) {
        this.task = task;
    }

    static Objective of(Target<?> target) {
        return switch (target.task()) {
            case BINARY -> PROBABILITY;
            case MULTICLASS -> CLASSES;
            case REGRESSION -> target.logScale() ? NUMBER_ON_LOG_SCALE : NUMBER;
        };
    }

    /** How many outputs a network needs to learn a target. */
    static int outputs(Target<?> target) {
        return target.task() == Task.MULTICLASS ? target.classes().size() : 1;
    }

    /** The mean loss over the rows, each as much as it weighs: a scalar. */
    NDArray loss(NDArray outputs, Examples rows) {
        NDArray labels = Objects.requireNonNull(rows.labels());
        NDArray losses = switch (this) {
            case PROBABILITY -> Activation.softPlus(outputs).sub(outputs.mul(labels));
            case CLASSES -> outputs.logSoftmax(1).gather(labels, 1).neg();
            case NUMBER, NUMBER_ON_LOG_SCALE -> outputs.sub(labels).square();
        };
        return (rows.weights() == null ? losses : losses.mul(rows.weights())).mean();
    }

    /** The gradient of the mean loss, times {@code share}, at the outputs: [rows, outputs]. */
    NDArray slope(NDArray outputs, Examples rows, double share) {
        NDArray labels = Objects.requireNonNull(rows.labels());
        NDArray slope = switch (this) {
            case PROBABILITY -> Activation.sigmoid(outputs).subi(labels);
            case CLASSES ->
                outputs.softmax(1)
                        .subi(labels.squeeze(1).oneHot((int) outputs.getShape().get(1)));
            case NUMBER, NUMBER_ON_LOG_SCALE -> outputs.sub(labels);
        };
        boolean squared = this == NUMBER || this == NUMBER_ON_LOG_SCALE;
        slope = slope.muli(scalar(slope, (squared ? 2 : 1) * share / rows.rows()));
        return rows.weights() == null ? slope : slope.muli(rows.weights());
    }

    /**
     * A number for an operation with {@code other}, beside it but in the memory of the CPU: DJL would copy it to a GPU,
     * and wait until all is done there that was begun before.
     */
    static NDArray scalar(NDArray other, double value) {
        NDManager manager = other.getManager();
        ByteBuffer bytes = manager.allocateDirect(Double.BYTES).putDouble(0, value);
        return JniUtils.createNdFromByteBuffer(
                (PtNDManager) manager, bytes, new Shape(), DataType.FLOAT64, SparseFormat.DENSE, Device.cpu());
    }

    Task task() {
        return task;
    }
}
