package dev.flywheel.core.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.io.ChildJvm;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuditCrashTest {

    @TempDir
    Path directory;

    /** Adds entries for ever, on two threads; prints a sequence and the hash when it is acknowledged. */
    static final class Writer {
        public static void main(String[] arguments) {
            AuditLog log = AuditLog.open(Path.of(arguments[0]), InstantSource.system());
            Runnable add = () -> {
                while (true) {
                    AuditEntry entry = log.append(AuditLogTest.event((int) log.size()));
                    System.out.println(entry.sequence() + " " + entry.hash());
                }
            };
            new Thread(add).start();
            add.run();
        }
    }

    @Test
    void everyAcknowledgedEntrySurvivesKillsAtAnyInstantAndTheLogIsSound() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<String> acknowledged = new ArrayList<>();
        for (int kill = 0; kill < 8; kill++) {
            try (ChildJvm child = ChildJvm.start(Writer.class, directory.toString())) {
                // the first kills come while the key is made
                for (int lines = kill < 2 ? 0 : random.nextInt(100); lines > 0; lines--) {
                    acknowledged.add(child.line());
                }
                LockSupport.parkNanos(random.nextInt(kill < 2 ? 400_000_000 : 4_000_000));
                child.kill();
                for (String line = child.line(); line.matches("\\d+ [0-9a-f]{64}"); line = child.line()) {
                    acknowledged.add(line);
                }
                child.await();
            }
            List<String> found = new ArrayList<>();
            try (AuditLog log = AuditLog.open(directory, InstantSource.system())) {
                AuditVerification verified = AuditVerification.of(
                        directory,
                        log.publicKey(),
                        Optional.empty(),
                        entry -> found.add(entry.sequence() + " " + entry.hash()));
                assertThat(verified.problem())
                        .as("seed %d, kill %d", seed, kill)
                        .isEmpty();
            }
            assertThat(found)
                    .as("seed %d, kill %d", seed, kill)
                    .containsAll(acknowledged)
                    .doesNotHaveDuplicates();
        }
    }
}
