package dev.flywheel.pipeline.train;

import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.source.Target;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Trains a linear model: a weight for each number and for each id, and one more; of several classes, such weights for
 * each class. Immutable.
 *
 * <p>The loss is convex, so it is minimized over all rows at once by L-BFGS until it no longer falls: there is no
 * learning rate to choose, and the seed plays no part.
 */
public final class LinearTrainer extends Described {

    private static final long serialVersionUID = 1L;

    private final Task task;
    private final double l2;
    private final int iterations;

    private LinearTrainer(Task task, double l2, int iterations) {
        this.task = task;
        this.l2 = l2;
        this.iterations = iterations;
    }

    static LinearTrainer logistic() {
        return new LinearTrainer(Task.BINARY, 1, 200);
    }

    static LinearTrainer linear() {
        return new LinearTrainer(Task.REGRESSION, 1, 200);
    }

    /**
     * {@return the same with this penalty on squared weights}
     *
     * @param strength half of it times the sum of the squared weights is added to the summed loss of all rows; at least
     *     0, by default 1, which is the usual choice elsewhere too
     */
    public LinearTrainer l2(double strength) {
        return new LinearTrainer(task, Settings.atLeast("l2", 0, strength), iterations);
    }

    /**
     * {@return the same with a limit on the steps, each a pass over the rows, or a few}
     *
     * @param most at least 1, by default 200; most data needs 20 to 100
     */
    public LinearTrainer iterations(int most) {
        return new LinearTrainer(task, l2, Settings.atLeastOne("iterations", most));
    }

    @Override
    public String name() {
        return task == Task.BINARY ? "logistic" : "linear";
    }

    @Override
    public Map<String, String> settings() {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("l2", Settings.plain(l2));
        settings.put("iterations", Integer.toString(iterations));
        return settings;
    }

    @Override
    public void requireTask(Task found) {
        if ((found == Task.REGRESSION) != (task == Task.REGRESSION)) {
            throw new IllegalArgumentException("trainer " + describe() + " learns "
                    + (task == Task.BINARY ? "BINARY and MULTICLASS" : "REGRESSION") + " targets, found a " + found
                    + " target; use Trainers." + (task == Task.BINARY ? "linear" : "logistic")
                    + "() or Trainers.mlp(...)");
        }
    }

    @Override
    public TrainedModel train(FeatureMatrix matrix, Target<?> target, long seed, TrainingListener listener) {
        requireTask(target.task());
        return new NetworkFit(this, network(matrix, target), matrix, target, listener)
                .run(FullBatchFit.PIECE_ROWS, iterations, training -> new FullBatchFit(training, l2, iterations).run());
    }

    static Network network(FeatureMatrix matrix, Target<?> target) {
        return new LayerNetwork(Layout.linear(matrix.features(), Objective.outputs(target)));
    }
}
