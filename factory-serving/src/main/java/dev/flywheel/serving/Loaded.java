package dev.flywheel.serving;

import dev.flywheel.core.OverloadedException;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.batch.Batcher;
import dev.flywheel.serving.batch.Tally;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.monitor.Activity;
import dev.flywheel.serving.monitor.ServingEvents;
import dev.flywheel.serving.monitor.VersionSnapshot;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One version, loaded. Its lanes close when the last request is done; its engine when the last who uses it lets go.
 * Thread-safe.
 */
final class Loaded<I, O> {

    private static final Logger log = LoggerFactory.getLogger(Loaded.class);

    private final String name;
    private final ModelSource source;
    private final Engine engine;
    private final Batcher<Prediction<O>, Request<I, O>, ModelLane<I, O>> batcher;
    private final @Nullable ResponseCache<I, O> cache;
    private final int version;
    private final Instant loadedAt;
    private final int maxRows;
    private final ShadowHook<I, O> hook;
    private final AtomicInteger users;
    private final AtomicBoolean given = new AtomicBoolean();
    private final ModelLane.Alone<I, O> alone = new ModelLane.Alone<>();

    Loaded(
            String name,
            ModelSource source,
            Engine engine,
            Batcher<Prediction<O>, Request<I, O>, ModelLane<I, O>> batcher,
            @Nullable ResponseCache<I, O> cache,
            int version,
            int maxRows,
            ShadowHook<I, O> hook,
            Instant loadedAt) {
        this.name = name;
        this.source = source;
        this.engine = engine;
        this.batcher = batcher;
        this.cache = cache;
        this.users = new AtomicInteger(cache == null ? 1 : 2);
        this.version = version;
        this.loadedAt = loadedAt;
        this.maxRows = maxRows;
        this.hook = hook;
    }

    ModelSource source() {
        return source;
    }

    Engine engine() {
        return engine;
    }

    Batcher<Prediction<O>, Request<I, O>, ModelLane<I, O>> batcher() {
        return batcher;
    }

    int version() {
        return version;
    }

    /** {@return where its lanes find out about a shadow} */
    ShadowHook<I, O> hook() {
        return hook;
    }

    /** {@return the most rows of one run} */
    int maxRows() {
        return maxRows;
    }

    /**
     * {@return the prediction, by a run that could begin at once; null if none could, or if the answer may be known}
     */
    @Nullable
    Prediction<O> runHere(Ask<I> ask) {
        return cache == null ? batcher.runHere(ask, alone) : null;
    }

    /** {@return the prediction, by a run or as it is known} */
    Prediction<O> run(Request<I, O> request) {
        try {
            return cache == null ? batcher.run(request) : cache.run((CachedRequest<I, O>) request);
        } catch (OverloadedException e) {
            throw recorded(e);
        }
    }

    /**
     * Brings about that the request is completed.
     *
     * @param again takes it where the run that it waited for was given up; throws nothing
     */
    void submit(Request<I, O> request, Consumer<? super Request<I, O>> again) {
        try {
            if (cache == null) {
                batcher.submit(request);
            } else {
                cache.submit((CachedRequest<I, O>) request, again);
            }
        } catch (OverloadedException e) {
            throw recorded(e);
        }
    }

    /** Brings about that all requests are completed, by runs, and returns when they are. */
    void runAll(List<Request<I, O>> requests) {
        try {
            batcher.runAll(requests);
        } catch (OverloadedException e) {
            throw recorded(e);
        }
    }

    private OverloadedException recorded(OverloadedException e) {
        ServingEvents.overload(name, version, batcher.queued());
        return e;
    }

    /** Adds what was done so far to {@code total}. */
    void count(Tally total) {
        batcher.count(total);
        if (cache != null) {
            cache.count(total);
        }
    }

    /** {@return the requests that it has answered so far} */
    long answered() {
        Tally done = new Tally();
        count(done);
        Activity activity = done.activity();
        return activity.requests() - activity.errors();
    }

    /** {@return what it did so far, and how it is now} */
    VersionSnapshot snapshot() {
        Tally done = new Tally();
        count(done);
        return new VersionSnapshot(
                version,
                loadedAt,
                engine.device(),
                done.activity(),
                batcher.queued(),
                batcher.maxQueued(),
                batcher.lanes());
    }

    /** {@return whether it is still open, and stays so until {@link #release}} */
    boolean retain() {
        return users.getAndUpdate(n -> n == 0 ? 0 : n + 1) > 0;
    }

    void release() {
        if (users.decrementAndGet() == 0) {
            try {
                engine.close();
            } catch (RuntimeException | Error e) {
                // Whoever let go last, a request perhaps, can do nothing about it.
                log.warn("{} could not be closed; what it held may stay", engine, e);
            }
        }
    }

    /**
     * Refuses new requests, answers those that it has, and lets go of the engine; whoever calls it again waits as well.
     *
     * @param patience after which what waits is refused and what runs is asked to end; null if never
     */
    void close(@Nullable Duration patience) {
        long started = System.nanoTime();
        if (patience == null) {
            batcher.close();
        } else {
            batcher.close(patience);
        }
        if (cache != null) {
            cache.close(Durations.rest(patience, started));
        }
        if (given.compareAndSet(false, true)) {
            // A lane whose run was given up still uses the engine, and so does who still reads an answer.
            batcher.whenClosed(this::release);
            if (cache != null) {
                cache.whenClosed(this::release);
            }
        }
    }
}
