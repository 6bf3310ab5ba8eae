package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDManager;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import dev.flywheel.core.TrainingException;
import dev.flywheel.core.device.Accelerator;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.Devices;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.IdColumn;
import dev.flywheel.pipeline.source.Target;
import java.nio.ByteBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One training of a {@link Network}, from labels to the finished model. Used once. */
final class NetworkFit {

    private static final Logger log = LoggerFactory.getLogger(NetworkFit.class);

    /** What a step makes, and what cuBLAS and cuDNN keep. */
    private static final long WORKSPACE_BYTES = 1L << 30;

    private final String trainer;
    private final Network network;
    private final FeatureMatrix matrix;
    private final Objective objective;
    private final TrainingListener listener;
    private final @Nullable NetworkModel before;
    private @Nullable Loss loss;
    private @Nullable Optimizer optimizer;
    private @Nullable Accelerator shared;

    NetworkFit(Trainer trainer, Network network, FeatureMatrix matrix, Target<?> target, TrainingListener listener) {
        this(trainer, network, matrix, target, listener, null);
    }

    /** @param before what the training goes on from; null if it begins anew */
    NetworkFit(
            Trainer trainer,
            Network network,
            FeatureMatrix matrix,
            Target<?> target,
            TrainingListener listener,
            @Nullable NetworkModel before) {
        this.trainer = trainer.describe();
        this.network = network;
        this.matrix = matrix;
        this.objective = Objective.of(target);
        this.listener = listener;
        this.before = before;
    }

    /** The same on another device that is shared. */
    NetworkFit on(Accelerator device) {
        this.shared = device;
        return this;
    }

    /** The same with a loss and an optimizer of the user's own, where they are not null. */
    NetworkFit by(@Nullable Loss ownLoss, @Nullable Optimizer ownOptimizer) {
        this.loss = ownLoss;
        this.optimizer = ownOptimizer;
        return this;
    }

    /** Finds parameters. */
    interface Fit {
        /** The parameters; null if it has left the device before it had them. */
        float @Nullable [] run(Training training);
    }

    /** Lets {@code fit} find the parameters over minibatches, and makes them a model. */
    TrainedModel run(MinibatchSettings settings, Fit fit) {
        return Objects.requireNonNull(run(work(settings), fit, null));
    }

    /**
     * Lets {@code fit} find the parameters over all rows, and makes them a model.
     *
     * @param step how many rows it takes at once
     * @param passes how often it goes through all at most
     */
    TrainedModel run(int step, int passes, Fit fit) {
        return Objects.requireNonNull(run(work(step, passes), fit, null));
    }

    private Work work(MinibatchSettings settings) {
        return work(settings.batchSizeFor(matrix.rows()), settings.epochsFor(matrix.rows()));
    }

    private Work work(int step, int passes) {
        return new Work(network.multiplications(), Math.min(step, matrix.rows()), passes * (double) matrix.rows());
    }

    /**
     * @param asked set when others want the device's memory, so that the training should leave it; null if it cannot
     * @return the model; null if the training has left
     */
    private @Nullable TrainedModel run(Work work, Fit fit, @Nullable AtomicBoolean asked) {
        long start = System.nanoTime();
        double[] labels = matrix.labels();
        double[] weights = matrix.weights();
        requireDifferentRows();
        Scale learned = before == null
                ? Scale.fit(labels, weights, objective, network, trainer)
                : before.learnedScale().widened(labels, weights, network, trainer);
        Scale scale = learned;
        Device device = PyTorch.device(work);
        Accelerator accelerator = shared == null ? Devices.accelerator(device).orElse(null) : shared;
        try (OnGpu gpu = accelerator == null
                        ? null
                        : new OnGpu(accelerator, listener.owner(), expectedBytes(device), asked);
                PyTorch.Session session = PyTorch.open(device)) {
            NDManager manager = session.manager();
            Examples examples = Examples.of(session.home(rowBytes()), matrix, labels, objective);
            boolean narrow = Precision.standard().isNarrow(device, work);
            Network learner = narrow ? network.in(new Bfloat16(manager)) : network;
            double weight = Arrays.stream(weights).sum();
            double[] idWeights = idWeights(weights);
            float[] parameters = fit.run(new Training(
                            trainer, manager, learner, examples, weight, idWeights, learned, matrix.labels(), listener)
                    .by(loss, optimizer)
                    .on(gpu)
                    .leftWhen(() -> asked != null && (asked.get() || listener.mustRest())));
            if (parameters == null) {
                return null;
            }
            requireFinite(parameters);
            if (before == null) {
                fillUnseen(parameters, idWeights); // otherwise they have been, or were seen before
            }
            if (objective == Objective.NUMBER_ON_LOG_SCALE) {
                scale = scale.smeared(
                        labels, weights, network.outputs(manager, manager.create(parameters), examples, gpu));
            }
            log.debug(
                    "trained {} on {} rows in {} ms", trainer, labels.length, (System.nanoTime() - start) / 1_000_000);
            String place = device.name() + (learner == network ? ", float32" : ", bfloat16 and float32");
            return new NetworkModel(matrix.features(), network, parameters, scale, learned, place);
        }
    }

    /**
     * Lets minibatches find the parameters up to an epoch.
     *
     * @param checkpoint where the training begins or goes on
     */
    Pausable.Part runTo(int epoch, Checkpoint checkpoint, MinibatchSettings settings, long seed) {
        AtomicReference<@Nullable Paused> pause = new AtomicReference<>(checkpoint.paused());
        TrainedModel model = null;
        while (model == null) {
            Checkpoint here = checkpoint.from(pause.get());
            model = run(
                    work(settings),
                    training -> {
                        MinibatchFit fit = MinibatchFit.resumed(training, settings, seed, here);
                        float[] parameters = fit.run(epoch);
                        pause.set(fit.pause());
                        return fit.hasLeft() ? null : parameters;
                    },
                    new AtomicBoolean());
            if (model == null && listener.mustRest()) {
                listener.rest();
            }
        }
        return new Pausable.Part(model, Objects.requireNonNull(pause.get()));
    }

    private long rowBytes() {
        return (long) matrix.numbers().capacity() + matrix.ids().capacity();
    }

    /** The rows, twice, where some are held back; parameters with their gradient, means, and copies; and workspaces. */
    private long expectedBytes(Device device) {
        long rows = PyTorch.takes(device, rowBytes()) ? rowBytes() + 16L * matrix.rows() : 0;
        return 2 * rows + 32L * network.size() + WORKSPACE_BYTES;
    }

    private void requireDifferentRows() {
        int rows = matrix.rows();
        if (rows > 1 && alike(matrix.numbers(), rows) && alike(matrix.ids(), rows)) {
            List<String> notes = matrix.features().notes();
            throw new TrainingException(
                    "trainer " + trainer + " cannot learn from these examples",
                    "all " + rows + " rows have the same features" + (notes.isEmpty() ? "" : ": ")
                            + String.join(", ", notes),
                    "bring a column whose value differs between rows, or look why none does");
        }
    }

    private static boolean alike(ByteBuffer values, int rows) {
        int row = values.capacity() / rows;
        return values.slice(0, values.capacity() - row).equals(values.slice(row, values.capacity() - row));
    }

    private void requireFinite(float[] parameters) {
        for (int i = 0; i < parameters.length; i++) {
            if (!Float.isFinite(parameters[i])) {
                throw new TrainingException(
                        "training of " + trainer + " failed in its last step",
                        "parameter " + i + " of " + parameters.length + " is " + parameters[i],
                        "lower the learning rate, or look for absurd values in the features and the label");
            }
        }
    }

    private double[] idWeights(double[] weights) {
        double[] counts = new double[matrix.features().idCount()];
        LongBuffer ids = matrix.ids().asLongBuffer();
        for (double weight : weights) {
            for (int column = 0; column < matrix.idCount(); column++) {
                counts[(int) ids.get()] += weight;
            }
        }
        return counts;
    }

    /**
     * Gives the ids that no row has that was learned from, which are still what they were at the start, the mean entry
     * of their column, each id weighing as much as its rows: what is unknown counts as what is usual.
     */
    private void fillUnseen(float[] parameters, double[] counts) {
        int width = network.entrySize();
        for (IdColumn column : matrix.features().idColumns()) {
            int end = column.first() + column.cardinality();
            double weight = Arrays.stream(counts, column.first(), end).sum();
            for (int place = 0; place < width; place++) {
                double sum = 0;
                for (int id = column.first(); id < end; id++) {
                    sum += counts[id] * parameters[id * width + place];
                }
                for (int id = column.first(); id < end; id++) {
                    if (counts[id] == 0) {
                        parameters[id * width + place] = (float) (sum / weight);
                    }
                }
            }
        }
    }
}
