package dev.flywheel.pipeline.train;

import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.source.Target;
import java.io.Serializable;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A way to make a model of examples, with its settings. Immutable; {@link Trainers} has those that are built in.
 *
 * <p>Implement this to train in a way that is not built in: anything whose result can be written as ONNX nodes behind
 * the features.
 */
public interface Trainer extends Serializable {

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
     * Trains a model. Blocks until it is done; the same data, settings, seed and machine give the same model, bit for
     * bit. Several trainings may run at the same time, each on its own thread.
     *
     * @param matrix the features and labels of the training rows, each of which counts as many times as its weight says
     * @param target what the labels mean
     * @param seed the seed of everything random
     * @param listener told of the progress, on this thread
     * @throws IllegalArgumentException if the trainer cannot learn such a target
     * @throws dev.flywheel.core.TrainingException if there is nothing to learn, or the loss is no longer a number
     * @throws dev.flywheel.core.MissingEngineException if PyTorch's native library is not on the class path
     * @throws java.util.concurrent.CancellationException if the thread is interrupted; it still is afterwards
     */
    TrainedModel train(FeatureMatrix matrix, Target<?> target, long seed, TrainingListener listener);

    /** {@return the trainer with its settings, on one line; the same for equal trainers} */
    default String describe() {
        return settings().entrySet().stream()
                .map(setting -> setting.getKey() + "=" + setting.getValue())
                .collect(Collectors.joining(", ", name() + "(", ")"));
    }
}
