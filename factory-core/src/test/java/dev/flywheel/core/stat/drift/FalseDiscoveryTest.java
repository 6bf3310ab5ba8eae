package dev.flywheel.core.stat.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

class FalseDiscoveryTest {

    @Test
    void correctsAsStatsmodelsDoes() {
        List<JsonNode> cases = cases("multiple_testing");
        assertThat(cases).hasSize(3);
        for (JsonNode c : cases) {
            double[] p = SharedData.numbers(c.get("pvalues"));
            JsonNode e = c.get("expected");
            check(
                    FalseDiscovery.benjaminiHochberg(p),
                    e.get("benjamini_hochberg"),
                    c.get("alpha").asDouble());
            check(
                    FalseDiscovery.benjaminiYekutieli(p),
                    e.get("benjamini_yekutieli"),
                    c.get("alpha").asDouble());
            check(FalseDiscovery.holm(p), e.get("holm"), c.get("alpha").asDouble());
        }
    }

    private static void check(double[] corrected, JsonNode expected, double rate) {
        double[] adjusted = SharedData.numbers(expected.get("adjusted"));
        for (int i = 0; i < adjusted.length; i++) {
            assertThat(corrected[i]).isCloseTo(adjusted[i], within(1e-9));
            assertThat(corrected[i] < rate)
                    .isEqualTo(expected.get("reject").get(i).asBoolean());
        }
    }

    @Test
    void leavesOutWhatIsNotBelowTheRate() {
        List<JsonNode> cases = cases("fdr_boundary");
        assertThat(cases).hasSize(6);
        for (JsonNode c : cases) {
            double[] p = new double[c.get("n").asInt()];
            Arrays.fill(p, c.get("pvalues_all").asDouble());
            double rate = c.get("q").asDouble();
            boolean any = Arrays.stream(FalseDiscovery.benjaminiHochberg(p)).anyMatch(q -> q < rate);
            assertThat(any).isEqualTo(c.get("expected_any_reject").asBoolean());
        }
    }

    @Test
    void takesNoTestsAndNoNumbersThatAreNoPValues() {
        assertThat(FalseDiscovery.benjaminiHochberg()).isEmpty();
        assertThatThrownBy(() -> FalseDiscovery.benjaminiHochberg(0.5, Double.NaN))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a p-value is within 0 to 1, found NaN");
    }

    private static List<JsonNode> cases(String kind) {
        JsonNode cases = SharedData.json("vectors/evaluation_statistics.json").get("cases");
        return StreamSupport.stream(cases.spliterator(), false)
                .filter(c -> c.get("kind").asText().equals(kind))
                .toList();
    }
}
