package dev.flywheel.pipeline;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.energy.Energy;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.pipeline.TrialFile.Stage;
import dev.flywheel.pipeline.prove.Canary;
import dev.flywheel.pipeline.prove.CanaryState;
import dev.flywheel.pipeline.prove.Decision;
import dev.flywheel.pipeline.prove.Decision.Action;
import dev.flywheel.pipeline.prove.Experiment;
import dev.flywheel.pipeline.prove.TrialState;
import dev.flywheel.serving.route.Route;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The version that is proven in traffic beside the champion, if there is one: what happens to both, what that comes to
 * and what is kept of it. Facts may be told by any thread; what changes the trial comes from the {@link Champion},
 * under its lock.
 *
 * <p>At a kill, at most {@value #SAVE_SECONDS} seconds of requests counted and of metrics that the host reported are
 * forgotten, of both versions alike; outcomes are read from the logs again.
 */
final class Trial<I> {

    private static final Logger log = LoggerFactory.getLogger(Trial.class);
    private static final Energy UNMEASURED = Energy.unknown("the run's report tells it");
    private static final int SAVE_SECONDS = 10;
    private static final Duration SAVE = Duration.ofSeconds(SAVE_SECONDS);
    private static final Duration LOOK = Duration.ofSeconds(1);
    private static final int LOOK_FACTS = 100;

    private final Pipeline<I, ?, ?> pipeline;
    private final @Nullable Proof proof;
    private final Line line;
    private final EventBus<Event> events;

    private volatile @Nullable TrialFile file;
    /** Null where nothing is to be learned any more. */
    private volatile @Nullable TrialFacts facts;

    private volatile Instant lookedAt = Instant.MIN;
    private volatile long lookedFacts;
    private Instant savedAt = Instant.MIN;

    Trial(Pipeline<I, ?, ?> pipeline, Line line, EventBus<Event> events) {
        this.pipeline = pipeline;
        this.proof = pipeline.proof();
        this.line = line;
        this.events = events;
        try {
            TrialFile kept = TrialFile.read(line).orElse(null);
            this.file = kept;
            if (kept != null) {
                line.audit().complete(kept.news().audit(), kept.event(line.name()), sequence -> {
                    TrialFile told = kept.audited(sequence);
                    told.write(line);
                    file = told;
                });
            }
        } catch (StoreException | NullPointerException e) {
            log.warn("what was kept of the trial of pipeline {} is lost", line.name(), e);
            line.tell(line.event("flywheel", AuditEvent.TRIAL_ENDED)
                    .with("outcome", Action.INCONCLUSIVE.name())
                    .with("why", "what was kept of it cannot be read: " + e.getMessage()));
        }
    }

    /** {@return whether candidates are proven in traffic} */
    boolean wanted() {
        return proof != null;
    }

    boolean running() {
        TrialFile now = file;
        return now != null && now.stage() != Stage.OVER;
    }

    /** {@return why no other version may be put into traffic, if that is so} */
    Optional<String> busy() {
        TrialFile now = file;
        return now != null && now.stage() != Stage.OVER
                ? Optional.of("version " + now.challenger() + " is on trial")
                : Optional.empty();
    }

    /** {@return whether the last trial is or was of this version: what failed once is not tried again} */
    boolean wasOf(int version) {
        TrialFile now = file;
        return now != null && now.challenger() == version;
    }

    /** {@return the last trial, whether it goes on or not} */
    Optional<TrialReport> report() {
        TrialFile now = file;
        return now == null ? Optional.empty() : Optional.of(current(now).report());
    }

    /** {@return the trial that runs} */
    TrialFile kept() {
        TrialFile now = file;
        if (now == null || now.stage() == Stage.OVER) {
            throw new IllegalStateException("no version of pipeline \"" + line.name() + "\" is on trial");
        }
        return now;
    }

    /** {@return the same with what was seen since it was kept} */
    private TrialFile current(TrialFile kept) {
        TrialFacts seen = facts;
        return seen == null ? kept : kept.seen(kept.canary(), seen);
    }

    // what happens in traffic

    /** A request got a version, by a key or without one. */
    void assigned(int version, @Nullable String key) {
        TrialFacts now = facts;
        if (now != null) {
            now.assigned(version, key);
        }
    }

    void predicted(UUID id, int version, double output, Instant at) {
        TrialFacts now = facts;
        if (now != null) {
            now.predicted(id, version, output, at);
        }
    }

    void labelled(UUID id, double label) {
        TrialFacts now = facts;
        if (now != null) {
            now.labelled(id, label);
        }
    }

    void reported(String name, UUID id, double value) {
        TrialFacts now = facts;
        if (now != null) {
            now.reported(name, id, value);
        }
    }

    void reported(String name, UUID id, double numerator, double denominator) {
        TrialFacts now = facts;
        if (now != null) {
            now.reported(name, id, numerator, denominator);
        }
    }

    // what comes of it

    /**
     * Begins the trial of a version that is loaded; {@return how requests are to be spread}.
     *
     * @param who has brought it to trial
     */
    Route begin(int champion, ModelVersion challenger, List<Verdict> evidence, String who) {
        Proof plan = Objects.requireNonNull(proof);
        Instant now = line.clock().instant();
        int number = challenger.number();
        String run = challenger.card().runId();
        Path directory = line.directory().run(run);
        Experiment comparison = plan.comparison(pipeline.task());
        TrialState sums = comparison
                .begin(champion, List.of(number), plan.offline(pipeline.task(), directory, number), now)
                .state();
        Canary canary = plan.canary();
        CanaryState state = canary == null ? null : canary.start(number, now);
        double share = state == null ? sums.arms().get(1).share() : state.share();
        Decision first = new Decision(
                Action.CONTINUE,
                number,
                share,
                "Version " + number + " is on trial beside version " + champion + ", with " + percent(share)
                        + " of the traffic.",
                List.of(),
                now);
        TrialFile begun = TrialFile.begin(
                plan.describe(),
                run,
                champion,
                number,
                evidence,
                state,
                sums,
                comparison.resume(sums).gains().get(0),
                first,
                new TrialFile.News(newsNumber(number), who, AuditEvent.TRIAL_STARTED, first.reason(), 0));
        TrialFacts fresh = TrialFacts.begin(begun, comparison, canary);
        keep(begun);
        facts = fresh;
        looked(now);
        announce();
        return route();
    }

    /** What is told of a version has one number each, also when it is tried again. */
    private int newsNumber(int version) {
        TrialFile before = file;
        return before == null || before.challenger() != version
                ? 0
                : before.news().number() + 1;
    }

    private static String percent(double share) {
        return Math.round(share * 1000) / 10.0 + "%";
    }

    /** {@return how requests are spread} */
    Route route() {
        TrialFile now = kept();
        CanaryState canary = now.canary();
        return canary == null
                ? Objects.requireNonNull(proof)
                        .comparison(pipeline.task())
                        .resume(now.sums())
                        .route()
                : Route.canary(now.challenger(), now.share());
    }

    /** {@return why a trial that was kept cannot go on beside a champion; empty if it can} */
    Optional<String> obstacle(int champion) {
        TrialFile now = kept();
        if (proof == null || !proof.describe().equals(now.plan())) {
            return Optional.of("the definition has another plan by now");
        }
        return champion == now.champion()
                ? Optional.empty()
                : Optional.of("version " + champion + " is champion now, not version " + now.champion());
    }

    /** Goes on after a restart. */
    void resume(Schema rows) {
        TrialFile now = kept();
        Proof plan = Objects.requireNonNull(proof);
        if (now.stage() == Stage.RUNNING) {
            facts = TrialFacts.resume(now, plan.comparison(pipeline.task()), plan.canary(), line, rows);
        }
    }

    /** {@return whether it is time to {@link #look}} */
    boolean due(Instant now) {
        TrialFile kept = file;
        TrialFacts seen = facts;
        if (kept == null || kept.stage() == Stage.OVER) {
            return false;
        }
        if (kept.stage() == Stage.DECIDED || seen == null) {
            return kept.held() == null || line.freeze().reason().isEmpty();
        }
        return seen.count() - lookedFacts >= LOOK_FACTS || apart(lookedAt, now, LOOK);
    }

    private static boolean apart(Instant before, Instant now, Duration least) {
        return before.equals(Instant.MIN) || Duration.between(before, now).abs().compareTo(least) >= 0;
    }

    private void looked(Instant now) {
        TrialFacts seen = facts;
        lookedAt = now;
        lookedFacts = seen == null ? 0 : seen.count();
    }

    /** {@return what is to be done now, if something is} What ends the trial is kept already. */
    Optional<Decision> look(Instant now) {
        TrialFile kept = kept();
        TrialFacts seen = facts;
        if (kept.stage() == Stage.DECIDED || seen == null) {
            return Optional.of(kept.last());
        }
        looked(now);
        String broken = seen.broken();
        if (broken != null) {
            return Optional.of(end(Action.ROLL_BACK, "flywheel", broken, now));
        }
        Canary canary = Objects.requireNonNull(proof).canary();
        Optional<Decision> move = canary == null ? experiment(kept, seen, now) : canary(canary, kept, seen, now);
        TrialFile after = file;
        if (move.isEmpty() && after != null && apart(savedAt, now, SAVE)) {
            after = current(after);
            after.write(line);
            file = after;
            savedAt = now;
        }
        return move;
    }

    private Optional<Decision> experiment(TrialFile kept, TrialFacts seen, Instant now) {
        Decision decision = seen.decide(now);
        if (!decision.action().ends()) {
            return Optional.empty();
        }
        decided(kept.seen(null, seen), decision, "flywheel", AuditEvent.TRIAL_ENDED);
        return Optional.of(decision);
    }

    private Optional<Decision> canary(Canary plan, TrialFile kept, TrialFacts seen, Instant now) {
        CanaryState state = plan.afterAnInterval(Objects.requireNonNull(kept.canary()));
        if (state.held() != null) {
            return Optional.empty();
        }
        Optional<String> frozen = line.freeze().reason();
        if (kept.held() != null && frozen.isEmpty()) {
            keep(kept.held(null).news("flywheel", AuditEvent.TRIAL_RESUMED, "promotions are allowed again"));
            announce();
            return canary(plan, kept(), seen, now);
        }
        long observations = seen.observations();
        Map<String, Double> values = seen.readings().take(plan, plan.due(state, now));
        Canary.Turn turn = plan.next(state, observations, values, now);
        Action action = turn.decision().action();
        if (frozen.isPresent() && (action == Action.ADVANCE || action == Action.PROMOTE)) {
            seen.readings().giveBack();
            hold(frozen.get());
            return Optional.empty();
        }
        seen.subtract(observations);
        return turned(kept.seen(turn.state(), seen), turn.decision(), "flywheel");
    }

    private Optional<Decision> turned(TrialFile next, Decision decision, String actor) {
        switch (decision.action()) {
            case CONTINUE -> file = next;
            case ADVANCE -> decided(next, decision, actor, AuditEvent.TRIAL_ADVANCED);
            case HOLD -> {
                keep(next.decided(decision)
                        .held(decision.reason())
                        .news(actor, AuditEvent.TRIAL_HELD, decision.reason()));
                announce();
            }
            case PROMOTE, ROLL_BACK, INCONCLUSIVE -> decided(next, decision, actor, AuditEvent.TRIAL_ENDED);
        }
        return decision.action() == Action.CONTINUE ? Optional.empty() : Optional.of(decision);
    }

    private void decided(TrialFile next, Decision decision, String actor, String action) {
        keep(next.decided(decision).news(actor, action, decision.reason()));
        if (decision.action().ends()) {
            facts = null;
        } else {
            announce();
        }
    }

    /** What is decided waits, for a reason that is told once. */
    void hold(String why) {
        TrialFile kept = kept();
        if (!why.equals(kept.held())) {
            keep(current(kept).held(why).news("flywheel", AuditEvent.TRIAL_HELD, why));
            announce();
        }
    }

    /**
     * {@return what to do after a person has let a canary go on that the plan has held}
     *
     * @throws IllegalStateException if it is not held by its plan, or promotions are frozen
     */
    Decision proceed(String who) {
        Held held = held();
        Canary.Turn turn = held.plan.proceed(held.state, who, line.clock().instant());
        return turned(kept().seen(turn.state(), held.seen), turn.decision(), who)
                .orElseThrow();
    }

    /** A canary that may be held by its plan, and is not by anything else. */
    private record Held(Canary plan, CanaryState state, TrialFacts seen) {}

    private Held held() {
        TrialFile kept = kept();
        Canary plan = proof == null ? null : proof.canary();
        CanaryState state = kept.canary();
        TrialFacts seen = facts;
        if (plan == null || state == null || seen == null) {
            throw new IllegalStateException("the trial of version " + kept.challenger() + " is not held by its plan");
        }
        line.freeze().reason().ifPresent(frozen -> {
            throw new IllegalStateException("the trial of version " + kept.challenger() + " cannot go on: " + frozen);
        });
        return new Held(plan, state, seen);
    }

    /**
     * Begins the step of a canary anew that the plan has held.
     *
     * @throws IllegalStateException if it is not held by its plan, or promotions are frozen
     */
    void stepAgain(String who) {
        Held held = held();
        Canary.Turn turn = held.plan.again(held.state, who, line.clock().instant());
        held.seen.forget();
        Decision decision = turn.decision();
        keep(kept().seen(turn.state(), held.seen)
                .decided(decision)
                .news(who, AuditEvent.TRIAL_RESUMED, decision.reason()));
        announce();
    }

    /**
     * {@return the last trial, which has ended without a promotion}
     *
     * @param champion the version that serves now
     * @throws IllegalStateException if there is none, or it cannot be repeated
     */
    TrialFile unproven(int champion) {
        TrialFile last = file;
        if (proof == null || last == null || last.last().action() == Action.PROMOTE) {
            throw new IllegalStateException(
                    "no version of pipeline \"" + line.name() + "\" is there to be tried again");
        }
        if (last.champion() != champion) {
            throw new IllegalStateException("version " + last.challenger()
                    + " cannot be tried again: the gates compared it with version " + last.champion()
                    + ", now version " + champion + " is champion");
        }
        return last;
    }

    /**
     * Ends the trial; {@return what is to be done}.
     *
     * @param action {@link Action#ROLL_BACK} if the version is to blame
     * @param why a clause that follows "because"
     */
    Decision end(Action action, String actor, String why, Instant now) {
        TrialFile kept = current(kept());
        boolean blamed = action == Action.ROLL_BACK;
        Decision decision = new Decision(
                action,
                blamed ? kept.challenger() : kept.champion(),
                blamed ? 0 : 1,
                (blamed
                                ? "Version " + kept.challenger() + " is taken back because "
                                : "The trial of version " + kept.challenger() + " was ended because ")
                        + why + ".",
                List.of(),
                now);
        decided(kept, decision, actor, AuditEvent.TRIAL_ENDED);
        return decision;
    }

    /** What was decided is done. */
    void over() {
        TrialFile done = kept().over();
        facts = null;
        try {
            Durable.write(line.directory().run(done.run()).resolve("trial.json"), Json.write(done.report()));
        } catch (StoreException e) {
            log.warn("the record of run {} does not tell of its trial", done.run(), e);
        }
        done.write(line);
        file = done;
        announce();
        if (done.last().action() != Action.PROMOTE) {
            events.publish(new Event.Rejected(run(done), done.last().evidence()));
        }
    }

    /** What is known is written; nothing follows. */
    void close() {
        TrialFile now = file;
        if (now != null && now.stage() == Stage.RUNNING) {
            current(now).write(line);
        }
    }

    private Run run(TrialFile done) {
        Path report = line.directory().run(done.run()).resolve("report.html");
        OptionalInt version = OptionalInt.of(done.challenger());
        String why = done.last().reason();
        try {
            ModelCard card = line.registry().version(done.challenger()).card();
            return new Run(
                    done.run(),
                    line.name(),
                    Run.Outcome.REJECTED,
                    why,
                    version,
                    card.candidate(),
                    card.metrics(),
                    card.verdicts(),
                    report,
                    UNMEASURED);
        } catch (ModelFormatException | StoreException e) {
            log.warn("the card of version {} of pipeline {} cannot be read", done.challenger(), line.name(), e);
            return new Run(
                    done.run(),
                    line.name(),
                    Run.Outcome.REJECTED,
                    why,
                    version,
                    "",
                    Map.of(),
                    done.evidence(),
                    report,
                    UNMEASURED);
        }
    }

    private void keep(TrialFile next) {
        line.audit().append(next.event(line.name()), sequence -> {
            TrialFile written = next.audited(sequence);
            written.write(line);
            file = written;
            savedAt = written.last().at();
        });
    }

    private void announce() {
        report().ifPresent(now -> events.publish(new Event.TrialChanged(now)));
    }
}
