package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.audit.AuditEntry;
import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.audit.AuditVerification;
import dev.flywheel.core.audit.Checkpoint;
import dev.flywheel.core.data.RecordType;
import dev.flywheel.core.log.LogCursor;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.registry.AliasMove;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.CrashPromises.Outcome;
import dev.flywheel.pipeline.CrashedTrials.Moment;
import dev.flywheel.pipeline.flywheel.Feedback;
import dev.flywheel.pipeline.flywheel.FeedbackJoin;
import dev.flywheel.pipeline.flywheel.JoinReport;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A home in which one {@link CrashChild} after the other was killed, and what each was promised there. */
final class CrashedHome {

    private static final List<String> PIPELINES = List.of("points", "asked");

    /** What kills are aimed at. */
    private static final List<Moment> MOMENTS =
            List.of(Moment.UNDER_WAY, Moment.STEP, Moment.PROMOTION, Moment.ROLLBACK);

    /** The first kind of kill that is. */
    private static final int AIMED = 4;

    private final Path home;
    private final Path csv;
    private final Random random;
    private final CrashedTrials trials;
    private final CrashPromises promises = new CrashPromises();
    private final Map<String, Integer> movesBefore = new HashMap<>();
    /** Some predictions that had no outcome when the home was last looked at. */
    private final List<UUID> untold = new ArrayList<>();

    private int lives;
    private @Nullable PublicKey key;
    private Optional<Checkpoint> checkpoint = Optional.empty();
    private String summary = "";

    CrashedHome(Path home, Path csv, Random random, CrashedTrials trials) {
        this.home = home;
        this.csv = csv;
        this.random = random;
        this.trials = trials;
    }

    /** {@return what the last reopening found, in words} */
    String summary() {
        return summary;
    }

    /**
     * Lets a child work and kills it: at a random instant of its start, of its work, of a trial's step, promotion or
     * rollback, or after it has got promises of every kind.
     *
     * @param full whether it must get these before
     */
    void liveAndDie(boolean full) throws IOException, InterruptedException {
        lives++;
        promises.beginLife();
        boolean proven = full || random.nextInt(6) != 0;
        Path errors = home.resolveSibling(home.getFileName() + ".log");
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        "-Xmx256m",
                        "-XX:TieredStopAtLevel=1",
                        // a fifth of a start went into verifying what was just compiled
                        "-XX:+UnlockDiagnosticVMOptions",
                        "-XX:-BytecodeVerificationRemote",
                        "-XX:+UseSerialGC",
                        "-XX:-UsePerfData",
                        "-Xshare:auto",
                        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                        CrashChild.class.getName(),
                        home.toString(),
                        csv.toString(),
                        Long.toString(random.nextLong()),
                        Boolean.toString(proven))
                .redirectError(errors.toFile())
                .start();
        Thread ear = new Thread(() -> hear(child));
        ear.start();
        int kind = random.nextInt(8);
        int millis = random.nextInt(kind == 0 ? 800 : 400);
        if (full || (kind == 1 && proven)) {
            await(promises.everything());
        } else if (kind > 0) {
            await(promises.ready());
        }
        boolean aimed = !full && kind >= AIMED && proven;
        if (aimed) {
            CrashedTrials.await(MOMENTS.get(kind - AIMED), pipeline("points"), promises, child);
        }
        if (!aimed || kind == AIMED) {
            child.waitFor(aimed ? millis / 4 : millis, TimeUnit.MILLISECONDS);
        }
        boolean worked = child.isAlive();
        // unlike Process.destroyForcibly, this leaves what the child has printed to be read
        child.toHandle().destroyForcibly();
        child.waitFor();
        ear.join();
        assertThat(worked)
                .as("the child works until it is killed:\n%s", Files.readString(errors))
                .isTrue();
    }

    private void hear(Process child) {
        try (BufferedReader out =
                new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8))) {
            out.lines().forEach(promises::hear);
        } catch (IOException | UncheckedIOException e) {
            // the pipe of a process that was killed
        } finally {
            promises.endLife();
        }
    }

    private static void await(CountDownLatch latch) throws InterruptedException {
        assertThat(latch.await(2, TimeUnit.MINUTES)).as("the child works").isTrue();
    }

    /** Opens the home as the next process would, and looks for everything that was promised. */
    void reopen() {
        trials.killed(pipeline("points"), promises);
        if (key != null) {
            assertSound(key, "before anybody has mended it");
        }
        try (Factory factory = Factory.open(home, Factory.options().withoutTicks())) {
            PublicKey signer = factory.audit().publicKey();
            key = signer;
            thaw(factory);
            for (String name : PIPELINES) {
                if (!factory.history(name).isEmpty()) {
                    assertServing(factory, name);
                }
            }
            assertSound(signer, "after it was opened again");
            checkpoint = Optional.of(factory.audit().checkpoint());
            assertAudited(factory);
        }
        assertThat(promises.outcomes.isEmpty() || Files.exists(pipeline("points")))
                .isTrue();
        if (Files.exists(pipeline("points").resolve("feedback"))) {
            assertJoined();
        }
    }

    private Path pipeline(String name) {
        return home.resolve("pipelines").resolve(name);
    }

    private void assertSound(PublicKey signer, String when) {
        AuditVerification verified = AuditVerification.of(home.resolve("audit"), signer, checkpoint, entry -> {});
        assertThat(verified.problem()).as("the audit log " + when).isEmpty();
    }

    private void thaw(Factory factory) {
        boolean frozen = factory.frozen().isPresent();
        assertThat(promises.mayBeFrozen(frozen))
                .as("frozen is what was asked for last: " + frozen)
                .isTrue();
        assertThat(factory.audit(AuditEvent.FACTORY).stream()
                        .reduce((first, second) -> second)
                        .filter(entry -> entry.event().action().equals(AuditEvent.FROZEN))
                        .isPresent())
                .as("the audit log tells of a freeze")
                .isEqualTo(frozen);
        factory.unfreeze("to look at it", "parent");
        promises.thawed();
    }

    /** The champion is whole and answers, and is what the moves that were heard of led to. */
    private void assertServing(Factory factory, String name) {
        factory.approvals(name);
        for (ModelVersion version : factory.versions(name)) {
            assertThat(version.artifact().modelFile()).exists();
            assertThat(version.card().pipeline()).isEqualTo(name);
        }
        List<AliasMove> moves = factory.history(name);
        List<Integer> served =
                moves.stream().map(move -> move.to().orElseThrow()).toList();
        int before = movesBefore.getOrDefault(name, 0);
        assertInOrder("moves that this life heard of", served.subList(before, served.size()), promises.serving(name));
        boolean proven = name.equals("points") && random.nextInt(8) != 0;
        boolean promoted = false;
        try (Deployment<Point, Boolean, Double> live = factory.start(
                proven
                        ? CrashChild.provenOnly(csv)
                        : CrashChild.points(name, csv).build())) {
            assertThat(live.version()).isEqualTo(served.get(served.size() - 1));
            assertThat(live.predict(CrashChild.point(random)).value()).isBetween(0.0, 1.0);
            if (name.equals("points")) {
                trials.reopened(live, proven, moves, promises, random);
            } else {
                assertThat(live.predict(CrashChild.point(random)).version()).isEqualTo(live.version());
            }
            assertThat(factory.audit(name).stream()
                            .map(entry -> entry.event().action())
                            .filter(Set.of(AuditEvent.PAUSED, AuditEvent.RESUMED)::contains)
                            .reduce("", (earlier, later) -> later)
                            .equals(AuditEvent.PAUSED))
                    .as("the audit log tells of a pause")
                    .isEqualTo(live.paused().isPresent());
            live.resume();
            if (name.equals("points")) {
                tellLate(live);
                live.trial().ifPresent(promises::seen);
                promoted = trials.promoted(live, moves);
            }
        }
        assertThat(factory.history(name))
                .as("nothing moves by itself, but a trial that was won")
                .startsWith(moves.toArray(AliasMove[]::new))
                .hasSize(promoted ? moves.size() + 1 : moves.size());
        movesBefore.put(name, factory.history(name).size());
    }

    /** Outcomes of predictions of another process. */
    private void tellLate(Deployment<Point, Boolean, Double> live) {
        for (UUID id : untold) {
            boolean label = random.nextBoolean();
            promises.tell(id, label ? 1 : 0, -1, "0");
            live.feedback(id, label);
            promises.told(id);
        }
        untold.clear();
    }

    /** The audit log tells of everything that was done once, and of nothing else. */
    private void assertAudited(Factory factory) {
        List<AuditEntry> entries = new ArrayList<>();
        factory.audit().read(0, entries::add);
        List<AuditEvent> events = entries.stream().map(AuditEntry::event).toList();
        assertNothingDoubled(events);
        assertNotes(events);
        assertFrozen(events);
        assertAnswers(events);
        for (String name : PIPELINES) {
            assertMoves(factory, name, of(events, name));
            assertRuns(of(events, name));
        }
        String plain = CrashChild.pipeline(csv).hash();
        CrashedTrials.assertTold(of(events, "points"), plain, CrashedTrials.kept(pipeline("points")));
        summary = lives + " lives, " + entries.size() + " entries, " + promises.acknowledged + " outcomes, "
                + factory.versions("points").size() + " and "
                + factory.versions("asked").size() + " versions";
    }

    private static List<AuditEvent> of(List<AuditEvent> events, String subject) {
        return events.stream().filter(event -> event.subject().equals(subject)).toList();
    }

    private static void assertNothingDoubled(List<AuditEvent> events) {
        List<String> facts = events.stream()
                .filter(event -> event.details().containsKey(AuditEvent.FACT))
                .map(event -> event.subject() + " " + event.details().get(AuditEvent.FACT))
                .toList();
        assertThat(facts).doesNotHaveDuplicates();
    }

    private void assertNotes(List<AuditEvent> events) {
        List<String> noted = events.stream()
                .filter(event -> event.action().equals("noted"))
                .map(event -> event.details().get("number"))
                .toList();
        assertThat(noted).doesNotHaveDuplicates().isSubsetOf(promises.notes);
        assertInOrder("acknowledged notes", noted, promises.acknowledgedNotes);
    }

    private static <T> void assertInOrder(String what, List<T> found, Collection<T> promised) {
        Iterator<T> rest = found.iterator();
        for (T next : promised) {
            boolean there = false;
            while (!there && rest.hasNext()) {
                there = rest.next().equals(next);
            }
            assertThat(there)
                    .as("%s: %s, in order, found %s", what, promised, found)
                    .isTrue();
        }
    }

    private static void assertFrozen(List<AuditEvent> events) {
        boolean frozen = false;
        for (AuditEvent event : events) {
            switch (event.action()) {
                case AuditEvent.FROZEN -> frozen = true;
                case AuditEvent.UNFROZEN -> frozen = false;
                case AuditEvent.PROMOTED ->
                    assertThat(frozen)
                            .as("%s while promotions were frozen", event)
                            .isFalse();
                default -> {}
            }
        }
    }

    /** Each answer that was taken is there once, and what became champion had been approved before. */
    private void assertAnswers(List<AuditEvent> events) {
        Set<String> approved = new HashSet<>();
        Set<String> settled = new HashSet<>();
        Map<String, Boolean> answered = new HashMap<>();
        int promoted = 0;
        for (AuditEvent event : of(events, "asked")) {
            String version = event.details().getOrDefault("version", "");
            switch (event.action()) {
                case AuditEvent.APPROVAL_GIVEN -> {
                    approved.add(version);
                    answered.put(version, true);
                }
                case AuditEvent.APPROVAL_DENIED -> answered.put(version, false);
                case AuditEvent.APPROVAL_OVERTAKEN, AuditEvent.APPROVAL_EXPIRED -> settled.add(version);
                case AuditEvent.PROMOTED -> {
                    assertThat(promoted++ == 0 || approved.remove(version))
                            .as("%s was approved before, for this once", event)
                            .isTrue();
                }
                default -> {}
            }
        }
        promises.answers.forEach((version, yes) -> assertThat(answered).containsEntry(Integer.toString(version), yes));
        approved.removeAll(settled);
        assertThat(approved)
                .as("approved, neither champion nor overtaken, and nothing forbids it")
                .isEmpty();
    }

    /** No alias moved and no version was registered without an entry, and no entry tells of what did not happen. */
    private static void assertMoves(Factory factory, String name, List<AuditEvent> events) {
        List<String> told = events.stream()
                .filter(event ->
                        Set.of(AuditEvent.PROMOTED, AuditEvent.ROLLED_BACK).contains(event.action()))
                .filter(event -> Factory.CHAMPION.equals(event.details().get("alias")))
                .map(event -> event.action() + " " + event.actor() + " "
                        + event.details().get("version") + " "
                        + event.details().get("why"))
                .toList();
        assertThat(told)
                .isEqualTo(factory.history(name).stream()
                        .map(move -> (move.kind() == AliasMove.Kind.MOVED ? "promoted " : "rolled-back ") + move.who()
                                + " " + move.to().orElseThrow() + " " + move.why())
                        .toList());
        List<Integer> registered = versions(events, AuditEvent.REGISTERED);
        assertThat(registered)
                .isEqualTo(factory.versions(name).stream()
                        .map(ModelVersion::number)
                        .toList());
        registered.addAll(versions(events, AuditEvent.REGISTRATION_CUT_SHORT));
        assertThat(registered)
                .as("numbers given away")
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.rangeClosed(1, registered.size()).boxed().toList());
    }

    private static List<Integer> versions(List<AuditEvent> events, String action) {
        List<Integer> versions = new ArrayList<>();
        for (AuditEvent event : events) {
            if (event.action().equals(action)) {
                versions.add(Integer.valueOf(event.details().get("version")));
            }
        }
        return versions;
    }

    /** A run ends once, unless a kill ends it. */
    private void assertRuns(List<AuditEvent> events) {
        List<String> started = runs(events, AuditEvent.RUN_STARTED);
        List<String> ended = runs(events, AuditEvent.RUN_ENDED);
        assertThat(started).doesNotHaveDuplicates();
        assertThat(ended).doesNotHaveDuplicates().isSubsetOf(started);
        assertThat(started.size() - ended.size()).as("runs cut short").isBetween(0, lives);
    }

    private static List<String> runs(List<AuditEvent> events, String action) {
        return events.stream()
                .filter(event -> event.action().equals(action))
                .map(event -> event.details().get("run"))
                .toList();
    }

    /** Every outcome is joined once with the prediction that it is of, or kept as one of an unknown prediction. */
    private void assertJoined() {
        Set<UUID> seen = new HashSet<>();
        List<String> wrong = new ArrayList<>();
        FeedbackJoin join = new FeedbackJoin(
                pipeline("points").resolve("predictions"),
                pipeline("points").resolve("feedback"),
                RecordType.of(Point.class).schema(),
                Duration.ofDays(1));
        JoinReport report = join.run(Instant.MIN, Instant.MAX, new FeedbackJoin.Receiver() {
            @Override
            public void joined(FeedbackJoin.Joined example) {
                Outcome outcome = promises.outcomes.get(example.id());
                if (!seen.add(example.id())
                        || outcome == null
                        || !outcome.mayBe(example.label())
                        || !outcome.isOf(example.version(), example.output())) {
                    wrong.add("joined " + example);
                }
            }

            @Override
            public void never(UUID id) {
                if (untold.size() < 3) {
                    untold.add(id);
                }
            }

            @Override
            public void unknown(UUID id, Feedback<Double> label, Instant at) {
                Outcome outcome = promises.outcomes.get(id);
                boolean known = outcome != null && outcome.version != 0;
                if (!seen.add(id)
                        || outcome == null
                        || !outcome.mayBe(label.outcome().orElseThrow())
                        || known) {
                    wrong.add("unknown " + id + " " + label);
                }
            }
        });
        promises.outcomes.forEach((id, outcome) -> {
            if (outcome.acknowledged() && !seen.contains(id)) {
                wrong.add("lost " + id);
            }
        });
        assertThat(wrong).isEmpty();
        long kept = records(pipeline("points").resolve("feedback"));
        assertThat(kept).as("outcomes kept").isBetween(promises.acknowledged, promises.told);
        assertThat(report.joined() + report.duplicates() + report.corrections() + report.unknown() + report.notLogged())
                .isEqualTo(kept);
        assertThat(records(pipeline("points").resolve("predictions")))
                .as("predictions kept, each once")
                .isEqualTo(report.predictions());
        assertThat(report.late() + report.otherSchema()).isZero();
    }

    private static long records(Path log) {
        long records = 0;
        try (LogCursor cursor = LogCursor.open(log, 0)) {
            while (cursor.next()) {
                records++;
            }
        }
        return records;
    }
}
