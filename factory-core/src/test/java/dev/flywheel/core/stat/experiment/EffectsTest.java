package dev.flywheel.core.stat.experiment;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;

class EffectsTest {

    @Test
    void dataThatSayNothingGiveAnInfiniteInterval() {
        Sample constant = new Sample(500, 1, 0);
        for (Effect effect : List.of(
                Welch.effect(constant, constant, Lift.ABSOLUTE, Tail.TWO_SIDED, 0.05),
                AlwaysValid.studentized(0.05, 100).effect(constant, constant, Lift.ABSOLUTE, Tail.TWO_SIDED),
                AlwaysValid.asymptotic(0.05, 100).effect(Moments.NONE.sample(), constant, Lift.ABSOLUTE, Tail.GREATER),
                Welch.effect(new Sample(9, 0, 1), new Sample(9, 1, 1), Lift.RELATIVE, Tail.LESS, 0.05))) {
            assertThat(effect.low()).isEqualTo(Double.NEGATIVE_INFINITY);
            assertThat(effect.high()).isEqualTo(Double.POSITIVE_INFINITY);
            assertThat(effect.p()).isEqualTo(1);
        }
    }

    @Test
    void refusesAnImpossibleAlpha() {
        assertThatThrownBy(() -> AlwaysValid.asymptotic(1, 100))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("alpha must be between 0 and 1, found 1.0");
        assertThatThrownBy(() -> AlwaysValid.asymptotic(0.1, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a confidence sequence is tuned for 1 or more units, found 0.0");
        assertThatThrownBy(() -> SampleRatio.chiSquare(new long[] {1, 2}, new double[] {1, 0}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "a sample ratio needs two or more arms with a count and a weight above 0 each, found counts "
                                + "[1, 2] and weights [1.0, 0.0]");
        assertThatThrownBy(() -> new Posterior(1, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a posterior needs a mean and a deviation above 0, found 1.0 and 0.0");
        assertThatThrownBy(() -> SampleSize.ofMeans(0, 0.05, 0.8))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("no sample size shows an effect of 0.0");
    }

    @Test
    void theStudentizedIntervalIsTheAsymptoticOneWithManyUnitsAndWiderWithFew() {
        AlwaysValid student = AlwaysValid.studentized(0.05, 1_000);
        AlwaysValid normal = AlwaysValid.asymptotic(0.05, 1_000);
        Effect many = student.effect(
                new Sample(10_000_000, 1, 4), new Sample(10_000_000, 1.1, 5), Lift.ABSOLUTE, Tail.TWO_SIDED);
        Effect same = normal.effect(
                new Sample(10_000_000, 1, 4), new Sample(10_000_000, 1.1, 5), Lift.ABSOLUTE, Tail.TWO_SIDED);
        assertThat(many.low()).isCloseTo(same.low(), within(1e-7));
        Effect few = student.effect(new Sample(20, 1, 4), new Sample(20, 1.1, 5), Lift.ABSOLUTE, Tail.TWO_SIDED);
        Effect bold = normal.effect(new Sample(20, 1, 4), new Sample(20, 1.1, 5), Lift.ABSOLUTE, Tail.TWO_SIDED);
        assertThat(few.high() - few.low()).isGreaterThan(1.2 * (bold.high() - bold.low()));
    }

    @Test
    void theIntervalAndThePValueAgree() {
        AlwaysValid student = AlwaysValid.studentized(0.05, 1_000);
        for (double mean = 0; mean < 1; mean += 0.01) {
            Effect effect =
                    student.effect(new Sample(300, 0, 1), new Sample(200, mean, 2), Lift.ABSOLUTE, Tail.TWO_SIDED);
            assertThat(effect.low() > 0).isEqualTo(effect.p() < 0.05);
        }
    }

    @Test
    void theTelcoChargesDifferAsTheReferenceSays() throws IOException {
        JsonNode expected = Vectors.shared("data/reference/ab_metrics_reference.json")
                .get("means")
                .get(0);
        List<String> lines;
        try (BufferedReader in = new BufferedReader(new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(Vectors.file("data/telco_churn.csv.gz"))), UTF_8))) {
            lines = in.lines().toList();
        }
        List<String> header = List.of(lines.get(0).split(","));
        int charge = header.indexOf("monthly_charges");
        int churn = header.indexOf("churn");
        Moments stay = Moments.NONE;
        Moments leave = Moments.NONE;
        for (String line : lines.subList(1, lines.size())) {
            String[] cells = line.split(",", -1);
            if (cells[churn].equals("Yes")) {
                leave = leave.plus(Double.parseDouble(cells[charge]));
            } else {
                stay = stay.plus(Double.parseDouble(cells[charge]));
            }
        }
        Effect effect = Welch.effect(stay.sample(), leave.sample(), Lift.ABSOLUTE, Tail.TWO_SIDED, 0.05);
        assertThat(stay.n()).isEqualTo(expected.get("n_a").asLong());
        assertThat(leave.n()).isEqualTo(expected.get("n_b").asLong());
        assertThat(effect.estimate() / effect.standardError())
                .isCloseTo(-expected.get("welch_t").asDouble(), within(1e-9));
        assertThat(effect.p() / expected.get("p").asDouble()).isCloseTo(1, within(1e-6));
    }
}
