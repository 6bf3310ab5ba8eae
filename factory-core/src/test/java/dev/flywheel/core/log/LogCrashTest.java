package dev.flywheel.core.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.ChildJvm;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogCrashTest {

    private static final long SEGMENT_BYTES = 4_000;

    @TempDir
    Path directory;

    /** Appends for ever; prints a sequence when it is acknowledged. */
    static final class Writer {
        public static void main(String[] arguments) {
            Random random = new Random();
            try (SegmentLog log = SegmentLog.open(Path.of(arguments[0]), SEGMENT_BYTES)) {
                while (true) {
                    for (int i = random.nextInt(20); i > 0; i--) {
                        log.append(record(log.nextSequence(), random.nextInt(300)));
                    }
                    System.out.println(log.commit(record(log.nextSequence(), random.nextInt(300))));
                }
            } catch (StoreException e) {
                System.out.println(e.getMessage());
            }
        }
    }

    @Test
    void everyAcknowledgedRecordSurvivesKillsAtAnyInstant() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        long acknowledged = -1;
        for (int kill = 0; kill < 10; kill++) {
            try (ChildJvm child = ChildJvm.start(Writer.class, directory.toString())) {
                for (int lines = 1 + random.nextInt(200); lines > 0; lines--) {
                    acknowledged = Long.parseLong(child.line());
                }
                LockSupport.parkNanos(random.nextInt(3_000_000));
                child.kill();
                for (String line = child.line(); line.matches("\\d+"); line = child.line()) {
                    acknowledged = Long.parseLong(line);
                }
                child.await();
            }
            assertWhole(acknowledged, "seed " + seed + ", kill " + kill);
        }
    }

    @Test
    void anotherProcessReadsEveryAcknowledgedRecordAtOnce() throws Exception {
        try (ChildJvm child = ChildJvm.start(Writer.class, directory.toString())) {
            long acknowledged = Long.parseLong(child.line());
            try (LogCursor cursor = LogCursor.open(directory, 0)) {
                long read = -1;
                for (int i = 0; i < 300; i++) {
                    while (read < acknowledged) {
                        assertThat(cursor.next())
                                .as("record %d of %d", read + 1, acknowledged)
                                .isTrue();
                        read = cursor.sequence();
                        assertThat(cursor.record().getLong(0)).isEqualTo(read);
                    }
                    acknowledged = Long.parseLong(child.line());
                }
            }
        }
    }

    @Test
    void refusesAWriterWhileAnotherProcessWritesAndNamesIt() throws Exception {
        try (ChildJvm child = ChildJvm.start(Writer.class, directory.toString())) {
            child.line();
            org.assertj.core.api.Assertions.assertThatExceptionOfType(StoreException.class)
                    .isThrownBy(() -> SegmentLog.open(directory))
                    .withMessage("opening " + directory + ": process " + child.pid()
                            + " has it open. Fix: stop that process or close its factory; one process at a time may"
                            + " write.");
        }
    }

    @Test
    void aFullDiskStopsTheLogAndHarmsNothing() throws Exception {
        assumeThat(System.getProperty("os.name")).isEqualTo("Linux");
        long acknowledged = -1;
        String message;
        // segments of 4,000 bytes, but no file may grow beyond 3 KiB
        try (ChildJvm child = ChildJvm.startWithFileLimit(3, Writer.class, directory.toString())) {
            message = child.line();
            while (message.matches("\\d+")) {
                acknowledged = Long.parseLong(message);
                message = child.line();
            }
            child.await();
        }

        // the mark behind a synced record may be what the disk refuses first: then the next append says so
        assertThat(message.replace("it refuses since an earlier failure: ", ""))
                .startsWith("appending to log " + directory + ": the file system says java.io.IOException: ")
                .endsWith("; the log ends with record " + acknowledged + ", later ones may be lost. Fix: free space on"
                        + " the disk or mend it, then close and open the log again.");
        assertWhole(acknowledged, "full disk");
    }

    private void assertWhole(long acknowledged, String when) throws IOException {
        long next = 0;
        try (SegmentLog log = SegmentLog.open(directory, SEGMENT_BYTES);
                LogCursor cursor = log.read(0)) {
            while (cursor.next()) {
                assertThat(cursor.sequence()).as(when).isEqualTo(next);
                ByteBuffer record = cursor.record();
                assertThat(record).as(when).isEqualTo(ByteBuffer.wrap(record(next, record.remaining() - 8)));
                next++;
            }
            assertThat(next).as(when).isGreaterThan(acknowledged).isEqualTo(log.nextSequence());
        }
    }

    private static byte[] record(long sequence, int extra) {
        byte[] record = new byte[8 + extra];
        new Random(sequence).nextBytes(record);
        ByteBuffer.wrap(record).putLong(sequence);
        return record;
    }
}
