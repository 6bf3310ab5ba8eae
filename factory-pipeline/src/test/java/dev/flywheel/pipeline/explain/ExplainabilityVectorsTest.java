package dev.flywheel.pipeline.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.stat.Metric;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Every reference case of SHAP, of brute force over coalitions, and of permutation importance. */
class ExplainabilityVectorsTest {

    private static final int CASES = 5;

    private static final Map<String, ToDoubleFunction<double[]>> MODELS = Map.of(
            "f(x)=x0*x2+x1+x2+x2*x3", x -> x[0] * x[2] + x[1] + x[2] + x[2] * x[3],
            "3*x0-2*x1+0.5*x2", x -> 3 * x[0] - 2 * x[1] + 0.5 * x[2],
            "x0*x1*x2+x1", x -> x[0] * x[1] * x[2] + x[1],
            "max(x0,x1)-x2", x -> Math.max(x[0], x[1]) - x[2],
            "y=2*x0-1*x1+0*x2", x -> 2 * x[0] - x[1]);

    @TempDir
    Path folder;

    @TestFactory
    Stream<DynamicTest> allCases() throws IOException {
        JsonNode cases = new JsonMapper().readTree(Files.readAllBytes(find())).get("cases");
        assertThat(cases).hasSize(CASES);
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode one : cases) {
            String name = one.get("kind").asText() + " " + one.get("model").asText();
            tests.add(DynamicTest.dynamicTest(name, () -> check(one)));
        }
        return tests.stream();
    }

    private static Path find() {
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            Path file = at.resolve("shared/vectors/explainability.json");
            if (Files.exists(file)) {
                return file;
            }
        }
        Assumptions.abort("needs shared/vectors/explainability.json beside the checkout");
        throw new AssertionError("unreachable");
    }

    private void check(JsonNode one) {
        switch (one.get("kind").asText()) {
            case "shapley_second_order" -> secondOrder(one);
            case "exact_shapley_interventional" -> exact(one);
            case "permutation_importance_property" -> permuted(one);
            default -> throw new AssertionError("unknown kind in " + one);
        }
    }

    /** Pairs of walks are exact for these, and so are all coalitions. */
    private static void secondOrder(JsonNode one) {
        double[][] background = matrix(one.get("background"));
        double[][] rows = matrix(one.get("x"));
        double[][] expected = matrix(one.get("expected"));
        for (int row = 0; row < rows.length; row++) {
            for (int mostExact : new int[] {0, Shapley.MOST_EXACT}) {
                Shapley found = ShapleyTest.play(model(one), rows[row], background, mostExact, row);
                assertThat(found.exact()).isEqualTo(mostExact > 0 || Arrays.equals(rows[row], background[0]));
                assertThat(found.values())
                        .containsExactly(
                                expected[row], within(one.get("abs_tol").asDouble()));
            }
        }
    }

    private static void exact(JsonNode one) {
        double[] row = array(one.get("x"));
        double tolerance = one.get("abs_tol").asDouble();
        Shapley found = ShapleyTest.play(model(one), row, matrix(one.get("background")), Shapley.MOST_EXACT, 0);
        assertThat(found.exact()).isTrue();
        assertThat(found.base()).isCloseTo(one.get("expected").get("base").asDouble(), within(tolerance));
        assertThat(found.values()).containsExactly(array(one.get("expected").get("phi")), within(tolerance));
        assertThat(found.errors()).containsOnly(0);
        String rule = one.get("expected").get("sum_rule").asText();
        double prediction = Double.parseDouble(rule.substring(rule.lastIndexOf('=') + 1));
        assertThat(found.prediction()).isCloseTo(prediction, within(tolerance));
    }

    /** The reference tells the mean squared error; its root is the metric here. */
    private void permuted(JsonNode one) {
        double[][] x = matrix(one.get("x"));
        double[] y = array(one.get("y"));
        List<Column> columns = Stream.of("x0", "x1", "x2")
                .map(name -> new Column(name, ColumnType.NUMBER, false))
                .toList();
        Dataset data;
        try (Dataset.Writer writer = Dataset.writer(folder, Schema.of(columns))) {
            for (double[] row : x) {
                for (int column = 0; column < row.length; column++) {
                    writer.number(column, row[column]);
                }
                writer.endRow();
            }
            data = writer.finish();
        }
        Signature signature =
                new Signature(List.of(Planes.input(Signature.NUMBERS, ElementType.FLOAT, "x0", "x1", "x2")), List.of());
        Subject.Scorer scorer = Planes.scorer(
                row -> model(one).applyAsDouble(new double[] {row.number(0), row.number(1), row.number(2)}));
        Subject subject = Subject.of(signature, scorer, data, y, 1);

        List<Importance> found = Importance.of(subject, Metric.RMSE);

        assertThat(found.stream().map(Importance::column)).containsExactly("x0", "x1", "x2");
        double[] limits = array(one.get("expected").get("exact_mean_mse_increase_limit"));
        for (int column = 0; column < 3; column++) {
            double increase = Math.pow(found.get(column).loss().value(), 2);
            assertThat(increase)
                    .isCloseTo(
                            limits[column],
                            within(limits[column] * one.get("rel_tol").asDouble()));
        }
        assertThat(found.get(2).loss().value())
                .isEqualTo(one.get("expected").get("importance_x2").asDouble());
    }

    private static ToDoubleFunction<double[]> model(JsonNode one) {
        return Objects.requireNonNull(MODELS.get(one.get("model").asText()));
    }

    private static double[][] matrix(JsonNode node) {
        return StreamSupport.stream(node.spliterator(), false)
                .map(ExplainabilityVectorsTest::array)
                .toArray(double[][]::new);
    }

    private static double[] array(JsonNode node) {
        return StreamSupport.stream(node.spliterator(), false)
                .mapToDouble(JsonNode::asDouble)
                .toArray();
    }
}
