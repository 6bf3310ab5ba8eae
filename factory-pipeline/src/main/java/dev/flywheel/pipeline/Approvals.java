package dev.flywheel.pipeline;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.audit.AuditLog;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.model.Verdict;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The candidates of a pipeline that wait, or have waited, for a person, one file each. Thread-safe. A newer candidate
 * takes the place of those that wait.
 */
final class Approvals {

    private static final Logger log = LoggerFactory.getLogger(Approvals.class);
    private static final String REQUEST = ".json";
    private static final String ANSWER = ".answer.json";

    /** How far it has come. */
    enum Status {
        ASKED,
        GIVEN,
        DENIED,
        EXPIRED,
        /** There is a newer candidate, or another champion. */
        OVERTAKEN,
        /** The candidate has become champion. */
        USED;

        boolean open() {
            return this == ASKED || this == GIVEN;
        }
    }

    /**
     * What a request's file holds.
     *
     * @param who the person or part that brought it to its status
     * @param reason why
     * @param audit the sequence of the audit log's entry that tells of the status
     */
    record Saved(
            Status status,
            int version,
            String artifact,
            OptionalInt champion,
            Instant askedAt,
            Instant expiresAt,
            String why,
            List<Verdict> evidence,
            String who,
            String reason,
            long audit) {

        Saved to(Status next, String by, String because, long sequence) {
            return new Saved(
                    next, version, artifact, champion, askedAt, expiresAt, why, evidence, by, because, sequence);
        }
    }

    private record Answer(
            @Nullable String artifact,
            @Nullable String decision,
            @Nullable String who,
            @Nullable String why) {}

    private final Path directory;
    private final String pipeline;
    private final AuditLog audit;
    private final InstantSource clock;
    private final Map<String, Saved> all = new TreeMap<>();

    Approvals(Path directory, String pipeline, AuditLog audit, InstantSource clock) {
        this.directory = directory;
        this.pipeline = pipeline;
        this.audit = audit;
        this.clock = clock;
        if (Files.isDirectory(directory)) {
            read();
        }
    }

    private void read() {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                String name = String.valueOf(file.getFileName());
                if (name.endsWith(Durable.UNFINISHED)) {
                    Line.discard(file);
                } else if (name.matches("[0-9a-f]{64}" + REQUEST)) {
                    Saved saved = Json.readKnown(Line.read(file), Saved.class, file.toString());
                    all.put(saved.artifact, saved);
                    audit.complete(
                            saved.audit,
                            event(saved),
                            sequence -> write(saved.to(saved.status, saved.who, saved.reason, sequence)));
                }
            }
        } catch (IOException e) {
            throw new StoreException(
                    "reading " + directory, "the file system says " + e, "check that this user may read there", e);
        }
    }

    /** Asks a person; {@return the request}. */
    synchronized ApprovalRequest ask(
            ModelVersion version, OptionalInt champion, String why, List<Verdict> evidence, Approval rule) {
        for (Saved open : open()) {
            change(open, Status.OVERTAKEN, "flywheel", "version " + version.number() + " is newer");
        }
        Instant now = clock.instant();
        Saved asked = new Saved(
                Status.ASKED,
                version.number(),
                version.artifactHash(),
                champion,
                now,
                now.plus(rule.limit()),
                why,
                evidence,
                "flywheel",
                why,
                0);
        Durable.createDirectories(directory);
        // an answer that was there before the question is none
        Durable.delete(directory.resolve(asked.artifact + ANSWER));
        change(asked, Status.ASKED, "flywheel", why);
        return request(asked);
    }

    /** {@return the candidates that wait for an answer and have not expired} */
    synchronized List<ApprovalRequest> waiting() {
        expire();
        return open().stream()
                .filter(saved -> saved.status == Status.ASKED)
                .map(this::request)
                .toList();
    }

    /**
     * Takes a person's answer.
     *
     * @throws StoreException if no candidate of this hash waits for one
     */
    synchronized void answer(String artifact, Status answer, String who, String why) {
        Objects.requireNonNull(artifact, "artifact");
        Objects.requireNonNull(who, "who");
        Objects.requireNonNull(why, "why");
        expire();
        Saved saved = all.get(artifact);
        if (saved == null || saved.status != Status.ASKED) {
            throw new StoreException(
                    "an answer of " + who + " to the candidate " + artifact + " of pipeline \"" + pipeline + "\"",
                    saved == null
                            ? "no candidate with this hash has asked for approval"
                            : "it is " + saved.status.name().toLowerCase(Locale.ROOT) + ": " + saved.reason,
                    "answer one of those that wait: "
                            + waiting().stream().map(ApprovalRequest::artifact).toList());
        }
        change(saved, answer, who, why);
    }

    /** {@return the candidate that was approved and is not champion yet, after a look at what answers lie there} */
    synchronized Optional<Saved> given() {
        if (open().isEmpty()) {
            return Optional.empty();
        }
        expire();
        open().stream().filter(saved -> saved.status == Status.ASKED).forEach(this::readAnswer);
        return open().stream().filter(saved -> saved.status == Status.GIVEN).findFirst();
    }

    /** Notes what has become of an approval. */
    synchronized void end(Saved saved, Status status, String reason) {
        if (status == Status.USED) {
            // the registry has told the audit log of the move already
            write(saved.to(Status.USED, saved.who, saved.reason, saved.audit));
        } else {
            change(saved, status, "flywheel", reason);
        }
    }

    private void readAnswer(Saved saved) {
        Path file = directory.resolve(saved.artifact + ANSWER);
        if (!Files.exists(file)) {
            return;
        }
        Answer answer;
        Status status;
        try {
            answer = Json.readKnown(Line.read(file), Answer.class, file.toString());
            status = decision(saved, answer, file);
        } catch (StoreException e) {
            log.warn("an answer is refused", e);
            audit.append(AuditEvent.of("flywheel", "approval-answer-refused", pipeline)
                    .with("artifact", saved.artifact)
                    .with("why", String.valueOf(e.getMessage())));
            Path refused = file.resolveSibling(file.getFileName() + ".refused");
            Durable.delete(refused);
            Durable.move(file, refused);
            return;
        }
        // where this fails the answer stays for the next look: it is the disk that is wrong, not the person
        change(saved, status, Objects.requireNonNull(answer.who), Objects.requireNonNull(answer.why));
        Durable.delete(file);
    }

    private static Status decision(Saved saved, Answer answer, Path file) {
        String found = String.valueOf(answer.decision);
        boolean known = found.equals("approve") || found.equals("deny");
        if (!saved.artifact.equals(answer.artifact) || !known || answer.who == null || answer.why == null) {
            throw new StoreException(
                    "reading " + file,
                    "it must have the artifact " + saved.artifact + ", a decision approve or deny, who and why, found "
                            + answer,
                    "write the answer for this candidate, or delete the file");
        }
        return found.equals("approve") ? Status.GIVEN : Status.DENIED;
    }

    private void expire() {
        Instant now = clock.instant();
        for (Saved saved : open()) {
            if (!now.isBefore(saved.expiresAt)) {
                String why = saved.status == Status.ASKED
                        ? "nobody answered before " + saved.expiresAt
                        : "it was approved by " + saved.who + ", but could not serve before " + saved.expiresAt;
                change(saved, Status.EXPIRED, "flywheel", why);
            }
        }
    }

    private List<Saved> open() {
        return all.values().stream()
                .filter(saved -> saved.status.open())
                .sorted(Comparator.comparingInt(Saved::version))
                .toList();
    }

    private void change(Saved saved, Status status, String who, String reason) {
        Saved next = saved.to(status, who, reason, 0);
        audit.append(event(next), sequence -> write(saved.to(status, who, reason, sequence)));
    }

    private void write(Saved saved) {
        Durable.write(directory.resolve(saved.artifact + REQUEST), Json.write(saved));
        all.put(saved.artifact, saved);
    }

    private AuditEvent event(Saved saved) {
        String action = switch (saved.status) {
            case ASKED -> AuditEvent.APPROVAL_ASKED;
            case GIVEN, USED -> AuditEvent.APPROVAL_GIVEN;
            case DENIED -> AuditEvent.APPROVAL_DENIED;
            case EXPIRED -> AuditEvent.APPROVAL_EXPIRED;
            case OVERTAKEN -> AuditEvent.APPROVAL_OVERTAKEN;
        };
        return AuditEvent.of(saved.who, action, pipeline)
                .with("artifact", saved.artifact)
                .with("expires", saved.expiresAt.toString())
                .with(AuditEvent.FACT, "approvals/" + saved.version + "/" + action)
                .with("version", Integer.toString(saved.version))
                .with("why", saved.reason)
                .with(saved.status == Status.ASKED ? saved.evidence : List.of());
    }

    private ApprovalRequest request(Saved saved) {
        return new ApprovalRequest(
                pipeline,
                saved.version,
                saved.artifact,
                saved.champion,
                saved.askedAt,
                saved.expiresAt,
                saved.why,
                saved.evidence,
                directory.resolve(saved.artifact + REQUEST));
    }
}
