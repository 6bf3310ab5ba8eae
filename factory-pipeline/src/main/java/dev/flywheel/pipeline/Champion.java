package dev.flywheel.pipeline;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.FactoryException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.pipeline.explain.Explainer;
import dev.flywheel.pipeline.explain.Explanation;
import dev.flywheel.pipeline.prove.Decision;
import dev.flywheel.pipeline.prove.Decision.Action;
import dev.flywheel.serving.Codec;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.PredictionObserver;
import dev.flywheel.serving.route.Route;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The version that a deployment serves: the alias in the registry, the endpoint and the pause after a rollback, which
 * agree whatever fails. Thread-safe; whoever opened it closes it.
 */
final class Champion<I, O> implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(Champion.class);

    /** Hears which version serves. */
    interface Listener {

        void serving(int version, ModelCard card);
    }

    private final Line line;
    private final EventBus<Event> events;
    private final Listener listener;
    private final Trial<I> trial;
    private final Inputs<I> inputs;
    private final Endpoint<I, O> endpoint;
    /** What explained the last prediction: reading it takes longer than using it. */
    private volatile @Nullable Explainer explainer;

    private final Object lock = new Object();
    /** How a candidate that a person has approved becomes champion while this serves. */
    private final RunExecution.Promotion promotion = this::promote;
    /** Why no other version may serve; changes under the lock. */
    private final Pause pause;

    private boolean closed;

    /**
     * Serves the champion. A damaged one must not keep the application from its predictions: the newest whole one
     * before it takes its place.
     *
     * @throws ModelFormatException if none is whole or fits the type
     * @throws StoreException if the card of none can be read
     */
    Champion(
            Line line,
            Inputs<I> inputs,
            Codec<I, O> codec,
            Schema logged,
            PredictionObserver<I> observer,
            Listener listener,
            Trial<I> trial,
            EventBus<Event> events) {
        this.line = line;
        this.inputs = inputs;
        this.trial = trial;
        this.events = events;
        this.listener = listener;
        this.pause = new Pause(line);
        // an approval that comes in between would move the alias and leave the version that serves
        synchronized (line.approvals()) {
            this.endpoint = open(line, codec, observer, listener);
            Closing.onFailure(() -> goOn(logged), endpoint::close);
            line.serving().set(promotion);
        }
    }

    private static <I, O> Endpoint<I, O> open(
            Line line, Codec<I, O> codec, PredictionObserver<I> observer, Listener listener) {
        FactoryException first = null;
        int steps = 0;
        for (ModelVersion version : line.champions()) {
            try {
                ModelCard card = version.card();
                Endpoint<I, O> opened = Endpoint.of(version, codec)
                        .clock(line.clock())
                        .observer(observer)
                        .open();
                if (first != null) {
                    String why = String.valueOf(first.getMessage());
                    log.warn("pipeline {} serves version {}: {}", line.name(), version.number(), why);
                    int back = steps;
                    Closing.onFailure(() -> line.rollBack(back, "flywheel", why), opened::close);
                }
                listener.serving(version.number(), card);
                return opened;
            } catch (ModelFormatException | StoreException e) {
                first = first == null ? e : first;
                steps++;
            }
        }
        if (first == null) {
            throw new AssertionError("a deployment is opened only where there is a champion");
        }
        throw first;
    }

    Endpoint<I, O> endpoint() {
        return endpoint;
    }

    int version() {
        return endpoint.version();
    }

    /**
     * {@return what each column adds to the raw prediction for an input} Another version may come to serve meanwhile.
     */
    Explanation explain(I input) {
        while (true) {
            int version = version();
            Explainer known = explainer;
            if (known == null || known.version() != version) {
                known = Explainer.open(line.registry().version(version));
                explainer = known;
            }
            try {
                return inputs.explain(known, input, rows -> endpoint.score(version, rows));
            } catch (IllegalArgumentException e) {
                if (version() == version) {
                    throw e;
                }
            }
        }
    }

    /** {@return why no other version may serve, if a rollback is the reason} */
    Optional<String> paused() {
        return pause.reason();
    }

    /** {@return why no run needs to be made, if a rollback or a trial is the reason} */
    Optional<String> holding() {
        return paused().or(trial::busy);
    }

    /**
     * Makes a version champion and serves it, or puts it into traffic beside the champion if it is to be proven there;
     * not while a rollback has paused retraining, promotions are frozen or another version is on trial.
     */
    RunExecution.Placement promote(ModelVersion candidate, String why, List<Verdict> evidence) {
        synchronized (lock) {
            requireOpen();
            if (trial.wasOf(candidate.number())) {
                return new RunExecution.Placement(RunExecution.Placement.Kind.ON_TRIAL, "was put on trial before");
            }
            Optional<String> refusal =
                    pause.reason().isPresent() ? Optional.of("a rollback has paused promotions") : trial.busy();
            if (refusal.isEmpty() && trial.wanted()) {
                return prove(candidate, evidence, "flywheel");
            }
            return RunExecution.Placement.champion(refusal.or(() -> promoteNow(candidate, why, evidence)));
        }
    }

    private Optional<String> promoteNow(ModelVersion candidate, String why, List<Verdict> evidence) {
        int previous = version();
        Optional<String> refusal = line.promote(candidate, why, evidence);
        if (refusal.isPresent()) {
            return refusal;
        }
        Closing.onFailure(
                () -> serve(candidate),
                () -> line.rollBack(1, "flywheel", "version " + candidate.number() + " does not load"));
        events.publish(new Event.Promoted(candidate.number(), OptionalInt.of(previous), why));
        return Optional.empty();
    }

    private RunExecution.Placement prove(ModelVersion candidate, List<Verdict> evidence, String who) {
        Optional<String> refusal = line.freeze().unlessFrozen(() -> {
            endpoint.add(candidate);
            Route route = Closing.onFailure(
                    () -> trial.begin(version(), candidate, evidence, who), () -> endpoint.remove(candidate.number()));
            endpoint.route(route);
            log.info("pipeline {} proves version {}", line.name(), candidate.number());
            return Optional.empty();
        });
        return refusal.map(reason -> RunExecution.Placement.champion(Optional.of(reason)))
                .orElseGet(() -> new RunExecution.Placement(
                        RunExecution.Placement.Kind.ON_TRIAL,
                        "is on trial beside version " + version() + ": "
                                + trial.kept().plan()));
    }

    /** Goes on with a trial that was kept, or ends it. */
    private Route goOn(Schema logged) {
        if (!trial.running()) {
            return endpoint.route();
        }
        TrialFile kept = trial.kept();
        boolean promoted = kept.last().action() == Action.PROMOTE;
        if (kept.stage() == TrialFile.Stage.DECIDED && (!promoted || version() == kept.challenger())) {
            trial.over();
            return endpoint.route();
        }
        Optional<String> obstacle = trial.obstacle(version());
        boolean added = false;
        try {
            if (obstacle.isEmpty()) {
                endpoint.add(line.registry().version(kept.challenger()));
                added = true;
                trial.resume(logged);
                endpoint.route(trial.route());
                return endpoint.route();
            }
        } catch (ModelFormatException | StoreException e) {
            log.warn("the trial of version {} of pipeline {} ends", kept.challenger(), line.name(), e);
            obstacle = Optional.of("it cannot go on after a restart: " + e.getMessage());
        }
        trial.end(
                Action.INCONCLUSIVE,
                "flywheel",
                obstacle.orElseThrow(),
                line.clock().instant());
        if (added) {
            endpoint.remove(kept.challenger());
        }
        trial.over();
        return endpoint.route();
    }

    /** Does what the trial wants now, if there is one and it wants something. */
    void look(Instant now) {
        if (trial.due(now)) {
            synchronized (lock) {
                if (!closed && trial.running()) {
                    trial.look(now).ifPresent(this::apply);
                }
            }
        }
    }

    /**
     * Lets a canary go on that its plan has held.
     *
     * @throws IllegalStateException if there is none
     */
    void proceed(String who) {
        synchronized (lock) {
            requireOpen();
            apply(trial.proceed(who));
        }
    }

    /**
     * Begins the step of a canary that its plan has held anew, or the trial of a version that was not promoted.
     *
     * @throws IllegalStateException if there is neither, or promotions are frozen or paused
     */
    void tryAgain(String who) {
        synchronized (lock) {
            requireOpen();
            if (trial.running()) {
                trial.stepAgain(who);
                return;
            }
            TrialFile last = trial.unproven(version());
            String version = "version " + last.challenger() + " cannot be tried again: ";
            if (pause.reason().isPresent()) {
                throw new IllegalStateException(version + "a rollback has paused promotions");
            }
            prove(line.registry().version(last.challenger()), last.evidence(), who)
                    .refusal()
                    .ifPresent(reason -> {
                        throw new IllegalStateException(version + reason);
                    });
        }
    }

    /**
     * Takes the version on trial out of traffic.
     *
     * @throws IllegalStateException if there is none
     */
    void endTrial(String who, String why) {
        synchronized (lock) {
            requireOpen();
            apply(trial.end(
                    Action.INCONCLUSIVE,
                    who,
                    who + " ended it: " + why,
                    line.clock().instant()));
        }
    }

    private void apply(Decision decision) {
        switch (decision.action()) {
            case ADVANCE -> endpoint.route(trial.route());
            case PROMOTE -> crown(trial.kept(), decision);
            case ROLL_BACK, INCONCLUSIVE -> withdraw();
            case CONTINUE, HOLD -> {}
        }
    }

    /** The version on trial becomes champion, if that is allowed now; the file may have been damaged meanwhile. */
    private void crown(TrialFile proven, Decision decision) {
        int previous = version();
        ModelVersion challenger;
        ModelCard card;
        try {
            challenger = line.registry().version(proven.challenger());
            card = challenger.card();
            challenger.artifact();
        } catch (ModelFormatException | StoreException e) {
            apply(trial.end(
                    Action.ROLL_BACK,
                    "flywheel",
                    "it cannot become champion: " + e.getMessage(),
                    line.clock().instant()));
            return;
        }
        Optional<String> refusal = line.promote(challenger, decision.reason(), decision.evidence());
        if (refusal.isPresent()) {
            trial.hold(refusal.get());
            return;
        }
        endpoint.promote(proven.challenger());
        endpoint.remove(previous);
        listener.serving(proven.challenger(), card);
        log.info("pipeline {} serves version {}", line.name(), proven.challenger());
        events.publish(new Event.Promoted(proven.challenger(), OptionalInt.of(previous), decision.reason()));
        trial.over();
    }

    private void withdraw() {
        int challenger = trial.kept().challenger();
        endpoint.route(Route.champion());
        endpoint.remove(challenger);
        log.info("pipeline {} serves version {} alone", line.name(), version());
        trial.over();
    }

    /**
     * Serves the last whole version before, and pauses; {@return its number}. A trial ends; if no version was champion
     * before, that is the rollback.
     */
    int rollback() {
        synchronized (lock) {
            requireOpen();
            int from = version();
            String before = pause.reason().orElse(null);
            if (endedTrial() && line.registry().rollbackPath(Factory.CHAMPION).isEmpty()) {
                pause.set("rolled back to version " + from + " alone at "
                        + line.clock().instant());
                return from;
            }
            int steps = stepsToWhole();
            pause.set("rolled back from version " + from + " at " + line.clock().instant());
            ModelVersion previous = Closing.onFailure(() -> rollBack(steps, from), () -> pause.set(before));
            events.publish(
                    new Event.Promoted(previous.number(), OptionalInt.of(from), "rolled back; retraining is paused"));
            return previous.number();
        }
    }

    private boolean endedTrial() {
        if (!trial.running()) {
            return false;
        }
        apply(trial.end(
                Action.INCONCLUSIVE,
                "host",
                "the host asked for a rollback",
                line.clock().instant()));
        return true;
    }

    /** Ends the pause after a rollback. */
    void resume() {
        synchronized (lock) {
            requireOpen();
            pause.set(null);
        }
    }

    /** Refuses new requests, answers those that wait, and returns when the model is closed. */
    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
            line.serving().compareAndSet(promotion, null);
            Closing.all(endpoint::close, trial::close);
        }
    }

    private ModelVersion rollBack(int steps, int from) {
        ModelVersion previous = line.rollBack(steps, "host", "rollback asked for by the host");
        String why = "version " + previous.number() + " does not load";
        return Closing.onFailure(
                () -> serve(previous), () -> line.registry().move(Factory.CHAMPION, from, "flywheel", why, List.of()));
    }

    /** {@return how many versions to go back to the first whole one; 1 if there is none to go back to} */
    private int stepsToWhole() {
        FactoryException first = null;
        int steps = 0;
        for (ModelVersion version : line.registry().rollbackPath(Factory.CHAMPION)) {
            steps++;
            try {
                version.artifact();
                return steps;
            } catch (ModelFormatException | StoreException e) {
                log.warn("pipeline {} passes over version {}", line.name(), version.number(), e);
                first = first == null ? e : first;
            }
        }
        if (first != null) {
            throw first;
        }
        return 1;
    }

    private ModelVersion serve(ModelVersion champion) {
        // first, because it may be damaged
        ModelCard card = champion.card();
        endpoint.swap(champion);
        listener.serving(champion.number(), card);
        log.info("pipeline {} serves version {}", line.name(), champion.number());
        return champion;
    }

    private void requireOpen() {
        if (closed) {
            throw new ClosedException(
                    "deployment \"" + line.name() + "\"", "it was closed", "start the pipeline again");
        }
    }
}
