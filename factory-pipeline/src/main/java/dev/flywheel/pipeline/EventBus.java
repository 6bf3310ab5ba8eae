package dev.flywheel.pipeline;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands events to the host's listeners, in order, one call at a time. Thread-safe; publishing never waits.
 *
 * <p>A listener that throws harms nothing. One that is still in a call after a while is set aside: what it should hear
 * waits for it alone, and the others go on. Of what waits, for all or for one, the oldest is dropped where it becomes
 * too much, and what is expendable before anything else.
 *
 * @param <T> what is handed over
 */
final class EventBus<T> {

    private static final Logger log = LoggerFactory.getLogger(EventBus.class);

    /** The most events that wait for all, and for one that was set aside. */
    static final int CAPACITY = 1_024;

    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final String name;
    private final Executor executor;
    private final Predicate<? super T> expendable;
    private final long patience;

    private final Object lock = new Object();
    private final List<Subscription> subscriptions = new ArrayList<>();
    private final Queue waiting = new Queue("all listeners");
    /** Who is still to hear the event that is being handed over. */
    private final ArrayDeque<Subscription> remaining = new ArrayDeque<>();

    private @Nullable T current;
    private @Nullable Courier active;

    /**
     * @param name what the events are of, for the log
     * @param executor where listeners are called
     * @param expendable what is dropped first
     */
    EventBus(String name, Executor executor, Predicate<? super T> expendable) {
        this(name, executor, expendable, PATIENCE);
    }

    /** @param patience how long a call may take before the others go on without it */
    EventBus(String name, Executor executor, Predicate<? super T> expendable, Duration patience) {
        this.name = name;
        this.executor = executor;
        this.expendable = expendable;
        this.patience = patience.toNanos();
    }

    <E extends T> void subscribe(Class<E> type, Consumer<? super E> listener) {
        Objects.requireNonNull(listener, "listener");
        synchronized (lock) {
            subscriptions.add(new Subscription(type, event -> listener.accept(type.cast(event)), type.getSimpleName()));
        }
    }

    void publish(T event) {
        Courier courier;
        synchronized (lock) {
            if (subscriptions.stream().noneMatch(subscription -> subscription.wants(event))) {
                return;
            }
            waiting.add(event);
            courier = courierIfNeeded();
        }
        send(courier);
    }

    /** Goes on without a listener that takes too long; called now and then. */
    void check() {
        Courier courier;
        synchronized (lock) {
            courier = courierIfNeeded();
        }
        send(courier);
    }

    private @Nullable Courier courierIfNeeded() {
        Subscription stuck = active == null ? null : active.stuck();
        if (stuck != null) {
            log.warn(
                    "a listener to {} of {} is still in a call after {}; the others go on without it",
                    stuck.name,
                    name,
                    Spans.of(Duration.ofNanos(patience)));
            stuck.aside = true;
            active = null;
        }
        if (active != null || (remaining.isEmpty() && waiting.isEmpty())) {
            return null;
        }
        active = new Courier();
        return active;
    }

    /** Outside of the lock, because the host's executor may do the work at once. */
    private void send(@Nullable Courier courier) {
        if (courier == null) {
            return;
        }
        try {
            executor.execute(courier);
        } catch (RuntimeException | Error e) {
            // it may be closed, full, or without memory for a thread: what waits is for the next look
            log.debug("nobody could be called for {}", name, e);
            synchronized (lock) {
                active = active == courier ? null : active;
            }
        }
    }

    /** What waits, oldest first. Used under the lock. */
    private final class Queue {

        private final String whom;
        private final ArrayDeque<T> events = new ArrayDeque<>();
        private long dropped;

        Queue(String whom) {
            this.whom = whom;
        }

        void add(T event) {
            events.addLast(event);
            if (events.size() > CAPACITY) {
                drop();
            }
        }

        private void drop() {
            boolean found = false;
            for (Iterator<T> each = events.iterator(); each.hasNext() && !found; ) {
                if (expendable.test(each.next())) {
                    each.remove();
                    found = true;
                }
            }
            if (!found) {
                events.removeFirst();
            }
            dropped++;
            if (Long.bitCount(dropped) == 1) {
                log.warn("{} of the events of {} that waited for {} were dropped so far", dropped, name, whom);
            }
        }

        @Nullable
        T poll() {
            return events.pollFirst();
        }

        boolean isEmpty() {
            return events.isEmpty();
        }
    }

    private final class Subscription {

        private final Class<? extends T> type;
        private final Consumer<T> listener;
        private final String name;
        private final Queue backlog;
        private final AtomicLong failed = new AtomicLong();
        /** Whether a courier is with this listener alone. */
        private boolean aside;

        Subscription(Class<? extends T> type, Consumer<T> listener, String name) {
            this.type = type;
            this.listener = listener;
            this.name = name;
            this.backlog = new Queue("a listener to " + name);
        }

        boolean wants(T event) {
            return type.isInstance(event);
        }

        void hear(T event) {
            try {
                listener.accept(event);
            } catch (RuntimeException | Error e) {
                // each time would be too often where it fails on every report of progress
                if (Long.bitCount(failed.incrementAndGet()) == 1) {
                    log.warn("a listener failed on {}, for the {}. time", event, failed, e);
                }
            }
        }
    }

    /** Calls one listener after the other. */
    private final class Courier implements Runnable {

        /** The listener that was called last. */
        private @Nullable Subscription in;

        private boolean calling;
        private long since;

        /** {@return the listener that takes too long} */
        @Nullable
        Subscription stuck() {
            return calling && System.nanoTime() - since >= patience ? in : null;
        }

        @Override
        public void run() {
            for (Runnable call = next(); call != null; call = next()) {
                call.run();
            }
        }

        private @Nullable Runnable next() {
            synchronized (lock) {
                calling = false;
                Runnable call = in != null && in.aside ? ownNext(in) : sharedNext();
                calling = call != null;
                since = System.nanoTime();
                return call;
            }
        }

        /** Once the listener has caught up it stands with the others again. */
        private @Nullable Runnable ownNext(Subscription own) {
            T event = own.backlog.poll();
            if (event == null) {
                own.aside = false;
                return null;
            }
            return () -> own.hear(event);
        }

        private @Nullable Runnable sharedNext() {
            while (true) {
                Subscription next = remaining.poll();
                T event = next == null ? waiting.poll() : current;
                if (event == null) {
                    active = null;
                    return null;
                }
                if (next == null) {
                    current = event;
                    subscriptions.stream().filter(s -> s.wants(event)).forEach(remaining::add);
                } else if (next.aside) {
                    next.backlog.add(event);
                } else {
                    in = next;
                    return () -> next.hear(event);
                }
            }
        }
    }
}
