package dev.flywheel.core.registry;

import static dev.flywheel.core.registry.Models.register;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.registry.AliasMove.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** The reference semantics of model registries, as far as they apply: versions, aliases, deletion, rollback. */
class RegistrySemanticsTest {

    @TempDir
    Path root;

    private Registry registry;

    @BeforeEach
    void open() {
        registry = Registry.open(PipelineDirectory.in(root, "m"), InstantSource.system());
        register(registry, "v1");
        register(registry, "v2");
    }

    @AfterEach
    void close() {
        registry.close();
    }

    /** Each case of the reference file is held by the test named here; the others are about features we do not have. */
    private static final Map<String, String> CASES = Map.ofEntries(
            Map.entry("create m; version v1; version v2; alias test_alias->2", "anAliasNamesAVersion"),
            Map.entry("...; delete alias test_alias", "aRemovedAliasNamesNone"),
            Map.entry("...; get by alias test_alias", "anAliasNamesAVersion"),
            Map.entry("alias a->1; alias a->2", "aSecondCallMovesTheAlias"),
            Map.entry("delete version 2 while test_alias->2", "anAliasDisappearsWithItsVersion"),
            Map.entry("version numbers", "numbersAreNeverReused"),
            Map.entry(
                    "MUST BEAT: two threads promote different versions to the same alias 10000 times while readers"
                            + " resolve it",
                    "readersSeeOneVersionWhileTwoThreadsPromoteTenThousandTimes"),
            Map.entry("MUST BEAT: rollback", "rollbackRestoresThePreviousChampion"),
            Map.entry("delete model", "not applicable: a pipeline is deleted with its directory"),
            Map.entry("set tag key=value on v1; set tag key=overriding on v1", "not applicable: no tags"),
            Map.entry("delete tag twice", "not applicable: no tags"),
            Map.entry("tag value of 5001 chars", "not applicable: no tags"),
            Map.entry("transition stage=unknown", "not applicable: no stages, only aliases"),
            Map.entry("transition STAGING / staging / StAgInG", "not applicable: no stages, only aliases"),
            Map.entry(
                    "v1->Staging; v2->Production; v3->Staging with archive_existing=false",
                    "not applicable: no stages, only aliases"),
            Map.entry("order registered models by last_updated DESC with ties", "not applicable: no search"),
            Map.entry("order by creation_timestamp (unsupported)", "not applicable: no search"));

    @TestFactory
    List<DynamicTest> everyReferenceCaseIsHeld() throws IOException {
        Path folder = Path.of("").toAbsolutePath();
        while (folder != null && !Files.exists(folder.resolve("shared/vectors"))) {
            folder = folder.getParent();
        }
        assumeTrue(folder != null, "no shared/vectors beside the checkout");
        Path file = java.util.Objects.requireNonNull(folder).resolve("shared/vectors/model_registry_semantics.json");
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode c : new ObjectMapper().readTree(file.toFile()).get("cases")) {
            List<String> operations = new ArrayList<>();
            c.get("op").forEach(op -> operations.add(op.asText()));
            String name = String.join("; ", operations);
            tests.add(DynamicTest.dynamicTest(name, () -> {
                String held = CASES.getOrDefault(name, "unknown case");
                assertThat(held.startsWith("not applicable")
                                || RegistrySemanticsTest.class.getDeclaredMethod(held) != null)
                        .isTrue();
            }));
        }
        return tests;
    }

    @Test
    void anAliasNamesAVersion() {
        registry.move("test_alias", 2, "t", "", List.of());

        assertThat(registry.aliases()).isEqualTo(Map.of("test_alias", 2));
        assertThat(registry.alias("test_alias").map(ModelVersion::number)).contains(2);
    }

    @Test
    void aRemovedAliasNamesNone() {
        registry.move("test_alias", 2, "t", "", List.of());

        assertThat(registry.remove("test_alias", "t", "").map(AliasMove::kind)).contains(Kind.REMOVED);

        assertThat(registry.aliases()).isEmpty();
        assertThat(registry.remove("test_alias", "t", "")).isEmpty();
    }

    @Test
    void aSecondCallMovesTheAlias() {
        registry.move("a", 1, "t", "", List.of());
        registry.move("a", 2, "t", "", List.of());

        assertThat(registry.aliases()).isEqualTo(Map.of("a", 2));
    }

    @Test
    void anAliasDisappearsWithItsVersion() {
        registry.move("test_alias", 2, "t", "", List.of());
        registry.move("other", 1, "t", "", List.of());
        registry.move("again", 2, "t", "", List.of());

        registry.delete(2, "ann", "too large");

        assertThat(registry.aliases()).isEqualTo(Map.of("other", 1));
        AliasMove last = registry.history("test_alias").get(1);
        assertThat(last.kind()).isEqualTo(Kind.DELETED);
        assertThat(last.from()).hasValue(2);
        assertThat(last.to()).isEmpty();
        assertThat(last.who()).isEqualTo("ann");
        assertThat(registry.history("again")).hasSize(2);
    }

    @Test
    void numbersAreNeverReused() {
        registry.delete(2, "t", "");

        assertThat(register(registry, "v3").number()).isEqualTo(3);
        assertThat(registry.versions()).extracting(ModelVersion::number).containsExactly(1, 3);
    }

    @Test
    void rollbackRestoresThePreviousChampion() {
        register(registry, "v3");
        for (int version = 1; version <= 3; version++) {
            registry.move("champion", version, "t", "", List.of());
        }

        assertThat(registry.rollback("champion", "ann", "errors").to()).hasValue(2);
        assertThat(registry.rollback("champion", "ann", "errors").to()).hasValue(1);

        assertThat(registry.history("champion"))
                .extracting(AliasMove::kind)
                .containsExactly(Kind.MOVED, Kind.MOVED, Kind.MOVED, Kind.ROLLED_BACK, Kind.ROLLED_BACK);
    }

    @Test
    void readersSeeOneVersionWhileTwoThreadsPromote() throws Exception {
        promoteAndRead(1_000);
    }

    @Test
    @Tag("slow")
    void readersSeeOneVersionWhileTwoThreadsPromoteTenThousandTimes() throws Exception {
        promoteAndRead(10_000);
    }

    private void promoteAndRead(int each) throws Exception {
        registry.move("champion", 1, "t", "", List.of());
        AtomicBoolean done = new AtomicBoolean();
        ExecutorService pool = Executors.newFixedThreadPool(4);
        try (Registry view = Registry.view(PipelineDirectory.in(root, "m"))) {
            List<Future<Long>> readers = new ArrayList<>();
            for (Registry source : List.of(registry, view)) {
                readers.add(pool.submit(() -> {
                    long reads = 0;
                    while (!done.get() || reads == 0) {
                        Optional<ModelVersion> champion = source.alias("champion");
                        assertThat(champion).isPresent();
                        assertThat(champion.get().number()).isBetween(1, 2);
                        reads++;
                    }
                    return reads;
                }));
            }
            List<Future<?>> writers = new ArrayList<>();
            for (int version = 1; version <= 2; version++) {
                int mine = version;
                writers.add(pool.submit(() -> {
                    for (int i = 0; i < each; i++) {
                        registry.move("champion", mine, "thread " + mine, "step " + i, List.of());
                    }
                }));
            }
            for (Future<?> writer : writers) {
                writer.get();
            }
            done.set(true);
            for (Future<Long> reader : readers) {
                assertThat(reader.get()).isPositive();
            }
            assertThat(view.history("champion")).isEqualTo(registry.history("champion"));
        } finally {
            pool.shutdownNow();
        }
        assertHistoryIsWhole(2 * each + 1);
    }

    private void assertHistoryIsWhole(int moves) {
        List<AliasMove> history = registry.history("champion");
        assertThat(history).hasSize(moves);
        OptionalInt before = OptionalInt.empty();
        Instant last = Instant.MIN;
        int[] steps = new int[3];
        for (AliasMove move : history.subList(1, moves)) {
            int to = move.to().orElseThrow();
            assertThat(move.why()).isEqualTo("step " + steps[to]++);
        }
        for (AliasMove move : history) {
            assertThat(move.from()).isEqualTo(before);
            assertThat(move.at()).isAfterOrEqualTo(last);
            before = move.to();
            last = move.at();
        }
    }
}
