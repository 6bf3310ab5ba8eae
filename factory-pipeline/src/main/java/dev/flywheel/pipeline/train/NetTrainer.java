package dev.flywheel.pipeline.train;

import dev.flywheel.core.TrainingException;
import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.source.Target;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Trains linear models and perceptrons.
 *
 * @param name the kind of model
 * @param only the one task that it is for; null for any
 * @param hidden the widths of the hidden layers; none makes it linear
 */
record NetTrainer(String name, @Nullable Task only, List<Integer> hidden) implements Trainer {

    private static final long serialVersionUID = 1L;

    @Override
    public Map<String, String> settings() {
        Map<String, String> settings = new LinkedHashMap<>();
        if (!hidden.isEmpty()) {
            settings.put("hidden", hidden.toString());
        }
        return settings;
    }

    @Override
    public void requireTask(Task task) {
        if (only != null && only != task) {
            throw new IllegalArgumentException(
                    "trainer " + describe() + " learns " + only + " targets, found a " + task + " target; use Trainers."
                            + (task == Task.BINARY ? "logistic" : "linear") + "() or Trainers.mlp(...)");
        }
    }

    @Override
    public TrainedModel train(FeatureMatrix matrix, Target<?> target, long seed, TrainingListener listener) {
        requireTask(target.task());
        double[] labels = matrix.labels();
        requireLearnable(labels, target.task());
        LabelScale scale = LabelScale.of(labels, target);
        NetShape shape = NetShape.of(matrix.features(), hidden);
        float[] parameters = Torch.exclusively(
                () -> new NetTraining(shape, Schedule.of(matrix.rows(), shape), matrix, scale, seed, listener).run());
        return new TrainedModel(shape, parameters, scale);
    }

    private static void requireLearnable(double[] labels, Task task) {
        if (labels.length == 0) {
            throw new TrainingException("training was refused", "there is no training row", "bring examples");
        }
        boolean constant = true;
        for (double label : labels) {
            constant &= label == labels[0];
        }
        if (constant && task == Task.BINARY) {
            throw new TrainingException(
                    "training was refused",
                    "all " + labels.length + " training rows are of one class, " + (labels[0] == 1 ? "true" : "false"),
                    "bring examples of both classes, or choose a split that leaves both in the training part");
        }
    }
}
