package dev.flywheel.pipeline;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.pipeline.evaluate.Timeline;
import dev.flywheel.pipeline.flywheel.FeedbackJoin;
import dev.flywheel.pipeline.flywheel.FeedbackLog;
import dev.flywheel.pipeline.flywheel.LabelReport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks how outcomes come in, on the thread that trains: after each run, and every hour. Thread-safe. */
final class LabelWatch implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(LabelWatch.class);
    private static final Duration EVERY = Duration.ofHours(1);

    private final String pipeline;
    private final Path kept;
    private final FeedbackLog outcomes;
    private final FeedbackJoin join;
    private final InstantSource clock;
    private final ExecutorService trainer;
    private final EventBus<Event> events;
    private final Failures failures;

    /** Held while the logs are read, so that close() can wait for it. */
    private final Object looking = new Object();
    // under "looking"
    private boolean fallen;

    private final Object lock = new Object();
    // under "lock"
    private @Nullable Instant last;
    private @Nullable Future<?> next;

    private volatile @Nullable LabelReport report;
    private volatile boolean closed;

    /** @param join a join over the log of outcomes */
    LabelWatch(Line line, FeedbackLog outcomes, FeedbackJoin join, ExecutorService trainer, EventBus<Event> events) {
        this.pipeline = line.name();
        this.kept = file(line);
        this.clock = line.clock();
        this.outcomes = outcomes;
        this.join = join;
        this.trainer = trainer;
        this.events = events;
        this.failures = new Failures(line, events);
        this.last = clock.instant();
    }

    /**
     * {@return what a deployment has seen last, for the report over time: reading the logs would keep its reader
     * waiting}
     *
     * @throws dev.flywheel.core.StoreException if the file is damaged
     */
    static Optional<Timeline.Labels> kept(Line line) {
        Path file = file(line);
        return Files.exists(file)
                ? Optional.of(Json.readKnown(Line.read(file), Timeline.Labels.class, file.toString()))
                : Optional.empty();
    }

    private static Path file(Line line) {
        return line.directory().path().resolve("labels.json");
    }

    private static Timeline.Labels told(LabelReport labels) {
        return new Timeline.Labels(
                labels.asOf(),
                labels.delay(0.5),
                labels.delay(0.9),
                labels.delays(),
                labels.cohorts().stream()
                        .map(c -> new Timeline.Cohort(c.from(), c.to(), c.predictions(), c.labelled()))
                        .toList());
    }

    /** {@return what was seen last; empty if nobody has looked yet} */
    Optional<LabelReport> report() {
        return Optional.ofNullable(report);
    }

    /** Looks soon, if that was not done for an hour, or the clock was set back. */
    void lookIfDue() {
        Instant now;
        try {
            now = clock.instant();
        } catch (RuntimeException e) {
            // whoever asks it for a reason to retrain says so
            log.debug("the clock of {} tells no time", pipeline, e);
            return;
        }
        synchronized (lock) {
            if (last == null || now.isBefore(last) || !now.isBefore(last.plus(EVERY))) {
                look();
            }
        }
    }

    /** Looks soon. */
    void look() {
        synchronized (lock) {
            last = clock.instant();
            if (next == null && !closed) {
                try {
                    next = trainer.submit(this::lookNow);
                } catch (RejectedExecutionException e) {
                    log.debug("nobody looks at the outcomes of {} any more", pipeline, e);
                }
            }
        }
    }

    private void lookNow() {
        synchronized (lock) {
            next = null;
        }
        synchronized (looking) {
            if (closed) {
                return;
            }
            try {
                LabelReport found = outcomes.sweep(join, clock.instant()).labels();
                Durable.write(kept, Json.write(told(found)));
                report = found;
                Optional<LabelReport.Fall> fall = found.fall();
                if (fall.isPresent() && !fallen) {
                    log.warn("pipeline {}: {}", pipeline, fall.get().sentence());
                    events.publish(new Event.LabelsFell(fall.get()));
                }
                fallen = fall.isPresent();
            } catch (ClosedException e) {
                log.debug("the outcomes of {} were not looked at to the end", pipeline, e);
            } catch (RuntimeException | Error e) {
                failures.tell("looking how outcomes of pipeline " + pipeline + " come in", e);
            }
        }
    }

    /** Returns when nobody looks any more; the log of outcomes is closed before, so that this is soon. */
    @Override
    public void close() {
        closed = true;
        synchronized (looking) {
            log.debug("nobody looks at the outcomes of {} any more", pipeline);
        }
    }
}
