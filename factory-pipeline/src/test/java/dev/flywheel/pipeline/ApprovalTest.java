package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.TrainingException;
import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.audit.AuditKey;
import dev.flywheel.core.audit.AuditVerification;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.registry.AliasMove;
import dev.flywheel.pipeline.CrashChild.Point;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Who may put what into production: a person's approval and the freeze switch, and what the audit log tells of them.
 */
class ApprovalTest {

    private static final Instant NOON = Instant.parse("2026-01-31T12:00:00Z");

    @TempDir
    Path directory;

    private volatile Instant now = NOON;
    private final List<ApprovalRequest> asked = new ArrayList<>();
    private Path home;
    private Path csv;
    private Factory factory;

    @BeforeEach
    void makeAChampion() throws IOException {
        home = directory.resolve("home");
        csv = CrashTest.writePoints(directory.resolve("points.csv"), 200);
        factory = open();
        assertThat(factory.run(CrashChild.pipeline(csv)).outcome()).isEqualTo(Run.Outcome.PROMOTED);
    }

    @AfterEach
    void close() {
        factory.close();
    }

    private Factory open() {
        return Factory.open(home, Factory.options().clock(() -> now).withoutTicks());
    }

    private void reopen() {
        factory.close();
        factory = open();
    }

    private Pipeline<Point, Boolean, Double> asking() {
        return asking("points");
    }

    private Pipeline<Point, Boolean, Double> asking(String name) {
        Approval rule = Approval.within(Duration.ofHours(1)).onAsked(Runnable::run, asked::add);
        return CrashChild.points(name, csv).approve(rule).build();
    }

    private int champion() {
        return factory.championAt("points", now).orElseThrow().to().orElseThrow();
    }

    /** What was done since the first version was promoted. */
    private List<String> story() {
        return factory.audit("points").stream()
                .map(entry -> entry.event().action())
                .dropWhile(action -> !action.equals(AuditEvent.RUN_ENDED))
                .skip(1)
                .toList();
    }

    @Test
    void aCandidateWaitsForAPersonAndIsChampionOnceApproved() {
        Run run = factory.run(asking());

        ApprovalRequest request = asked.get(0);
        assertThat(factory.approvals("points")).containsExactly(request);
        assertThat(run.outcome()).isEqualTo(Run.Outcome.REJECTED);
        assertThat(run.reason())
                .isEqualTo("it passed every gate and waits until 2026-01-31T13:00:00Z for a person to approve "
                        + request.artifact());
        assertThat(run.version()).hasValue(2);
        assertThat(champion()).isEqualTo(1);
        assertThat(request.evidence()).hasSize(2);
        assertThat(request.champion()).isEqualTo(OptionalInt.of(1));

        now = NOON.plusSeconds(60);
        factory.approve("points", request.artifact(), "ann", "looks right");

        assertThat(champion()).isEqualTo(2);
        assertThat(factory.approvals("points")).isEmpty();
        AliasMove move = factory.championAt("points", now).orElseThrow();
        assertThat(move.why()).startsWith("approved by ann (looks right): logistic passed 2 of 2 gates");
        assertThat(move.evidence()).isEqualTo(request.evidence());
        assertThat(factory.championAt("points", NOON.minusSeconds(1))).isEmpty();
        assertThat(story())
                .containsExactly(
                        "run-started", "registered", "approval-asked", "run-ended", "approval-given", "promoted");
        AuditVerification verified =
                AuditVerification.of(home.resolve("audit"), factory.audit().publicKey(), Optional.empty(), entry -> {});
        assertThat(verified.problem()).isEmpty();
    }

    @Test
    void aFirstCandidateWaitsForAPersonAndIsTrainedOnce() {
        for (int start = 0; start < 2; start++) {
            assertThatExceptionOfType(TrainingException.class)
                    .isThrownBy(() -> factory.start(asking("first")))
                    .withMessage("pipeline \"first\" has nothing to serve: version 1 passed every gate and waits until"
                            + " 2026-01-31T13:00:00Z for a person to approve it. Fix: approve "
                            + asked.get(0).artifact() + " with Factory.approve, then start the pipeline again.");
            reopen();
        }
        assertThat(asked).hasSize(1);

        factory.approve("first", asked.get(0).artifact(), "ann", "yes");

        try (Deployment<Point, Boolean, Double> live = factory.start(asking("first"))) {
            assertThat(live.version()).isEqualTo(1);
        }
        assertThat(factory.versions("first")).hasSize(1);
    }

    @Test
    void anApprovalOfAnotherHashIsRefused() {
        factory.run(asking());

        String other = "0".repeat(64);
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> factory.approve("points", other, "ann", "yes"))
                .withMessage("an answer of ann to the candidate " + other + " of pipeline \"points\": no candidate with"
                        + " this hash has asked for approval. Fix: answer one of those that wait: ["
                        + asked.get(0).artifact() + "].");
        assertThat(champion()).isEqualTo(1);
    }

    @Test
    void aDeniedCandidateIsNeverChampion() {
        factory.run(asking());
        String artifact = asked.get(0).artifact();

        factory.deny("points", artifact, "bob", "too risky");

        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> factory.approve("points", artifact, "ann", "yes"))
                .withMessageContaining(": it is denied: too risky. Fix: answer one of those that wait: [].");
        assertThat(champion()).isEqualTo(1);
        assertThat(story()).endsWith("run-ended", "approval-denied");
    }

    @Test
    void anApprovalThatComesTooLateIsRefused() {
        factory.run(asking());
        now = NOON.plus(Duration.ofHours(1));

        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> factory.approve("points", asked.get(0).artifact(), "ann", "yes"))
                .withMessageContaining(": it is expired: nobody answered before 2026-01-31T13:00:00Z. Fix: ");
        assertThat(champion()).isEqualTo(1);
        assertThat(story()).endsWith("run-ended", "approval-expired");
    }

    @Test
    void aRequestOutlivesARestartAndTheServingVersionChangesWithIt() {
        factory.run(asking());
        reopen();
        try (Deployment<Point, Boolean, Double> live = factory.start(asking())) {
            assertThat(live.version()).isEqualTo(1);
            factory.approve("points", asked.get(0).artifact(), "ann", "yes");
            assertThat(live.version()).isEqualTo(2);
            assertThat(live.predict(new Point(2, 1, "red")).version()).isEqualTo(2);
        }
        assertThat(asked).hasSize(1);
    }

    @Test
    void aPersonMayAnswerByAFile() throws IOException {
        factory.run(asking());
        ApprovalRequest request = asked.get(0);
        Path answer = request.file().resolveSibling(request.artifact() + ".answer.json");
        Files.writeString(
                answer,
                "{\"artifact\": \"" + "0".repeat(64)
                        + "\", \"decision\": \"approve\", \"who\": \"ann\", \"why\": \"\"}");

        assertThat(factory.approvals("points")).hasSize(1);
        assertThat(champion()).isEqualTo(1);
        assertThat(answer).doesNotExist();
        assertThat(answer.resolveSibling(answer.getFileName() + ".refused")).exists();
        assertThat(story()).endsWith("run-ended", "approval-answer-refused");

        Files.writeString(
                answer,
                "{\"artifact\": \"" + request.artifact()
                        + "\", \"decision\": \"approve\", \"who\": \"ann\", \"why\": \"by mail\"}");

        assertThat(factory.approvals("points")).isEmpty();
        assertThat(champion()).isEqualTo(2);
        assertThat(answer).doesNotExist();
    }

    @Test
    void anAnswerThatCannotBeKeptNowIsTakenLater() throws IOException {
        factory.run(asking());
        ApprovalRequest request = asked.get(0);
        Path answer = request.file().resolveSibling(request.artifact() + ".answer.json");
        Files.writeString(
                answer,
                "{\"artifact\": \"" + request.artifact()
                        + "\", \"decision\": \"approve\", \"who\": \"ann\", \"why\": \"by mail\"}");
        byte[] kept = Files.readAllBytes(request.file());
        Files.delete(request.file());
        Files.createDirectories(request.file().resolve("in the way"));

        assertThatExceptionOfType(StoreException.class).isThrownBy(() -> factory.approvals("points"));
        assertThat(answer).exists();

        Durable.delete(request.file());
        Files.write(request.file(), kept);
        assertThat(factory.approvals("points")).isEmpty();
        assertThat(champion()).isEqualTo(2);
    }

    @Test
    void anApprovalIsForTheChampionThatTheGatesSaw() {
        factory.run(asking());
        assertThat(factory.run(CrashChild.pipeline(csv)).version()).hasValue(3);

        factory.approve("points", asked.get(0).artifact(), "ann", "yes");

        assertThat(champion()).isEqualTo(3);
        assertThat(factory.audit("points"))
                .last()
                .satisfies(entry -> assertThat(entry.event().action()).isEqualTo("approval-overtaken"))
                .satisfies(entry -> assertThat(entry.event().details())
                        .containsEntry("why", "the gates compared it with champion 1, now it is 3"));
    }

    @Test
    void anApprovalServesOnceAlsoIfACrashCameBeforeThatWasNoted() throws IOException {
        factory.run(asking());
        ApprovalRequest request = asked.get(0);
        factory.freeze("a holiday", "ann");
        factory.approve("points", request.artifact(), "ann", "yes");
        byte[] unused = Files.readAllBytes(request.file());
        factory.unfreeze("back", "ann");
        assertThat(champion()).isEqualTo(2);
        factory.close();
        Files.write(request.file(), unused);

        factory = open();
        try (Deployment<Point, Boolean, Double> live = factory.start(asking())) {
            assertThat(live.rollback()).isEqualTo(1);
            live.resume();
            assertThat(factory.approvals("points")).isEmpty();
            assertThat(live.version()).isEqualTo(1);
        }
    }

    @Test
    void aPauseThatACrashKeptFromTheAuditLogIsTold() throws IOException {
        factory.run(CrashChild.pipeline(csv));
        try (Deployment<Point, Boolean, Double> live = factory.start(CrashChild.pipeline(csv))) {
            live.rollback();
        }
        Path file = home.resolve("pipelines/points/paused.json");
        String told = Files.readString(file);
        assertThat(story()).containsOnlyOnce("paused");
        factory.close();
        Files.writeString(file, told.replaceAll("paused/[0-9a-f-]+", "paused/of-a-crash"));

        factory = open();
        try (Deployment<Point, Boolean, Double> live = factory.start(CrashChild.pipeline(csv))) {
            assertThat(live.paused()).isPresent();
            assertThat(story()).endsWith("rolled-back", "paused");
            live.resume();
        }
        reopen();
        try (Deployment<Point, Boolean, Double> live = factory.start(CrashChild.pipeline(csv))) {
            assertThat(live.paused()).isEmpty();
            assertThat(story()).endsWith("rolled-back", "paused", "resumed");
        }
    }

    @Test
    void aNewerCandidateTakesTheOthersPlace() throws IOException {
        factory.run(asking());
        CrashTest.writePoints(csv, 220);
        factory.run(asking());

        assertThat(factory.approvals("points")).containsExactly(asked.get(1));
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> factory.approve("points", asked.get(0).artifact(), "ann", "yes"))
                .withMessageContaining(": it is overtaken: version 3 is newer. Fix: ");
    }

    @Test
    void aCandidateThatIsNotWhatWasApprovedIsRefused() throws IOException {
        factory.run(asking());
        Path model = home.resolve("pipelines/points/versions/2/model.onnx");
        byte[] bytes = Files.readAllBytes(model);
        bytes[bytes.length / 2] ^= 1;
        Files.write(model, bytes);

        factory.approve("points", asked.get(0).artifact(), "ann", "yes");

        assertThat(champion()).isEqualTo(1);
        assertThat(story()).endsWith("approval-given", "approval-overtaken");
    }

    @Test
    void aListenerThatThrowsHarmsNothing() {
        Approval rule = Approval.within(Duration.ofHours(1)).onAsked(Runnable::run, request -> {
            throw new IllegalStateException("no");
        });

        assertThat(factory.run(CrashChild.points("points", csv).approve(rule).build())
                        .version())
                .hasValue(2);
        assertThat(factory.approvals("points")).hasSize(1);
    }

    @Test
    void nothingIsPromotedWhileFrozenAlsoAfterARestartButRolledBack() {
        assertThat(factory.run(CrashChild.pipeline(csv)).version()).hasValue(2);
        factory.freeze("the audit is on", "ann");
        reopen();

        assertThat(factory.frozen())
                .contains("promotions are frozen by ann since 2026-01-31T12:00:00Z: the audit is on");
        Run run = factory.run(CrashChild.pipeline(csv));
        assertThat(run.outcome()).isEqualTo(Run.Outcome.REJECTED);
        assertThat(run.reason())
                .isEqualTo("it passed every gate, but promotions are frozen by ann since 2026-01-31T12:00:00Z: the"
                        + " audit is on");
        assertThat(champion()).isEqualTo(2);
        try (Deployment<Point, Boolean, Double> live = factory.start(CrashChild.pipeline(csv))) {
            assertThat(live.rollback()).isEqualTo(1);
            live.resume();
            assertThat(live.retrain().join().outcome()).isEqualTo(Run.Outcome.REJECTED);
            factory.unfreeze("it is over", "bob");
            assertThat(factory.frozen()).isEmpty();
            assertThat(live.retrain().join().outcome()).isEqualTo(Run.Outcome.PROMOTED);
        }
        assertThat(factory.audit(AuditEvent.FACTORY))
                .extracting(entry -> entry.event().actor() + " " + entry.event().action())
                .containsExactly("ann frozen", "bob unfrozen");
        assertThat(story()).contains("paused", "rolled-back", "resumed");
        reopen();
        assertThat(factory.frozen()).isEmpty();
    }

    @Test
    void anApprovedCandidateWaitsForTheEndOfAFreezeButNotForEver() {
        factory.run(asking());
        factory.freeze("a holiday", "ann");
        factory.approve("points", asked.get(0).artifact(), "bob", "yes");
        assertThat(champion()).isEqualTo(1);
        factory.unfreeze("back", "ann");
        assertThat(champion()).isEqualTo(2);

        factory.run(asking());
        factory.freeze("a holiday", "ann");
        factory.approve("points", asked.get(1).artifact(), "bob", "yes");
        now = NOON.plus(Duration.ofHours(2));
        factory.unfreeze("back", "ann");
        assertThat(champion()).isEqualTo(2);
        assertThat(story()).endsWith("approval-expired");
    }

    @Test
    void theHostMayKeepTheKey() {
        factory.close();
        Durable.delete(home.resolve("audit"));
        AuditKey key = AuditKey.generate();
        factory = Factory.open(
                home, Factory.options().clock(() -> now).withoutTicks().auditKey(key));
        factory.freeze("a test", "ann");

        assertThat(home.resolve("audit/key.pem")).doesNotExist();
        assertThat(factory.audit().checkpoint().signedBy(key.publicKey())).isTrue();
    }

    @Test
    void refusesNonsense() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Approval.within(Duration.ZERO))
                .withMessage("option Approval.within is invalid: found PT0S, expected more than nothing: a person must"
                        + " have time to answer");
        assertThatIllegalStateException()
                .isThrownBy(() -> CrashChild.points("points", csv)
                        .approve(Approval.within(Duration.ofHours(1)))
                        .approve(Approval.within(Duration.ofHours(2))))
                .withMessage("option approve was already set to by a person within PT1H");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> factory.approvals("other"))
                .withMessage("there is no pipeline \"other\" in " + home + ", but [points]");
        assertThat(CrashChild.points("points", csv)
                        .approve(Approval.within(Duration.ofHours(1)))
                        .build()
                        .describe())
                .contains("\napprove by a person within PT1H\n");
    }
}
