package dev.flywheel.core.registry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.io.ChildJvm;
import dev.flywheel.core.model.ModelVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegistryCrashTest {

    @TempDir
    Path root;

    /** Registers, promotes, rolls back and deletes for ever; prints what is acknowledged. */
    static final class Worker {
        public static void main(String[] arguments) {
            PipelineDirectory directory = PipelineDirectory.in(Path.of(arguments[0]), "p");
            try (Registry registry = Registry.open(directory, InstantSource.system())) {
                while (true) {
                    ModelVersion version = Models.register(registry, "model " + System.nanoTime());
                    System.out.println("registered " + version.number());
                    registry.move("champion", version.number(), "worker", "newest", List.of());
                    System.out.println("champion " + version.number());
                    if (version.number() % 3 == 0) {
                        int back = registry.rollback("champion", "worker", "no better")
                                .to()
                                .orElseThrow();
                        System.out.println("champion " + back);
                        registry.delete(version.number(), "worker", "no better");
                        System.out.println("deleted " + version.number());
                    }
                }
            }
        }
    }

    /** What the child has acknowledged. */
    private static final class Facts {
        final Set<Integer> registered = new TreeSet<>();
        final Set<Integer> deleted = new TreeSet<>();
        int champion;
        int moves;

        void add(String line) {
            int number = Integer.parseInt(line.substring(line.indexOf(' ') + 1));
            if (line.startsWith("registered")) {
                // a number is never given away twice
                assertThat(registered.add(number)).isTrue();
            } else if (line.startsWith("deleted")) {
                deleted.add(number);
            } else {
                champion = number;
                moves++;
            }
        }
    }

    @Test
    void everyAcknowledgedChangeSurvivesKillsAndNothingIsHalfDone() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Facts facts = new Facts();
        for (int kill = 0; kill < 10; kill++) {
            try (ChildJvm child = ChildJvm.start(Worker.class, root.toString())) {
                for (int lines = 1 + random.nextInt(20); lines > 0; lines--) {
                    facts.add(child.line());
                }
                LockSupport.parkNanos(random.nextInt(4_000_000));
                child.kill();
                for (String line = child.line(); line.matches("[a-z]+ \\d+"); line = child.line()) {
                    facts.add(line);
                }
                child.await();
            }
            assertWhole(facts, "seed " + seed + ", kill " + kill);
        }
    }

    private void assertWhole(Facts facts, String when) throws IOException {
        PipelineDirectory directory = PipelineDirectory.in(root, "p");
        try (Registry registry = Registry.open(directory, InstantSource.system())) {
            Set<Integer> present = new TreeSet<>();
            for (ModelVersion version : registry.versions()) {
                present.add(version.number());
                assertThat(version.artifact().modelFile()).as(when).content().startsWith("model ");
                assertThat(version.card().pipeline()).as(when).isEqualTo("delays");
            }
            Set<Integer> expected = new TreeSet<>(facts.registered);
            expected.removeAll(facts.deleted);
            Set<Integer> lost = new TreeSet<>(expected);
            lost.removeAll(present);
            // at most the deletion that the kill cut off
            assertThat(lost).as(when).hasSizeLessThanOrEqualTo(1).allMatch(number -> number % 3 == 0);
            assertThat(present).as(when).noneMatch(facts.deleted::contains);

            List<AliasMove> history = registry.history("champion");
            OptionalInt before = OptionalInt.empty();
            for (AliasMove move : history) {
                assertThat(move.from()).as(when).isEqualTo(before);
                before = move.to();
            }
            if (facts.moves > 0) {
                assertThat(history).as(when).extracting(AliasMove::to).contains(OptionalInt.of(facts.champion));
            }
            long moves = history.stream()
                    .filter(move -> move.kind() != AliasMove.Kind.DELETED)
                    .count();
            assertThat(moves).as(when).isBetween((long) facts.moves, facts.moves + 2L);
            registry.alias("champion")
                    .ifPresent(champion -> assertThat(present).as(when).contains(champion.number()));
            // what the kill left behind counts from here on as acknowledged
            facts.registered.addAll(present);
            facts.deleted.addAll(lost);
            facts.moves = (int) moves;
            facts.champion = registry.aliases().getOrDefault("champion", facts.champion);
        }
        assertThat(Files.exists(directory.path().resolve("staging"))).as(when).isFalse();
    }
}
