package dev.flywheel.pipeline;

import dev.flywheel.core.ClosedException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The runs of one deployment, one at a time, on the factory's training thread. Thread-safe. */
final class Runs implements AutoCloseable {

    /**
     * What a run came to, and whom that concerns.
     *
     * @param events what the listeners hear once the next run can be started
     */
    record Ended(Run run, List<Event> events) {}

    private final String pipeline;
    private final ExecutorService trainer;
    private final EventBus<Event> events;
    private final Failures failures;
    private final Function<String, Ended> work;

    /** Held while a run executes, so that close() can wait for it. */
    private final ReentrantLock running = new ReentrantLock();

    private final Object lock = new Object();
    private @Nullable CompletableFuture<Run> pending;
    private @Nullable Future<?> task;
    private boolean executing;
    private boolean closed;

    /** @param work makes a run that was started for a reason */
    Runs(
            String pipeline,
            ExecutorService trainer,
            EventBus<Event> events,
            Failures failures,
            Function<String, Ended> work) {
        this.pipeline = pipeline;
        this.trainer = trainer;
        this.events = events;
        this.failures = failures;
        this.work = work;
    }

    /**
     * {@return the run to come; the one in progress if there is one}
     *
     * @throws ClosedException if there can be no more runs
     */
    CompletableFuture<Run> start(String trigger) {
        synchronized (lock) {
            if (closed) {
                throw closedException();
            }
            if (pending == null) {
                CompletableFuture<Run> run = new CompletableFuture<>();
                try {
                    task = trainer.submit(() -> execute(trigger, run));
                } catch (RejectedExecutionException e) {
                    throw closedException();
                }
                pending = run;
            }
            return pending;
        }
    }

    /** Starts a run if none is in progress and there is a reason for one. */
    void startIfDue(Supplier<Optional<String>> reason) {
        synchronized (lock) {
            if (!closed && pending == null) {
                Optional<String> due = reason.get();
                if (due.isPresent()) {
                    CompletableFuture<Run> unused = start(due.get());
                }
            }
        }
    }

    /** Waits for the run that is waiting or in progress, if there is one, however it ends, or until it rests. */
    void await(CompletableFuture<?> rests) {
        CompletableFuture<Run> run;
        synchronized (lock) {
            run = pending;
        }
        if (run != null) {
            CompletableFuture.anyOf(run.handle((done, failure) -> done), rests).join();
        }
    }

    /** Abandons the run that is waiting or in progress and returns when it has ended. */
    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
            if (task != null) {
                task.cancel(true);
            }
        }
        running.lock();
        try {
            completeWhatNeverBegan();
        } finally {
            running.unlock();
        }
    }

    private void completeWhatNeverBegan() {
        CompletableFuture<Run> never;
        synchronized (lock) {
            never = executing ? null : pending;
        }
        if (never != null) {
            never.completeExceptionally(closedException());
        }
    }

    private void execute(String trigger, CompletableFuture<Run> result) {
        Ended ended = null;
        Throwable failure = null;
        running.lock();
        try {
            ended = begin() ? work.apply(trigger) : null;
        } catch (RuntimeException | Error e) {
            failure = e;
        } finally {
            running.unlock();
        }
        // before anybody hears of it, so that a listener can start the next one
        synchronized (lock) {
            executing = false;
            pending = null;
            task = null;
        }
        if (ended != null) {
            ended.events.forEach(events::publish);
            result.complete(ended.run);
        } else if (failure != null) {
            failures.tell("a run of pipeline " + pipeline, failure);
            result.completeExceptionally(failure);
        } else {
            result.completeExceptionally(closedException());
        }
    }

    private boolean begin() {
        synchronized (lock) {
            executing = !closed;
            return executing;
        }
    }

    private ClosedException closedException() {
        return new ClosedException(
                "a run of pipeline \"" + pipeline + "\"", "its deployment was closed", "start the pipeline again");
    }
}
