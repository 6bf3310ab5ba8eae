package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.audit.AuditEntry;
import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.audit.AuditVerification;
import dev.flywheel.core.data.RecordType;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.flywheel.FeedbackJoin;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Kills a working factory at random instants and looks at what is left. Twenty times in the normal suite; more with
 * {@code -Dcrash.kills=100}. A failure prints the seed, which {@code -Dtests.seed=} repeats as far as timing allows.
 */
class CrashTest {

    private static final Logger log = LoggerFactory.getLogger(CrashTest.class);
    private static final int KILLS = Integer.getInteger("crash.kills", 20);
    private static final long SEED = Long.getLong("tests.seed", System.nanoTime());

    @TempDir
    Path directory;

    private final Random random = new Random(SEED);
    private final List<UUID> acknowledged = new ArrayList<>();
    private int lastServed;

    @Test
    void everyReopenFindsEveryAcknowledgedFactAndAWholeChampion() throws Exception {
        log.info("seed {}", SEED);
        Path csv = writePoints(directory.resolve("points.csv"), 600);
        Path home = directory.resolve("home");
        int midway = 0;
        for (int kill = 0; kill < KILLS; kill++) {
            // The first lives are short, to die before and within the first training; the later ones reach everything.
            runAndKill(home, csv, kill < KILLS / 4 ? 300 + random.nextInt(2_500) : 1_500 + random.nextInt(4_000));
            midway += reopen(home, csv) ? 1 : 0;
        }
        assertThat(midway).as("lives that ended with a champion, seed " + SEED).isGreaterThan(KILLS / 3);
        assertThat(acknowledged).as("feedback acknowledged over all lives").isNotEmpty();
        assertThat(lastServed).as("the champion has moved on").isGreaterThan(1);
    }

    private void runAndKill(Path home, Path csv, int lifetimeMillis) throws IOException, InterruptedException {
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        "-Xmx512m",
                        "-XX:TieredStopAtLevel=1",
                        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                        CrashChild.class.getName(),
                        home.toString(),
                        csv.toString(),
                        Long.toString(random.nextLong()))
                .redirectOutput(directory.resolve("child.out").toFile())
                .redirectError(directory.resolve("child.log").toFile())
                .start();
        child.waitFor(lifetimeMillis, TimeUnit.MILLISECONDS);
        assertThat(child.isAlive())
                .as("the child works until it is killed:\n%s", Files.readString(directory.resolve("child.log")))
                .isTrue();
        child.destroyForcibly().waitFor();
        for (String line : Files.readAllLines(directory.resolve("child.out"))) {
            String[] words = line.split(" ", -1);
            if (words[0].equals("feedback") && words.length == 3) {
                acknowledged.add(UUID.fromString(words[1]));
            } else if (words[0].equals("serving") && words.length == 2 && !words[1].isEmpty()) {
                lastServed = Integer.parseInt(words[1]);
            }
        }
    }

    /** {@return whether there is a champion} */
    private boolean reopen(Path home, Path csv) {
        Pipeline<Point, Boolean, Double> pipeline = CrashChild.pipeline(csv);
        try (Factory factory = Factory.open(home)) {
            for (ModelVersion version : factory.versions("points")) {
                assertThat(version.artifact().modelFile()).exists();
                assertThat(version.card().pipeline()).isEqualTo("points");
            }
            if (factory.history("points").isEmpty()) {
                assertThat(acknowledged).isEmpty();
                return false;
            }
            try (Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
                assertThat(live.version())
                        .as("no acknowledged promotion is lost")
                        .isGreaterThanOrEqualTo(lastServed);
                assertThat(live.predict(CrashChild.point(random)).value()).isBetween(0.0, 1.0);
            }
            assertAudited(home, factory);
            Set<UUID> lost = new HashSet<>(acknowledged);
            lost.removeAll(joined(home));
            assertThat(lost)
                    .as("outcomes not joined with their predictions, seed " + SEED)
                    .isEmpty();
            return true;
        }
    }

    /** The audit log is sound, and tells of every move of the champion once, in order. */
    private static void assertAudited(Path home, Factory factory) {
        AuditVerification verified =
                AuditVerification.of(home.resolve("audit"), factory.audit().publicKey(), Optional.empty(), entry -> {});
        assertThat(verified.problem()).isEmpty();
        List<Integer> told = factory.audit("points").stream()
                .map(AuditEntry::event)
                .filter(event ->
                        Set.of(AuditEvent.PROMOTED, AuditEvent.ROLLED_BACK).contains(event.action()))
                .map(event -> Integer.valueOf(event.details().getOrDefault("version", "0")))
                .toList();
        assertThat(told)
                .isEqualTo(factory.history("points").stream()
                        .map(move -> move.to().orElseThrow())
                        .toList());
    }

    private static Set<UUID> joined(Path home) {
        Path pipeline = home.resolve("pipelines/points");
        Set<UUID> ids = new HashSet<>();
        new FeedbackJoin(
                        pipeline.resolve("predictions"),
                        pipeline.resolve("feedback"),
                        RecordType.of(Point.class).schema(),
                        Duration.ofDays(1))
                .run(Instant.MIN, Instant.MAX, example -> ids.add(example.id()));
        return ids;
    }

    static Path writePoints(Path file, int rows) throws IOException {
        Random random = new Random(7);
        StringBuilder csv = new StringBuilder("x,y,colour,inside\n");
        for (int row = 0; row < rows; row++) {
            Point point = CrashChild.point(random);
            csv.append(point.x()).append(',').append(point.y()).append(',').append(point.colour());
            csv.append(',').append(CrashChild.inside(point)).append('\n');
        }
        return Files.writeString(file, csv);
    }
}
