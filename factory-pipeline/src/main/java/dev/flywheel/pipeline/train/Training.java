package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import dev.flywheel.core.TrainingException;
import dev.flywheel.core.device.Accelerator;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** One training at work: what it learns from, and how it tells and is told to stop. Not thread-safe. */
final class Training {

    /**
     * The length from which a gradient of a mean loss, or a step along it, is out of hand where values are
     * standardized.
     */
    private static final double EXPLODED = 1e4;

    private final String trainer;
    private final NDManager manager;
    private final Network network;
    private final Examples examples;
    private final double weight;
    private final double[] idWeights;
    private final Objective objective;
    private final Scale scale;
    private final double[] labels;
    private final TrainingListener listener;
    private final long start = System.nanoTime();
    private long rows;
    private int epochsHere;
    private double lossSum;
    private int lossCount;
    private @Nullable Loss ownLoss;
    private @Nullable Optimizer ownOptimizer;
    private @Nullable OnGpu gpu;
    private BooleanSupplier leaves = () -> false;

    Training(
            String trainer,
            NDManager manager,
            Network network,
            Examples examples,
            double weight,
            double[] idWeights,
            Scale scale,
            double[] labels,
            TrainingListener listener) {
        this.trainer = trainer;
        this.manager = manager;
        this.network = network;
        this.examples = examples;
        this.weight = weight;
        this.idWeights = idWeights;
        this.objective = scale.objective();
        this.scale = scale;
        this.labels = labels;
        this.listener = listener;
    }

    /** The same with a loss and an optimizer of the user's own, where they are not null. */
    Training by(@Nullable Loss loss, @Nullable Optimizer optimizer) {
        ownLoss = loss;
        ownOptimizer = optimizer;
        return this;
    }

    /** The same with a part of a GPU that is shared, where that is not null. */
    Training on(@Nullable OnGpu part) {
        gpu = part;
        return this;
    }

    /** A turn for one step, until that has given its result. */
    Accelerator.Hold turn(NDArray result) {
        return OnGpu.turn(gpu, result);
    }

    /** The same, to be left between two steps when that says so. */
    Training leftWhen(BooleanSupplier asked) {
        leaves = asked;
        return this;
    }

    /** Whether the training should be left, to go on later. */
    boolean mustLeave() {
        return leaves.getAsBoolean();
    }

    /** How parameters go along their gradient from the start. */
    Descent descent(PtNDArray parameters) {
        return ownOptimizer == null
                ? new Adam(manager, parameters, network.weightMask())
                : new OwnDescent(manager, parameters, network.learned(), ownOptimizer);
    }

    /** The manager of everything that lives as long as the training. */
    NDManager manager() {
        return manager;
    }

    Network network() {
        return network;
    }

    Examples examples() {
        return examples;
    }

    /** How many rows all rows count as. */
    double weight() {
        return weight;
    }

    /** How many of the rows that are learned from those with each id count as. */
    double[] idWeights() {
        return idWeights;
    }

    /** From now on, an id counts as those of these rows that have it. */
    void learnsFrom(Examples learned) {
        NDArray ids = learned.ids();
        if (ids == null) {
            return;
        }
        Arrays.fill(idWeights, 0);
        long[] all = ids.toLongArray();
        float[] weights = learned.weights() == null ? null : learned.weights().toFloatArray();
        int columns = all.length / learned.rows();
        for (int i = 0; i < all.length; i++) {
            idWeights[(int) all[i]] += weights == null ? 1 : weights[i / columns];
        }
    }

    /** Native parameters that gather their gradient. */
    PtNDArray parameters(NDManager owner, float[] values) {
        PtNDArray parameters = (PtNDArray) owner.create(values);
        parameters.setRequiresGradient(true);
        return parameters;
    }

    /**
     * Adds the gradient of the mean loss, times {@code share}, to that of the parameters, and returns the outputs, in
     * {@code pass}. The way back begins at the outputs: the loss itself takes more operations, and few ask for it.
     */
    NDArray learn(NDManager pass, NDArray parameters, Examples rows, double share, UnaryOperator<NDArray> after) {
        // DJL's own collector allows one training in the whole process.
        boolean before = JniUtils.isGradMode();
        JniUtils.setGradMode(true);
        try {
            PtNDArray outputs = (PtNDArray) network.forward(pass, parameters, rows, after);
            if (ownLoss != null) {
                NDArray loss = mean(ownLoss, outputs, rows);
                loss = loss.mul(Objective.scalar(loss, share));
                JniUtils.backward((PtNDArray) loss, (PtNDArray) loss.onesLike(), false, false);
                return outputs;
            }
            JniUtils.setGradMode(false);
            JniUtils.backward(outputs, (PtNDArray) objective.slope(outputs, rows, share), false, false);
            return outputs;
        } finally {
            JniUtils.setGradMode(before);
        }
    }

    /** The mean loss of rows with these outputs: a scalar, which is waited for when it is read. */
    NDArray lossOf(NDArray outputs, Examples rows) {
        return ownLoss == null ? objective.loss(outputs, rows) : mean(ownLoss, outputs, rows);
    }

    private static NDArray mean(Loss loss, NDArray outputs, Examples rows) {
        return loss.evaluate(new NDList(Objects.requireNonNull(rows.labels())), new NDList(outputs));
    }

    /** The mean loss over rows, without learning. */
    double loss(NDArray parameters, Examples rows) {
        double sum = 0;
        int size = network.passRows();
        for (int from = 0; from < rows.rows(); from += size) {
            Accelerator.Hold turn = turn(parameters);
            try (NDManager pass = manager.newSubManager()) {
                Examples part = rows.slice(pass, from, Math.min(rows.rows(), from + size));
                NDArray outputs = network.forward(pass, parameters, part, hidden -> hidden);
                sum += part.rows() * (double) lossOf(outputs, part).getFloat();
            } finally {
                turn.close();
            }
        }
        return sum / rows.rows();
    }

    /**
     * {@return how bad the model is by a metric on rows, smaller is better}
     *
     * @throws TrainingException if these rows cannot tell
     */
    double badness(NDArray parameters, Examples rows, int[] places, Metric metric) {
        double[] outcomes =
                Arrays.stream(places).mapToDouble(place -> labels[place]).toArray();
        double[] answers = scale.predict(network.outputs(manager, parameters, rows, gpu), network.outputs());
        Estimate estimate = Metrics.estimate(metric, outcomes, answers);
        if (Double.isNaN(estimate.value())) {
            throw new TrainingException(
                    "training of " + trainer + " cannot be stopped by its " + metric.label(),
                    "on the " + places.length + " rows set aside for that, it is " + estimate.method(),
                    "train on more rows, or stop early by the loss");
        }
        return -metric.oriented(estimate.value());
    }

    /** @throws CancellationException if the thread was interrupted; it still is */
    void stopIfInterrupted() {
        if (Thread.currentThread().isInterrupted()) {
            throw new CancellationException("training of " + trainer + " was interrupted");
        }
    }

    /**
     * Takes a loss that was read back.
     *
     * @param longest the greatest length so far of a gradient or a step that had one; 0 if none had
     * @throws TrainingException if one of the two is no number
     */
    void looked(int epoch, double loss, double longest) {
        requireFinite(epoch, loss, longest);
        lossSum += loss;
        lossCount++;
    }

    /** @throws TrainingException if one of the two is no number, which says whether the training has exploded */
    void requireFinite(int epoch, double loss, double longest) {
        if (Double.isFinite(loss) && Double.isFinite(longest)) {
            return;
        }
        if (longest > EXPLODED) {
            throw exploded(epoch, "its loss is " + loss, longest);
        }
        throw failure(
                epoch,
                String.format(
                        Locale.ROOT,
                        "its loss is %s, and nothing exploded, no gradient or step before was longer than %.3g:"
                                + " something has no result",
                        loss,
                        longest),
                "look for a logarithm, a root or a quotient without a result in the block and the loss, if they are"
                        + " yours, and for absurd values in the features");
    }

    /** @throws TrainingException if the gradient is out of hand where no step lowers the loss */
    void requireMoved(double loss, double gradient) {
        if (gradient > EXPLODED) {
            throw exploded(1, "no step lowers its loss of " + loss, gradient);
        }
    }

    private TrainingException exploded(int epoch, String sign, double longest) {
        return failure(
                epoch,
                String.format(Locale.ROOT, "%s, and it exploded: a gradient or a step was %.3g long", sign, longest),
                "lower the learning rate, if there is one, and look for absurd values in the features and the label;"
                        + " standardize() tames numbers");
    }

    private TrainingException failure(int epoch, String why, String fix) {
        return new TrainingException("training of " + trainer + " failed in epoch " + epoch, why, fix);
    }

    /** Tells the listener of a finished epoch, with the mean of the losses looked at in it. */
    void ended(int epoch, int epochs, long epochRows, double validationLoss) {
        rows += epochRows;
        epochsHere++;
        double seconds = Math.max(1e-9, (System.nanoTime() - start) / 1e9);
        listener.epochEnded(new TrainingListener.Epoch(
                epoch,
                epochs,
                lossSum / lossCount,
                validationLoss,
                rows / seconds,
                seconds / epochsHere * (epochs - epoch)));
        lossSum = 0;
        lossCount = 0;
    }
}
