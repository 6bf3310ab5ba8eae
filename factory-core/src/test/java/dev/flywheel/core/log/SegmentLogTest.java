package dev.flywheel.core.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SegmentLogTest {

    @TempDir
    Path directory;

    @Test
    void readsBackWhatWasAppendedInOrderOverManySegments() {
        try (SegmentLog log = SegmentLog.open(directory, 300)) {
            for (int i = 0; i < 100; i++) {
                assertThat(log.append(bytes("record " + i))).isEqualTo(i);
            }
            assertThat(texts(log.read(0))).isEqualTo(records(0, 100));
            assertThat(texts(log.read(57))).isEqualTo(records(57, 100));
        }
        assertThat(segments()).hasSizeGreaterThan(5);
        assertThat(texts(LogCursor.open(directory, 99))).containsExactly("record 99");
    }

    @Test
    void sequencesGoOnAfterReopening() {
        for (int round = 0; round < 5; round++) {
            try (SegmentLog log = SegmentLog.open(directory, 200)) {
                assertThat(log.nextSequence()).isEqualTo(round * 7L);
                for (int i = 0; i < 7; i++) {
                    assertThat(log.append(bytes("record " + (round * 7 + i)))).isEqualTo(round * 7L + i);
                }
            }
        }
        assertThat(texts(LogCursor.open(directory, 0))).isEqualTo(records(0, 35));
    }

    @Test
    void openingWithoutAppendingDoesNotGrowTheLog() throws IOException {
        try (SegmentLog log = SegmentLog.open(directory)) {
            log.append(bytes("record 0"));
        }
        long size = Files.size(segments().get(0));

        SegmentLog.open(directory).close();

        assertThat(segments().get(0)).hasSize(size);
    }

    @Test
    void holdsEmptyAndLargeRecords() {
        Random random = new Random(1);
        List<byte[]> records = new ArrayList<>();
        for (int size : new int[] {0, 1, 65_527, 65_528, 65_529, 1 << 20, 0, 3 << 20, 5}) {
            byte[] record = new byte[size];
            random.nextBytes(record);
            records.add(record);
        }
        try (SegmentLog log = SegmentLog.open(directory, 1 << 20)) {
            records.forEach(log::append);
        }
        try (LogCursor cursor = LogCursor.open(directory, 0)) {
            for (byte[] record : records) {
                assertThat(cursor.next()).isTrue();
                assertThat(cursor.record()).isEqualTo(ByteBuffer.wrap(record));
            }
            assertThat(cursor.next()).isFalse();
        }
    }

    @Test
    void appendLeavesTheBufferAsItIs() {
        ByteBuffer record = ByteBuffer.wrap(bytes("xxrecord 0yy"), 2, 8);
        try (SegmentLog log = SegmentLog.open(directory)) {
            log.commit(record);
            assertThat(record.position()).isEqualTo(2);
            assertThat(texts(log.read(0))).containsExactly("record 0");
        }
    }

    @Test
    void aCursorAtTheEndGoesOnWhenMoreIsAppended() {
        try (SegmentLog log = SegmentLog.open(directory, 100);
                LogCursor cursor = log.read(0)) {
            assertThat(cursor.next()).isFalse();
            for (int i = 0; i < 30; i++) {
                log.commit(bytes("record " + i));
                assertThat(cursor.next()).isTrue();
                assertThat(cursor.sequence()).isEqualTo(i);
                assertThat(cursor.next()).isFalse();
            }
            assertThatExceptionOfType(NoSuchElementException.class).isThrownBy(cursor::record);
        }
    }

    @Test
    void aCursorSeesEveryRecordOnceWhileOthersAppendAndSegmentsRoll() throws Exception {
        int count = 20_000;
        ExecutorService pool = Executors.newFixedThreadPool(2);
        try (SegmentLog log = SegmentLog.open(directory, 10_000);
                LogCursor cursor = LogCursor.open(directory, 0)) {
            Future<?> writer = pool.submit(() -> {
                for (int i = 0; i < count; i++) {
                    log.append(bytes("record " + i));
                    if (i % 1000 == 0) {
                        log.sync();
                    }
                }
                log.sync();
            });
            int seen = 0;
            while (seen < count) {
                if (cursor.next()) {
                    assertThat(cursor.sequence()).isEqualTo(seen);
                    assertThat(text(cursor)).isEqualTo("record " + seen);
                    seen++;
                } else if (writer.isDone()) {
                    writer.get();
                }
            }
            assertThat(cursor.next()).isFalse();
        } finally {
            pool.shutdownNow();
        }
    }

    @Test
    void concurrentAppendersGetUniqueSequencesInTheOrderOfEachThread() throws Exception {
        int threads = 8;
        long each = 300;
        TreeMap<Long, String> expected = new TreeMap<>();
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try (SegmentLog log = SegmentLog.open(directory, 5_000)) {
            List<Callable<List<Long>>> jobs = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int thread = t;
                jobs.add(() -> {
                    List<Long> sequences = new ArrayList<>();
                    for (int i = 0; i < each; i++) {
                        byte[] record = bytes(thread + ":" + i);
                        sequences.add(i % 10 == 0 ? log.commit(record) : log.append(record));
                    }
                    return sequences;
                });
            }
            List<Future<List<Long>>> done = pool.invokeAll(jobs);
            for (int t = 0; t < threads; t++) {
                List<Long> sequences = done.get(t).get();
                assertThat(sequences).isSorted();
                for (int i = 0; i < each; i++) {
                    assertThat(expected.put(sequences.get(i), t + ":" + i)).isNull();
                }
            }
        } finally {
            pool.shutdownNow();
        }
        assertThat(expected.lastKey()).isEqualTo(threads * each - 1);
        assertThat(texts(LogCursor.open(directory, 0))).isEqualTo(List.copyOf(expected.values()));
    }

    @Test
    void anInterruptedThreadAppendsAndTheLogStaysUsable() {
        try (SegmentLog log = SegmentLog.open(directory, 50)) {
            Thread.currentThread().interrupt();
            for (int i = 0; i < 10; i++) {
                log.commit(bytes("record " + i));
            }
            assertThat(Thread.interrupted()).isTrue();
            assertThat(texts(log.read(0))).isEqualTo(records(0, 10));
        }
    }

    @Test
    void deletesOnlyWholeSegmentsBeforeASequence() {
        try (SegmentLog log = SegmentLog.open(directory, 200)) {
            for (int i = 0; i < 100; i++) {
                log.append(bytes("record " + i));
            }
            long first = log.deleteBefore(50);

            assertThat(first).isBetween(40L, 50L);
            assertThat(texts(log.read(0))).isEqualTo(records((int) first, 100));
            assertThat(log.deleteBefore(1_000_000)).isBetween(50L, 99L);
            assertThat(log.append(bytes("record 100"))).isEqualTo(100);
        }
        assertThat(texts(LogCursor.open(directory, 0))).endsWith("record 99", "record 100");
    }

    @Test
    void sequencesGoOnWhenAllSegmentsButAnEmptyOneWereDeleted() {
        try (SegmentLog log = SegmentLog.open(directory, 1)) {
            log.append(bytes("record 0"));
            log.append(bytes("record 1"));
            assertThat(log.deleteBefore(2)).isEqualTo(1);
        }
        try (SegmentLog log = SegmentLog.open(directory, 1)) {
            assertThat(log.append(bytes("record 2"))).isEqualTo(2);
        }
    }

    @Test
    void refusesASecondWriterAndNamesTheFirst() {
        try (SegmentLog log = SegmentLog.open(directory)) {
            assertThatExceptionOfType(StoreException.class)
                    .isThrownBy(() -> SegmentLog.open(directory))
                    .withMessage("opening " + directory + ": this process (pid "
                            + ProcessHandle.current().pid()
                            + ") has it open already. Fix: use the open one, or close it first.");
            log.commit(bytes("record 0"));
        }
        SegmentLog.open(directory).close();
    }

    @Test
    void refusesUseAfterClosing() {
        SegmentLog log = SegmentLog.open(directory);
        log.close();
        log.close();

        assertThatExceptionOfType(ClosedException.class)
                .isThrownBy(() -> log.append(bytes("x")))
                .withMessage("log " + directory + ": it was closed. Fix: use it before closing, or open it again.");
    }

    @Test
    void refusesARecordThatIsTooLong() {
        try (SegmentLog log = SegmentLog.open(directory)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> log.append(new byte[(64 << 20) + 1]))
                    .withMessage("a record has at most 67108864 bytes, found 67108865");
        }
    }

    @Test
    void refusesToReadWhereNoLogIs() {
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> LogCursor.open(directory.resolve("none"), 0))
                .withMessageStartingWith("opening log " + directory.resolve("none") + ": there is no such directory");
    }

    private List<Path> segments() {
        try (var files = Files.list(directory)) {
            return files.filter(f -> f.toString().endsWith(".log")).sorted().toList();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static List<String> records(int from, int to) {
        return IntStream.range(from, to).mapToObj(i -> "record " + i).toList();
    }

    static String text(LogCursor cursor) {
        return StandardCharsets.UTF_8.decode(cursor.record()).toString();
    }

    static List<String> texts(LogCursor opened) {
        try (LogCursor cursor = opened) {
            List<String> texts = new ArrayList<>();
            while (cursor.next()) {
                texts.add(text(cursor));
            }
            return texts;
        }
    }
}
