package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.feature.FittedFeatures.Emitted;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import java.util.Optional;

/** A trained {@link Network}: its parameters, the features before it and the scale behind it. Immutable. */
final class NetworkModel implements TrainedModel {

    private final FittedFeatures features;
    private final Network network;
    private final float[] parameters;
    private final Scale scale;
    /** The scale without what was put on it after the training. */
    private final Scale learnedScale;

    private final String trainedOn;

    NetworkModel(
            FittedFeatures features,
            Network network,
            float[] parameters,
            Scale scale,
            Scale learnedScale,
            String trainedOn) {
        this.features = features;
        this.network = network;
        this.parameters = parameters;
        this.scale = scale;
        this.learnedScale = learnedScale;
        this.trainedOn = trainedOn;
    }

    FittedFeatures features() {
        return features;
    }

    Network network() {
        return network;
    }

    float[] parameters() {
        return parameters.clone();
    }

    Scale scale() {
        return scale;
    }

    /** The same network with another way from its output to a prediction. */
    NetworkModel rescaled(Scale other) {
        return new NetworkModel(features, network, parameters, other, learnedScale, trainedOn);
    }

    /** The same network without the way from its output to a probability. */
    NetworkModel logits() {
        return rescaled(Scale.unscaled(Objective.NUMBER));
    }

    Scale learnedScale() {
        return learnedScale;
    }

    @Override
    public Task task() {
        return scale.objective().task();
    }

    @Override
    public int outputs() {
        return network.outputs();
    }

    private void requireOwn(FeatureMatrix rows) {
        if (!rows.features().inputs().equals(features.inputs())
                || !rows.features().describe().equals(features.describe())) {
            throw new IllegalArgumentException("the rows were made by other features than the model's");
        }
    }

    @Override
    public Optional<FeatureMatrix> features(Dataset rows) {
        return Optional.of(features.matrix(rows));
    }

    @Override
    public Optional<FeatureMatrix> attacked(FeatureMatrix rows, double epsilon) {
        requireOwn(rows);
        if (rows.numberCount() == 0) {
            return Optional.empty();
        }
        try (PyTorch.Session session = PyTorch.open()) {
            NDManager manager = session.manager();
            FastGradient gradient = new FastGradient(network, manager.create(parameters), scale.objective());
            return Optional.of(gradient.moved(manager, rows, learnedScale.learned(rows.labels()), epsilon));
        }
    }

    @Override
    public double[] predict(FeatureMatrix rows) {
        requireOwn(rows);
        try (PyTorch.Session session = PyTorch.open()) {
            NDManager manager = session.manager();
            NDArray values = manager.create(parameters);
            Examples examples = Examples.of(manager, rows, null, scale.objective());
            return scale.predict(network.outputs(manager, values, examples, null), network.outputs());
        }
    }

    @Override
    public String emit(OnnxGraph graph, Emitted front) {
        return network.emit(graph, front, features, parameters, scale);
    }

    @Override
    public Optional<String> trainedOn() {
        return Optional.of(trainedOn);
    }

    @Override
    public String describe() {
        return network.describe();
    }

    @Override
    public String toString() {
        return "TrainedModel[" + describe() + "]";
    }
}
