package dev.flywheel.core.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.io.Durable;
import dev.flywheel.core.log.LogCursor;
import dev.flywheel.core.log.SegmentLog;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What somebody who may write the files, but has not the key, can do to the log. */
class AuditTamperTest {

    private static final InstantSource CLOCK = InstantSource.fixed(Instant.parse("2026-01-31T12:00:00Z"));
    private static final int ENTRIES = 6;

    @TempDir
    Path root;

    private Path home;
    private PublicKey key;
    private Checkpoint kept;
    private final List<AuditEntry> entries = new ArrayList<>();

    @BeforeEach
    void write() {
        home = root.resolve("home");
        try (AuditLog log = AuditLog.open(home.resolve("audit"), CLOCK)) {
            key = log.publicKey();
            for (int i = 0; i < ENTRIES; i++) {
                entries.add(log.append(AuditLogTest.event(i)));
            }
            kept = log.checkpoint();
        }
    }

    @Test
    void noChangedByteOfTheFileHidesOrChangesAnEntry() throws IOException {
        Path file = home.resolve("audit/00000000000000000000.log");
        byte[] whole = Files.readAllBytes(file);
        for (int i = 0; i < whole.length; i++) {
            byte[] changed = whole.clone();
            changed[i] ^= (byte) (1 << i % 8);
            Files.write(file, changed);
            List<AuditEntry> read = new ArrayList<>();
            AuditVerification found = AuditVerification.of(home.resolve("audit"), key, Optional.of(kept), read::add);
            // a mark of the segment log that is not needed may be damaged without harm
            assertThat(!found.sound() || read.equals(entries)).as("byte %d", i).isTrue();
            assertThat(entries.subList(0, read.size())).as("byte %d", i).isEqualTo(read);
        }
    }

    @Test
    void aChangedByteAnywhereInARecordIsFoundAlsoWithARightChecksum() throws IOException {
        List<byte[]> whole = records(home.resolve("audit"));
        for (int number : new int[] {0, 4}) {
            for (int i = 0; i < whole.get(number).length; i++) {
                int at = i;
                List<byte[]> changed = new ArrayList<>(whole);
                byte[] record = whole.get(number).clone();
                record[at] ^= 1;
                changed.set(number, record);
                assertThat(firstBad(changed))
                        .as("byte %d of entry %d", at, number)
                        .isEqualTo(number);
            }
        }
    }

    @Test
    void aDeletedEntryIsFound() {
        assertThat(verify(rewritten(records -> records.remove(2)), Optional.empty()))
                .hasValueSatisfying(
                        problem -> assertThat(problem).startsWith("entry 2: it is not what the hash chain says"));
    }

    @Test
    void swappedEntriesAreFound() {
        assertThat(verify(rewritten(records -> Collections.swap(records, 3, 4)), Optional.empty()))
                .contains("entry 3: it is not what the hash chain says: it, or the one before it, was changed");
    }

    @Test
    void anEntryThatSomebodyElseAddedIsFoundAndRefusedAtOpening() {
        Path forged = rewritten(records -> {
            Chain chain = Chain.EMPTY;
            for (int i = 0; i < records.size(); i++) {
                chain = chain.append(
                        AuditRecord.read(i, ByteBuffer.wrap(records.get(i))).payload());
            }
            records.add(forge(chain));
        });

        assertThat(verify(forged, Optional.empty()))
                .contains("entry 6: its signature is not one of this key over the log up to it");
    }

    @Test
    void aChangeWithTheChainMadeAnewIsFoundByTheSignature() {
        Path forged = rewritten(records -> {
            Chain chain = Chain.EMPTY;
            for (int i = 0; i < records.size(); i++) {
                AuditRecord record = AuditRecord.read(i, ByteBuffer.wrap(records.get(i)));
                byte[] payload = i == 2
                        ? new String(record.payload(), StandardCharsets.UTF_8)
                                .replace("ann", "bob")
                                .getBytes(StandardCharsets.UTF_8)
                        : record.payload();
                Chain next = chain.append(payload);
                records.set(i, AuditRecord.write(chain, next, record.signature(), payload));
                chain = next;
            }
        });

        assertThat(verify(forged, Optional.empty()))
                .contains("entry 2: its signature is not one of this key over the log up to it");
    }

    @Test
    void aCutTailIsFoundByACheckpointKeptElsewhere() {
        Path cut = rewritten(records -> records.subList(4, ENTRIES).clear());

        assertThat(verify(cut, Optional.empty())).isEmpty();
        assertThat(verify(cut, Optional.of(kept))).contains("entry 4: it is gone: the checkpoint is over 6 entries");
    }

    @Test
    void aReplacedLogIsFoundByTheKeyOrACheckpointKeptElsewhere() throws IOException {
        Path other = root.resolve("other");
        PublicKey otherKey;
        try (AuditLog log = AuditLog.open(other, CLOCK)) {
            otherKey = log.publicKey();
            for (int i = 0; i < ENTRIES; i++) {
                log.append(AuditLogTest.event(i));
            }
        }
        assertThat(AuditVerification.of(other, otherKey, Optional.empty(), e -> {})
                        .sound())
                .isTrue();
        assertThat(AuditVerification.of(other, key, Optional.empty(), e -> {}).problem())
                .contains("entry 0: its signature is not one of this key over the log up to it");
        assertThat(AuditVerification.of(other, otherKey, Optional.of(kept), e -> {})
                        .problem())
                .contains("the checkpoint is not signed with this key");
    }

    @Test
    void aLogThatTheKeysOwnerWroteAnewIsFoundByACheckpointKeptElsewhere() throws IOException {
        Path again = root.resolve("again");
        Files.createDirectory(again);
        for (String name : List.of("key.pem", "public.pem")) {
            Files.copy(home.resolve("audit").resolve(name), again.resolve(name));
        }
        try (AuditLog log = AuditLog.open(again, CLOCK)) {
            for (int i = 0; i < ENTRIES; i++) {
                log.append(AuditLogTest.event(i == 1 ? 99 : i));
            }
        }

        assertThat(verify(again, Optional.empty())).isEmpty();
        assertThat(verify(again, Optional.of(kept)))
                .contains("entry 5: it, or one before it, is not what the checkpoint over 6 entries says");
    }

    @Test
    void theCommandTellsWhatItFound() throws IOException {
        Path checkpoint = root.resolve("checkpoint.txt");
        Files.writeString(checkpoint, kept.text(key));
        Path pem = Files.copy(home.resolve("audit/public.pem"), root.resolve("public.pem"));

        Output sound = run(home.toString(), "--key", pem.toString(), "--checkpoint", checkpoint.toString());
        assertThat(sound.text)
                .isEqualTo("audit log " + home.resolve("audit") + "\nkey       " + pem
                        + "\nentries   6, from 2026-01-31T12:00:00Z to 2026-01-31T12:00:00Z\nchain     " + kept.head()
                        + "\ntree      " + kept.root() + "\ncompared  with a checkpoint over 6 entries\nsound\n");
        assertThat(sound.exit).isZero();

        assertThat(run(home.toString(), "--print").text)
                .startsWith("0 2026-01-31T12:00:00Z delays promoted ann {version=0}\n");
        assertThat(run("--key").exit).isEqualTo(2);
        assertThat(run(root.resolve("nothing").toString()).exit).isEqualTo(1);

        Path log = home.resolve("audit/00000000000000000000.log");
        byte[] bytes = Files.readAllBytes(log);
        bytes[bytes.length / 2] ^= 1;
        Files.write(log, bytes);
        Output damaged = run(home.toString());
        assertThat(damaged.exit).isEqualTo(1);
        assertThat(damaged.text).contains("\nentries   2, ").contains("\nNOT SOUND: entry 2: reading log segment ");
    }

    private record Output(int exit, String text) {}

    private static Output run(String... arguments) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        int exit = VerifyAudit.run(new PrintStream(bytes, true, StandardCharsets.UTF_8), arguments);
        return new Output(exit, bytes.toString(StandardCharsets.UTF_8).replace("\r\n", "\n"));
    }

    private static byte[] forge(Chain chain) {
        byte[] payload = AuditEntry.payload(chain.size(), CLOCK.instant(), AuditLogTest.event(7));
        Chain next = chain.append(payload);
        return AuditRecord.write(chain, next, AuditKey.generate().sign(next.body()), payload);
    }

    private Optional<String> verify(Path directory, Optional<Checkpoint> checkpoint) {
        return AuditVerification.of(directory, key, checkpoint, entry -> {}).problem();
    }

    private int firstBad(List<byte[]> records) {
        Path directory = rewritten(all -> {
            all.clear();
            all.addAll(records);
        });
        return (int) AuditVerification.of(directory, key, Optional.empty(), entry -> {})
                .entries();
    }

    /** A log of other records, with right checksums. */
    private Path rewritten(Consumer<List<byte[]>> change) {
        List<byte[]> records = records(home.resolve("audit"));
        change.accept(records);
        Path directory = root.resolve("rewritten");
        Durable.delete(directory);
        try (SegmentLog log = SegmentLog.open(directory)) {
            records.forEach(log::append);
        }
        return directory;
    }

    private static List<byte[]> records(Path directory) {
        List<byte[]> records = new ArrayList<>();
        try (LogCursor cursor = LogCursor.open(directory, 0)) {
            while (cursor.next()) {
                byte[] record = new byte[cursor.record().remaining()];
                cursor.record().get(record);
                records.add(record);
            }
        }
        return records;
    }
}
