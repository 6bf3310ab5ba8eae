package dev.flywheel.pipeline.train;

import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.source.Target;
import java.io.Serializable;
import java.util.Map;
import java.util.stream.Collectors;

/** How a candidate is trained. Implementations are immutable values; {@link Trainers} has them all. */
public sealed interface Trainer extends Serializable permits NetTrainer {

    /** {@return the kind of model, such as "mlp"} */
    String name();

    /** {@return the settings by name, in order; those that are chosen from the data at training say so} */
    Map<String, String> settings();

    /**
     * Checks that this trainer can learn such a target.
     *
     * @throws IllegalArgumentException if it cannot; the message names one that can
     */
    void requireTask(Task task);

    /**
     * Trains a model. Blocks until it is done; the same data, seed and machine give the same model, bit for bit.
     *
     * @param matrix the features and labels of the training rows
     * @param target what the labels mean
     * @param seed the seed of the first weights and of the order of rows
     * @param listener told of the progress, on this thread
     * @throws dev.flywheel.core.TrainingException if there is nothing to learn, or the loss is no longer a number, or
     *     the thread is interrupted
     * @throws dev.flywheel.core.MissingEngineException if PyTorch's native library is not on the class path
     */
    TrainedModel train(FeatureMatrix matrix, Target<?> target, long seed, TrainingListener listener);

    /** {@return the trainer with its settings, on one line} */
    default String describe() {
        return settings().entrySet().stream()
                .map(setting -> setting.getKey() + "=" + setting.getValue())
                .collect(Collectors.joining(", ", name() + "(", ")"));
    }
}
