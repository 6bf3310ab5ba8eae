package dev.flywheel.pipeline;

import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.pipeline.TrialReport.Status;
import dev.flywheel.pipeline.prove.CanaryState;
import dev.flywheel.pipeline.prove.Decision;
import dev.flywheel.pipeline.prove.Decision.Action;
import dev.flywheel.pipeline.prove.Gain;
import dev.flywheel.pipeline.prove.TrialState;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The last trial of a pipeline, as trial.json holds it. Immutable.
 *
 * @param format the version of this file's format
 * @param stage how far it has come
 * @param plan the plan in words
 * @param run the run that made the challenger
 * @param champion the version that it is compared with
 * @param challenger the version on trial
 * @param evidence what the gates said of it
 * @param startedAt when it began
 * @param canary where the canary stands; null of an experiment
 * @param sums where the experiment stands; of a canary, what its gain is told from
 * @param keyed whether keys were counted
 * @param held why it does not go on by itself; null if it does
 * @param last the last decision
 * @param gain the gain at that time
 * @param news the last thing that the audit log is to know
 */
record TrialFile(
        int format,
        Stage stage,
        String plan,
        String run,
        int champion,
        int challenger,
        List<Verdict> evidence,
        Instant startedAt,
        @Nullable CanaryState canary,
        TrialState sums,
        boolean keyed,
        @Nullable String held,
        Decision last,
        Gain gain,
        News news) {

    private static final String FILE = "trial.json";
    private static final int FORMAT = 1;

    /** How far a trial has come. */
    enum Stage {
        /** Both versions answer. */
        RUNNING,
        /** It is known how it ends, but that was not done yet. */
        DECIDED,
        /** The champion answers alone. */
        OVER
    }

    /**
     * What happened last.
     *
     * @param number how many times something has happened
     * @param actor the person or part that did it
     * @param action what was done, in the audit log's words
     * @param why in a sentence
     * @param audit the sequence of the audit log's entry that tells of it
     */
    record News(int number, String actor, String action, String why, long audit) {}

    /** The trial's beginnings. */
    static TrialFile begin(
            String plan,
            String run,
            int champion,
            int challenger,
            List<Verdict> evidence,
            @Nullable CanaryState canary,
            TrialState sums,
            Gain gain,
            Decision first,
            News news) {
        return new TrialFile(
                FORMAT,
                Stage.RUNNING,
                plan,
                run,
                champion,
                challenger,
                List.copyOf(evidence),
                first.at(),
                canary,
                sums,
                false,
                null,
                first,
                gain,
                news);
    }

    /** {@return this trial with what was seen since} */
    TrialFile seen(@Nullable CanaryState canaryNow, TrialFacts facts) {
        return new TrialFile(
                format,
                stage,
                plan,
                run,
                champion,
                challenger,
                evidence,
                startedAt,
                canaryNow,
                facts.sums(),
                facts.keyed(),
                held,
                last,
                facts.gain(),
                news);
    }

    TrialFile decided(Decision decision) {
        Stage next = decision.action().ends() ? Stage.DECIDED : stage;
        return to(next, null, decision);
    }

    TrialFile held(@Nullable String why) {
        return to(stage, why, last);
    }

    TrialFile over() {
        return to(Stage.OVER, null, last);
    }

    private TrialFile to(Stage next, @Nullable String why, Decision decision) {
        return new TrialFile(
                format,
                next,
                plan,
                run,
                champion,
                challenger,
                evidence,
                startedAt,
                canary,
                sums,
                keyed,
                why,
                decision,
                gain,
                news);
    }

    TrialFile news(String actor, String action, String why) {
        return news(new News(news.number + 1, actor, action, why, 0));
    }

    /** {@return this trial, told of in the audit log's entry of a sequence} */
    TrialFile audited(long sequence) {
        return news(new News(news.number, news.actor, news.action, news.why, sequence));
    }

    private TrialFile news(News next) {
        return new TrialFile(
                format,
                stage,
                plan,
                run,
                champion,
                challenger,
                evidence,
                startedAt,
                canary,
                sums,
                keyed,
                held,
                last,
                gain,
                next);
    }

    /** {@return the share of the traffic that the challenger gets} */
    double share() {
        if (stage == Stage.OVER) {
            return last.action() == Action.PROMOTE ? 1 : 0;
        }
        return canary == null ? sums.arms().get(1).share() : canary.share();
    }

    Status status() {
        if (stage == Stage.RUNNING) {
            return held == null ? Status.RUNNING : Status.HELD;
        }
        return switch (last.action()) {
            case PROMOTE -> stage == Stage.OVER ? Status.PROMOTED : Status.HELD;
            case ROLL_BACK -> Status.ROLLED_BACK;
            default -> Status.INCONCLUSIVE;
        };
    }

    TrialReport report() {
        String reason = held == null ? last.reason() : held;
        return new TrialReport(
                champion,
                challenger,
                run,
                plan,
                status(),
                share(),
                startedAt,
                last.at(),
                reason,
                last.evidence(),
                gain);
    }

    /** {@return what the audit log is to know of the last news} */
    AuditEvent event(String pipeline) {
        AuditEvent event = AuditEvent.of(news.actor, news.action, pipeline)
                .with("version", Integer.toString(challenger))
                .with("champion", Integer.toString(champion))
                .with("why", news.why)
                .with(AuditEvent.FACT, fact(challenger, startedAt) + news.number);
        return switch (news.action) {
            case AuditEvent.TRIAL_STARTED -> event.with("plan", plan).with(evidence);
            case AuditEvent.TRIAL_ENDED ->
                event.with("outcome", last.action().name())
                        .with("goal", gain.goal())
                        .with("gain", gain.describe())
                        .with(last.evidence());
            default -> event.with("share", Double.toString(share())).with(last.evidence());
        };
    }

    /** {@return how the facts of a trial begin, in the audit log's words} */
    static String fact(int challenger, Instant startedAt) {
        return "trial/" + challenger + "/" + startedAt + "/";
    }

    /**
     * {@return the last trial, if there was one}
     *
     * @throws dev.flywheel.core.StoreException if the file is damaged
     */
    static Optional<TrialFile> read(Line line) {
        Path file = file(line);
        return Files.exists(file)
                ? Optional.of(Json.readKnown(Line.read(file), TrialFile.class, file.toString()))
                : Optional.empty();
    }

    void write(Line line) {
        Durable.write(file(line), Json.write(this));
    }

    private static Path file(Line line) {
        return line.directory().path().resolve(FILE);
    }
}
