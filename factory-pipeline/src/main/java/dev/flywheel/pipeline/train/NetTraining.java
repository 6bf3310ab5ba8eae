package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.GradientCollector;
import dev.flywheel.core.TrainingException;
import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * One training of a network by mini-batch Adam (Kingma and Ba, 2015) with decoupled weight decay. All parameters are
 * one flat tensor, so that the optimizer is a handful of calls whatever the depth; the rows are laid out once, shuffled
 * by one copy an epoch and sliced; everything that a step makes is freed with its manager. Used once, on one thread.
 */
final class NetTraining {

    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.999;
    private static final double EPSILON = 1e-8;
    private static final double LARGEST_GRADIENT = 1.0;

    private final NetShape shape;
    private final Schedule schedule;
    private final LabelScale scale;
    private final TrainingListener listener;
    private final Random random;
    private final FeatureMatrix matrix;
    private final int[] training;
    private final int[] validation;
    private final float[] first;

    NetTraining(
            NetShape shape,
            Schedule schedule,
            FeatureMatrix matrix,
            LabelScale scale,
            long seed,
            TrainingListener listener) {
        this.shape = shape;
        this.schedule = schedule;
        this.scale = scale;
        this.listener = listener;
        this.matrix = matrix;
        this.random = new Random(seed);
        this.first = shape.firstParameters(seed);
        int[] order = shuffled(matrix.rows());
        int held = schedule.patience() > 0 && order.length >= 100 ? order.length / 10 : 0;
        this.validation = Arrays.copyOf(order, held);
        this.training = Arrays.copyOfRange(order, held, order.length);
    }

    /** {@return the trained parameters: the best by validation loss, or the last where no rows are held back} */
    float[] run() {
        try (NDManager manager = Torch.manager()) {
            return new Session(manager).run();
        }
    }

    private int[] shuffled(int count) {
        int[] order = new int[count];
        Arrays.setAll(order, i -> i);
        for (int i = count - 1; i > 0; i--) {
            int other = random.nextInt(i + 1);
            int swapped = order[i];
            order[i] = order[other];
            order[other] = swapped;
        }
        return order;
    }

    /** Rows of the matrix, in an order of choice. */
    private record Rows(@Nullable NDArray numbers, @Nullable NDArray ids, NDArray labels, int count) {

        Rows slice(NDManager into, int from, int to) {
            NDIndex index = new NDIndex().addSliceDim(from, to);
            return new Rows(
                    numbers == null ? null : numbers.get(into, index),
                    ids == null ? null : ids.get(into, index),
                    labels.get(into, index),
                    to - from);
        }
    }

    /** The tensors of a training, which live as long as their manager. */
    private final class Session {

        private final NDManager manager;
        private final Rows all;
        private final NDArray parameters;
        private final NDArray mean;
        private final NDArray variance;
        private final NDArray decayed;
        private int step;

        Session(NDManager manager) {
            this.manager = manager;
            float[] labels = new float[matrix.rows()];
            double[] raw = matrix.labels();
            for (int row = 0; row < labels.length; row++) {
                labels[row] = scale.learned(raw[row]);
            }
            all = rows(manager, matrix, manager.create(labels));
            parameters = manager.create(first);
            parameters.setRequiresGradient(true);
            mean = manager.zeros(new Shape(first.length));
            variance = manager.zeros(new Shape(first.length));
            decayed = manager.create(shape.decayed());
        }

        float[] run() {
            int steps = schedule.epochs() * stepsPerEpoch();
            float[] best = first;
            double lowest = Double.POSITIVE_INFINITY;
            int waited = 0;
            for (int epoch = 1; epoch <= schedule.epochs(); epoch++) {
                long start = System.nanoTime();
                double loss = epoch(steps);
                double held = validation.length == 0 ? Double.NaN : validationLoss();
                requireFinite(epoch, loss);
                double seconds = Math.max(1e-9, (System.nanoTime() - start) / 1e9);
                listener.epochEnded(new TrainingListener.Epoch(
                        epoch,
                        schedule.epochs(),
                        loss,
                        held,
                        training.length / seconds,
                        seconds * (schedule.epochs() - epoch)));
                if (validation.length == 0) {
                    continue;
                }
                if (held < lowest) {
                    lowest = held;
                    best = parameters.toFloatArray();
                    waited = 0;
                } else if (++waited >= schedule.patience()) {
                    break;
                }
            }
            return validation.length == 0 ? parameters.toFloatArray() : best;
        }

        private int stepsPerEpoch() {
            return Math.max(1, training.length / schedule.batch());
        }

        private double epoch(int steps) {
            double loss = 0;
            try (NDManager epochManager = manager.newSubManager()) {
                int[] order = shuffled(training.length);
                long[] rows = new long[order.length];
                Arrays.setAll(rows, i -> training[order[i]]);
                Rows shuffledRows = gather(epochManager, rows);
                int batches = stepsPerEpoch();
                for (int batch = 0; batch < batches; batch++) {
                    int from = (int) ((long) training.length * batch / batches);
                    int to = (int) ((long) training.length * (batch + 1) / batches);
                    loss += step(epochManager, shuffledRows, from, to, steps) * (to - from);
                }
            }
            return loss / training.length;
        }

        private Rows gather(NDManager into, long[] rows) {
            NDArray index = into.create(rows);
            return new Rows(
                    all.numbers == null ? null : all.numbers.get(into, new NDIndex("{}", index)),
                    all.ids == null ? null : all.ids.get(into, new NDIndex("{}", index)),
                    all.labels.get(into, new NDIndex("{}", index)),
                    rows.length);
        }

        private double step(NDManager parent, Rows rows, int from, int to, int steps) {
            if (Thread.currentThread().isInterrupted()) {
                throw new TrainingException("training was abandoned", "its thread was interrupted", "start it again");
            }
            try (NDManager stepManager = parent.newSubManager()) {
                stepManager.tempAttachAll(parameters, mean, variance, decayed);
                Rows batch = rows.slice(stepManager, from, to);
                NDArray loss;
                try (GradientCollector collector = Torch.engine().newGradientCollector()) {
                    loss = loss(Net.forward(shape, parameters, batch.numbers, batch.ids), batch.labels);
                    collector.backward(loss);
                }
                update(parameters.getGradient(), schedule.rate(step, steps));
                step++;
                return loss.getFloat();
            }
        }

        private void update(NDArray gradient, double rate) {
            NDArray norm = gradient.norm();
            gradient.muli(norm.add(1e-12).pow(-1).mul(LARGEST_GRADIENT).minimum(1));
            mean.muli(BETA1).addi(gradient.mul(1 - BETA1));
            variance.muli(BETA2).addi(gradient.square().muli(1 - BETA2));
            double unbiased1 = 1 - Math.pow(BETA1, step + 1.0);
            double unbiased2 = 1 - Math.pow(BETA2, step + 1.0);
            NDArray scaled = variance.div(unbiased2).sqrt().addi(EPSILON);
            if (schedule.decay() > 0) {
                parameters.subi(parameters.mul(decayed).muli(rate * schedule.decay()));
            }
            parameters.subi(mean.div(scaled).muli(rate / unbiased1));
        }

        private double validationLoss() {
            long[] rows = Arrays.stream(validation).asLongStream().toArray();
            try (NDManager scope = manager.newSubManager()) {
                scope.tempAttachAll(parameters);
                Rows held = gather(scope, rows);
                return loss(Net.forward(shape, parameters, held.numbers, held.ids), held.labels)
                        .getFloat();
            }
        }

        private NDArray loss(NDArray outputs, NDArray labels) {
            if (scale.task() == Task.BINARY) {
                // log(1 + e^z) - zy, written so that e^z cannot overflow
                NDArray softplus = outputs.abs().neg().exp().add(1).log().add(outputs.maximum(0));
                return softplus.sub(outputs.mul(labels)).mean();
            }
            return outputs.sub(labels).square().mean();
        }

        private void requireFinite(int epoch, double loss) {
            if (!Double.isFinite(loss)) {
                throw new TrainingException(
                        "training was ended in epoch " + epoch,
                        "its loss is " + loss,
                        "look for extreme values in the numeric columns, and clip or log-transform them");
            }
        }
    }

    /** {@return the whole matrix as tensors over its own memory} */
    static Rows rows(NDManager manager, FeatureMatrix matrix, NDArray labels) {
        NDArray numbers = null;
        if (matrix.numberCount() > 0) {
            ByteBuffer copy = ByteBuffer.allocateDirect(matrix.numbers().capacity() * Float.BYTES)
                    .order(ByteOrder.nativeOrder());
            copy.asFloatBuffer().put(matrix.numbers());
            numbers = manager.create(copy, new Shape(matrix.rows(), matrix.numberCount()), DataType.FLOAT32);
        }
        NDArray ids = null;
        if (matrix.idCount() > 0) {
            ByteBuffer copy = ByteBuffer.allocateDirect(matrix.ids().capacity() * Long.BYTES)
                    .order(ByteOrder.nativeOrder());
            copy.asLongBuffer().put(matrix.ids());
            ids = manager.create(copy, new Shape(matrix.rows(), matrix.idCount()), DataType.INT64);
        }
        return new Rows(numbers, ids, labels, matrix.rows());
    }

    /** {@return the network's outputs for all rows, before any link function} */
    static float[] outputs(NetShape shape, float[] parameters, FeatureMatrix matrix) {
        try (NDManager manager = Torch.manager()) {
            Rows rows = rows(manager, matrix, manager.zeros(new Shape(1)));
            NDArray flat = manager.create(parameters);
            float[] outputs = Net.forward(shape, flat, rows.numbers, rows.ids).toFloatArray();
            return outputs.length == matrix.rows() ? outputs : repeat(outputs[0], matrix.rows());
        }
    }

    private static float[] repeat(float value, int count) {
        float[] repeated = new float[count];
        Arrays.fill(repeated, value);
        return Objects.requireNonNull(repeated);
    }
}
