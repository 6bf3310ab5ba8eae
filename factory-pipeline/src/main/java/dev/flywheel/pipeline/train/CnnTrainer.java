package dev.flywheel.pipeline.train;

import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.ImageShape;
import dev.flywheel.pipeline.source.Target;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Trains a convolutional network for images: blocks of a 3 x 3 convolution, 2 x 2 max pooling and ReLU, each of which
 * halves height and width, then fully connected layers, which other features join as they are. Immutable.
 *
 * <p>Minimized like {@link MlpTrainer}'s networks. Settings left open follow from the number of rows.
 */
public final class CnnTrainer extends Pausable {

    private static final long serialVersionUID = 1L;

    private static final int BATCH = 64;

    /** Rows learned from in all passes. */
    private static final int LEARNED_ROWS = 300_000;

    private static final int MOST_EPOCHS = 30;

    private final int[] filters;
    private final int[] hidden;
    private final MlpSettings settings;

    private CnnTrainer(int[] filters, int[] hidden, MlpSettings settings) {
        this.filters = filters;
        this.hidden = hidden;
        this.settings = settings;
    }

    static CnnTrainer of(int... filters) {
        requireSizes("Trainers.cnn", filters);
        if (filters.length == 0) {
            throw new IllegalArgumentException("Trainers.cnn needs one or more numbers of filters, as cnn(16, 32)");
        }
        MlpSettings settings = MlpSettings.DEFAULT.learningRate(0.003).dropout(0.2);
        return new CnnTrainer(filters.clone(), new int[] {64}, settings);
    }

    private static void requireSizes(String name, int... sizes) {
        if (Arrays.stream(sizes).anyMatch(size -> size < 1 || size > 16_384)) {
            throw new IllegalArgumentException(
                    name + " is invalid: found " + Arrays.toString(sizes) + ", expected sizes of 1 to 16384");
        }
    }

    /**
     * {@return the same with other fully connected layers behind the convolutions}
     *
     * @param widths first to last, each 1 to 16,384; none for no such layer; by default one of 64
     */
    public CnnTrainer hidden(int... widths) {
        requireSizes("hidden", widths);
        return new CnnTrainer(filters, widths.clone(), settings);
    }

    /** {@return the same with this many passes over the rows, at least 1; by default 300,000 / rows, but 3 to 30} */
    public CnnTrainer epochs(int count) {
        return with(settings.epochs(Settings.atLeastOne("epochs", count)));
    }

    /** {@return the same with this many rows a step, at least 1; by default 64} */
    public CnnTrainer batchSize(int rows) {
        return with(settings.batchSize(Settings.atLeastOne("batchSize", rows)));
    }

    /** {@return the same with this highest learning rate, above 0; by default 0.003} */
    public CnnTrainer learningRate(double rate) {
        if (rate <= 0) {
            throw new IllegalArgumentException("learningRate must be above 0, found " + rate);
        }
        return with(settings.learningRate(Settings.atLeast("learningRate", 0, rate)));
    }

    /** {@return the same with another way of the learning rate; by default {@link Schedule#COSINE}} */
    public CnnTrainer schedule(Schedule schedule) {
        return with(settings.schedule(Objects.requireNonNull(schedule, "schedule")));
    }

    /**
     * {@return the same with this decay of all weights but biases}
     *
     * @param decay each step takes decay * learning rate off a weight; at least 0, by default 2,500 / rows, but 0.1 to
     *     1
     */
    public CnnTrainer weightDecay(double decay) {
        return with(settings.weightDecay(Settings.atLeast("weightDecay", 0, decay)));
    }

    /** {@return the same with this share of hidden units left out of each step, from 0 to below 1; by default 0.2} */
    public CnnTrainer dropout(double share) {
        return with(settings.dropout(Settings.share("dropout", share)));
    }

    /**
     * {@return the same with early stopping: a tenth of the rows is set aside, and training ends when their loss has
     * not fallen for this many passes; the best model is kept} By default there is none.
     */
    public CnnTrainer earlyStopping(int epochs) {
        return with(settings.patience(Settings.atLeastOne("earlyStopping", epochs)));
    }

    /**
     * {@return the same with early stopping by a metric, such as the one that a gate judges} As
     * {@link #earlyStopping(int)}, but what must get better on the rows set aside is this.
     */
    public CnnTrainer earlyStopping(int epochs, Metric metric) {
        return with(earlyStopping(epochs).settings.stopBy(Objects.requireNonNull(metric, "metric")));
    }

    private CnnTrainer with(MlpSettings changed) {
        return new CnnTrainer(filters, hidden, changed);
    }

    @Override
    public String name() {
        return "cnn";
    }

    @Override
    public Map<String, String> settings() {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("filters", Arrays.toString(filters));
        all.put("hidden", Arrays.toString(hidden));
        settings.addTo(all);
        all.put("batchSize", Integer.toString(batchSize()));
        return all;
    }

    /** Learns every task. */
    @Override
    public void requireTask(Task task) {
        settings.requireTask(describe(), Objects.requireNonNull(task, "task"));
    }

    /** @throws IllegalArgumentException if the features have no image, or one too small for so many convolutions */
    @Override
    public TrainedModel train(FeatureMatrix matrix, Target<?> target, long seed, TrainingListener listener) {
        MlpSettings resolved = settings(matrix.rows());
        return new NetworkFit(this, network(matrix, target), matrix, target, listener)
                .run(training -> new MinibatchFit(training, resolved, seed).run());
    }

    @Override
    int epochsFor(int rows) {
        return settings(rows).epochs();
    }

    @Override
    Part trainTo(
            int epoch,
            Checkpoint checkpoint,
            FeatureMatrix matrix,
            Target<?> target,
            long seed,
            TrainingListener listener) {
        return new NetworkFit(this, network(matrix, target), matrix, target, listener)
                .runTo(epoch, checkpoint, settings(matrix.rows()), seed);
    }

    private int batchSize() {
        return settings.batchSize() > 0 ? settings.batchSize() : BATCH;
    }

    private MlpSettings settings(int rows) {
        int epochs = Math.max(3, Math.min(MOST_EPOCHS, LEARNED_ROWS / Math.max(1, rows)));
        return settings.batchSize(batchSize()).epochs(settings.epochs() > 0 ? settings.epochs() : epochs);
    }

    private Network network(FeatureMatrix matrix, Target<?> target) {
        ImageShape image = matrix.features()
                .image()
                .orElseThrow(() -> new IllegalArgumentException("trainer " + describe()
                        + " learns from an image, and the features have none; add one, as with "
                        + "Features.image(Item::pixels, 1, 28, 28), or use Trainers.mlp(...)"));
        int least = Math.min(image.height(), image.width());
        if (least >> filters.length == 0) {
            throw new IllegalArgumentException("trainer " + describe() + " halves an image " + filters.length
                    + " times, and this one is " + image.height() + " x " + image.width()
                    + " pixels; leave out convolutions, so that at least one pixel is left");
        }
        Layout layout = Layout.cnn(
                matrix.features(),
                image,
                Arrays.stream(filters).boxed().toList(),
                Arrays.stream(hidden).boxed().toList(),
                settings.embedding(),
                Objective.outputs(target));
        return new LayerNetwork(layout);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof CnnTrainer that && describe().equals(that.describe());
    }

    @Override
    public int hashCode() {
        return describe().hashCode();
    }

    @Override
    public String toString() {
        return describe();
    }
}
