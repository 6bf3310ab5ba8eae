package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.pytorch.engine.PtNDArray;
import dev.flywheel.core.device.Accelerator;
import dev.flywheel.core.stat.Metric;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;

/**
 * Minimizes a loss over shuffled minibatches. All parameters are one vector, so a step of the optimizer is one native
 * call; the loss is read back every {@value #READ_STEPS} steps; everything that a step makes is freed at its end. Not
 * thread-safe.
 */
final class MinibatchFit {

    private static final int READ_STEPS = 16;
    private final Training training;
    private final MinibatchSettings settings;
    private final NDManager manager;
    private final SplittableRandom random;
    private final PtNDArray parameters;
    private final Descent descent;
    private final Checkpoint checkpoint;
    private final Examples learned;
    private final Minibatch minibatch;
    private final Examples held;
    private final int[] heldPlaces;
    private final int batch;
    private final int epochs;
    private final long steps;
    private final double decay;
    private final Dropout dropout;
    private int epoch;
    private long step;

    /** Steps of the epoch that has begun; none between two epochs. */
    private int behind;

    private float[] best = new float[0];
    private double bestLoss = Double.POSITIVE_INFINITY;
    private int worse;
    private boolean left;

    MinibatchFit(Training training, MinibatchSettings settings, long seed) {
        this(training, settings, seed, new float[0], Checkpoint.at(null));
    }

    /**
     * Goes on from where another fit of the same stood, as if there had been no pause: what is random comes out the
     * same, because all that was drawn before is drawn again.
     */
    static MinibatchFit resumed(Training training, MinibatchSettings settings, long seed, Checkpoint checkpoint) {
        return new MinibatchFit(training, settings, seed, new float[0], checkpoint);
    }

    /** @param start the parameters to begin with */
    static MinibatchFit from(float[] start, Training training, MinibatchSettings settings, long seed) {
        return new MinibatchFit(training, settings, seed, start, Checkpoint.at(null));
    }

    private MinibatchFit(
            Training training, MinibatchSettings settings, long seed, float[] start, Checkpoint checkpoint) {
        this.training = training;
        this.settings = settings;
        this.checkpoint = checkpoint;
        this.manager = training.manager();
        this.random = new SplittableRandom(seed);
        Network network = training.network();
        float[] first = start.length == 0 ? network.start(random) : start;
        Paused paused = checkpoint.paused();
        this.parameters = training.parameters(manager, paused == null ? first : paused.parameters());
        int rows = training.examples().rows();
        int heldRows = settings.patience() > 0 && rows >= 20 ? rows / 10 : 0;
        int[] order = permutation(rows);
        this.heldPlaces = Arrays.copyOf(order, heldRows);
        this.held = training.examples().take(heldPlaces);
        this.learned = heldRows == 0
                ? training.examples()
                : training.examples().take(Arrays.copyOfRange(order, heldRows, rows));
        if (heldRows > 0) {
            training.learnsFrom(learned);
        }
        this.batch = settings.batchSizeFor(rows);
        this.minibatch = Minibatch.of(manager, learned, batch);
        this.epochs = settings.epochsFor(rows);
        this.steps = (long) epochs * batches();
        this.decay = settings.weightDecayFor(training.weight());
        this.dropout = new Dropout(manager, settings.dropout(), batch, network.hidden(), random.split());
        if (paused == null) {
            this.descent = training.descent(parameters);
        } else {
            skip(paused);
            this.descent = new Adam(manager, parameters, network.weightMask(), paused.means(), paused.squares(), step);
        }
    }

    private void skip(Paused paused) {
        for (epoch = 0; epoch < paused.epoch(); epoch++) {
            int[] unused = permutation(learned.rows());
        }
        behind = paused.steps();
        step = (long) epoch * batches() + behind;
        dropout.skip(step);
        best = paused.best();
        bestLoss = paused.bestLoss();
        worse = paused.worse();
    }

    private int batches() {
        return (rowsAnEpoch() + batch - 1) / batch;
    }

    /**
     * All but a row that would be alone in the last step: a batch normalization has no deviation of one, and elsewhere
     * it would count as much as a whole batch. It is another one in each epoch.
     */
    private int rowsAnEpoch() {
        int rows = learned.rows();
        return rows > 1 && rows % batch == 1 ? rows - 1 : rows;
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
        while (!left && isUnfinished(until)) {
            epoch++;
            epoch(permutation(learned.rows()));
            if (left) {
                break;
            }
            double loss = held.rows() == 0 ? Double.NaN : training.loss(parameters, held);
            training.ended(epoch, epochs, learned.rows(), loss);
            if (held.rows() > 0) {
                training.requireFinite(epoch, loss, descent.longest());
                Metric metric = settings.stopBy();
                double bad = metric == null ? loss : training.badness(parameters, held, heldPlaces, metric);
                worse = bad < bestLoss ? 0 : worse + 1;
                if (worse == 0) {
                    bestLoss = bad;
                    best = parameters.toFloatArray();
                }
            }
            checkpoint.offer(this::pause);
            left = isUnfinished(until) && training.mustLeave();
        }
        if (left) {
            checkpoint.left(this::pause);
        } else {
            checkpoint.ended(this::pause);
        }
        return best.length > 0 ? best : parameters.toFloatArray();
    }

    private boolean isUnfinished(int until) {
        return epoch < until && (held.rows() == 0 || worse < settings.patience());
    }

    /** Whether it has left the device to others, and has to go on later. */
    boolean hasLeft() {
        return left;
    }

    /** Where it stands, between two steps. */
    Paused pause() {
        return new Paused(
                behind == 0 ? epoch : epoch - 1,
                behind,
                parameters.toFloatArray(),
                descent.means(),
                descent.squares(),
                best,
                bestLoss,
                worse);
    }

    private void epoch(int[] order) {
        int rowsHere = rowsAnEpoch();
        for (int from = behind * batch; from < rowsHere; from += batch) {
            training.stopIfInterrupted();
            if (behind > 0) {
                checkpoint.offer(this::pause);
                left = training.mustLeave();
                if (left) {
                    return;
                }
            }
            Accelerator.Hold turn = training.turn(parameters);
            try {
                step(order, from, Math.min(rowsHere, from + batch), rowsHere);
            } finally {
                turn.close();
            }
        }
        behind = 0;
    }

    private void step(int[] order, int from, int to, int rowsHere) {
        step++;
        behind++;
        try (NDManager pass = manager.newSubManager()) {
            Examples rows = minibatch.rows(pass, order, from, to);
            NDArray outputs = training.learn(pass, parameters, rows, 1, dropout.on(pass));
            if (to == rowsHere || step % READ_STEPS == 0) {
                training.looked(epoch, training.lossOf(outputs, rows).getFloat(), descent.longest());
            }
        }
        descent.step(rate(), decay);
    }

    private double rate() {
        return settings.learningRate() * settings.schedule().rate(step / (double) steps);
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

        UnaryOperator<NDArray> on(NDManager pass) {
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
