package dev.flywheel.pipeline.train;

import dev.flywheel.core.TrainingException;
import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.FittedFeatures.Emitted;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import dev.flywheel.pipeline.source.Target;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A trainer whose error is known: |x - 0.3| and what the missing epochs cost. It fails where x is above 0.8, and writes
 * down what it was asked for.
 */
final class Curve extends Pausable {

    private static final long serialVersionUID = 1L;

    /** What was trained in this process: x, the epoch before and the epoch after. */
    static final List<String> ASKED = new ArrayList<>();

    private final double x;
    private final int width;
    private final int epochs;

    Curve(double x, int width, int epochs) {
        this.x = x;
        this.width = width;
        this.epochs = epochs;
    }

    double x() {
        return x;
    }

    Curve x(double value) {
        if (value < 0) {
            throw new IllegalArgumentException("x is at least 0, found " + value);
        }
        return new Curve(value, width, epochs);
    }

    Curve width(int value) {
        return new Curve(x, value, epochs);
    }

    Curve epochs(int value) {
        return new Curve(x, width, value);
    }

    @Override
    public String name() {
        return "curve";
    }

    @Override
    public Map<String, String> settings() {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("x", Settings.plain(x));
        settings.put("width", Integer.toString(width));
        settings.put("epochs", Integer.toString(epochs));
        return settings;
    }

    @Override
    public void requireTask(Task task) {
        if (task != Task.REGRESSION) {
            throw new IllegalArgumentException("a curve learns numbers");
        }
    }

    @Override
    int epochsFor(int rows) {
        return epochs;
    }

    @Override
    public TrainedModel train(FeatureMatrix matrix, Target<?> target, long seed, TrainingListener listener) {
        return trainTo(epochs, Checkpoint.at(null), matrix, target, seed, listener)
                .model();
    }

    @Override
    Part trainTo(
            int epoch,
            Checkpoint checkpoint,
            FeatureMatrix matrix,
            Target<?> target,
            long seed,
            TrainingListener listener) {
        Paused paused = checkpoint.paused();
        int before = paused == null ? 0 : paused.epoch();
        ASKED.add(Settings.plain(x) + ": " + before + " to " + epoch);
        for (int at = before + 1; at <= epoch; at++) {
            if (x > 0.8) {
                throw new TrainingException("curve " + x, "it is too steep", "go lower");
            }
            listener.epochEnded(new TrainingListener.Epoch(at, epochs, 1, Double.NaN, 1, 1));
        }
        float[] none = new float[0];
        return new Part(new Model(this, epoch), new Paused(epoch, 0, none, none, none, none, 0, 0));
    }

    /** What was trained. */
    record Model(Curve curve, int epoch) implements TrainedModel {

        double error() {
            return Math.abs(curve.x - 0.3) + 0.1 * (1 - (double) epoch / curve.epochs);
        }

        @Override
        public Task task() {
            return Task.REGRESSION;
        }

        @Override
        public double[] predict(FeatureMatrix rows) {
            return Arrays.stream(rows.labels()).map(label -> label + error()).toArray();
        }

        @Override
        public String emit(OnnxGraph graph, Emitted features) {
            throw new UnsupportedOperationException();
        }

        @Override
        public String describe() {
            return curve.describe();
        }
    }
}
