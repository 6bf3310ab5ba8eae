package dev.flywheel.core.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.audit.AuditEntry;
import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.audit.AuditLog;
import dev.flywheel.core.audit.AuditVerification;
import dev.flywheel.core.io.ChildJvm;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.model.Verdict;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegistryAuditTest {

    private static final Instant NOON = Instant.parse("2026-01-31T12:00:00Z");

    @TempDir
    Path root;

    private final AtomicReference<Instant> now = new AtomicReference<>(NOON);

    /** A home with a registry of one pipeline. */
    private record Opened(AuditLog audit, Registry registry) implements AutoCloseable {

        static Opened at(Path root, InstantSource clock) {
            AuditLog audit = AuditLog.open(root.resolve("audit"), clock);
            return new Opened(audit, Registry.open(PipelineDirectory.in(root, "p"), clock, audit));
        }

        List<String> story() {
            return audit.history("p").stream()
                    .map(entry -> entry.event().action() + " "
                            + entry.event().details().get("version"))
                    .toList();
        }

        @Override
        public void close() {
            registry.close();
            audit.close();
        }
    }

    @Test
    void tellsOfEveryChangeWhoMadeItWhyAndOnWhatEvidence() {
        List<Verdict> evidence = List.of(new Verdict("ROC AUC at least 0.7", Verdict.Outcome.PASS, "0.74"));
        try (Opened home = Opened.at(root, now::get)) {
            ModelVersion first = Models.register(home.registry, "one");
            Models.register(home.registry, "two");
            home.registry.move("champion", 1, "flywheel", "first", evidence);
            home.registry.move("champion", 2, "flywheel", "better", List.of());
            home.registry.rollback("champion", "ann", "errors");
            home.registry.delete(2, "ann", "bad");
            home.registry.remove("champion", "bob", "the end");

            assertThat(home.story())
                    .containsExactly(
                            "registered 1",
                            "registered 2",
                            "promoted 1",
                            "promoted 2",
                            "rolled-back 1",
                            "retired 2",
                            "alias-removed null");
            AuditEvent promoted = home.audit.entry(2).orElseThrow().event();
            assertThat(promoted.actor()).isEqualTo("flywheel");
            assertThat(promoted.evidence()).isEqualTo(evidence);
            assertThat(promoted.details())
                    .containsEntry("why", "first")
                    .containsEntry("alias", "champion")
                    .containsEntry("artifact", first.artifact().hash())
                    .containsEntry("data", String.join(" ", first.card().datasetHashes()))
                    .containsEntry("definition", first.card().definitionHash())
                    .doesNotContainKey("from");
            assertThat(home.audit.entry(3).orElseThrow().event().details()).containsEntry("from", "1");
            assertThat(home.audit.entry(4).orElseThrow().event().actor()).isEqualTo("ann");
        }
    }

    @Test
    void nothingMovesWhereTheAuditLogIsClosed() {
        try (Opened home = Opened.at(root, now::get)) {
            Models.register(home.registry, "one");
            home.audit.close();

            assertThatExceptionOfType(ClosedException.class)
                    .isThrownBy(() -> home.registry.move("champion", 1, "ann", "", List.of()));

            assertThat(home.registry.alias("champion")).isEmpty();
        }
    }

    @Test
    void whatWasChampionAtAnyTimeCanBeAsked() {
        try (Opened home = Opened.at(root, now::get)) {
            Models.register(home.registry, "one");
            Models.register(home.registry, "two");
            home.registry.move("champion", 1, "ann", "first", List.of());
            now.set(NOON.plusSeconds(60));
            home.registry.move("champion", 2, "bob", "second", List.of());

            assertThat(home.registry.alias("champion", NOON.minusSeconds(1))).isEmpty();
            assertThat(home.registry.alias("champion", NOON.plusSeconds(59)))
                    .map(ModelVersion::number)
                    .contains(1);
            assertThat(home.registry.moveAt("champion", NOON.plusSeconds(60)))
                    .map(AliasMove::who)
                    .contains("bob");
            assertThat(home.registry.moveAt("champion", NOON.minusSeconds(1))).isEmpty();
        }
    }

    @Test
    void whatWasDoneWithoutAnAuditLogIsToldOnceWhenThereIsOne() {
        try (Registry registry = Registry.open(PipelineDirectory.in(root, "p"), now::get)) {
            Models.register(registry, "one");
            Models.register(registry, "two");
            registry.move("champion", 1, "ann", "first", List.of());
        }
        for (int i = 0; i < 3; i++) {
            try (Opened home = Opened.at(root, now::get)) {
                assertThat(home.story()).containsExactly("registered 1", "registered 2", "promoted 1");
                assertThat(home.registry.alias("champion").map(ModelVersion::number))
                        .contains(1);
            }
        }
        try (Registry registry = Registry.open(PipelineDirectory.in(root, "p"), now::get)) {
            registry.move("champion", 2, "ann", "past the audit log", List.of());
        }
        for (int i = 0; i < 2; i++) {
            try (Opened home = Opened.at(root, now::get)) {
                assertThat(home.story()).containsExactly("registered 1", "registered 2", "promoted 1", "promoted 2");
                assertThat(home.audit.entry(3).orElseThrow().event().details())
                        .containsEntry("added", "it was made without an audit log");
                if (i == 1) {
                    assertThat(Models.register(home.registry, "three").number()).isEqualTo(3);
                }
            }
        }
    }

    @Test
    void aChangeWhoseEntryACrashCutOffIsToldWhenTheHomeOpens() throws Exception {
        try (Opened home = Opened.at(root, now::get)) {
            Models.register(home.registry, "one");
        }
        copy(root.resolve("audit"), root.resolve("before"));
        try (Opened home = Opened.at(root, now::get)) {
            home.registry.move("champion", 1, "ann", "first", List.of());
        }
        // as if killed between the registry's record and the audit log's
        Durable.delete(root.resolve("audit"));
        Files.move(root.resolve("before"), root.resolve("audit"));

        for (int i = 0; i < 2; i++) {
            try (Opened home = Opened.at(root, now::get)) {
                assertThat(home.story()).containsExactly("registered 1", "promoted 1");
                assertThat(home.audit.entry(1).orElseThrow().event().details())
                        .containsEntry("added", "when it was found without an entry")
                        .containsEntry("why", "first");
            }
        }
    }

    @Test
    void aChangeThatFailedHalfWayIsToldBeforeTheNextOne() throws Exception {
        try (Opened home = Opened.at(root, now::get)) {
            Path versions = PipelineDirectory.in(root, "p").versions();
            Files.delete(versions);
            // its number is given away, but there is no place for its directory
            assertThatExceptionOfType(StoreException.class).isThrownBy(() -> Models.register(home.registry, "one"));
            Files.createDirectory(versions);
            assertThat(Models.register(home.registry, "two").number()).isEqualTo(2);
            assertThat(home.story()).containsExactly("registration-cut-short 1", "registered 2");
        }
        try (Opened home = Opened.at(root, now::get)) {
            assertThat(home.story()).containsExactly("registration-cut-short 1", "registered 2");
        }
    }

    private static void copy(Path from, Path to) throws Exception {
        Files.createDirectory(to);
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
    }

    /** Registers, promotes, rolls back and deletes for ever; prints what is acknowledged. */
    static final class Worker {
        public static void main(String[] arguments) {
            try (Opened home = Opened.at(Path.of(arguments[0]), InstantSource.system())) {
                while (true) {
                    int version = Models.register(home.registry, "model " + System.nanoTime())
                            .number();
                    System.out.println("registered " + version);
                    home.registry.move("champion", version, "worker", "newest", List.of());
                    System.out.println("promoted " + version);
                    if (version % 3 == 0) {
                        home.registry.rollback("champion", "worker", "no better");
                        home.registry.delete(version, "worker", "no better");
                        System.out.println("retired " + version);
                    }
                }
            }
        }
    }

    @Test
    void afterKillsAtAnyInstantTheAuditLogTellsOfEveryChangeOnce() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<String> acknowledged = new ArrayList<>();
        for (int kill = 0; kill < 8; kill++) {
            try (ChildJvm child = ChildJvm.start(Worker.class, root.toString())) {
                for (int lines = 1 + random.nextInt(12); lines > 0; lines--) {
                    acknowledged.add(child.line());
                }
                LockSupport.parkNanos(random.nextInt(6_000_000));
                child.kill();
                for (String line = child.line(); line.matches("[a-z]+ \\d+"); line = child.line()) {
                    acknowledged.add(line);
                }
                child.await();
            }
            String when = "seed " + seed + ", kill " + kill;
            try (Opened home = Opened.at(root, InstantSource.system())) {
                AuditVerification verified = AuditVerification.of(
                        root.resolve("audit"), home.audit.publicKey(), Optional.empty(), entry -> {});
                assertThat(verified.problem()).as(when).isEmpty();
                assertThat(home.story()).as(when).containsAll(acknowledged);
                assertThat(home.audit.history("p"))
                        .as(when)
                        .extracting(entry -> entry.event().details().get(AuditEvent.FACT))
                        .doesNotHaveDuplicates();
                assertThat(moves(home.audit.history("p")))
                        .as(when)
                        .isEqualTo(home.registry.history("champion").stream()
                                .filter(move -> move.kind() != AliasMove.Kind.DELETED)
                                .map(move -> move.to().getAsInt())
                                .toList());
            }
        }
    }

    private static List<Integer> moves(List<AuditEntry> entries) {
        return entries.stream()
                .map(AuditEntry::event)
                .filter(event ->
                        List.of(AuditEvent.PROMOTED, AuditEvent.ROLLED_BACK).contains(event.action()))
                .map(AuditEvent::details)
                .map((Map<String, String> details) -> Integer.parseInt(details.getOrDefault("version", "0")))
                .toList();
    }
}
