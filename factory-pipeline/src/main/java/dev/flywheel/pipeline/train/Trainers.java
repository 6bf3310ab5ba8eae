package dev.flywheel.pipeline.train;

import ai.djl.nn.Block;
import ai.djl.repository.zoo.Criteria;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.Features;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * The trainers that come with the library. What a setting leaves open is chosen from the number of rows; the defaults
 * are those that did well on the reference data, so that naming no setting is a good choice.
 */
public final class Trainers {

    private Trainers() {}

    /**
     * {@return what is worth trying where nobody says: a linear model, which few rows are enough for, and a network of
     * two layers, which learns what a linear one cannot; for images a convolutional network}
     */
    public static List<Trainer> portfolio(Task task, Features<?> features) {
        if (features.seeImage()) {
            return List.of(cnn(16, 32));
        }
        return List.of(task == Task.REGRESSION ? linear() : logistic(), mlp(64, 32));
    }

    /**
     * {@return a logistic regression, for true-or-false targets and classes: one weight for each number and each id}
     */
    public static LinearTrainer logistic() {
        return LinearTrainer.logistic();
    }

    /** {@return a linear regression, for numeric targets: one weight for each number and each id} */
    public static LinearTrainer linear() {
        return LinearTrainer.linear();
    }

    /**
     * {@return a multi-layer perceptron with ReLU activations, for any target; ids become learned vectors}
     *
     * @param hidden the widths of the hidden layers, first to last, each 1 to 16,384, such as 64, 32
     * @throws IllegalArgumentException if there is no layer or a width is out of range
     */
    public static MlpTrainer mlp(int... hidden) {
        return MlpTrainer.of(hidden);
    }

    /**
     * {@return a trainer whose models' probabilities are calibrated: it trains on four fifths of the rows, and brings
     * the probabilities to what is seen on the rest, the newest by event time, or random ones where there is no time}
     * The calibration is part of the exported model.
     *
     * @param trainer learns a true-or-false target, or with {@link Calibration#TEMPERATURE} several classes
     * @throws IllegalArgumentException if it is calibrated already, is a search, or starts warm
     */
    public static Trainer calibrated(Trainer trainer, Calibration calibration) {
        return CalibratedTrainer.of(trainer, calibration);
    }

    /**
     * {@return a convolutional network for images, for any target; the features need an image}
     *
     * @param filters how many filters each convolution has, first to last, such as 16, 32; each halves height and width
     * @throws IllegalArgumentException if there is none or one is out of 1 to 16,384
     */
    public static CnnTrainer cnn(int... filters) {
        return CnnTrainer.of(filters);
    }

    /**
     * {@return your own DJL block, for any target, with the loss of the target and our optimizer}
     *
     * @param block makes the block anew for each training
     */
    public static DjlTrainer djl(DjlTrainer.Maker<? extends Block> block) {
        return new DjlTrainer(block, null, null, DjlTrainer.SETTINGS);
    }

    /**
     * {@return your own DJL block with your own loss and optimizer}
     *
     * @param block makes the block anew for each training
     * @param loss makes the loss: it is given the outputs and the labels [rows, 1], FLOAT32, or INT64 for classes
     * @param optimizer makes the optimizer, which is given all parameters that learn as one vector
     */
    public static DjlTrainer djl(
            DjlTrainer.Maker<? extends Block> block,
            DjlTrainer.Maker<? extends Loss> loss,
            DjlTrainer.Maker<? extends Optimizer> optimizer) {
        return new DjlTrainer(
                block,
                Objects.requireNonNull(loss, "loss"),
                Objects.requireNonNull(optimizer, "optimizer"),
                DjlTrainer.SETTINGS);
    }

    /**
     * {@return a finished model of yours, which is evaluated and gated like those that are trained}
     *
     * <p>It takes raw columns of the input, and none of the pipeline's features. An ONNX file whose metadata names its
     * columns, as those that a pipeline has made, is taken as it is. Any other model has one input FLOAT [rows,
     * columns], where a missing value is NaN.
     *
     * <p>It gives FLOAT [rows] or [rows, 1]: a number in the label's own unit, or the probability of true, for which
     * [rows, 2] will do, too: the probabilities of false and of true. Of several classes it gives FLOAT [rows,
     * classes], their probabilities in the target's order. Other outputs beside this one are dropped. Logits are
     * refused: end the model with a sigmoid or a softmax.
     *
     * <p>The file is read by each run, not before, and the version has a copy.
     *
     * @param file an ONNX file, ending in {@code .onnx}, which ONNX Runtime will serve, or a TorchScript file, ending
     *     in {@code .pt}, {@code .pth} or {@code .torchscript}, which DJL will serve
     * @param columns the columns that it takes, in its order: numbers, integers and booleans, or one vector; by default
     *     all of these that the features take, in the order in which they are named there
     * @throws IllegalArgumentException if the file's name ends otherwise, or a column is there twice
     */
    public static Trainer model(Path file, String... columns) {
        return OwnModel.of(file, columns);
    }

    /**
     * {@return a finished model of yours that DJL finds, otherwise as {@link #model(Path, String...)}} Its translator
     * is not asked: the block takes FLOAT [rows, columns]. A block that DJL has loaded as a whole must come from a
     * TorchScript or an ONNX file; one that is Java code is served as ONNX, and is made of what {@link DjlTrainer} can
     * export.
     *
     * @param criteria makes the criteria anew for each run
     */
    public static Trainer model(DjlTrainer.Maker<? extends Criteria<?, ?>> criteria, String... columns) {
        return OwnModel.of(criteria, columns);
    }

    /**
     * {@return a search for good settings of another trainer: say what to {@link Search#vary vary}}
     *
     * @param trainer what is tried first, and what all trials have in common
     * @throws IllegalArgumentException if it is a search itself, or starts warm
     */
    public static <T extends Trainer> Search<T> search(T trainer) {
        return Search.of(trainer);
    }
}
