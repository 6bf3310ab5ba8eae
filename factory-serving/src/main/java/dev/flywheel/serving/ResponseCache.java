package dev.flywheel.serving;

import dev.flywheel.core.DeadlineException;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.model.PredictionIds;
import dev.flywheel.serving.AnswerStore.Answer;
import dev.flywheel.serving.batch.BatchOptions;
import dev.flywheel.serving.batch.Batcher;
import dev.flywheel.serving.batch.Tally;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Answers what one version was asked before without running it again. A request that asks for what is being run waits
 * for that run; if the run fails, so do all who wait for it, and if its owner gives it up, one of them runs in its
 * place. Thread-safe.
 *
 * <p>What is kept is the row of the outputs, and every request reads it anew: answers are never shared, and each is a
 * prediction of its own. Equal means every byte of the row that the codec writes, and its shape.
 */
final class ResponseCache<I, O> {

    private static final long NO_RUN = -1;

    private final String name;
    private final BatchOptions options;
    private final AnswerStore store;
    private final Batcher<Prediction<O>, Request<I, O>, ModelLane<I, O>> batcher;
    private final AnswerReaders<O> readers;
    private final PredictionIds ids;
    private final Observation<I> observation;
    private final ShadowHook<I, O> hook;
    private final int version;
    private final Map<RowKey, Flight> flights = new ConcurrentHashMap<>();
    private final LongAdder misses = new LongAdder();

    /**
     * @param name what it serves, for messages
     * @param options how the version's requests are run
     * @param store what is kept of all versions
     * @param readers for the version's engine; closed by this cache
     */
    ResponseCache(
            String name,
            BatchOptions options,
            AnswerStore store,
            Batcher<Prediction<O>, Request<I, O>, ModelLane<I, O>> batcher,
            AnswerReaders<O> readers,
            PredictionIds ids,
            Observation<I> observation,
            ShadowHook<I, O> hook,
            int version) {
        this.name = name;
        this.options = options;
        this.store = store;
        this.batcher = batcher;
        this.readers = readers;
        this.ids = ids;
        this.observation = observation;
        this.hook = hook;
        this.version = version;
    }

    /** {@return the prediction, as {@link Batcher#run} gives it} */
    Prediction<O> run(CachedRequest<I, O> request) {
        while (true) {
            Prediction<O> known = find(request);
            if (known != null) {
                return known;
            }
            RowKey row = request.row;
            if (row == null) {
                return batcher.run(request);
            }
            Flight flight = board(request, row);
            if (flight == request.flight) {
                return lead(request, flight);
            }
            Answer answer = await(request, flight);
            Prediction<O> shared = answer == null ? null : answer(request, answer);
            if (shared != null) {
                return shared;
            }
        }
    }

    /**
     * Brings about that the request is completed, as {@link Batcher#submit} does.
     *
     * @param again takes the request where the run that it waited for was given up; throws nothing
     */
    void submit(CachedRequest<I, O> request, Consumer<? super Request<I, O>> again) {
        Prediction<O> known;
        try {
            known = find(request);
        } catch (RuntimeException | Error e) {
            request.completeExceptionally(e);
            return;
        }
        RowKey row = request.row;
        if (known != null) {
            request.complete(known);
        } else if (row == null) {
            batcher.submit(request);
        } else {
            Flight flight = board(request, row);
            if (flight == request.flight) {
                leave(request, flight);
            } else {
                batcher.failWhenLate(request, this::late);
                flight.hear((answer, failure) -> follow(request, answer, failure, again));
            }
        }
    }

    /** {@return the kept answer to a request, read; null if there is none} Notes the request's row, if it has one. */
    private @Nullable Prediction<O> find(CachedRequest<I, O> request) {
        request.stamp();
        request.row = null;
        request.cache = null;
        request.flight = null;
        AnswerReader<O> reader = readers.claim();
        if (reader == null) {
            return null;
        }
        try {
            byte[] written = write(reader, request);
            if (written == null) {
                return null;
            }
            RowKey row = new RowKey(this, written);
            request.row = row;
            Answer answer = store.find(row);
            if (answer == null) {
                return null;
            }
            if (answer.length != request.length()) {
                byte[] unused = reader.write(request.prepared, answer.length);
            }
            return read(reader, request, answer);
        } finally {
            readers.release(reader);
        }
    }

    /** {@return the row, or null if the codec refuses the input: then the run says so, as it does without a cache} */
    private static <I, O> byte @Nullable [] write(AnswerReader<O> reader, CachedRequest<I, O> request) {
        try {
            return reader.write(request.prepared, request.length());
        } catch (RuntimeException | Error e) {
            return null;
        }
    }

    /** {@return the flight that brings the answer; it is the request's own if the request has to run} */
    private Flight board(CachedRequest<I, O> request, RowKey row) {
        Flight own = new Flight(flights, store, row);
        Flight other = flights.putIfAbsent(row, own);
        if (other != null) {
            return other;
        }
        Answer before = store.find(row);
        if (before == null) {
            misses.increment();
            request.cache = this;
            request.flight = own;
        } else {
            // It landed between the look at the store and now.
            own.answered(before);
            own.land(null);
        }
        return own;
    }

    /**
     * Takes what a run gave for a request that leads it. A caller who has changed the input since it asked has the
     * answer to what it made of it, which is not that to the row.
     */
    void gave(CachedRequest<I, O> request, Answer answer) {
        RowKey row = request.row;
        Flight flight = request.flight;
        AnswerReader<O> reader = readers.claim();
        if (row == null || flight == null || reader == null) {
            return;
        }
        try {
            byte[] ran = write(reader, request);
            if (ran != null && row.is(ran)) {
                flight.gave(answer);
            }
        } finally {
            readers.release(reader);
        }
    }

    private Prediction<O> lead(CachedRequest<I, O> request, Flight own) {
        try {
            return batcher.run(request);
        } finally {
            own.land(request.failure());
        }
    }

    private void leave(CachedRequest<I, O> request, Flight own) {
        // Either its owner, who cancels it, sees the flight, or this thread sees that it is cancelled.
        if (request.isDone()) {
            own.land(null);
            return;
        }
        try {
            batcher.submit(request);
        } catch (RuntimeException | Error e) {
            own.land(null);
            throw e;
        }
    }

    private @Nullable Answer await(CachedRequest<I, O> request, Flight flight) {
        try {
            return flight.await(request.leftNanos(options));
        } catch (TimeoutException e) {
            throw late();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException(name + " gave up a prediction: its caller was interrupted while it waited");
        } catch (ExecutionException e) {
            Throwable failure = e.getCause() == null ? e : e.getCause();
            countFailure(request);
            if (failure instanceof Error error) {
                throw error;
            }
            throw failure instanceof RuntimeException runtime ? runtime : new CompletionException(failure);
        }
    }

    private DeadlineException late() {
        AnswerReader<O> reader = readers.claim();
        if (reader != null) {
            reader.tally.expired(1);
            readers.release(reader);
        }
        return new DeadlineException(
                name + " gave up a prediction",
                "its time was over before the request that it waited for, which asks for the same, was answered",
                "allow more time, or add lanes");
    }

    private void follow(
            CachedRequest<I, O> request,
            @Nullable Answer answer,
            @Nullable Throwable failure,
            Consumer<? super Request<I, O>> again) {
        if (request.isDone()) {
            return;
        }
        if (request.leftNanos(options) <= 0) {
            request.completeExceptionally(late());
            return;
        }
        if (failure != null) {
            countFailure(request);
            request.completeExceptionally(failure);
            return;
        }
        try {
            Prediction<O> prediction = answer == null ? null : answer(request, answer);
            if (prediction == null) {
                again.accept(request);
            } else {
                request.complete(prediction);
            }
        } catch (RuntimeException | Error e) {
            request.completeExceptionally(e);
        }
    }

    /** {@return the answer, read; null if the version is closed} */
    private @Nullable Prediction<O> answer(CachedRequest<I, O> request, Answer answer) {
        AnswerReader<O> reader = readers.claim();
        if (reader == null) {
            return null;
        }
        try {
            byte[] unused = reader.write(request.prepared, answer.length);
            return read(reader, request, answer);
        } finally {
            readers.release(reader);
        }
    }

    private Prediction<O> read(AnswerReader<O> reader, CachedRequest<I, O> request, Answer answer) {
        boolean made = false;
        try {
            O value = reader.read(answer);
            UUID id = ids.next();
            if (observation.wanted()) {
                observation.made(id, version, request.input, reader.raw());
            }
            Shadow<I, O> copies = hook.shadow();
            if (copies != null) {
                copies.offer(request.prepared, request.length(), reader.lane(), 0, NO_RUN);
            }
            made = true;
            return new Prediction<>(id, value, version);
        } finally {
            if (made) {
                reader.tally.hit(request);
            } else {
                reader.tally.failedHit(request);
            }
        }
    }

    private void countFailure(CachedRequest<I, O> request) {
        AnswerReader<O> reader = readers.claim();
        if (reader != null) {
            reader.tally.failedHit(request);
            readers.release(reader);
        }
    }

    /** Adds what was answered without a run to {@code total}. */
    void count(Tally total) {
        readers.count(total);
        total.misses(misses.sum());
    }

    boolean isClosed() {
        return readers.isClosed();
    }

    /**
     * Forgets the version's answers and frees the readers; to be called when the version runs nothing any more.
     *
     * @param patience after which readers in use are left to whoever releases them; null if never
     */
    void close(@Nullable Duration patience) {
        readers.close(patience);
        store.forget(this);
    }

    /** Has something done when every reader is closed; to be called after {@link #close}. */
    void whenClosed(Runnable task) {
        readers.whenClosed(task);
    }
}
