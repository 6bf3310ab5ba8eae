package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Minimizes a loss by Adam over shuffled minibatches. All parameters are one vector, so a step of the optimizer is one
 * native call; the rows are shuffled once an epoch, so a batch is a slice; the loss is read back every
 * {@value #READ_STEPS} steps; everything that a step makes is freed at its end. Not thread-safe.
 */
final class MinibatchFit {

    private static final int READ_STEPS = 16;
    private static final double WARM_UP = 0.1;
    private static final double LAST_RATE = 1e-3;
    private static final float BETA1 = 0.9f;
    private static final float BETA2 = 0.999f;
    private static final float EPSILON = 1e-8f;

    /** Gradients of a mean loss beyond this are outliers. */
    private static final float MOST_GRADIENT = 1;

    private final Training training;
    private final MlpSettings settings;
    private final NDManager manager;
    private final SplittableRandom random;
    private final PtNDArray parameters;
    private final PtNDArray means;
    private final PtNDArray squares;
    private final NDArray weightMask;
    private final Examples learned;
    private final Examples held;
    private final int batch;
    private final int epochs;
    private final long steps;
    private final double decay;
    private final Dropout dropout;
    private int epoch;
    private long step;
    private float[] best = new float[0];
    private double bestLoss = Double.POSITIVE_INFINITY;
    private int worse;

    MinibatchFit(Training training, MlpSettings settings, long seed) {
        this(training, settings, seed, new float[0], null);
    }

    /**
     * Goes on from where another fit of the same stood, as if there had been no pause: what is random comes out the
     * same, because all that was drawn before is drawn again.
     */
    static MinibatchFit resumed(Training training, MlpSettings settings, long seed, @Nullable Paused paused) {
        return new MinibatchFit(training, settings, seed, new float[0], paused);
    }

    /** @param start the parameters to begin with */
    static MinibatchFit from(float[] start, Training training, MlpSettings settings, long seed) {
        return new MinibatchFit(training, settings, seed, start, null);
    }

    private MinibatchFit(Training training, MlpSettings settings, long seed, float[] start, @Nullable Paused paused) {
        this.training = training;
        this.settings = settings;
        this.manager = training.manager();
        this.random = new SplittableRandom(seed);
        Network network = training.network();
        float[] first = start.length == 0 ? network.start(random) : start;
        this.parameters = training.parameters(manager, paused == null ? first : paused.parameters());
        this.means = moments(network, paused == null ? new float[0] : paused.means());
        this.squares = moments(network, paused == null ? new float[0] : paused.squares());
        this.weightMask = manager.create(network.weightMask());
        int rows = training.examples().rows();
        int heldRows = settings.patience() > 0 && rows >= 20 ? rows / 10 : 0;
        int[] order = permutation(rows);
        this.held = training.examples().take(manager, Arrays.copyOf(order, heldRows));
        this.learned = heldRows == 0
                ? training.examples()
                : training.examples().take(manager, Arrays.copyOfRange(order, heldRows, rows));
        this.batch = settings.batchSizeFor(rows);
        this.epochs = settings.epochsFor(rows);
        this.steps = (long) epochs * batches();
        this.decay = settings.weightDecayFor(training.weight());
        this.dropout = new Dropout(manager, settings.dropout(), batch, network.hidden(), random.split());
        if (paused != null) {
            skip(paused);
        }
    }

    private PtNDArray moments(Network network, float[] known) {
        return (PtNDArray) (known.length == 0 ? manager.zeros(new Shape(network.size())) : manager.create(known));
    }

    private void skip(Paused paused) {
        for (epoch = 0; epoch < paused.epoch(); epoch++) {
            int[] unused = permutation(learned.rows());
        }
        step = (long) epoch * batches();
        dropout.skip(step);
        best = paused.best();
        bestLoss = paused.bestLoss();
        worse = paused.worse();
    }

    private int batches() {
        return (learned.rows() + batch - 1) / batch;
    }

    private int[] permutation(int size) {
        int[] order = new int[size];
        for (int i = 0; i < size; i++) {
            int place = random.nextInt(i + 1);
            order[i] = order[place];
            order[place] = i;
        }
        return order;
    }

    /** The parameters at the end; with early stopping the best ones. */
    float[] run() {
        return run(epochs);
    }

    /** The parameters after so many epochs of all, or after the last; with early stopping the best ones. */
    float[] run(int until) {
        while (epoch < until && (held.rows() == 0 || worse < settings.patience())) {
            epoch++;
            try (NDManager pass = manager.newSubManager()) {
                epoch(learned.take(pass, permutation(learned.rows())));
            }
            double loss = held.rows() == 0 ? Double.NaN : training.loss(parameters, held);
            training.ended(epoch, epochs, learned.rows(), loss);
            if (held.rows() > 0) {
                worse = loss < bestLoss ? 0 : worse + 1;
                if (worse == 0) {
                    bestLoss = loss;
                    best = parameters.toFloatArray();
                }
            }
        }
        return best.length > 0 ? best : parameters.toFloatArray();
    }

    /** Where it stands, between two epochs. */
    Paused pause() {
        return new Paused(
                epoch, parameters.toFloatArray(), means.toFloatArray(), squares.toFloatArray(), best, bestLoss, worse);
    }

    private void epoch(Examples shuffled) {
        for (int from = 0; from < shuffled.rows(); from += batch) {
            training.stopIfInterrupted();
            step++;
            int to = Math.min(shuffled.rows(), from + batch);
            try (NDManager pass = manager.newSubManager()) {
                Examples rows = shuffled.slice(pass, from, to);
                NDArray loss = training.learn(pass, parameters, rows, 1, dropout.on(pass));
                descend(pass);
                if (to == shuffled.rows() || step % READ_STEPS == 0) {
                    training.looked(epoch, loss.getFloat());
                }
            }
        }
    }

    private void descend(NDManager pass) {
        float rate = (float) rate();
        if (decay > 0) {
            NDArray shrunk = weightMask.mul(-rate * decay);
            shrunk.attach(pass);
            parameters.muli(shrunk.addi(1));
        }
        double bias = Math.sqrt(1 - Math.pow(BETA2, (double) step)) / (1 - Math.pow(BETA1, (double) step));
        try (PtNDArray gradient = JniUtils.getGradient(parameters)) {
            JniUtils.adamUpdate(
                    parameters,
                    gradient,
                    means,
                    squares,
                    rate,
                    (float) (rate * bias),
                    0,
                    1,
                    MOST_GRADIENT,
                    BETA1,
                    BETA2,
                    EPSILON,
                    false);
        }
        JniUtils.zeroGrad(parameters);
    }

    /** Up along a line, then down along half a cosine. */
    private double rate() {
        double share = step / (double) steps;
        double height = share < WARM_UP
                ? share / WARM_UP
                : LAST_RATE + (1 - LAST_RATE) * (1 + Math.cos(Math.PI * (share - WARM_UP) / (1 - WARM_UP))) / 2;
        return settings.learningRate() * height;
    }

    /**
     * Inverted dropout. The masks are slices of one vector of random bits at random places, made once and from the
     * seed: PyTorch's own random numbers belong to the whole process.
     */
    private static final class Dropout {

        private static final int SPARE = 1 << 16;

        private final double share;
        private final int layers;
        private final SplittableRandom random;
        private final NDArray bits;

        Dropout(NDManager manager, double share, int batch, List<Integer> hidden, SplittableRandom random) {
            this.share = share;
            this.layers = hidden.size();
            this.random = random;
            int widest = hidden.stream().mapToInt(Integer::intValue).max().orElse(1);
            float[] values = new float[share == 0 ? 1 : Math.addExact(Math.multiplyExact(batch, widest), SPARE)];
            for (int i = 0; i < values.length; i++) {
                values[i] = random.nextDouble() < share ? 0 : (float) (1 / (1 - share));
            }
            this.bits = manager.create(values);
        }

        /** Draws what so many steps draw. */
        void skip(long steps) {
            for (long draw = 0; share > 0 && draw < steps * layers; draw++) {
                int unused = random.nextInt(SPARE);
            }
        }

        Network.AfterLayer on(NDManager pass) {
            return share == 0
                    ? hidden -> hidden
                    : hidden -> {
                        int from = random.nextInt(SPARE);
                        NDIndex place = new NDIndex().addSliceDim(from, from + hidden.size());
                        return hidden.mul(bits.get(pass, place).reshape(hidden.getShape()));
                    };
        }
    }
}
