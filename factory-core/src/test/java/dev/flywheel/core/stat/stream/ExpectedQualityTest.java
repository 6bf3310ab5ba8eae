package dev.flywheel.core.stat.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import dev.flywheel.core.stat.stream.ExpectedQuality.Confusion;
import dev.flywheel.core.stat.stream.ExpectedQuality.Saved;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

class ExpectedQualityTest {

    private static final List<Metric> METRICS =
            List.of(Metric.ROC_AUC, Metric.LOG_LOSS, Metric.BRIER, Metric.ACCURACY, Metric.F1);

    private static ExpectedQuality of(double threshold, double[] scores, double[] probabilities) {
        ExpectedQuality quality = ExpectedQuality.atThreshold(threshold);
        for (int i = 0; i < scores.length; i++) {
            quality.add(scores[i], probabilities[i]);
        }
        return quality;
    }

    @Test
    void isWhatTheDefinitionGives() {
        JsonNode vector = Streams.cases("delayed_labels.json").stream()
                .filter(c -> c.get("kind").asText().equals("cbpe_binary"))
                .findFirst()
                .orElseThrow();
        double[] p = StreamSupport.stream(vector.get("calibrated_proba").spliterator(), false)
                .mapToDouble(JsonNode::asDouble)
                .toArray();
        ExpectedQuality quality =
                ExpectedQuality.atThreshold(vector.get("threshold").asDouble());
        Arrays.stream(p).forEach(quality::add);
        Confusion confusion = quality.confusion();
        Map<String, Double> found = new LinkedHashMap<>();
        found.put("tp", confusion.truePositives());
        found.put("fp", confusion.falsePositives());
        found.put("fn", confusion.falseNegatives());
        found.put("tn", confusion.trueNegatives());
        found.put("accuracy", quality.estimate(Metric.ACCURACY).value());
        found.put("precision", quality.precision().value());
        found.put("recall", quality.recall().value());
        found.put("f1", quality.estimate(Metric.F1).value());
        found.put("specificity", quality.specificity().value());
        found.put(
                "roc_auc_pairwise_excluding_self", ExpectedQuality.rocAuc(p, p).value());

        assertThat(vector.get("expected")).hasSize(found.size());
        found.forEach((name, value) -> assertThat(value)
                .as(name)
                .isCloseTo(vector.get("expected").get(name).asDouble(), within(1e-9)));
        assertThat(quality.estimate(Metric.ROC_AUC).value())
                .isCloseTo(found.get("roc_auc_pairwise_excluding_self"), within(quality.rocAucError()))
                .isCloseTo(0.7564059601892948, within(1e-4));
    }

    /** Labels drawn from the probabilities many times over: the mean is the estimate, the scatter its interval. */
    @Test
    void isTheMeanOverTheLabelsThatMayComeAndItsIntervalTheirScatter() {
        Random random = new Random(7);
        double[] p = Streams.made(600, 1, r -> Math.pow(r.nextDouble(), 2));
        double[] scores = Arrays.stream(p)
                .map(value -> Math.min(1, Math.max(0, value + 0.1 * random.nextGaussian())))
                .map(value -> 0.001 + 0.998 * value)
                .toArray();
        ExpectedQuality quality = of(0.5, scores, p);
        int draws = 2000;
        Map<Metric, double[]> drawn = new LinkedHashMap<>();
        METRICS.forEach(metric -> drawn.put(metric, new double[draws]));
        double[][] ratios = new double[3][draws];
        for (int draw = 0; draw < draws; draw++) {
            double[] labels = Arrays.stream(p)
                    .map(value -> random.nextDouble() < value ? 1 : 0)
                    .toArray();
            for (Map.Entry<Metric, double[]> metric : drawn.entrySet()) {
                metric.getValue()[draw] = realised(metric.getKey(), labels, scores);
            }
            double[] found = ratios(labels, scores);
            for (int i = 0; i < 3; i++) {
                ratios[i][draw] = found[i];
            }
        }

        drawn.forEach((metric, values) -> agrees(metric.name(), quality.estimate(metric), values));
        agrees("precision", quality.precision(), ratios[0]);
        agrees("recall", quality.recall(), ratios[1]);
        agrees("specificity", quality.specificity(), ratios[2]);
    }

    private static double realised(Metric metric, double[] labels, double[] scores) {
        if (metric == Metric.F1) {
            double[] ratios = ratios(labels, scores);
            return 2 * ratios[0] * ratios[1] / (ratios[0] + ratios[1]);
        }
        return Metrics.estimate(metric, labels, scores).value();
    }

    /** {@return precision, recall and specificity} */
    private static double[] ratios(double[] labels, double[] scores) {
        double[][] counts = new double[2][2];
        for (int i = 0; i < labels.length; i++) {
            counts[scores[i] >= 0.5 ? 1 : 0][(int) labels[i]]++;
        }
        return new double[] {
            counts[1][1] / (counts[1][1] + counts[1][0]),
            counts[1][1] / (counts[1][1] + counts[0][1]),
            counts[0][0] / (counts[0][0] + counts[1][0])
        };
    }

    private static void agrees(String name, Estimate estimate, double[] values) {
        double mean = Arrays.stream(values).average().orElseThrow();
        double deviation = Math.sqrt(Arrays.stream(values)
                .map(v -> (v - mean) * (v - mean))
                .average()
                .orElseThrow());
        double inside = Arrays.stream(values)
                .filter(v -> v >= estimate.low() && v <= estimate.high())
                .count();
        assertThat(estimate.value()).as(name).isCloseTo(mean, within(0.15 * deviation));
        assertThat(inside / values.length).as(name + " inside " + estimate).isBetween(0.93, 0.97);
        assertThat(estimate.method()).isEqualTo("CBPE");
    }

    @Test
    void theTableOfScoresIsOffByNoMoreThanItSays() {
        for (int seed = 0; seed < 20; seed++) {
            int power = 1 + seed % 10;
            double[] p = Streams.made(1 + 300 * seed, seed, r -> Math.pow(r.nextDouble(), power));
            double[] scores = seed % 2 == 0 ? p : Streams.made(p.length, 99, r -> r.nextInt(200) / 2000.0);
            ExpectedQuality quality = of(0.5, scores, p);
            Estimate exact = ExpectedQuality.rocAuc(scores, p);
            Estimate table = quality.estimate(Metric.ROC_AUC);
            if (p.length == 1) {
                assertThat(table.method()).isEqualTo(exact.method()).isEqualTo("undefined: one class is expected");
            } else {
                assertThat(table.value())
                        .as("seed %d", seed)
                        .isCloseTo(exact.value(), within(quality.rocAucError() + 1e-12));
                assertThat(table.low()).isLessThanOrEqualTo(exact.low() + 1e-3);
                assertThat(table.high()).isGreaterThanOrEqualTo(exact.high() - 1e-3);
            }
        }
    }

    @Test
    void theTableCostsLittleWhereProbabilitiesFollowScores() {
        double[] p = Streams.made(20_000, 3, Random::nextDouble);
        double[] rare = Streams.made(20_000, 4, r -> Math.exp(-9 * r.nextDouble()));

        assertThat(of(0.5, p, p).rocAucError()).isLessThan(2e-5);
        assertThat(of(0.5, rare, rare).rocAucError()).isLessThan(2e-4);
    }

    @Test
    void keepsTheOrderOfScoresInItsBins() {
        double[] scores = Streams.made(5000, 8, r -> r.nextBoolean() ? r.nextDouble() : Math.exp(-15 * r.nextDouble()));
        Arrays.sort(scores);
        for (int i = 1; i < scores.length; i++) {
            assertThat(Scores.bin(scores[i])).isGreaterThanOrEqualTo(Scores.bin(scores[i - 1]));
        }
        assertThat(Scores.bin(0)).isZero();
        assertThat(Scores.bin(1)).isEqualTo(1027);
        assertThat(Scores.bin(Math.nextDown(0.5))).isEqualTo(512);
        assertThat(Scores.bin(0.5)).isEqualTo(514);
    }

    @Test
    void mergesToTheQualityOfAllRows() {
        double[] p = Streams.made(2000, 5, Random::nextDouble);
        double[] scores = Arrays.stream(p).map(Math::sqrt).toArray();
        ExpectedQuality whole = of(0.4, scores, p);
        ExpectedQuality merged = of(0.4, Arrays.copyOf(scores, 700), Arrays.copyOf(p, 700));
        merged.merge(of(0.4, Arrays.copyOfRange(scores, 700, 2000), Arrays.copyOfRange(p, 700, 2000)));

        assertThat(merged.rows()).isEqualTo(2000);
        for (Metric metric : METRICS) {
            Estimate expected = whole.estimate(metric);
            assertThat(merged.estimate(metric).value()).as("%s", metric).isCloseTo(expected.value(), within(1e-12));
            assertThat(merged.estimate(metric).low()).as("%s", metric).isCloseTo(expected.low(), within(1e-9));
        }
        assertThatThrownBy(() -> whole.merge(ExpectedQuality.atThreshold(0.5)))
                .hasMessage("only one threshold can be merged, found 0.4 and 0.5");
    }

    @Test
    void isTheSameAfterARestart() {
        double[] p = Streams.made(500, 6, Random::nextDouble);
        ExpectedQuality quality = of(0.3, p, p);
        ExpectedQuality restored = ExpectedQuality.of(Json.read(Json.write(quality.saved()), Saved.class, "a test"));
        quality.add(0.2);
        restored.add(0.2);

        assertThat(restored.saved()).isEqualTo(quality.saved());
        assertThat(restored.estimate(Metric.ROC_AUC)).isEqualTo(quality.estimate(Metric.ROC_AUC));
        assertThatThrownBy(() -> ExpectedQuality.of(new Saved(0.5, List.of(1.0))))
                .isInstanceOf(StoreException.class)
                .hasMessageStartingWith("restoring an expected quality: ");
        assertThatThrownBy(() -> ExpectedQuality.of(new Saved(7, List.of())))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("the threshold must be from 0 to 1, found 7.0");
    }

    @Test
    void refusesWhatCannotBeExpectedWithoutLabels() {
        ExpectedQuality quality = of(0.5, new double[] {0.2}, new double[] {0.2});

        assertThatThrownBy(() -> quality.estimate(Metric.RMSE))
                .hasMessage("RMSE cannot be expected without labels: a predicted number does not say how far off it"
                        + " may be");
        assertThatThrownBy(() -> quality.estimate(Metric.ECE))
                .hasMessage("ECE cannot be expected without labels: the probabilities are taken to be calibrated");
        assertThatThrownBy(() -> quality.estimate(Metric.PR_AUC))
                .hasMessage("PR_AUC is not among the metrics that can be expected: ROC_AUC, LOG_LOSS, BRIER, ACCURACY,"
                        + " F1");
        assertThatThrownBy(() -> quality.add(0.5, Double.NaN))
                .hasMessage("the probability must be from 0 to 1, found NaN");
        assertThatThrownBy(() -> quality.add(-0.1)).hasMessage("the score must be from 0 to 1, found -0.1");
        assertThatThrownBy(() -> ExpectedQuality.rocAuc(new double[1], new double[2]))
                .hasMessage("each row needs a score and a probability, found 1 scores and 2 probabilities");
    }

    @Test
    void saysWhatTheseRowsCannotTell() {
        ExpectedQuality none = ExpectedQuality.atThreshold(0.5);
        ExpectedQuality zeros = of(0.5, new double[] {0, 0}, new double[] {0, 0});

        assertThat(none.estimate(Metric.ACCURACY).method()).isEqualTo("undefined: no rows");
        assertThat(none.rocAucError()).isZero();
        assertThat(zeros.precision().method()).isEqualTo("undefined: no row is predicted positive");
        assertThat(zeros.recall().method()).isEqualTo("undefined: no positive row is expected");
        assertThat(zeros.estimate(Metric.F1).method())
                .isEqualTo("undefined: no positive row is expected and none predicted");
        assertThat(zeros.estimate(Metric.ROC_AUC).method()).isEqualTo("undefined: one class is expected");
        assertThat(of(0.5, new double[] {1}, new double[] {1}).specificity().method())
                .isEqualTo("undefined: no negative row is expected");
        assertThat(zeros.estimate(Metric.ACCURACY)).isEqualTo(new Estimate(1, 1, 1, "CBPE"));
    }
}
