package dev.flywheel.pipeline;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Hands events to the host's listeners, in order, on the factory's event thread. Thread-safe. */
final class EventBus {

    private static final Logger log = LoggerFactory.getLogger(EventBus.class);

    private record Subscription<E extends Event>(Class<E> type, Consumer<? super E> listener) {

        void offer(Event event) {
            if (type.isInstance(event)) {
                listener.accept(type.cast(event));
            }
        }
    }

    private final List<Subscription<?>> subscriptions = new CopyOnWriteArrayList<>();
    private final Executor executor;

    EventBus(Executor executor) {
        this.executor = executor;
    }

    <E extends Event> void subscribe(Class<E> type, Consumer<? super E> listener) {
        subscriptions.add(new Subscription<>(type, listener));
    }

    void publish(Event event) {
        if (subscriptions.isEmpty()) {
            return;
        }
        try {
            executor.execute(() -> deliver(event));
        } catch (RejectedExecutionException e) {
            log.debug("the factory is closed, so nobody hears of {}", event);
        }
    }

    private void deliver(Event event) {
        for (Subscription<?> subscription : subscriptions) {
            try {
                subscription.offer(event);
            } catch (RuntimeException | Error e) {
                log.warn("a listener failed on {}", event, e);
            }
        }
    }
}
