package dev.flywheel.pipeline.train;

import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.FittedFeatures.Emitted;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import java.util.Optional;

/** What a {@link Trainer} made. Immutable and thread-safe. */
public interface TrainedModel {

    /** {@return what it predicts} */
    Task task();

    /** {@return how many numbers a prediction is: one for each class of several, otherwise one} */
    default int outputs() {
        return 1;
    }

    /**
     * {@return the predictions for all rows, [rows, outputs] row-major: probabilities, or numbers in the label's own
     * unit}
     *
     * <p>This is the training engine's own forward pass, to check the exported graph against. Evaluation and serving
     * run the graph.
     *
     * @param rows features made by the fitted features of the training rows
     * @throws IllegalArgumentException if they were made by others
     */
    double[] predict(FeatureMatrix rows);

    /**
     * Adds the model behind its features to a graph.
     *
     * @param features what the features gave to the same graph
     * @return the name of the predictions, FLOAT [rows, outputs]: probabilities, or numbers in the label's own unit
     */
    String emit(OnnxGraph graph, Emitted features);

    /** {@return what the model is, on one line, such as its size} */
    String describe();

    /** {@return what this model makes of rows before it predicts; empty if it does not make features} */
    default Optional<FeatureMatrix> features(Dataset rows) {
        return Optional.empty();
    }

    /**
     * {@return the rows with every numeric feature moved by {@code epsilon} of its standard deviations in these rows to
     * where this model's loss grows: the fast gradient sign method; empty if it has no gradient by numbers}
     *
     * @param rows features made by the fitted features of the training rows, with labels
     * @param epsilon 0 or more
     */
    default Optional<FeatureMatrix> attacked(FeatureMatrix rows, double epsilon) {
        return Optional.empty();
    }

    /** {@return what a search has found, if that is how the model was made} */
    default Optional<Finding> finding() {
        return Optional.empty();
    }
}
