package dev.flywheel.serving.route;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.serving.route.Vectors.Case;
import java.util.Arrays;
import java.util.List;
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
        List<Case> cases = Vectors.cases(FILE, "hash");
        assertThat(cases).hasSizeGreaterThanOrEqualTo(15);
        for (Case c : cases) {
            String seed = c.text("seed");
            int version = (int) c.number("version");
            if (!c.has("expected")) {
                assertThatThrownBy(() -> new Hash(seed, version))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("hash versions are 1 and 2, found " + version);
            } else {
                assertThat(new Hash(seed, version).of(c.text("value")))
                        .as("%s", c)
                        .isEqualTo(c.number("expected"), EXACT);
            }
        }
    }

    @Test
    void rangesAreThePublishedOnes() {
        List<Case> cases = Vectors.cases(FILE, "bucket_range");
        assertThat(cases).hasSizeGreaterThanOrEqualTo(13);
        int refused = 0;
        for (Case c : cases) {
            int[] versions =
                    IntStream.range(0, (int) c.number("num_variations")).toArray();
            double coverage = c.number("coverage");
            double[] weights = !c.has("weights") ? new double[0] : c.numbers("weights");
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
                assertThat(ranges).as("%s", c).containsExactly(c.numbers("expected"), within(1e-8));
            }
        }
        assertThat(refused).isBetween(1, 6);
    }

    @Test
    void rangesChooseAsPublished() {
        List<Case> cases = Vectors.cases(FILE, "choose_variation");
        assertThat(cases).hasSizeGreaterThanOrEqualTo(13);
        for (Case c : cases) {
            double[] bounds = c.numbers("ranges");
            Split split =
                    Split.of(IntStream.range(0, bounds.length / 2).toArray()).ranges(bounds);
            assertThat(split.at(c.number("n"))).as("%s", c).isEqualTo((int) c.number("expected"));
        }
    }

    @Test
    void equalWeightsAreEqual() {
        for (Case c : Vectors.cases(FILE, "equal_weights")) {
            assertThat(Split.equalWeights((int) c.number("n")))
                    .as("%s", c)
                    .containsExactly(c.numbers("expected"), within(1e-8));
        }
    }

    @Test
    void namespacesHoldThePublishedKeys() {
        List<Case> cases = Vectors.cases(FILE, "in_namespace");
        assertThat(cases).hasSizeGreaterThanOrEqualTo(16);
        for (Case c : cases) {
            Split split = inNamespace(Split.of(1), c.list("namespace"));
            assertThat(split.choose(c.text("user"))).as("%s", c).isEqualTo(c.flag("expected") ? 0 : Route.CHAMPION);
        }
    }

    private static Split inNamespace(Split split, List<?> namespace) {
        double from = ((Number) namespace.get(1)).doubleValue();
        double to = ((Number) namespace.get(2)).doubleValue();
        return split.namespace((String) namespace.get(0), from, to);
    }

    @Test
    void experimentsAssignAsPublished() {
        int tested = 0;
        for (Case c : Vectors.cases(FILE, "run_experiment")) {
            Case experiment = c.part("experiment");
            Case context = c.part("context");
            List<?> values = experiment.list("variations");
            boolean assignment = ASSIGNMENT.containsAll(experiment.values().keySet())
                    && Set.of("attributes").equals(context.values().keySet())
                    && values.size() > 1;
            String key = assignment && context.part("attributes").has("id")
                    ? String.valueOf(context.part("attributes").get("id"))
                    : "";
            if (key.isEmpty()) {
                continue;
            }
            int arm = split(experiment, values.size()).choose(key);
            assertThat(arm >= 0).as("%s", c).isEqualTo(c.flag("expected_in_experiment"));
            assertThat((Object) values.get(Math.max(0, arm))).as("%s", c).isEqualTo(c.get("expected_value"));
            tested++;
        }
        assertThat(tested).isGreaterThanOrEqualTo(45);
    }

    private static Split split(Case experiment, int variations) {
        Split split = Split.of(IntStream.range(0, variations).toArray())
                .seed(experiment.text(experiment.has("seed") ? "seed" : "key"))
                .hashVersion(experiment.has("hashVersion") ? (int) experiment.number("hashVersion") : 1);
        if (experiment.has("weights")) {
            split = split.weights(experiment.numbers("weights"));
        }
        if (experiment.has("coverage")) {
            split = split.coverage(experiment.number("coverage"));
        }
        if (experiment.has("ranges")) {
            split = split.ranges(experiment.numbers("ranges"));
        }
        return experiment.has("namespace") ? inNamespace(split, experiment.list("namespace")) : split;
    }
}
