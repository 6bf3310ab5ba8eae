package dev.flywheel.serving;

import dev.flywheel.serving.batch.Tally;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The readers of one version, as many as ever read at a time. Thread-safe. */
final class AnswerReaders<O> implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(AnswerReaders.class);

    private static final long CLOSE_POLL_NANOS = 100_000;

    private final Supplier<AnswerReader<O>> source;
    private final Queue<AnswerReader<O>> idle = new ConcurrentLinkedQueue<>();
    private final CopyOnWriteArrayList<AnswerReader<O>> all = new CopyOnWriteArrayList<>();
    /** Those that are not closed, from when this is. */
    private final AtomicInteger open = new AtomicInteger();

    private final CompletableFuture<@Nullable Void> ended = new CompletableFuture<>();
    private volatile boolean closed;

    /**
     * Makes a first reader, so that it is known whether there can be any.
     *
     * @param source makes readers
     */
    AnswerReaders(Supplier<AnswerReader<O>> source) {
        this.source = source;
        AnswerReader<O> first = source.get();
        all.add(first);
        idle.add(first);
    }

    /** {@return a reader that is this thread's alone, to be released; null if the version is closed} */
    @Nullable
    AnswerReader<O> claim() {
        if (closed) {
            return null;
        }
        AnswerReader<O> reader = idle.poll();
        if (reader != null) {
            return reader;
        }
        synchronized (all) {
            if (closed) {
                return null;
            }
            AnswerReader<O> made = source.get();
            all.add(made);
            return made;
        }
    }

    void release(AnswerReader<O> reader) {
        idle.add(reader);
        if (closed) {
            closeIdle();
        }
    }

    /** Adds what was answered by reading to {@code total}. */
    void count(Tally total) {
        all.forEach(reader -> total.add(reader.tally));
    }

    boolean isClosed() {
        return closed;
    }

    /** Gives out no more readers, and returns when each is released and closed. */
    @Override
    public void close() {
        close(null);
    }

    /**
     * Closes as {@link #close()} does; but what is still in use after a time is closed by whoever releases it.
     *
     * @param patience null if it never ends
     */
    void close(@Nullable Duration patience) {
        synchronized (all) {
            if (!closed) {
                open.set(all.size());
                closed = true;
            }
        }
        closeIdle();
        long until = patience == null ? 0 : System.nanoTime() + patience.toNanos();
        while (!ended.isDone() && (patience == null || System.nanoTime() - until < 0)) {
            LockSupport.parkNanos(this, CLOSE_POLL_NANOS);
        }
    }

    /** Has something done when each is closed; to be called after {@link #close(Duration)}. */
    void whenClosed(Runnable task) {
        CompletableFuture<?> unused = ended.thenRun(task);
    }

    private void closeIdle() {
        for (AnswerReader<O> reader = idle.poll(); reader != null; reader = idle.poll()) {
            free(reader);
            if (open.decrementAndGet() == 0) {
                ended.complete(null);
            }
        }
    }

    private void free(AnswerReader<O> reader) {
        try {
            reader.close();
        } catch (RuntimeException | Error e) {
            log.warn("memory beside the lanes could not be freed; what it held may stay", e);
        }
    }
}
