package dev.flywheel.core.stat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.core.model.Estimate;
import org.junit.jupiter.api.Test;

class ProportionTest {

    @Test
    void reproducesTheReferenceIntervals() {
        for (JsonNode c : ReferenceNumbers.sharedCases("vectors/evaluation_statistics.json", "proportion_ci")) {
            long count = c.get("count").asLong();
            long n = c.get("n").asLong();
            interval(Proportion.wilson(count, n), c, "wilson");
            interval(Proportion.normal(count, n), c, "normal");
            interval(Proportion.agrestiCoull(count, n), c, "agresti_coull");
            interval(Proportion.clopperPearson(count, n), c, "beta");
            interval(Proportion.jeffreys(count, n), c, "jeffreys");
        }
    }

    private static void interval(Estimate found, JsonNode c, String method) {
        JsonNode expected = c.get("expected").get(method);
        assertThat(found.low()).as(c + method).isCloseTo(expected.get(0).asDouble(), within(1e-9));
        assertThat(found.high()).as(c + method).isCloseTo(expected.get(1).asDouble(), within(1e-9));
    }

    @Test
    void wilsonStaysInsideZeroToOne() {
        assertThat(Proportion.wilson(0, 30).low()).isZero();
        assertThat(Proportion.wilson(38, 38).high()).isEqualTo(1);
        // Published for 19 of 38 by Newcombe and by R's binom package.
        assertThat(Proportion.wilson(19, 38).low()).isCloseTo(0.348499283643951, within(1e-12));
    }

    @Test
    void refusesAnImpossibleShare() {
        assertThatThrownBy(() -> Proportion.wilson(3, 2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a share needs 0 <= count <= n and n >= 1, found count 3 and n 2");
        assertThatThrownBy(() -> Proportion.jeffreys(0, 0)).isInstanceOf(IllegalArgumentException.class);
    }
}
