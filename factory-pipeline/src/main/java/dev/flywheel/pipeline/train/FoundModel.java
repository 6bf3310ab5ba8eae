package dev.flywheel.pipeline.train;

import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.FittedFeatures.Emitted;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import java.nio.file.Path;
import java.util.Optional;

/** A model with the search that led to it. Immutable. */
record FoundModel(TrainedModel model, Finding found) implements TrainedModel {

    @Override
    public Task task() {
        return model.task();
    }

    @Override
    public int outputs() {
        return model.outputs();
    }

    @Override
    public double[] predict(FeatureMatrix rows) {
        return model.predict(rows);
    }

    @Override
    public String emit(OnnxGraph graph, Emitted features) {
        return model.emit(graph, features);
    }

    @Override
    public Optional<Whole> write(Path directory) {
        return model.write(directory);
    }

    @Override
    public boolean isWhole() {
        return model.isWhole();
    }

    @Override
    public Optional<String> trainedOn() {
        return model.trainedOn();
    }

    @Override
    public String describe() {
        return model.describe();
    }

    @Override
    public Optional<FeatureMatrix> features(Dataset rows) {
        return model.features(rows);
    }

    @Override
    public Optional<FeatureMatrix> attacked(FeatureMatrix rows, double epsilon) {
        return model.attacked(rows, epsilon);
    }

    @Override
    public Optional<Finding> finding() {
        return Optional.of(found);
    }
}
