package dev.flywheel.pipeline.train;

import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.source.Target;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;

/**
 * Trains by another trainer on four fifths of the rows, and calibrates the model on the rest: the newest by event time,
 * or random ones where there is no time. Immutable.
 */
final class CalibratedTrainer extends Described {

    private static final long serialVersionUID = 1L;

    private final Trainer trainer;
    private final Calibration calibration;

    private CalibratedTrainer(Trainer trainer, Calibration calibration) {
        this.trainer = trainer;
        this.calibration = calibration;
    }

    static CalibratedTrainer of(Trainer trainer, Calibration calibration) {
        Objects.requireNonNull(calibration, "calibration");
        String why = trainer instanceof CalibratedTrainer
                ? "it is calibrated already"
                : trainer instanceof Search
                        ? "a search goes on after a crash only where it is a candidate itself; calibrate what it finds"
                        : trainer instanceof MlpTrainer mlp && mlp.startsWarm()
                                ? "it starts warm, and a champion has learned from the rows that would be held back"
                                : "";
        if (!why.isEmpty()) {
            throw new IllegalArgumentException("trainer " + trainer.describe() + " cannot be calibrated: " + why);
        }
        return new CalibratedTrainer(trainer, calibration);
    }

    @Override
    public String name() {
        return "calibrated " + trainer.name();
    }

    @Override
    public Map<String, String> settings() {
        Map<String, String> all = new LinkedHashMap<>(trainer.settings());
        all.put("calibration", calibration.name().toLowerCase(java.util.Locale.ROOT));
        return all;
    }

    @Override
    public void requireTask(Task task) {
        trainer.requireTask(task);
        if (task == Task.REGRESSION) {
            throw new IllegalArgumentException("trainer " + describe() + " calibrates probabilities, found a " + task
                    + " target; use " + trainer.describe());
        }
        if (task != Task.BINARY && calibration != Calibration.TEMPERATURE) {
            throw new IllegalArgumentException("trainer " + describe() + " calibrates two classes, found a " + task
                    + " target; use Calibration.TEMPERATURE");
        }
    }

    @Override
    public TrainedModel train(FeatureMatrix matrix, Target<?> target, long seed, TrainingListener listener) {
        return train(matrix, target, seed, (inner, rows) -> inner.train(rows, target, seed, listener));
    }

    /** @param learn makes the model that is calibrated, by a trainer, of rows to learn from */
    TrainedModel train(
            FeatureMatrix matrix, Target<?> target, long seed, BiFunction<Trainer, FeatureMatrix, TrainedModel> learn) {
        requireTask(target.task());
        Holdout rows = Holdout.of(matrix, target.task(), seed, "a calibration");
        TrainedModel model = learn.apply(trainer, rows.learned());
        if (!(model instanceof NetworkModel network)) {
            throw new IllegalArgumentException("trainer " + trainer.describe()
                    + " cannot be calibrated: its models do not tell their logits; let it calibrate them itself");
        }
        return calibrated(network, rows.held());
    }

    private TrainedModel calibrated(NetworkModel model, FeatureMatrix held) {
        double[] logits = model.logits().predict(held);
        double[] labels = held.labels();
        double[] weights = held.weights();
        return switch (calibration) {
            case TEMPERATURE ->
                model.rescaled(model.scale().times(Calibration.temperature(logits, labels, weights), 0));
            case PLATT -> {
                double[] sigmoid = Calibration.platt(logits, labels, weights);
                yield model.rescaled(model.scale().times(sigmoid[0], sigmoid[1]));
            }
            case ISOTONIC -> {
                List<Calibration.Pool> line = Calibration.line(Calibration.pools(logits, labels, weights));
                yield new IsotonicModel(model, line);
            }
        };
    }
}
