package dev.flywheel.pipeline.train;

import ai.djl.nn.Block;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.serving.engine.DjlDefaults;
import java.io.Serializable;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Trains your own DJL block over shuffled minibatches. Immutable.
 *
 * <p>The block takes the numeric features, FLOAT32 [rows, numbers], or [rows, channels, height, width] where they are
 * one image, and gives [rows, 1], or [rows, classes] for one of several classes: the log odds of a true-or-false
 * target, the logits of classes, or a number as it is learned, standardized. Features that are ids are refused.
 *
 * <p>It may be made of {@code SequentialBlock}, {@code Linear}, {@code Conv2d}, {@code BatchNorm}, {@code Dropout}, the
 * flatten and identity blocks of {@code Blocks}, the 2d max and average pools of {@code Pool} and the activations of
 * {@code Activation} whose names end in {@code Block}: these can be exported. Anything else is refused before training.
 *
 * <p>The seed decides the block's initial parameters too; a {@code Dropout} block draws PyTorch's random numbers, which
 * belong to the whole process, so that only one such training at a time comes out the same.
 */
public final class DjlTrainer extends Described {

    private static final long serialVersionUID = 1L;

    static final MinibatchSettings SETTINGS = MinibatchSettings.DEFAULT.weightDecay(0);

    /**
     * Makes a part of a training anew for each training, such as {@code () -> new SequentialBlock().add(...)}.
     *
     * @param <T> the part
     */
    @FunctionalInterface
    public interface Maker<T> extends Supplier<T>, Serializable {}

    private final Maker<? extends Block> block;
    private final @Nullable Maker<? extends Loss> loss;
    private final @Nullable Maker<? extends Optimizer> optimizer;
    private final MinibatchSettings settings;

    DjlTrainer(
            Maker<? extends Block> block,
            @Nullable Maker<? extends Loss> loss,
            @Nullable Maker<? extends Optimizer> optimizer,
            MinibatchSettings settings) {
        this.block = Objects.requireNonNull(block, "block");
        this.loss = loss;
        this.optimizer = optimizer;
        this.settings = settings;
    }

    /** {@return the same with this many passes over the rows, at least 1; by default 1,500,000 / rows, but 3 to 30} */
    public DjlTrainer epochs(int count) {
        return with(settings.epochs(count));
    }

    /**
     * {@return the same with this many rows a step, at least 1; by default about a two hundredth of all, 64 to 1,024}
     */
    public DjlTrainer batchSize(int rows) {
        return with(settings.batchSize(rows));
    }

    /**
     * {@return the same with this highest learning rate, above 0; by default 0.01}
     *
     * @throws IllegalStateException if the trainer has an optimizer of yours, which knows its own
     */
    public DjlTrainer learningRate(double rate) {
        if (optimizer != null) {
            throw new IllegalStateException(
                    "trainer " + describe() + " has an optimizer of its own; set the learning rate there");
        }
        return with(settings.learningRate(rate));
    }

    /**
     * {@return the same with early stopping: a tenth of the rows is set aside, and training ends when their loss has
     * not fallen for this many passes; the best model is kept} By default there is none.
     */
    public DjlTrainer earlyStopping(int epochs) {
        return with(settings.patience(epochs));
    }

    private DjlTrainer with(MinibatchSettings changed) {
        return new DjlTrainer(block, loss, optimizer, changed);
    }

    @Override
    public String name() {
        return "djl";
    }

    @Override
    public Map<String, String> settings() {
        DjlDefaults.apply();
        Map<String, String> all = new LinkedHashMap<>();
        all.put("block", BlockExport.name(block.get()));
        all.put("loss", loss == null ? "of the target" : loss.get().getClass().getSimpleName());
        all.put(
                "optimizer",
                optimizer == null ? "ours" : optimizer.get().getClass().getSimpleName());
        Map<String, String> others = new LinkedHashMap<>();
        settings.addTo(others);
        for (String name : new String[] {"epochs", "batchSize", "learningRate", "earlyStopping"}) {
            if (optimizer == null || !name.equals("learningRate")) {
                all.put(name, Objects.requireNonNull(others.get(name)));
            }
        }
        return all;
    }

    /** Learns every task. */
    @Override
    public void requireTask(Task task) {
        Objects.requireNonNull(task, "task");
    }

    /**
     * @throws IllegalArgumentException if the block cannot be exported or does not fit the features and the target, the
     *     features have ids, or the rows have weights, which a DJL loss does not know
     */
    @Override
    public TrainedModel train(FeatureMatrix matrix, Target<?> target, long seed, TrainingListener listener) {
        if (loss != null && matrix.isWeighted()) {
            throw new IllegalArgumentException("trainer " + describe()
                    + " has a loss that does not know weights of rows, and the rows have some; leave the loss out, or "
                    + "the weights");
        }
        DjlDefaults.apply();
        BlockNetwork network = BlockNetwork.of(describe(), block.get(), matrix, Objective.outputs(target), seed);
        return new NetworkFit(this, network, matrix, target, listener)
                .by(loss == null ? null : loss.get(), optimizer == null ? null : optimizer.get())
                .run(settings, training -> new MinibatchFit(training, settings, seed).run());
    }
}
