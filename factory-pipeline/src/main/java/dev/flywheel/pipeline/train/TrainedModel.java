package dev.flywheel.pipeline.train;

import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.FittedFeatures.Emitted;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** What a {@link Trainer} made, or was given. Immutable and thread-safe. */
public interface TrainedModel {

    /**
     * The file of a model that takes raw columns by itself, so that no features are put before it. Immutable.
     *
     * @param name the file's name in its directory
     * @param signature what the model takes, with its columns, and the one output that it gives
     * @param facts where it comes from and how it is served
     */
    record Whole(String name, Signature signature, Map<String, String> facts) {

        /** Copies the facts. */
        public Whole {
            facts = Map.copyOf(facts);
        }
    }

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

    /**
     * Writes a model that somebody brought, and that takes raw columns: then there is nothing to {@link #emit}, and
     * nothing that {@link #predict} could tell.
     *
     * @param directory where to
     * @return what was written; empty if the model was trained here
     * @throws dev.flywheel.core.FactoryException if it is not there, damaged or not of the shape that is needed
     */
    default Optional<Whole> write(Path directory) {
        return Optional.empty();
    }

    /** {@return whether somebody brought the model, so that {@link #write} writes it} */
    default boolean isWhole() {
        return false;
    }

    /** {@return what the model is, on one line, such as its size} */
    String describe();

    /** {@return the device and the numbers that it was trained on; empty if that is not known} */
    default Optional<String> trainedOn() {
        return Optional.empty();
    }

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
