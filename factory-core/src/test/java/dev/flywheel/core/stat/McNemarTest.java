package dev.flywheel.core.stat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;

class McNemarTest {

    @Test
    void reproducesTheReferenceTests() {
        for (JsonNode c :
                ReferenceNumbers.sharedCases("vectors/evaluation_statistics.json", "mcnemar_champion_vs_challenger")) {
            JsonNode table = c.get("table");
            McNemar test = new McNemar(
                    table.get(0).get(0).asLong(),
                    table.get(0).get(1).asLong(),
                    table.get(1).get(0).asLong(),
                    table.get(1).get(1).asLong());
            JsonNode expected = c.get("expected");
            assertThat(test.exactP()).isCloseTo(expected.get("exact_p").asDouble(), within(1e-9));
            assertThat(test.chiSquare()).isCloseTo(expected.get("chi2").asDouble(), within(1e-9));
            assertThat(test.chiSquareP()).isCloseTo(expected.get("p").asDouble(), within(1e-9));
        }
    }

    @Test
    void countsPairsOfDecisions() {
        double[] labels = {1, 1, 0, 0, 1};
        double[] first = {0.9, 0.9, 0.1, 0.9, 0.5};
        double[] second = {0.9, 0.1, 0.9, 0.9, 0.5};
        assertThat(McNemar.of(labels, first, second)).isEqualTo(new McNemar(2, 2, 0, 1));
    }

    @Test
    void modelsThatNeverDisagreeAreNotDifferent() {
        McNemar same = new McNemar(10, 0, 0, 3);
        assertThat(same.exactP()).isEqualTo(1);
        assertThat(same.chiSquare()).isZero();
        assertThat(same.chiSquareP()).isEqualTo(1);
    }

    @Test
    void refusesNegativeCounts() {
        assertThatThrownBy(() -> new McNemar(1, -1, 0, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("counts cannot be negative, found 1, -1, 0, 0");
    }
}
