package dev.flywheel.serving.route;

import static dev.flywheel.serving.route.Vectors.number;
import static dev.flywheel.serving.route.Vectors.numbers;
import static dev.flywheel.serving.route.Vectors.pairs;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Assignments are those of GrowthBook's SDKs. */
class AssignmentVectorsTest {

    private static final String FILE = "assignment_hashing.json";
    private static final Offset<Double> EXACT = within(1e-12);

    /** What an experiment may say that is about assignment alone. */
    private static final Set<String> ASSIGNMENT =
            Set.of("key", "variations", "weights", "coverage", "ranges", "seed", "hashVersion", "namespace");

    @Test
    void keysHashAsPublished() {
        List<Map<String, Object>> cases = Vectors.cases(FILE, "hash");
        assertThat(cases).hasSizeGreaterThanOrEqualTo(15);
        for (Map<String, Object> c : cases) {
            String seed = (String) c.get("seed");
            int version = ((Number) c.get("version")).intValue();
            if (c.get("expected") == null) {
                assertThatThrownBy(() -> new Hash(seed, version))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("hash versions are 1 and 2, found " + version);
            } else {
                assertThat(new Hash(seed, version).of((String) c.get("value")))
                        .as("%s", c)
                        .isEqualTo(number(c.get("expected")), EXACT);
            }
        }
    }

    @Test
    void rangesAreThePublishedOnes() {
        List<Map<String, Object>> cases = Vectors.cases(FILE, "bucket_range");
        assertThat(cases).hasSizeGreaterThanOrEqualTo(13);
        int refused = 0;
        for (Map<String, Object> c : cases) {
            int[] versions =
                    IntStream.range(0, (int) number(c.get("num_variations"))).toArray();
            double coverage = number(c.get("coverage"));
            double[] weights = c.get("weights") == null ? new double[0] : numbers(c.get("weights"));
            // Where the SDKs put right what is out of range, a split refuses it.
            double sum = Arrays.stream(weights).sum();
            if (coverage < 0 || coverage > 1) {
                assertThatThrownBy(() -> Split.of(versions).coverage(coverage))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("coverage must be 0 to 1, found " + coverage);
                refused++;
            } else if (weights.length > 0 && (weights.length != versions.length || Math.abs(sum - 1) > 0.01)) {
                assertThatThrownBy(() -> Split.of(versions).weights(weights))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageEndingWith("needs as many weights, 1 in all, found " + Arrays.toString(weights));
                refused++;
            } else {
                double[] used = weights.length == 0 ? Split.equalWeights(versions.length) : weights;
                double[] ranges = Arrays.stream(Split.ranges(coverage, used))
                        .flatMapToDouble(Arrays::stream)
                        .toArray();
                assertThat(ranges).as("%s", c).containsExactly(pairs(c.get("expected")), within(1e-8));
            }
        }
        assertThat(refused).isBetween(1, 6);
    }

    @Test
    void rangesChooseAsPublished() {
        List<Map<String, Object>> cases = Vectors.cases(FILE, "choose_variation");
        assertThat(cases).hasSizeGreaterThanOrEqualTo(13);
        for (Map<String, Object> c : cases) {
            double[] bounds = pairs(c.get("ranges"));
            Split split =
                    Split.of(IntStream.range(0, bounds.length / 2).toArray()).ranges(bounds);
            assertThat(split.at(number(c.get("n")))).as("%s", c).isEqualTo((int) number(c.get("expected")));
        }
    }

    @Test
    void equalWeightsAreEqual() {
        for (Map<String, Object> c : Vectors.cases(FILE, "equal_weights")) {
            assertThat(Split.equalWeights((int) number(c.get("n"))))
                    .as("%s", c)
                    .containsExactly(numbers(c.get("expected")), within(1e-8));
        }
    }

    @Test
    void namespacesHoldThePublishedKeys() {
        List<Map<String, Object>> cases = Vectors.cases(FILE, "in_namespace");
        assertThat(cases).hasSizeGreaterThanOrEqualTo(16);
        for (Map<String, Object> c : cases) {
            Split split = inNamespace(Split.of(1), (List<?>) c.get("namespace"));
            assertThat(split.choose((String) c.get("user")))
                    .as("%s", c)
                    .isEqualTo((boolean) c.get("expected") ? 0 : Route.CHAMPION);
        }
    }

    private static Split inNamespace(Split split, List<?> namespace) {
        return split.namespace((String) namespace.get(0), number(namespace.get(1)), number(namespace.get(2)));
    }

    @Test
    void experimentsAssignAsPublished() {
        int tested = 0;
        for (Map<String, Object> c : Vectors.cases(FILE, "run_experiment")) {
            Map<?, ?> experiment = (Map<?, ?>) c.get("experiment");
            Map<?, ?> context = (Map<?, ?>) c.get("context");
            Object id = context.get("attributes") instanceof Map<?, ?> attributes ? attributes.get("id") : null;
            List<?> values = (List<?>) experiment.get("variations");
            if (!ASSIGNMENT.containsAll(experiment.keySet())
                    || !Set.of("attributes").equals(context.keySet())
                    || !(id instanceof String key)
                    || key.isEmpty()
                    || values.size() < 2) {
                continue;
            }
            int arm = split(experiment, values.size()).choose(key);
            assertThat(arm >= 0).as("%s", c).isEqualTo(c.get("expected_in_experiment"));
            assertThat(values.get(Math.max(0, arm))).as("%s", c).isEqualTo(c.get("expected_value"));
            tested++;
        }
        assertThat(tested).isGreaterThanOrEqualTo(45);
    }

    private static Split split(Map<?, ?> experiment, int variations) {
        Object seed = experiment.get("seed") == null ? experiment.get("key") : experiment.get("seed");
        Object version = experiment.get("hashVersion");
        Split split = Split.of(IntStream.range(0, variations).toArray())
                .seed((String) seed)
                .hashVersion(version == null ? 1 : (int) number(version));
        if (experiment.get("weights") != null) {
            split = split.weights(numbers(experiment.get("weights")));
        }
        if (experiment.get("coverage") != null) {
            split = split.coverage(number(experiment.get("coverage")));
        }
        if (experiment.get("ranges") != null) {
            split = split.ranges(pairs(experiment.get("ranges")));
        }
        return experiment.get("namespace") instanceof List<?> namespace ? inNamespace(split, namespace) : split;
    }
}
