package dev.flywheel.core.log;

import static dev.flywheel.core.log.SegmentLogTest.bytes;
import static dev.flywheel.core.log.SegmentLogTest.records;
import static dev.flywheel.core.log.SegmentLogTest.texts;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.flywheel.core.StoreException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogRecoveryTest {

    private static final int HEADER = 32;
    private static final int MARK = 24;

    @TempDir
    Path root;

    private Path directory;
    private Path segment;

    @BeforeEach
    void name() throws IOException {
        directory = Files.createDirectory(root.resolve("log"));
        segment = directory.resolve("00000000000000000000.log");
    }

    @Test
    void keepsAllWholeRecordsWhereverTheFileIsCutOff() throws IOException {
        write(6, Ending.KILLED);
        byte[] whole = Files.readAllBytes(segment);
        int frame = 8 + "record 0".length();
        assertThat(whole).hasSize(HEADER + 6 * frame);

        for (int length = HEADER; length <= whole.length; length++) {
            Files.write(segment, Arrays.copyOf(whole, length));
            int left = (length - HEADER) / frame;

            try (SegmentLog log = SegmentLog.open(directory)) {
                assertThat(texts(log.read(0))).isEqualTo(records(0, left));
                assertThat(log.commit(bytes("record " + left))).isEqualTo(left);
            }
            assertThat(texts(LogCursor.open(directory, 0))).isEqualTo(records(0, left + 1));
        }
    }

    @Test
    void keepsAllWholeRecordsWhereverASyncedFileIsCutOff() throws IOException {
        write(6, Ending.SYNCED_EACH);
        byte[] whole = Files.readAllBytes(segment);

        int left = 0;
        for (int length = HEADER; length <= whole.length; length++) {
            Files.write(segment, Arrays.copyOf(whole, length));
            List<String> found = reopen();
            assertThat(found.size()).isBetween(left, left + 1);
            left = found.size();
            assertThat(found).isEqualTo(records(0, left));
        }
        assertThat(left).isEqualTo(6);
    }

    @Test
    void aReaderStopsBeforeAnUnfinishedRecordAndGoesOnWhenItIsWhole() throws IOException {
        write(3, Ending.KILLED);
        byte[] whole = Files.readAllBytes(segment);
        Files.write(segment, Arrays.copyOf(whole, whole.length - 3));

        try (LogCursor cursor = LogCursor.open(directory, 0)) {
            assertThat(cursor.next()).isTrue();
            assertThat(cursor.next()).isTrue();
            assertThat(cursor.next()).isFalse();
            Files.write(segment, whole);
            assertThat(cursor.next()).isTrue();
            assertThat(cursor.sequence()).isEqualTo(2);
        }
    }

    @Test
    void cutsOffGarbageAndZerosAfterTheLastRecord() throws IOException {
        write(4, Ending.CLOSED);
        byte[] whole = Files.readAllBytes(segment);
        Random random = new Random(3);
        for (int length = 1; length < 300; length++) {
            byte[] tail = new byte[length];
            if (length % 2 == 0) {
                random.nextBytes(tail);
            }
            byte[] with = Arrays.copyOf(whole, whole.length + length);
            System.arraycopy(tail, 0, with, whole.length, length);
            Files.write(segment, with);

            assertThat(reopen()).isEqualTo(records(0, 4));
        }
    }

    @Test
    void cutsOffUnacknowledgedRecordsThatTheDiskWroteOutOfOrder() throws IOException {
        write(6, Ending.KILLED);
        byte[] bytes = Files.readAllBytes(segment);
        Arrays.fill(bytes, HEADER + 2 * 16, HEADER + 4 * 16, (byte) 0);
        Files.write(segment, bytes);

        assertThat(reopen()).isEqualTo(records(0, 2));
    }

    @Test
    void neverPassesOverAnAcknowledgedRecordWhicheverByteIsFlipped() throws IOException {
        write(6, Ending.SYNCED_EACH);
        byte[] whole = Files.readAllBytes(segment);
        int refused = 0;
        for (int i = 0; i < whole.length; i++) {
            byte[] flipped = whole.clone();
            flipped[i] ^= 0x10;
            Files.write(segment, flipped);
            try {
                assertThat(reopen()).as("byte %d", i).isEqualTo(records(0, 6));
            } catch (StoreException e) {
                assertThat(e).hasMessageContaining(segment.toString()).hasMessageContaining("offset ");
                refused++;
            }
        }
        // all but the unused bytes of the header and the last mark
        assertThat(refused).isEqualTo(whole.length - 4 - MARK);
    }

    @Test
    void namesSegmentOffsetAndFixForADamagedRecord() throws IOException {
        write(6, Ending.CLOSED);
        flip(segment, HEADER + 2 * 16 + 10);

        String message = "reading log segment " + segment
                + ": record 2 at offset 64 of 152 bytes is damaged, though it was once whole on the disk. Fix: restore"
                + " this file from a backup; to give up this record and all after it instead, delete the later"
                + " segments and cut this file to 64 bytes.";
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> SegmentLog.open(directory))
                .withMessage(message);
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> texts(LogCursor.open(directory, 0)))
                .withMessage(message);
    }

    @Test
    void theFixInTheMessageWorks() throws IOException {
        write(6, Ending.CLOSED);
        flip(segment, HEADER + 2 * 16 + 10);
        try (RandomAccessFile file = new RandomAccessFile(segment.toFile(), "rw")) {
            file.setLength(64);
        }

        assertThat(reopen()).isEqualTo(records(0, 2));
    }

    @Test
    void refusesADamagedRecordInAnOlderSegmentWhenItIsRead() throws IOException {
        try (SegmentLog log = SegmentLog.open(directory, 60)) {
            for (int i = 0; i < 10; i++) {
                log.append(bytes("record " + i));
            }
        }
        flip(segment, HEADER + 9);

        try (SegmentLog log = SegmentLog.open(directory, 60)) {
            assertThat(texts(log.read(3))).isEqualTo(records(3, 10));
            assertThatExceptionOfType(StoreException.class)
                    .isThrownBy(() -> texts(log.read(0)))
                    .withMessageContaining("record 0 at offset 32");
        }
    }

    @Test
    void refusesALogWithAMissingSegment() throws IOException {
        try (SegmentLog log = SegmentLog.open(directory, 60)) {
            for (int i = 0; i < 10; i++) {
                log.append(bytes("record " + i));
            }
        }
        Files.delete(directory.resolve("00000000000000000001.log"));

        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> texts(LogCursor.open(directory, 0)))
                .withMessageContaining("records 1 to 1 are gone")
                .withMessageContaining("restore the missing segments from a backup");
    }

    @Test
    void refusesASegmentUnderAnotherName() throws IOException {
        write(3, Ending.CLOSED);
        Files.move(segment, directory.resolve("00000000000000000005.log"));

        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> SegmentLog.open(directory))
                .withMessageContaining("belongs to another segment");
    }

    @Test
    void refusesANewerFormatAndTellsBoth() throws IOException {
        write(3, Ending.CLOSED);
        byte[] bytes = Files.readAllBytes(segment);
        bytes[7] = 2;
        ByteBuffer.wrap(bytes).putInt(24, Frame.crc(bytes, 0, 24));
        Files.write(segment, bytes);

        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> SegmentLog.open(directory))
                .withMessage("reading log segment " + segment
                        + ": its format is 2, this library reads format 1. Fix: upgrade the library.");
    }

    @Test
    void deletesASegmentThatWasBeingCreated() throws IOException {
        write(3, Ending.CLOSED);
        Path unfinished = Files.write(directory.resolve("00000000000000000003.log.5f.tmp"), new byte[7]);

        assertThat(reopen()).isEqualTo(records(0, 3));
        assertThat(unfinished).doesNotExist();
    }

    @Test
    void aRecordThatHoldsASegmentIsNotTakenForOne(@TempDir Path other) throws IOException {
        write(3, Ending.SYNCED_EACH);
        byte[] inner = Files.readAllBytes(segment);
        try (SegmentLog log = SegmentLog.open(other)) {
            log.commit(bytes("record 0"));
            log.append(inner);
            log.read(0).close();
            copy(other, root.resolve("killed"));
        }
        Path copied = root.resolve("killed/00000000000000000000.log");
        byte[] torn = Files.readAllBytes(copied);
        Files.write(copied, Arrays.copyOf(torn, torn.length - 1));

        try (SegmentLog log = SegmentLog.open(root.resolve("killed"))) {
            assertThat(texts(log.read(0))).containsExactly("record 0");
        }
    }

    private enum Ending {
        KILLED,
        SYNCED_EACH,
        CLOSED
    }

    private void write(int count, Ending ending) throws IOException {
        Path live = root.resolve("live");
        try (SegmentLog log = SegmentLog.open(live)) {
            for (int i = 0; i < count; i++) {
                log.append(bytes("record " + i));
                if (ending == Ending.SYNCED_EACH) {
                    log.sync();
                }
            }
            log.read(0).close();
            // what a process that is killed here leaves behind
            copy(live, directory);
        }
        if (ending == Ending.CLOSED) {
            copy(live, directory);
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        try (var files = Files.newDirectoryStream(from, "*.log")) {
            for (Path file : files) {
                Files.write(to.resolve(file.getFileName()), Files.readAllBytes(file));
            }
        }
    }

    private List<String> reopen() {
        try (SegmentLog log = SegmentLog.open(directory)) {
            return texts(log.read(0));
        }
    }

    private static void flip(Path file, int offset) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[offset] ^= 1;
        Files.write(file, bytes);
    }
}
