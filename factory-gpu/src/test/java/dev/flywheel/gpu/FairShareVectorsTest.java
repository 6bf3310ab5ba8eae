package dev.flywheel.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.flywheel.core.device.Accelerator.Tier;
import dev.flywheel.core.io.Json;
import dev.flywheel.gpu.FairShare.Resource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The shares and the choices of Kueue's fair sharing, as its own tests have them. */
class FairShareVectorsTest {

    /** Half processors become whole. */
    private static final int SCALE = 10;

    record Vectors(List<Case> cases) {}

    record Case(
            String kind,
            String name,
            @Nullable Map<String, Double> queue_nominal,
            @Nullable Map<String, Object> queue_usage,
            @Nullable Map<String, Double> cohort_other_nominal,
            @Nullable Double weight,
            @Nullable Map<String, Object> expected,
            @Nullable List<Workload> admitted,
            @Nullable Workload incoming,
            @Nullable Map<String, String> expected_preempted) {}

    record Workload(@Nullable String name, String queue, Double cpu, Integer priority) {}

    private static List<Case> cases() throws IOException {
        Path folder = Path.of("").toAbsolutePath();
        String file = "shared/vectors/fair_share_scheduling.json";
        while (folder != null && !Files.exists(folder.resolve(file))) {
            folder = folder.getParent();
        }
        assumeTrue(folder != null, "no " + file + " beside the checkout");
        byte[] json = Files.readAllBytes(Objects.requireNonNull(folder).resolve(file));
        List<Case> cases = Json.readKnown(json, Vectors.class, file).cases();
        assertThat(cases)
                .hasSize(25)
                .map(Case::kind)
                .containsOnly("dominant_resource_share_permille", "hierarchical_share", "fair_preemption");
        return cases;
    }

    @TestFactory
    List<DynamicTest> sharesAreThose() throws IOException {
        return tests("dominant_resource_share_permille", FairShareVectorsTest::share);
    }

    @TestFactory
    List<DynamicTest> thoseGiveBack() throws IOException {
        return tests("fair_preemption", FairShareVectorsTest::preempted);
    }

    private static List<DynamicTest> tests(String kind, Consumer<Case> test) throws IOException {
        return cases().stream()
                .filter(one -> one.kind.equals(kind))
                .map(one -> DynamicTest.dynamicTest(one.name, () -> test.accept(one)))
                .toList();
    }

    private static Resource resource(String name) {
        return name.equals("cpu") ? Resource.MEMORY : Resource.TIME;
    }

    private static void share(Case one) {
        FairShare cohort = new FairShare("all", () -> 0);
        FairShare queue = cohort.member("queue");
        queue.weight(Objects.requireNonNull(one.weight));
        Objects.requireNonNull(one.queue_nominal).forEach((name, amount) -> queue.quota(resource(name), amount));
        Objects.requireNonNull(one.cohort_other_nominal)
                .forEach((name, amount) -> cohort.quota(resource(name), amount));
        // "any amount above 5" is one
        Objects.requireNonNull(one.queue_usage)
                .forEach((name, amount) ->
                        queue.use(resource(name), amount instanceof Number number ? number.doubleValue() : 5.001));
        Map<String, Object> expected = Objects.requireNonNull(one.expected);
        double share = queue.share();
        if (expected.get("exact") instanceof Number exact) {
            assertThat(share).isCloseTo(exact.doubleValue(), within(1e-9));
            assertThat(Math.ceil(share)).isEqualTo(number(expected, "share_rounded_up"));
            String dominant = (String) expected.get("dominant_resource");
            for (String name : List.of("cpu", "gpu")) {
                boolean most = queue.share(resource(name)) == share && share > 0;
                assertThat(most).as(name).isEqualTo(name.equals(dominant));
            }
        } else {
            assertThat(share).isInfinite();
        }
        assertThat(share > 0).isEqualTo(expected.get("borrowing"));
        assertThat(cohort.share()).isZero();
    }

    @Test
    void aCohortInACohortBorrowsAsItsQueuesDo() throws IOException {
        List<Case> two = cases().stream()
                .filter(one -> one.kind.equals("hierarchical_share"))
                .toList();
        assertThat(two).hasSize(2);
        for (Case one : two) {
            // The amounts are in the name alone.
            boolean quota = one.name.startsWith("queue 5");
            FairShare root = new FairShare("root", () -> 0);
            FairShare child = root.member("child");
            FairShare queue = child.member("queue");
            root.quota(Resource.TIME, quota ? 45 : 50);
            queue.quota(Resource.TIME, quota ? 5 : 0);
            child.weight(2);
            queue.use(Resource.TIME, 10);
            Map<String, Object> expected = Objects.requireNonNull(one.expected);
            assertThat(queue.share()).isEqualTo(number(expected, "queue"));
            assertThat(child.share()).isEqualTo(number(expected, "child_cohort"));
            assertThat(root.share()).isEqualTo(number(expected, "root"));
        }
    }

    private static double number(Map<String, Object> of, String name) {
        return ((Number) Objects.requireNonNull(of.get(name))).doubleValue();
    }

    private static void preempted(Case one) {
        FairShare cohort = new FairShare("all", () -> 0);
        for (String queue : List.of("a", "b", "c")) {
            cohort.member(queue).quota(Resource.MEMORY, 3 * SCALE);
        }
        Map<Claim, String> names = new LinkedHashMap<>();
        List<Workload> admitted = Objects.requireNonNull(one.admitted);
        for (Workload workload : admitted) {
            // All came at once, and are told apart by name: of those, the first by name is the last that came.
            Claim claim = claim(cohort, workload, admitted.size() - names.size());
            claim.state = Claim.State.HELD;
            claim.use(1);
            names.put(claim, Objects.requireNonNull(workload.name));
        }
        Claim taker = claim(cohort, Objects.requireNonNull(one.incoming), 100);
        taker.use(1);
        double before = cohort.usage(Resource.MEMORY);

        Map<String, String> preempted = new LinkedHashMap<>();
        for (Preemption.Victim victim : Preemption.of(cohort, taker, new ArrayList<>(names.keySet()))) {
            String reason = switch (victim.reason()) {
                case LOWER_TIER -> "InClusterQueue";
                case QUOTA -> "InCohortReclamation";
                case FAIR_SHARE -> "InCohortFairSharing";
            };
            preempted.put(Objects.requireNonNull(names.get(victim.claim())), reason);
        }

        assertThat(preempted).isEqualTo(one.expected_preempted);
        assertThat(cohort.usage(Resource.MEMORY)).isEqualTo(before);
    }

    private static Claim claim(FairShare cohort, Workload workload, long order) {
        return new Claim(
                cohort.member(workload.queue),
                workload.priority < 0 ? Tier.TRAINING : Tier.BATCH,
                Math.round(workload.cpu * SCALE),
                order,
                () -> {});
    }
}
