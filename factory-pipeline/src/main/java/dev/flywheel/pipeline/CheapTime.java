package dev.flywheel.pipeline;

import dev.flywheel.core.energy.PowerPlan;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the runs of a deployment to the times in which power is cheap: when one that rules have asked for may start,
 * when it is to rest, and when it goes on. What the host asks for itself is not kept waiting. Thread-safe.
 */
final class CheapTime {

    private static final Logger log = LoggerFactory.getLogger(CheapTime.class);

    /** How often the forecast is asked. */
    private static final Duration PERIOD = Duration.ofMinutes(1);

    private final PowerPlan plan;
    /** When the run that is owed was first wanted; null if none is owed. */
    private @Nullable Instant wanted;

    private String reason;
    private PowerPlan.@Nullable Schedule schedule;
    private Instant lookAgain = Instant.MIN;
    /** Counts what a schedule is for, so that one that comes late is known. */
    private int asked;

    private final ReentrantLock asking = new ReentrantLock();

    /** Since when a run that is kept to the plan is at work; null if none is, or it rests. */
    private @Nullable Instant since;

    private Duration done = Duration.ZERO;
    private boolean resting;
    private CompletableFuture<Void> rests = new CompletableFuture<>();

    /**
     * @param wanted when the run that is owed was first wanted; null if none is owed
     * @param reason why
     */
    CheapTime(PowerPlan plan, @Nullable Instant wanted, @Nullable String reason) {
        this.plan = plan;
        this.wanted = reason == null ? null : wanted;
        this.reason = reason == null ? "" : reason;
    }

    /** What a schedule is asked for. */
    private record Question(int number, Instant wanted, Duration done, boolean running) {}

    /** {@return when the run that is owed was first wanted; null if none is owed} */
    synchronized @Nullable Instant wanted() {
        return wanted;
    }

    /** {@return why a run is owed, if one is} */
    synchronized Optional<String> owed() {
        return wanted == null ? Optional.empty() : Optional.of(reason);
    }

    /** A run is owed from now on, if none is. */
    synchronized void owe(Instant now, String why) {
        if (wanted == null) {
            wanted = now;
            reason = why;
            forget();
        }
    }

    /** {@return whether the run that is owed may start, by the last {@link #look}} */
    synchronized boolean mayStart(Instant now) {
        return schedule != null && !waits(now);
    }

    /** {@return what is waited for, in words} */
    synchronized String sentence() {
        PowerPlan.Schedule planned = schedule;
        if (planned == null || wanted == null) {
            return "cheaper power is waited for";
        }
        String rates = Double.isNaN(planned.rateNow())
                ? ""
                : String.format(Locale.ROOT, " at %.4g a kWh instead of %.4g now", planned.rate(), planned.rateNow());
        return "power is cheaper later: planned from " + planned.runs().get(0).from() + rates + ", done by "
                + wanted.plus(plan.within()) + " at the latest";
    }

    /** A run starts; it is kept to the plan if it is the one that is owed. */
    synchronized void started(Instant now, String trigger) {
        boolean planned = wanted != null && trigger.equals(reason);
        since = planned ? now : null;
        done = Duration.ZERO;
        forget();
    }

    /** The run has ended, so that none is owed. */
    synchronized void ended() {
        cutShort();
        wanted = null;
        reason = "";
    }

    /** The run has ended before it was done, and is still owed. */
    synchronized void cutShort() {
        since = null;
        resting = false;
        done = Duration.ZERO;
        forget();
    }

    /** {@return whether the run at work is to rest} */
    boolean mustRest(Instant now) {
        ask(now);
        return isToRest(now);
    }

    private synchronized boolean isToRest(Instant now) {
        return since != null && waits(now);
    }

    /** The run at work rests from now on, if it still is to; {@return whether it does}. */
    synchronized boolean rest(Instant now) {
        if (!isToRest(now)) {
            return false;
        }
        done = done(now);
        since = null;
        resting = true;
        return true;
    }

    /** Asks the forecast, if it is time for that, and lets a run that rests go on, if it is time for that. */
    void look(Instant now) {
        ask(now);
        goOn(now);
    }

    private synchronized void goOn(Instant now) {
        if (resting && !waits(now)) {
            resting = false;
            since = now;
            forget();
            rests = new CompletableFuture<>();
            notifyAll();
        }
    }

    /**
     * Waits until the run that rests may go on.
     *
     * @throws CancellationException if the thread is interrupted; it still is
     */
    synchronized void await() {
        if (resting) {
            rests.complete(null);
        }
        while (resting) {
            try {
                wait();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CancellationException("the run was abandoned");
            }
        }
    }

    /** {@return what is done when a run rests} */
    synchronized CompletableFuture<Void> rests() {
        return rests;
    }

    private Duration done(Instant now) {
        return since == null ? done : done.plus(Duration.between(since, now));
    }

    private void forget() {
        schedule = null;
        asked++;
    }

    /** {@return whether the next time in which it is planned has not begun} */
    private boolean waits(Instant now) {
        return schedule != null
                && schedule.runs().stream()
                        .filter(span -> span.until().isAfter(now))
                        .findFirst()
                        .map(span -> span.from().isAfter(now))
                        .orElse(false);
    }

    /**
     * Plans anew, if a minute has passed or the schedule ends here. No lock is held meanwhile that others wait for,
     * because a forecast may be long in coming; they go by the last schedule.
     */
    private void ask(Instant now) {
        if (!asking.tryLock()) {
            return;
        }
        try {
            Question question = question(now);
            if (question != null) {
                answered(question, plan(now, question));
            }
        } finally {
            asking.unlock();
        }
    }

    private synchronized @Nullable Question question(Instant now) {
        PowerPlan.Schedule last = schedule;
        boolean holds = last != null && now.isBefore(lookAgain) && !now.isBefore(last.at());
        if (wanted == null || holds) {
            return null;
        }
        if (now.isBefore(wanted)) {
            wanted = now; // a clock that was set back must not move the deadline away
        }
        return new Question(asked, wanted, done(now), since != null);
    }

    private synchronized void answered(Question question, PowerPlan.Schedule answer) {
        if (question.number == asked) {
            schedule = answer;
            PowerPlan.Span first = answer.runs().get(0);
            Instant turns = answer.runsNow() ? first.until() : first.from();
            Instant period = answer.at().plus(PERIOD);
            lookAgain = turns.isBefore(period) ? turns : period;
        }
    }

    private PowerPlan.Schedule plan(Instant now, Question question) {
        try {
            return plan.schedule(now, question.wanted, question.done, question.running);
        } catch (RuntimeException e) {
            log.warn("no forecast of the price of power, so that a run is not kept waiting", e);
            PowerPlan.Span always = new PowerPlan.Span(now, now.plus(plan.needs()));
            return new PowerPlan.Schedule(now, List.of(always), Double.NaN, Double.NaN);
        }
    }
}
