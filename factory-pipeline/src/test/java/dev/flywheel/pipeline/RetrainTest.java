package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.energy.Forecast;
import dev.flywheel.core.energy.PowerPlan;
import dev.flywheel.core.stat.Metric;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class RetrainTest {

    private static final Duration HOUR = Duration.ofHours(1);

    @Test
    void refusesAnOptionSetTwiceAndPrintsTheFirst() {
        assertThatThrownBy(() -> Retrain.afterLabels(10).orAfterLabels(20))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("Retrain.afterLabels was already set: after 10 labels");
        assertThatThrownBy(() -> Retrain.never().atMostPerDay(2).atMostPerDay(3))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("Retrain.atMostPerDay was already set to 2");
        assertThatThrownBy(() -> Retrain.never().learningFromLast(HOUR).learningFromLastDrift(5))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("Retrain.learningFromLast was already set to PT1H");
        assertThat(Retrain.onQualityDrop(Metric.ROC_AUC, 0.1)
                        .orOnQualityDrop(Metric.LOG_LOSS, 0.1)
                        .metrics())
                .as("two metrics are two rules")
                .containsExactlyInAnyOrder(Metric.ROC_AUC, Metric.LOG_LOSS);
    }

    @Test
    void refusesWhatIsOutOfRange() {
        assertThatThrownBy(() -> Retrain.afterLabels(0))
                .hasMessage("Retrain.afterLabels is invalid: found 0, expected at least 1");
        assertThatThrownBy(() -> Retrain.afterPredictions(-1))
                .hasMessage("Retrain.afterPredictions is invalid: found -1, expected at least 1");
        assertThatThrownBy(() -> Retrain.every(Duration.ZERO))
                .hasMessage("Retrain.every is invalid: found PT0S, expected above zero");
        assertThatThrownBy(() -> Retrain.onQualityDrop(Metric.ROC_AUC, 0))
                .hasMessage("Retrain.onQualityDrop is invalid: found 0.0, expected above 0");
        assertThatThrownBy(() -> Retrain.onDrift(Double.NaN))
                .hasMessage("Retrain.onDrift is invalid: found NaN, expected above 0");
        assertThatThrownBy(() -> Retrain.never().untilRefused(0))
                .hasMessage("Retrain.untilRefused is invalid: found 0, expected at least 1");
    }

    @Test
    void rulesAreCombinedAndTheBudgetAppliesToAll() {
        assertThat(Retrain.afterLabels(10_000).orOnDrift(0.2).atMostEvery(HOUR))
                .hasToString("after 10000 labels or on a drift of 0.2, at most every PT1H");
        assertThat(Retrain.onDrift(0.2)
                        .orEvery(HOUR)
                        .and(Retrain.afterLabels(500))
                        .or(Retrain.onEstimatedDrop(Metric.ROC_AUC, 0.05)))
                .hasToString("(on a drift of 0.2 or every PT1H) and after 500 labels or when estimated ROC_AUC is worse"
                        + " by 0.05");
        assertThat(Retrain.afterPredictions(7)
                        .atMostPerDay(2)
                        .runningAtMostPerDay(HOUR)
                        .withAtLeastLabels(5)
                        .untilRefused(3)
                        .learningFromLastDrift(100)
                        .learningWithHalfLife(HOUR))
                .hasToString("after 7 predictions, at most 2 a day, at most PT1H of runs a day, with at least 5 labels,"
                        + " until 3 in a row are refused, from the last drift on, but at least 100 examples, weighing"
                        + " half after PT1H");
    }

    @Test
    void refusesCompositionsThatSayNothing() {
        assertThatThrownBy(() -> Retrain.afterLabels(1).and(Retrain.never()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Retrain.and is invalid: found never, which nothing can be added to");
        assertThatThrownBy(() -> Retrain.afterLabels(1).or(Retrain.every(HOUR).atMostPerDay(1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "Retrain.or takes rules alone, found \"every PT1H, at most 1 a day\"; set the budget and the"
                                + " examples once, at the end");
        assertThat(Retrain.never().or(Retrain.every(HOUR))).hasToString("every PT1H");
    }

    @Test
    void travelsToAnotherMachine() throws Exception {
        Retrain rules = Retrain.afterLabels(1)
                .orOnDrift(0.2)
                .and(Retrain.every(HOUR))
                .atMostPerDay(2)
                .whenCheap(PowerPlan.of(Forecast.csv(Path.of("prices.csv")), HOUR, HOUR.multipliedBy(3)));
        assertThat(rules).asString().endsWith(", at most 2 a day, when power is cheap: PT1H within PT3H");
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(rules);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            assertThat(in.readObject()).hasToString(rules.toString());
        }
    }
}
