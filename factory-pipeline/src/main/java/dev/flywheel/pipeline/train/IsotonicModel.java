package dev.flywheel.pipeline.train;

import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.FittedFeatures.Emitted;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A model, and the line with kinks that makes its logits probabilities; beyond its ends it goes on level. Immutable.
 */
record IsotonicModel(NetworkModel model, List<Calibration.Pool> line) implements TrainedModel {

    @Override
    public Task task() {
        return model.task();
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
    public double[] predict(FeatureMatrix rows) {
        return Arrays.stream(model.logits().predict(rows))
                .map(this::probability)
                .toArray();
    }

    private double probability(double logit) {
        double sum = line.get(0).share();
        for (int i = 1; i < line.size(); i++) {
            Calibration.Pool from = line.get(i - 1);
            Calibration.Pool to = line.get(i);
            double way = (logit - from.logit()) / (to.logit() - from.logit());
            sum += Math.max(0, Math.min(1, way)) * (to.share() - from.share());
        }
        return sum;
    }

    /** How far a logit has come on each stretch of the line, and what each stretch is worth. */
    @Override
    public String emit(OnnxGraph graph, Emitted features) {
        String logit = model.logits().emit(graph, features);
        int stretches = line.size() - 1;
        float[] slopes = new float[stretches];
        float[] starts = new float[stretches];
        float[] rises = new float[stretches];
        for (int i = 1; i < line.size(); i++) {
            Calibration.Pool from = line.get(i - 1);
            Calibration.Pool to = line.get(i);
            double gap = to.logit() - from.logit();
            slopes[i - 1] = (float) (1 / gap);
            starts[i - 1] = (float) (-from.logit() / gap);
            rises[i - 1] = (float) (to.share() - from.share());
        }
        String way = graph.node("Gemm", logit, graph.floats(slopes, 1, stretches), graph.floats(starts, stretches));
        String within = graph.node("Clip", way, graph.floats(new float[] {0}), graph.floats(new float[] {1}));
        float first = (float) line.get(0).share();
        return graph.node("Gemm", within, graph.floats(rises, stretches, 1), graph.floats(new float[] {first}, 1));
    }

    @Override
    public Optional<String> trainedOn() {
        return model.trainedOn();
    }

    @Override
    public String describe() {
        return model.describe() + ", calibrated by a line of " + line.size() + " kinks";
    }
}
