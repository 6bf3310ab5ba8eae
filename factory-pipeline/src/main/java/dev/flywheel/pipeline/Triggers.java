package dev.flywheel.pipeline;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The state behind the rules of a {@link Retrain}: what has happened since the last run, what runs have cost, and what
 * was decided. Thread-safe.
 */
final class Triggers {

    /** Decisions that are remembered. */
    static final int REMEMBERED = 100;

    private static final long LEAST_EVIDENCE = 100;
    private static final Duration SAVE_COUNTS = Duration.ofMinutes(1);

    private final Retrain rules;
    private final Signals signals;
    private final Consumer<Decision> listener;
    private final @Nullable CheapTime cheap;
    private final LongAdder predictions = new LongAdder();

    private final ArrayDeque<Decision> decisions = new ArrayDeque<>();
    private long outcomes;
    private long used;
    private long settled;
    private int version;
    private long promoted;
    /** The predictions that the run in progress was started after. */
    private long inRun;

    private Instant lastRun;
    private LocalDate day = LocalDate.MIN;
    private int runs;
    private Duration running = Duration.ZERO;
    private int refused;
    private @Nullable String stopped;
    private long stoppedUntil;
    private @Nullable Instant lastDrift;

    private @Nullable Decision run;
    private String lastKey = "";
    private boolean changed;
    private @Nullable Duration savedAt;
    private long savedCount;

    /**
     * @param signals what monitors say
     * @param kept what was remembered
     * @param lastRun when the last run started, as far as is known without that
     * @param outcomes how many outcomes there ever were
     * @param listener hears every decision that is not as the one before, while a lock is held: it must be quick
     */
    Triggers(
            Retrain rules,
            Signals signals,
            TriggerState kept,
            Instant lastRun,
            long outcomes,
            Consumer<Decision> listener) {
        this.rules = rules;
        this.signals = signals;
        this.listener = listener;
        this.outcomes = outcomes;
        this.used = Math.min(outcomes, kept.used());
        this.settled = used;
        this.version = kept.version();
        this.promoted = Math.min(outcomes, kept.promoted());
        this.predictions.add(kept.predictions());
        this.lastRun = kept.lastRun() == null || kept.lastRun().isBefore(lastRun) ? lastRun : kept.lastRun();
        if (!kept.day().isEmpty()) {
            this.day = LocalDate.parse(kept.day());
        }
        this.runs = kept.runs();
        this.running = Duration.ofMillis(kept.millis());
        this.refused = kept.refused();
        this.stopped = kept.stopped();
        this.stoppedUntil = kept.stoppedUntil();
        this.lastDrift = kept.lastDrift();
        this.lastKey = kept.key();
        decisions.addAll(kept.decisions());
        this.cheap = rules.power == null ? null : new CheapTime(rules.power, kept.wanted(), kept.owed());
    }

    /** {@return what keeps runs to the times of cheap power; null where nothing does} */
    @Nullable
    CheapTime cheap() {
        return cheap;
    }

    void predicted() {
        predictions.increment();
    }

    /** {@return how many labels have come in since the last run, with so many more} */
    synchronized long labelled(int count) {
        outcomes += count;
        return outcomes - used;
    }

    /** A version serves. If it is another one, however that came, what was refused before says nothing any more. */
    synchronized void serving(int number) {
        if (version != number) {
            promoted = version == 0 ? promoted : outcomes;
            version = number;
            proceed();
        }
    }

    /** Lets the rules start runs again. */
    synchronized void resume() {
        proceed();
    }

    private void proceed() {
        changed = true;
        refused = 0;
        stopped = null;
        stoppedUntil = 0;
    }

    /** {@return why rules start no run until there is more evidence} */
    synchronized Optional<String> stopped() {
        return Optional.ofNullable(stopped);
    }

    /** {@return the first time of what was last seen drifted} */
    synchronized Optional<Instant> lastDrift() {
        return Optional.ofNullable(lastDrift);
    }

    synchronized void runStarted(Instant now, String trigger) {
        turn(now);
        lastRun = now;
        used = outcomes;
        inRun = predictions.sumThenReset();
        runs++;
        if (cheap != null) {
            cheap.started(now, trigger);
        }
        run = new Decision(now, Decision.Outcome.RETRAIN, "retrains: " + trigger);
        lastKey = "";
        remember(run);
    }

    /** The run in progress rests. */
    synchronized void runRests(Instant now, String why) {
        run = new Decision(now, Decision.Outcome.HOLD, "the run rests: " + why);
        remember(run);
    }

    /** The run in progress goes on. */
    synchronized void runGoesOn(Instant now) {
        run = new Decision(now, Decision.Outcome.RETRAIN, "retrains: the run that rested goes on");
        remember(run);
    }

    /** A run ended that was cut short. */
    synchronized void runAbandoned() {
        if (cheap != null) {
            cheap.cutShort();
        }
        run = null;
        predictions.add(inRun);
        inRun = 0;
        changed = true;
    }

    /** A run ended. */
    synchronized void runEnded(Instant now, Run.Outcome outcome, boolean registered, Duration took) {
        turn(now);
        if (cheap != null) {
            cheap.ended();
        }
        run = null;
        settled = used;
        inRun = 0;
        running = running.plus(took);
        changed = true;
        if (outcome != Run.Outcome.PROMOTED && !registered) {
            refused++;
            int most = rules.budget.refusals();
            if (most > 0 && refused >= most) {
                long evidence = outcomes - promoted;
                stoppedUntil = outcomes + Math.max(evidence, LEAST_EVIDENCE);
                stopped = refused + " runs in a row have brought no better model";
            }
        }
    }

    /**
     * {@return why a run should start now, if it should}
     *
     * @param paused why none may, if that is so
     */
    synchronized Optional<String> due(Instant now, Optional<String> paused) {
        Look look = look(now, paused);
        signals.drift().stream()
                .map(Signals.Drift::since)
                .max(Instant::compareTo)
                .ifPresent(this::drifted);
        if (look.outcome == Decision.Outcome.RETRAIN) {
            return Optional.of(asked(look.facts));
        }
        if (!look.key().equals(lastKey)) {
            lastKey = look.key();
            remember(new Decision(now, look.outcome, sentence(look)));
        }
        return Optional.empty();
    }

    /**
     * Looks for cheap power, if runs are kept to it. Called before anything is decided, and without the lock, because
     * nobody else must wait for a forecast.
     *
     * @param paused why none may start, if that is so
     */
    void lookForPower(Instant now, Optional<String> paused) {
        if (cheap != null) {
            owe(now, paused);
            cheap.look(now);
        }
    }

    private synchronized void owe(Instant now, Optional<String> paused) {
        if (run == null && owed().isEmpty()) {
            Look unused = look(now, paused);
        }
    }

    private void drifted(Instant since) {
        if (lastDrift == null || lastDrift.isBefore(since)) {
            lastDrift = since;
            changed = true;
        }
    }

    /** {@return what is decided now, with the numbers of now; the decision for the run in progress if there is one} */
    synchronized Decision decision(Instant now, Optional<String> paused) {
        if (run != null) {
            return run;
        }
        Look look = look(now, paused);
        return new Decision(now, look.outcome, sentence(look));
    }

    /** {@return the last decisions, the oldest first} */
    synchronized List<Decision> decisions() {
        return List.copyOf(decisions);
    }

    /**
     * {@return what is to be kept, if it differs from what was kept by more than a minute's predictions}
     *
     * @param uptime by a clock that nobody sets: it is the disk that is spared, also where the factory's clock runs
     *     through years in seconds
     */
    synchronized Optional<TriggerState> toSave(Duration uptime) {
        long count = predictions.sum() + inRun;
        boolean late =
                savedAt == null || (count != savedCount && uptime.minus(savedAt).compareTo(SAVE_COUNTS) >= 0);
        if (!changed && !late) {
            return Optional.empty();
        }
        changed = false;
        savedAt = uptime;
        savedCount = count;
        return Optional.of(state());
    }

    /** {@return what is to be kept} */
    synchronized TriggerState state() {
        return new TriggerState(
                TriggerState.FORMAT,
                settled,
                version,
                promoted,
                predictions.sum() + inRun,
                lastRun.equals(Instant.MIN) ? null : lastRun,
                day.equals(LocalDate.MIN) ? "" : day.toString(),
                runs,
                running.toMillis(),
                refused,
                stopped,
                stoppedUntil,
                lastDrift,
                lastKey,
                List.copyOf(decisions),
                cheap == null ? null : cheap.wanted(),
                cheap == null ? null : cheap.owed().orElse(null));
    }

    /** What was kept could not be written, so that it is to be written next time. */
    synchronized void unsaved() {
        changed = true;
    }

    /**
     * What is seen at one moment.
     *
     * @param paused why no run may start; null if one may
     * @param reached the limits of the budget that are reached, a bit for each
     * @param waits whether it is put off until power is cheaper
     */
    private record Look(
            RetrainRule.Facts facts,
            Budget.Spent spent,
            Decision.Outcome outcome,
            List<Boolean> holding,
            @Nullable String paused,
            int reached,
            boolean waits) {

        /** {@return what two looks have in common that lead to the same decision for the same reasons} */
        String key() {
            return outcome + " " + holding + " " + paused + " " + reached + (waits ? " waits" : "");
        }
    }

    private Look look(Instant now, Optional<String> paused) {
        turn(now);
        RetrainRule.Facts facts = new RetrainRule.Facts(now, lastRun, outcomes - used, predictions.sum(), signals);
        Duration left = Duration.between(
                now, day.plusDays(1).atStartOfDay(ZoneOffset.UTC).toInstant());
        Budget.Spent spent = new Budget.Spent(facts.since(), runs, running, facts.labels(), left);
        if (stopped != null && outcomes >= stoppedUntil) {
            stopped = null; // one more try; if it fails, too, the pause begins again
            changed = true;
        }
        String held = paused.orElse(stopped);
        RetrainRule rule = rules.rule;
        List<Boolean> holding = rule == null
                ? List.of()
                : rule.leaves().stream().map(leaf -> leaf.holds(facts)).toList();
        boolean holds = owed().isPresent() || (rule != null && rule.holds(facts));
        int reached = holds ? rules.budget.reached(spent) : 0;
        Decision.Outcome outcome = held != null
                ? Decision.Outcome.PAUSE
                : !holds ? Decision.Outcome.WAIT : reached != 0 ? Decision.Outcome.HOLD : Decision.Outcome.RETRAIN;
        boolean waits = outcome == Decision.Outcome.RETRAIN && waits(now, facts);
        return new Look(facts, spent, waits ? Decision.Outcome.HOLD : outcome, holding, held, reached, waits);
    }

    private Optional<String> owed() {
        return cheap == null ? Optional.empty() : cheap.owed();
    }

    /** {@return why a run is asked for: what has asked first, where it waits for cheaper power} */
    private String asked(RetrainRule.Facts facts) {
        return owed().orElseGet(() -> Objects.requireNonNull(rules.rule).held(facts));
    }

    private boolean waits(Instant now, RetrainRule.Facts facts) {
        if (cheap == null) {
            return false;
        }
        if (cheap.owed().isEmpty()) {
            cheap.owe(now, asked(facts));
            changed = true;
        }
        return !cheap.mayStart(now);
    }

    private String stoppedSentence() {
        return String.format(
                Locale.ROOT,
                "%s; resume() or %,d more labels start another",
                stopped,
                Math.max(0, stoppedUntil - outcomes));
    }

    private String sentence(Look look) {
        RetrainRule rule = rules.rule;
        if (look.outcome == Decision.Outcome.PAUSE) {
            return "did not retrain: paused, "
                    + (Objects.equals(look.paused, stopped) ? stoppedSentence() : look.paused);
        }
        if (rule == null) {
            return "did not retrain: no rule asks for it, only the host can";
        }
        String besides = rule.besides(look.facts);
        String before = besides.isEmpty() ? "" : besides + "; ";
        return switch (look.outcome) {
            case RETRAIN -> "retrains: " + asked(look.facts);
            case HOLD ->
                "did not retrain: " + before + asked(look.facts) + ", but "
                        + (look.waits && cheap != null ? cheap.sentence() : rules.budget.sentence(look.spent));
            default -> "did not retrain: " + rule.unmet(look.facts);
        };
    }

    /** Another day has its own budget, and a clock that was set back must not put a run off until it has caught up. */
    private void turn(Instant now) {
        if (now.isBefore(lastRun)) {
            lastRun = now;
        }
        LocalDate today = LocalDate.ofInstant(now, ZoneOffset.UTC);
        if (!today.equals(day)) {
            day = today;
            runs = 0;
            running = Duration.ZERO;
        }
    }

    private void remember(Decision decision) {
        decisions.addLast(decision);
        if (decisions.size() > REMEMBERED) {
            decisions.removeFirst();
        }
        changed = true;
        listener.accept(decision);
    }
}
