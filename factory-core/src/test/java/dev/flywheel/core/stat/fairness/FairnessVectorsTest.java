package dev.flywheel.core.stat.fairness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.core.stat.ReferenceNumbers;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The numbers of Fairlearn and AIF360: all 27 cases. */
class FairnessVectorsTest {

    @TestFactory
    Stream<DynamicTest> reproducesEveryCase() {
        JsonNode file = ReferenceNumbers.shared("vectors/fairness.json");
        JsonNode cases = file.get("cases");
        assertThat(cases).hasSize(27);
        return IntStream.range(0, 27)
                .mapToObj(i -> DynamicTest.dynamicTest(
                        i + " " + cases.get(i).get("kind").asText(), () -> check(cases.get(i), file.get("arrays"))));
    }

    private static void check(JsonNode c, JsonNode arrays) {
        JsonNode expected = c.path("expected");
        Offset<Double> tolerance = within(c.path("abs_tol").asDouble());
        switch (c.get("kind").asText()) {
            case "group_fairness" -> {
                double[] weights = c.get("weighted").asBoolean()
                        ? numbers(arrays.get("sample_weight"))
                        : ones(arrays.get("y_true").size());
                Fairness fairness = Fairness.of(
                                numbers(arrays.get("y_true")),
                                numbers(arrays.get("y_pred")),
                                0.5,
                                groups(c.get("sensitive").asText(), arrays),
                                weights)
                        .atLeast(1);
                group(fairness.overall(), expected.get("overall"), tolerance);
                assertThat(fairness.groups()).hasSize(expected.get("by_group").size());
                for (Group group : fairness.groups()) {
                    String name = group.name().replace(" & ", "|");
                    group(group, expected.get("by_group").get(name), tolerance);
                }
                between(fairness, expected.get("between_groups"), tolerance);
                toOverall(fairness, expected.get("to_overall"), tolerance);
            }
            case "tpr" -> {
                Group group = all(c, ones(c.get("y_true").size()));
                assertThat(group.rate(Rate.TRUE_POSITIVE).value())
                        .isEqualTo(expected.get("pos_label_1").asDouble());
                assertThat(group.rate(Rate.TRUE_NEGATIVE).value())
                        .isEqualTo(expected.get("pos_label_0").asDouble());
            }
            case "rates_weighted" -> group(all(c, numbers(c.get("weight"))), expected, tolerance);
            case "contract:labels" -> labels(c.get("input"));
            case "generalized_entropy_index_alpha2" ->
                assertThat(Indices.generalizedEntropy(2, benefits(c))).isCloseTo(expected.asDouble(), tolerance);
            case "theil_index" ->
                assertThat(Indices.generalizedEntropy(1, benefits(c))).isCloseTo(expected.asDouble(), tolerance);
            case "between_all_groups_generalized_entropy_index", "between_group_generalized_entropy_index" ->
                assertThat(Indices.betweenGroups(2, benefits(c), texts(c.get("group"))))
                        .isCloseTo(expected.asDouble(), tolerance);
            case "multiclass_favorable_binarised_confusion" -> favorable(c, expected, tolerance);
            case "ranking_infeasible_index" -> {
                Map<String, Double> shares = Map.of(
                        "r", c.get("target_prop").get("r").asDouble(),
                        "b", c.get("target_prop").get("b").asDouble());
                String[] ranking =
                        Arrays.copyOf(texts(c.get("group")), c.get("r").asInt());
                int[] found = Indices.infeasible(ranking, shares);
                assertThat(found).hasSize(expected.get("count").asInt());
                assertThat(Arrays.stream(found).asDoubleStream().toArray())
                        .isEqualTo(numbers(expected.get("positions")));
            }
            case "ranking_dcg" -> {
                double[] scores = numbers(c.get("score"));
                double low = Arrays.stream(scores).min().orElseThrow();
                double range = Arrays.stream(scores).max().orElseThrow() - low;
                double[] gains = Arrays.stream(scores)
                        .map(score -> (score - low) / range)
                        .toArray();
                assertThat(Indices.discountedGain(gains))
                        .isCloseTo(expected.get("dcg").asDouble(), tolerance);
                assertThat(Indices.normalizedGain(gains))
                        .isCloseTo(expected.get("ndcg").asDouble(), tolerance);
            }
            case "sample_distortion" -> {
                assertThat(c.get("original").asText()).contains("[[0,4,8],[1,5,9],[2,6,10],[3,7,11]]");
                double[][] original = {{0, 4, 8}, {1, 5, 9}, {2, 6, 10}, {3, 7, 11}};
                double[][] distorted = Arrays.stream(original)
                        .map(row -> Arrays.stream(row).map(x -> x + 1).toArray())
                        .toArray(double[][]::new);
                assertThat(Indices.distortion(original, distorted, 2))
                        .isCloseTo(expected.get("total_euclidean").asDouble(), tolerance);
                assertThat(Indices.distortion(original, distorted, 1))
                        .isCloseTo(expected.get("total_manhattan").asDouble(), tolerance);
            }
            case "disparate_impact_and_smoothed_edf" -> impact(c.get("positives_total"), expected, tolerance);
            case "reweighing" -> reweighing(c.get("counts"), expected, tolerance);
            default -> throw new AssertionError("no test of " + c.get("kind"));
        }
    }

    private static void group(Group group, JsonNode expected, Offset<Double> tolerance) {
        expected.properties().forEach(number -> {
            String name = number.getKey();
            double found = switch (name) {
                case "count" -> group.rows();
                case "selection_rate" -> group.rate(Rate.SELECTION).value();
                case "tpr" -> group.rate(Rate.TRUE_POSITIVE).value();
                case "fpr" -> group.rate(Rate.FALSE_POSITIVE).value();
                case "tnr" -> group.rate(Rate.TRUE_NEGATIVE).value();
                case "fnr" -> group.rate(Rate.FALSE_NEGATIVE).value();
                case "accuracy" -> group.rate(Rate.ACCURACY).value();
                case "precision" -> group.rate(Rate.PRECISION).value();
                default -> throw new AssertionError("no test of " + name);
            };
            assertThat(found).as(name).isCloseTo(number.getValue().asDouble(), tolerance);
        });
    }

    private static void between(Fairness fairness, JsonNode expected, Offset<Double> tolerance) {
        expected.properties()
                .forEach(number -> assertThat(distance(
                                number.getKey(),
                                criterion -> fairness.difference(criterion).value(),
                                criterion -> fairness.ratio(criterion).value()))
                        .as(number.getKey())
                        .isCloseTo(number.getValue().asDouble(), tolerance));
    }

    private static void toOverall(Fairness fairness, JsonNode expected, Offset<Double> tolerance) {
        expected.properties()
                .forEach(number -> assertThat(
                                distance(number.getKey(), fairness::differenceToOverall, fairness::ratioToOverall))
                        .as(number.getKey())
                        .isCloseTo(number.getValue().asDouble(), tolerance));
    }

    private interface Distance {
        double of(Criterion criterion);
    }

    private static double distance(String name, Distance difference, Distance ratio) {
        return switch (name) {
            case "demographic_parity_difference" -> difference.of(Criterion.DEMOGRAPHIC_PARITY);
            case "demographic_parity_ratio" -> ratio.of(Criterion.DEMOGRAPHIC_PARITY);
            case "equal_opportunity_difference" -> difference.of(Criterion.EQUAL_OPPORTUNITY);
            case "equal_opportunity_ratio" -> ratio.of(Criterion.EQUAL_OPPORTUNITY);
            case "equalized_odds_difference_worst" -> difference.of(Criterion.EQUALIZED_ODDS);
            case "equalized_odds_ratio_worst" -> ratio.of(Criterion.EQUALIZED_ODDS);
            case "equalized_odds_difference_mean" ->
                (difference.of(Criterion.EQUAL_OPPORTUNITY) + difference.of(Criterion.PREDICTIVE_EQUALITY)) / 2;
            case "equalized_odds_ratio_mean" ->
                (ratio.of(Criterion.EQUAL_OPPORTUNITY) + ratio.of(Criterion.PREDICTIVE_EQUALITY)) / 2;
            case "accuracy_difference" -> difference.of(Criterion.EQUAL_ACCURACY);
            default -> throw new AssertionError("no test of " + name);
        };
    }

    /** Labels are 0 and 1 here, which leaves nothing to ask about the positive one; all else is refused. */
    private static void labels(JsonNode input) {
        double[] labels = Stream.concat(
                        StreamSupport.stream(input.get("labels").spliterator(), false),
                        input.path("pos_label").isNumber() ? Stream.of(input.get("pos_label")) : Stream.empty())
                .mapToDouble(JsonNode::asDouble)
                .toArray();
        String[] groups = new String[labels.length];
        Arrays.fill(groups, "all");
        assertThatThrownBy(() -> Fairness.of(labels, ones(labels.length), 0.5, groups))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("expected 0 or 1");
    }

    private static void favorable(JsonNode c, JsonNode expected, Offset<Double> tolerance) {
        double[] good = numbers(c.get("favorable"));
        double[] labels = isAny(numbers(c.get("y_true")), good);
        double[] decisions = isAny(numbers(c.get("y_pred")), good);
        String[] groups = Arrays.stream(texts(c.get("group")))
                .map(group -> group.equals("2") ? "2" : "others")
                .toArray(String[]::new);
        Fairness fairness = Fairness.of(labels, decisions, 0.5, groups).atLeast(1);
        Group all = fairness.overall();
        assertThat(all.rows(Rate.TRUE_POSITIVE) * all.rate(Rate.TRUE_POSITIVE).value())
                .isCloseTo(expected.get("TP").asDouble(), tolerance);
        assertThat(all.rows(Rate.TRUE_POSITIVE) * all.rate(Rate.FALSE_NEGATIVE).value())
                .isCloseTo(expected.get("FN").asDouble(), tolerance);
        assertThat(all.rows(Rate.FALSE_POSITIVE) * all.rate(Rate.TRUE_NEGATIVE).value())
                .isCloseTo(expected.get("TN").asDouble(), tolerance);
        assertThat(all.rows(Rate.FALSE_POSITIVE) * all.rate(Rate.FALSE_POSITIVE).value())
                .isCloseTo(expected.get("FP").asDouble(), tolerance);
        double second = fairness.groups().get(0).rate(Rate.FALSE_NEGATIVE).value();
        double others = fairness.groups().get(1).rate(Rate.FALSE_NEGATIVE).value();
        assertThat(second - others)
                .isCloseTo(
                        expected.get("false_negative_rate_difference_group2_minus_others")
                                .asDouble(),
                        tolerance);
        assertThat(fairness.difference(Criterion.EQUAL_OPPORTUNITY).value())
                .isCloseTo(Math.abs(second - others), tolerance);
    }

    private static void impact(JsonNode counts, JsonNode expected, Offset<Double> tolerance) {
        long[] selected = StreamSupport.stream(counts.spliterator(), false)
                .mapToLong(count -> count.get(0).asLong())
                .toArray();
        long[] rows = StreamSupport.stream(counts.spliterator(), false)
                .mapToLong(count -> count.get(1).asLong())
                .toArray();
        String[] groups = IntStream.range(0, rows.length)
                .boxed()
                .flatMap(i -> Stream.generate(() -> "group " + i).limit(rows[i]))
                .toArray(String[]::new);
        double[] decisions = IntStream.range(0, rows.length)
                .boxed()
                .flatMap(i -> IntStream.range(0, (int) rows[i]).mapToObj(row -> row < selected[i] ? 1.0 : 0.0))
                .mapToDouble(decision -> decision)
                .toArray();
        double impact = Fairness.of(ones(groups.length), decisions, 0.5, groups)
                .ratio(Criterion.DEMOGRAPHIC_PARITY)
                .value();
        assertThat(impact)
                .isCloseTo(expected.get("disparate_impact_min_over_max").asDouble(), tolerance);
        assertThat(impact < 0.8)
                .isEqualTo(expected.get("fails_four_fifths_rule").asBoolean());
        assertThat(Indices.differentialFairness(selected, rows, 1))
                .isCloseTo(expected.get("smoothed_edf_concentration1").asDouble(), tolerance);
    }

    private static void reweighing(JsonNode counts, JsonNode expected, Offset<Double> tolerance) {
        String[] groups = counts.properties().stream()
                .flatMap(count -> Stream.generate(() -> count.getKey().replaceAll("_.*", ""))
                        .limit(count.getValue().asInt()))
                .toArray(String[]::new);
        double[] labels = counts.properties().stream()
                .flatMap(count -> Stream.generate(() -> count.getKey().endsWith("pos") ? 1.0 : 0.0)
                        .limit(count.getValue().asInt()))
                .mapToDouble(label -> label)
                .toArray();
        double[] weights = Indices.reweighing(labels, groups);
        for (int row = 0; row < weights.length; row++) {
            String name = "w_" + groups[row] + (labels[row] == 1 ? "_pos" : "_neg");
            assertThat(weights[row]).isCloseTo(expected.get(name).asDouble(), tolerance);
        }
        assertThat(Arrays.stream(weights).sum()).isCloseTo(weights.length, within(1e-9));
        assertThat(Fairness.of(labels, labels, 0.5, groups, weights)
                        .difference(Criterion.DEMOGRAPHIC_PARITY)
                        .value())
                .isCloseTo(0, within(1e-12));
    }

    private static Group all(JsonNode c, double[] weights) {
        double[] labels = numbers(c.get("y_true"));
        String[] groups = new String[labels.length];
        Arrays.fill(groups, "all");
        return Fairness.of(labels, numbers(c.get("y_pred")), 0.5, groups, weights)
                .overall();
    }

    private static double[] benefits(JsonNode c) {
        return Indices.benefits(numbers(c.get("y_true")), numbers(c.get("y_pred")));
    }

    private static String[] groups(String sensitive, JsonNode arrays) {
        return Fairness.intersection(
                Arrays.stream(sensitive.replace("intersection ", "").split(" x "))
                        .map(name -> texts(arrays.get(name)))
                        .toArray(String[][]::new));
    }

    private static double[] isAny(double[] values, double[] wanted) {
        return Arrays.stream(values)
                .map(value -> Arrays.stream(wanted).anyMatch(one -> one == value) ? 1 : 0)
                .toArray();
    }

    private static double[] ones(int rows) {
        double[] ones = new double[rows];
        Arrays.fill(ones, 1);
        return ones;
    }

    private static double[] numbers(JsonNode node) {
        return ReferenceNumbers.array(node);
    }

    private static String[] texts(JsonNode node) {
        return StreamSupport.stream(node.spliterator(), false)
                .map(JsonNode::asText)
                .toArray(String[]::new);
    }
}
