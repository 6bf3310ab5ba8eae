package dev.flywheel.core.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.core.ClosedException;
import dev.flywheel.core.DataException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.model.Verdict;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuditLogTest {

    private static final Instant NOON = Instant.parse("2026-01-31T12:00:00Z");
    private static final InstantSource CLOCK = InstantSource.fixed(NOON);

    @TempDir
    Path directory;

    static AuditEvent event(int number) {
        return AuditEvent.of("ann", AuditEvent.PROMOTED, "delays").with("version", Integer.toString(number));
    }

    @Test
    void theChainIsThatOfTheReference() throws IOException {
        Chain chain = Chain.EMPTY;
        for (JsonNode link : Vectors.read("audit_hash_chain.json").get("chain")) {
            assertThat(HexFormat.of().formatHex(chain.head()))
                    .isEqualTo(link.get("prev").asText());
            chain = chain.append(link.get("payload").asText().getBytes(StandardCharsets.UTF_8));
            assertThat(HexFormat.of().formatHex(chain.head()))
                    .isEqualTo(link.get("hash").asText());
        }
        assertThat(chain.size()).isEqualTo(3);
    }

    @Test
    void aPayloadIsCanonicalJson() {
        AuditEvent event = new AuditEvent(
                "Zo\u00eb \"Z\"",
                "promoted",
                "delays",
                Map.of("why", "a\nb\u0001\u20ac", "Version", "3"),
                List.of(new Verdict("ROC AUC \u2265 0.7", Verdict.Outcome.PASS, "0.71")));

        byte[] payload = AuditEntry.payload(7, NOON, event);

        assertThat(new String(payload, StandardCharsets.UTF_8))
                .isEqualTo("{\"action\":\"promoted\",\"actor\":\"Zo\u00eb \\\"Z\\\"\",\"at\":\"2026-01-31T12:00:00Z\","
                        + "\"details\":{\"Version\":\"3\",\"why\":\"a\\nb\\u0001\u20ac\"},"
                        + "\"evidence\":[{\"evidence\":\"0.71\",\"gate\":\"ROC AUC \u2265 0.7\",\"outcome\":\"PASS\"}],"
                        + "\"format\":1,\"sequence\":7,\"subject\":\"delays\"}");
        assertThat(AuditEntry.of(7, payload, "").event()).isEqualTo(event);
    }

    @Test
    void whatWasAddedIsThereAfterwardsInOrder() {
        List<AuditEntry> added = new ArrayList<>();
        for (int session = 0; session < 3; session++) {
            try (AuditLog log = AuditLog.open(directory, CLOCK)) {
                for (int i = 0; i < 100; i++) {
                    added.add(log.append(event(added.size())));
                }
                assertThat(log.size()).isEqualTo(added.size());
            }
        }

        try (AuditLog log = AuditLog.open(directory, CLOCK)) {
            assertThat(log.history("delays")).isEqualTo(added);
            assertThat(log.history("other")).isEmpty();
            assertThat(log.entry(217)).contains(added.get(217));
            assertThat(log.entry(300)).isEmpty();
        }
        AuditVerification verified = verify(AuditKey.readPublic(AuditKey.publicFile(directory)));
        assertThat(verified.problem()).isEmpty();
        assertThat(verified.entries()).isEqualTo(300);
        assertThat(verified.head()).isEqualTo(added.get(299).hash());
    }

    @Test
    void aClockThatIsSetBackBringsNoDisorder() {
        List<Instant> times = new ArrayList<>(List.of(NOON, NOON.minusSeconds(60), NOON.plusSeconds(60)));
        try (AuditLog log = AuditLog.open(directory, () -> times.remove(0))) {
            log.append(event(0));
            log.append(event(1));
            log.append(event(2));
            assertThat(log.history("delays"))
                    .extracting(AuditEntry::at)
                    .containsExactly(NOON, NOON, NOON.plusSeconds(60));
        }
    }

    @Test
    void threadsThatAddAtTheSameTimeMakeOneChain() throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(4);
        try (AuditLog log = AuditLog.open(directory, CLOCK)) {
            List<Future<?>> writers = new ArrayList<>();
            for (int thread = 0; thread < 4; thread++) {
                writers.add(pool.submit(() -> {
                    for (int i = 0; i < 15; i++) {
                        log.append(event(i));
                    }
                }));
            }
            for (Future<?> writer : writers) {
                writer.get();
            }
            assertThat(verify(log.publicKey()).entries()).isEqualTo(60);
        } finally {
            pool.shutdownNow();
        }
    }

    @Test
    void findsTheEntriesOfASubjectWhateverTheOthersSay() {
        try (AuditLog log = AuditLog.open(directory, CLOCK)) {
            AuditEntry first = log.append(AuditEvent.of("ann", "frozen", "*").with("why", "\"subject\":\"delays\"}"));
            AuditEntry second = log.append(event(1));
            AuditEntry third = log.append(AuditEvent.of("ann", "promoted", "more delays"));
            AuditEntry fourth = log.append(event(2));

            assertThat(log.history("delays")).containsExactly(second, fourth);
            assertThat(log.history("more delays")).containsExactly(third);
            assertThat(log.history("*")).containsExactly(first);
        }
    }

    @Test
    void provesThatItHoldsAnEntry() {
        try (AuditLog log = AuditLog.open(directory, CLOCK)) {
            for (int i = 0; i < 37; i++) {
                log.append(event(i));
            }
            for (int i = 0; i < 37; i++) {
                InclusionProof proof = log.inclusion(i);
                assertThat(proof.holds(log.publicKey())).isTrue();
                assertThat(proof.payload()).contains("\"version\":\"" + i + "\"");
                assertThat(new InclusionProof(
                                        proof.payload().replace("ann", "bob"), i, proof.path(), proof.checkpoint())
                                .holds(log.publicKey()))
                        .isFalse();
                assertThat(proof.holds(AuditKey.generate().publicKey())).isFalse();
            }
        }
    }

    @Test
    void provesThatItWasOnlyAddedTo() {
        try (AuditLog log = AuditLog.open(directory, CLOCK)) {
            List<Checkpoint> checkpoints = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                log.append(event(i));
                checkpoints.add(log.checkpoint());
            }
            for (Checkpoint older : checkpoints) {
                ConsistencyProof proof = log.consistency(older);
                assertThat(proof.holds(log.publicKey())).isTrue();
                assertThat(new ConsistencyProof(/* older= */ proof.newer(), /* newer= */ proof.older(), proof.path())
                                .holds(log.publicKey()))
                        .isEqualTo(older.size() == 20);
            }
        }
    }

    @Test
    void aCheckpointIsTextToKeep() {
        try (AuditLog log = AuditLog.open(directory, CLOCK)) {
            log.append(event(0));
            Checkpoint checkpoint = log.checkpoint();

            String text = checkpoint.text(log.publicKey());

            assertThat(text).startsWith("flywheel/audit\n1\n").contains("\n\n\u2014 flywheel/audit ");
            assertThat(Checkpoint.parse(text)).isEqualTo(checkpoint);
            assertThat(checkpoint.signedBy(log.publicKey())).isTrue();
            assertThat(Checkpoint.parse(text.replace("\n1\n", "\n2\n")).signedBy(log.publicKey()))
                    .isFalse();
            assertThatExceptionOfType(DataException.class)
                    .isThrownBy(() -> Checkpoint.parse(text + "x"))
                    .withMessage("reading a checkpoint: its text is not that of a signed note of flywheel/audit. Fix:"
                            + " pass the file as it was saved, all lines of it.");
        }
    }

    @Test
    void theSecretKeyIsForItsOwnerAlone() throws IOException {
        AuditLog.open(directory, CLOCK).close();
        assumeTrue(directory.getFileSystem().supportedFileAttributeViews().contains("posix"));

        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve("key.pem"))))
                .isEqualTo("rw-------");
    }

    @Test
    void signsWithTheKeyOfTheHost() throws Exception {
        KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        try (AuditLog log = AuditLog.open(directory, CLOCK, AuditKey.of(pair))) {
            log.append(event(0));
        }

        assertThat(directory.resolve("key.pem")).doesNotExist();
        assertThat(verify(pair.getPublic()).sound()).isTrue();
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> AuditLog.open(directory, CLOCK, AuditKey.generate()))
                .withMessage("opening audit log " + directory + ": entry 0, its last, is not signed with this key. Fix:"
                        + " give the key that signs this log; if it is this one, somebody has changed the log:"
                        + " VerifyAudit tells where.");
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> AuditLog.open(directory, CLOCK))
                .withMessage("opening audit log " + directory + ": its key " + directory.resolve("key.pem")
                        + " is gone, but 1 entries are signed with it. Fix: restore the key, give the key that the host"
                        + " keeps, or move the directory away, so that a new log begins.");
    }

    @Test
    void refusesAKeyThatSignsOtherwise() throws Exception {
        KeyPair rsa = KeyPairGenerator.getInstance("RSA").generateKeyPair();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AuditKey.of(rsa))
                .withMessage("an audit key is a pair of Ed25519 keys");
        KeyPairGenerator generator = KeyPairGenerator.getInstance("Ed25519");
        KeyPair mixed = new KeyPair(
                generator.generateKeyPair().getPublic(),
                generator.generateKeyPair().getPrivate());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AuditKey.of(mixed))
                .withMessage("the public key is not that of the private key");
    }

    @Test
    void aFactWithoutItsEntryGetsItOnceAndOneWithItNone() {
        try (AuditLog log = AuditLog.open(directory, CLOCK)) {
            AuditEvent named = event(3).with(AuditEvent.FACT, "aliases/17");
            List<Long> written = new ArrayList<>();
            log.append(named, written::add);
            assertThat(log.complete(written.get(0), named, written::add)).isFalse();

            AuditEvent lost = event(4).with(AuditEvent.FACT, "aliases/18");
            log.append(event(9)); // another has taken the place that the fact was written with
            assertThat(log.complete(1, lost, written::add)).isTrue();
            assertThat(log.complete(written.get(1), lost, written::add)).isFalse();
            assertThat(log.history("delays"))
                    .last()
                    .extracting(entry -> entry.event().details())
                    .isEqualTo(Map.of(
                            "fact", "aliases/18", "version", "4", "added", "when it was found without an entry"));
        }
    }

    @Test
    void aFactThatFailsLeavesNoEntry() {
        try (AuditLog log = AuditLog.open(directory, CLOCK)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> log.append(event(0), sequence -> {
                        throw new IllegalArgumentException("no");
                    }));
            assertThat(log.size()).isZero();
            assertThat(log.append(event(1)).sequence()).isZero();
        }
    }

    @Test
    void anInterruptedThreadOpensALogAndAddsToIt() {
        Thread.currentThread().interrupt();
        try (AuditLog log = AuditLog.open(directory, CLOCK)) {
            log.append(event(0));
            assertThat(log.entry(0)).isPresent();
        }
        assertThat(Thread.interrupted()).as("the flag stays as it is").isTrue();
    }

    @Test
    void aClosedLogTakesNoMore() {
        AuditLog log = AuditLog.open(directory, CLOCK);
        log.close();
        log.close();
        assertThatExceptionOfType(ClosedException.class)
                .isThrownBy(() -> log.append(event(0)))
                .withMessage("audit log " + directory + ": it was closed. Fix: open it again.");
    }

    @Test
    void refusesAnActionThatIsNoName() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AuditEvent.of("ann", "Promoted!", "delays"))
                .withMessage("an action is of lower-case letters, digits and dashes, found \"Promoted!\"");
    }

    private AuditVerification verify(PublicKey key) {
        return AuditVerification.of(directory, key, Optional.empty(), entry -> {});
    }
}
