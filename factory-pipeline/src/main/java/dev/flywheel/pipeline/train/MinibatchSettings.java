package dev.flywheel.pipeline.train;

import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import java.io.Serializable;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The settings of networks that learn from minibatches. Immutable.
 *
 * <p>The rules for what {@link MlpTrainer} leaves open were chosen on telco_churn, spambase, credit_data,
 * chicago_ridership, diamonds and flights (3,500 to 148,000 rows) with hidden layers of 64 and 32, over learning rates
 * 0.003 to 0.02, decays 0 to 3, dropout 0 and 0.2, with and without early stopping, 3 to 5 seeds each.
 *
 * @param epochs passes over the rows; 0 where open
 * @param batchSize rows a step; 0 where open
 * @param learningRate the highest learning rate
 * @param weightDecay the decoupled decay; NaN where open
 * @param dropout the share of hidden units left out
 * @param embedding the size of the vectors of ids
 * @param patience passes without a better loss before stopping; 0 for no early stopping
 * @param stopBy what must get better; null for the loss
 * @param schedule how the learning rate goes
 * @param warm whether a run trains one more network, which goes on from the champion
 */
record MinibatchSettings(
        int epochs,
        int batchSize,
        double learningRate,
        double weightDecay,
        double dropout,
        int embedding,
        int patience,
        @Nullable Metric stopBy,
        Schedule schedule,
        boolean warm)
        implements Serializable {

    static final MinibatchSettings DEFAULT =
            new MinibatchSettings(0, 0, 0.01, Double.NaN, 0, 8, 0, null, Schedule.COSINE, false);

    /** Rows learned from in all passes: more makes networks on flights overconfident. */
    private static final int LEARNED_ROWS = 1_500_000;

    MinibatchSettings epochs(int value) {
        int checked = Settings.atLeastOne("epochs", value);
        return new MinibatchSettings(
                checked, batchSize, learningRate, weightDecay, dropout, embedding, patience, stopBy, schedule, warm);
    }

    MinibatchSettings batchSize(int value) {
        int checked = Settings.atLeastOne("batchSize", value);
        return new MinibatchSettings(
                epochs, checked, learningRate, weightDecay, dropout, embedding, patience, stopBy, schedule, warm);
    }

    MinibatchSettings learningRate(double value) {
        if (value <= 0) {
            throw new IllegalArgumentException("learningRate must be above 0, found " + value);
        }
        double checked = Settings.atLeast("learningRate", 0, value);
        return new MinibatchSettings(
                epochs, batchSize, checked, weightDecay, dropout, embedding, patience, stopBy, schedule, warm);
    }

    MinibatchSettings weightDecay(double value) {
        double checked = Settings.atLeast("weightDecay", 0, value);
        return new MinibatchSettings(
                epochs, batchSize, learningRate, checked, dropout, embedding, patience, stopBy, schedule, warm);
    }

    MinibatchSettings dropout(double value) {
        double checked = Settings.share("dropout", value);
        return new MinibatchSettings(
                epochs, batchSize, learningRate, weightDecay, checked, embedding, patience, stopBy, schedule, warm);
    }

    MinibatchSettings embedding(int value) {
        int checked = Settings.atLeastOne("embedding", value);
        return new MinibatchSettings(
                epochs, batchSize, learningRate, weightDecay, dropout, checked, patience, stopBy, schedule, warm);
    }

    MinibatchSettings stopBy(Metric value) {
        return new MinibatchSettings(
                epochs, batchSize, learningRate, weightDecay, dropout, embedding, patience, value, schedule, warm);
    }

    /** @throws IllegalArgumentException if a model of the task cannot be stopped by the metric */
    void requireTask(String trainer, Task task) {
        if (stopBy != null && !stopBy.judges(task)) {
            throw new IllegalArgumentException("trainer " + trainer + " is stopped early by " + stopBy
                    + ", which is not a metric of a " + task + " target");
        }
    }

    MinibatchSettings patience(int value) {
        int checked = Settings.atLeastOne("earlyStopping", value);
        return new MinibatchSettings(
                epochs, batchSize, learningRate, weightDecay, dropout, embedding, checked, stopBy, schedule, warm);
    }

    MinibatchSettings schedule(Schedule value) {
        return new MinibatchSettings(
                epochs, batchSize, learningRate, weightDecay, dropout, embedding, patience, stopBy, value, warm);
    }

    MinibatchSettings startingWarm() {
        return new MinibatchSettings(
                epochs, batchSize, learningRate, weightDecay, dropout, embedding, patience, stopBy, schedule, true);
    }

    /** The smallest power of two that is at least a two hundredth of the rows, 64 to 1,024. */
    int batchSizeFor(int rows) {
        if (batchSize > 0) {
            return batchSize;
        }
        int size = 64;
        while (size < 1_024 && size < rows / 200) {
            size *= 2;
        }
        return size;
    }

    int epochsFor(int rows) {
        return epochs > 0 ? epochs : Math.max(3, Math.min(30, LEARNED_ROWS / rows));
    }

    double weightDecayFor(double rows) {
        return Double.isNaN(weightDecay) ? Math.max(0.1, Math.min(1, 2_500.0 / rows)) : weightDecay;
    }

    void addTo(Map<String, String> all) {
        all.put("epochs", epochs == 0 ? "by rows" : Integer.toString(epochs));
        all.put("batchSize", batchSize == 0 ? "by rows" : Integer.toString(batchSize));
        all.put("learningRate", Settings.plain(learningRate));
        all.put("weightDecay", Double.isNaN(weightDecay) ? "by rows" : Settings.plain(weightDecay));
        all.put("dropout", Settings.plain(dropout));
        all.put("embedding", Integer.toString(embedding));
        all.put("earlyStopping", patience == 0 ? "off" : patience + (stopBy == null ? "" : " by " + stopBy));
        if (schedule != Schedule.COSINE) {
            all.put("schedule", schedule.toString());
        }
        if (warm) {
            all.put("warmStart", "on");
        }
    }
}
