package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.feature.FittedFeatures.Emitted;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import java.util.Optional;

/** A trained {@link Layout}: its parameters, the features before it and the scale behind it. Immutable. */
final class NetworkModel implements TrainedModel {

    private final FittedFeatures features;
    private final Layout layout;
    private final float[] parameters;
    private final Scale scale;
    /** The scale without what was put on it after the training. */
    private final Scale learnedScale;

    NetworkModel(FittedFeatures features, Layout layout, float[] parameters, Scale scale, Scale learnedScale) {
        this.features = features;
        this.layout = layout;
        this.parameters = parameters;
        this.scale = scale;
        this.learnedScale = learnedScale;
    }

    FittedFeatures features() {
        return features;
    }

    Layout layout() {
        return layout;
    }

    float[] parameters() {
        return parameters.clone();
    }

    Scale learnedScale() {
        return learnedScale;
    }

    @Override
    public Task task() {
        return scale.objective().task();
    }

    private void requireOwn(FeatureMatrix rows) {
        if (!rows.features().inputs().equals(features.inputs())
                || !rows.features().describe().equals(features.describe())) {
            throw new IllegalArgumentException("the rows were made by other features than the model's");
        }
    }

    @Override
    public Optional<FeatureMatrix> attacked(FeatureMatrix rows, double epsilon) {
        requireOwn(rows);
        if (rows.numberCount() == 0) {
            return Optional.empty();
        }
        try (PyTorch.Session session = PyTorch.open()) {
            NDManager manager = session.manager();
            FastGradient gradient =
                    new FastGradient(new Network(layout), manager.create(parameters), scale.objective());
            return Optional.of(gradient.moved(manager, rows, learnedScale.learned(rows.labels()), epsilon));
        }
    }

    @Override
    public double[] predict(FeatureMatrix rows) {
        requireOwn(rows);
        double[] predictions = new double[rows.rows()];
        try (PyTorch.Session session = PyTorch.open()) {
            NDManager manager = session.manager();
            NDArray values = manager.create(parameters);
            float[] outputs = new Network(layout).outputs(manager, values, Examples.of(manager, rows, null));
            for (int i = 0; i < outputs.length; i++) {
                predictions[i] = scale.predict(outputs[i]);
            }
        }
        return predictions;
    }

    @Override
    public String emit(OnnxGraph graph, Emitted front) {
        return new NetworkExport(graph, features, layout, parameters, scale).emit(front);
    }

    @Override
    public String describe() {
        return layout.describe();
    }

    @Override
    public String toString() {
        return "TrainedModel[" + describe() + "]";
    }
}
