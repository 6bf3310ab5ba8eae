package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class RetrainTest {

    private static final Instant START = Instant.parse("2001-01-29T00:00:00Z");

    @Test
    void refusesAnOptionSetTwiceAndPrintsTheFirst() {
        assertThatThrownBy(() -> Retrain.afterLabels(10).orAfterLabels(20))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("Retrain.afterLabels was already set to 10");
    }

    @Test
    void refusesWhatIsOutOfRange() {
        assertThatThrownBy(() -> Retrain.afterLabels(0))
                .hasMessage("Retrain.afterLabels is invalid: found 0, expected at least 1");
        assertThatThrownBy(() -> Retrain.every(Duration.ZERO))
                .hasMessage("Retrain.every is invalid: found PT0S, expected above zero");
        assertThatThrownBy(() -> Retrain.onQualityDrop(Metric.ROC_AUC, 0))
                .hasMessage("Retrain.onQualityDrop is invalid: found 0.0, expected above 0");
    }

    @Test
    void startsARunOnceEnoughLabelsHaveComeIn() {
        Triggers triggers = new Triggers(Retrain.afterLabels(3), START, 0);
        triggers.labelled(Map.of(UUID.randomUUID(), 1.0));
        triggers.labelled(Map.of(UUID.randomUUID(), 0.0));
        assertThat(triggers.due(START)).isEmpty();
        triggers.labelled(Map.of(UUID.randomUUID(), 1.0));
        assertThat(triggers.due(START)).contains("3 new labels since the last run, the rule is 3");
        triggers.runStarted(START);
        assertThat(triggers.due(START)).isEmpty();
    }

    @Test
    void startsARunOnSchedule() {
        Triggers triggers = new Triggers(Retrain.every(Duration.ofDays(7)), START, 0);
        assertThat(triggers.due(START.plus(Duration.ofDays(6)))).isEmpty();
        assertThat(triggers.due(START.plus(Duration.ofDays(7))))
                .contains("PT168H since the last run, the rule is every PT168H");
    }

    @Test
    void holdsBackUntilTheCooldownIsOver() {
        Triggers triggers = new Triggers(Retrain.afterLabels(1).atMostEvery(Duration.ofHours(1)), START, 0);
        triggers.labelled(Map.of(UUID.randomUUID(), 1.0));
        assertThat(triggers.due(START.plus(Duration.ofMinutes(59)))).isEmpty();
        assertThat(triggers.due(START.plus(Duration.ofMinutes(60)))).isPresent();
    }

    @Test
    void labelsFromBeforeARestartCount() {
        Triggers triggers = new Triggers(Retrain.afterLabels(3), START, 2);
        assertThat(triggers.due(START)).isEmpty();
        assertThat(triggers.labelled(Map.of(UUID.randomUUID(), 1.0))).isEqualTo(3);
        assertThat(triggers.due(START)).contains("3 new labels since the last run, the rule is 3");
    }

    @Test
    void aClockThatIsSetBackDoesNotPutARunOffUntilItHasCaughtUp() {
        Instant mistaken = START.plus(Duration.ofDays(36_500));
        Triggers triggers = new Triggers(
                Retrain.every(Duration.ofDays(7)).orAfterLabels(1).atMostEvery(Duration.ofHours(1)), mistaken, 0);
        assertThat(triggers.due(START)).isEmpty();
        assertThat(triggers.due(START.plus(Duration.ofDays(7)))).isPresent();
        triggers.labelled(Map.of(UUID.randomUUID(), 1.0));
        assertThat(triggers.due(START.plus(Duration.ofHours(1))))
                .contains("1 new labels since the last run, the rule is 1");
    }

    @Test
    void aPipelineThatNeverRanIsDue() {
        assertThat(new Triggers(Retrain.every(Duration.ofDays(7)), Instant.MIN, 0).due(START))
                .isPresent();
    }

    @Test
    void startsARunOnceQualityFalls() {
        Triggers triggers = new Triggers(Retrain.onQualityDrop(Metric.ACCURACY, 0.1), START, 0);
        triggers.serving(4, card(0.9));
        label(triggers, 4, 899, 900);
        label(triggers, 4, 0, 99);
        assertThat(triggers.due(START)).as("999 outcomes say nothing").isEmpty();
        label(triggers, 4, 0, 1);
        assertThat(triggers.due(START)).as("0.899 is not worse by 0.1").isEmpty();
        label(triggers, 4, 0, 99);
        assertThat(triggers.due(START)).as("looks every 100 labels").isEmpty();
        label(triggers, 4, 0, 1);
        assertThat(triggers.due(START))
                .contains(
                        "ACCURACY of version 4 is 0.7990 on its last 1000 outcomes, 0.9000 at its evaluation; the rule"
                                + " is a drop of 0.1");
        triggers.serving(5, card(0.9));
        label(triggers, 4, 0, 1_000);
        assertThat(triggers.due(START)).as("outcomes of the version before").isEmpty();
    }

    /** Labels predictions of a version, of which the first ones are right. */
    private static void label(Triggers triggers, int version, int right, int count) {
        for (int i = 0; i < count; i++) {
            UUID id = UUID.randomUUID();
            triggers.predicted(id, version, 0.9);
            triggers.labelled(Map.of(id, i < right ? 1.0 : 0.0));
        }
    }

    private static ModelCard card(double accuracy) {
        return new ModelCard(
                "points",
                "run",
                START,
                Task.BINARY,
                "",
                "",
                List.of(),
                1,
                1,
                OptionalInt.empty(),
                "logistic()",
                Map.of("ACCURACY", new Estimate(accuracy, accuracy, accuracy, "")),
                List.of(),
                Map.of());
    }
}
