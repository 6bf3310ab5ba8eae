package dev.flywheel.serving;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.DeadlineException;
import dev.flywheel.core.OverloadedException;
import dev.flywheel.serving.AnswerStore.Answer;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The run of a row that others, who ask for the same, wait for. It ends with the answer, with the failure of the run,
 * or with null where the row was not run: its owner cancelled it, or it was refused or came too late. Thread-safe.
 */
final class Flight extends CompletableFuture<@Nullable Answer> {

    private final Map<RowKey, Flight> flights;
    private final AnswerStore store;
    private final RowKey key;
    private volatile @Nullable Answer answer;

    /** @param flights where it stands until it has landed */
    Flight(Map<RowKey, Flight> flights, AnswerStore store, RowKey key) {
        this.flights = flights;
        this.store = store;
        this.key = key;
    }

    /** Tells it the answer; those who wait hear of it when it {@linkplain #land lands}. */
    void answered(Answer given) {
        answer = given;
    }

    /** {@return how it ended, waiting for it for so long at most} */
    @Nullable
    Answer await(long nanos) throws TimeoutException, ExecutionException, InterruptedException {
        return get(nanos, TimeUnit.NANOSECONDS);
    }

    /** Tells {@code listener} how it ended, when it has; the listener throws nothing. */
    void hear(BiConsumer<? super @Nullable Answer, ? super @Nullable Throwable> listener) {
        CompletableFuture<?> unused = whenComplete(listener);
    }

    /** Keeps what the run gave; those who wait hear of it when it {@linkplain #land lands}. */
    void gave(Answer given) {
        store.keep(key, given);
        answer = given;
    }

    /**
     * Ends the flight, if it has not ended; for good.
     *
     * @param failure why there is no answer; null if the row was not run
     */
    void land(@Nullable Throwable failure) {
        if (isDone()) {
            return;
        }
        flights.remove(key, this);
        Answer given = answer;
        if (given != null || failure == null || concernsItsOwnerAlone(failure)) {
            complete(given);
        } else {
            completeExceptionally(failure);
        }
    }

    private static boolean concernsItsOwnerAlone(Throwable failure) {
        return failure instanceof CancellationException
                || failure instanceof DeadlineException
                || failure instanceof OverloadedException
                || failure instanceof ClosedException;
    }
}
