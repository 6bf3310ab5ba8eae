package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.stat.Metric;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
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
        Triggers triggers = new Triggers(Retrain.afterLabels(3), START);
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
        Triggers triggers = new Triggers(Retrain.every(Duration.ofDays(7)), START);
        assertThat(triggers.due(START.plus(Duration.ofDays(6)))).isEmpty();
        assertThat(triggers.due(START.plus(Duration.ofDays(7))))
                .contains("PT168H since the last run, the rule is every PT168H");
    }

    @Test
    void holdsBackUntilTheCooldownIsOver() {
        Triggers triggers = new Triggers(Retrain.afterLabels(1).atMostEvery(Duration.ofHours(1)), START);
        triggers.labelled(Map.of(UUID.randomUUID(), 1.0));
        assertThat(triggers.due(START.plus(Duration.ofMinutes(59)))).isEmpty();
        assertThat(triggers.due(START.plus(Duration.ofMinutes(60)))).isPresent();
    }
}
