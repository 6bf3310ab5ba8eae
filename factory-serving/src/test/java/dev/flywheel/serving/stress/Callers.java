package dev.flywheel.serving.stress;

import dev.flywheel.core.OverloadedException;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.CallOptions;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.batch.Priority;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** The users of an endpoint: threads that ask, judge what comes back, and ask again. Thread-safe. */
final class Callers {

    private static final int WINDOW = 100;
    private static final int BULK = 150;
    private static final List<Priority> PRIORITIES = List.of(Priority.values());
    private static final List<Duration> DEADLINES =
            List.of(Duration.ofNanos(1), Duration.ofNanos(100_000), Duration.ofMillis(5), Duration.ofSeconds(30));
    private static final long BACK_OFF_NANOS = 200_000;
    private static final long HANG_SECONDS = 60;

    private final Endpoint<Ask, Answer> endpoint;
    private final Ledger ledger;
    private final int asks;
    private final AtomicLong ids = new AtomicLong();
    private final AtomicBoolean stop = new AtomicBoolean();
    private final List<Thread> threads = new ArrayList<>();

    Callers(Endpoint<Ask, Answer> endpoint, Ledger ledger, Setup setup) {
        this.endpoint = endpoint;
        this.ledger = ledger;
        this.asks = setup.asks();
    }

    void start(Setup setup, SplittableRandom random) {
        for (int i = 0; i < setup.callers(); i++) {
            loop("caller-" + i, random.split(), this::one);
        }
        for (int i = 0; i < setup.windows(); i++) {
            loop("window-" + i, random.split(), this::window);
        }
        for (int i = 0; i < setup.bulks(); i++) {
            loop("bulk-" + i, random.split(), this::bulk);
        }
    }

    /** Lets every thread end what it has begun. */
    void stop() throws InterruptedException {
        stop.set(true);
        for (Thread thread : threads) {
            thread.join(TimeUnit.SECONDS.toMillis(HANG_SECONDS));
            if (thread.isAlive()) {
                throw new AssertionError(thread.getName() + " hangs\n" + Stacks.dump());
            }
        }
    }

    interface Work {
        void run(SplittableRandom random) throws InterruptedException;
    }

    /** Starts a thread that works until the end; to be called by one thread. */
    void loop(String name, SplittableRandom random, Work work) {
        Thread thread = new Thread(
                () -> {
                    try {
                        while (!stop.get()) {
                            work.run(random);
                        }
                    } catch (Throwable e) {
                        ledger.violation(Thread.currentThread().getName() + " ended with " + e);
                    }
                },
                name);
        thread.setDaemon(true);
        threads.add(thread);
        thread.start();
    }

    private Ask ask(SplittableRandom random) {
        return asks == 0 ? Ask.random(random, ids.incrementAndGet()) : Ask.random(random, random.nextInt(1, asks));
    }

    private static CallOptions options(SplittableRandom random) {
        CallOptions options = CallOptions.none();
        if (random.nextInt(4) == 0) {
            options = options.withPriority(PRIORITIES.get(random.nextInt(PRIORITIES.size())));
        }
        if (random.nextInt(4) == 0) {
            options = options.withDeadline(DEADLINES.get(random.nextInt(DEADLINES.size())));
        }
        return random.nextInt(4) == 0 ? options.withKey("user " + random.nextInt(20)) : options;
    }

    private void one(SplittableRandom random) {
        Ask ask = ask(random);
        CallOptions options = options(random);
        boolean interrupt = random.nextInt(50) == 0;
        if (interrupt) {
            Thread.currentThread().interrupt();
        }
        long from = ledger.begin(1);
        try {
            ledger.answered(ask, from, endpoint.predict(ask, options));
        } catch (RuntimeException | Error e) {
            // A caller that is interrupted does not wait.
            ledger.failed(ask, from, options, e, interrupt ? Ending.INTERRUPTED : null);
            if (e instanceof OverloadedException) {
                LockSupport.parkNanos(random.nextLong(BACK_OFF_NANOS));
            }
        }
        if (Thread.interrupted() != interrupt) {
            ledger.violation("the interrupt of a caller was " + (interrupt ? "lost" : "made up"));
        }
    }

    private void window(SplittableRandom random) throws InterruptedException {
        CountDownLatch open = new CountDownLatch(WINDOW);
        for (int i = 0; i < WINDOW; i++) {
            Ask ask = ask(random);
            CallOptions options = options(random);
            AtomicBoolean cancelled = new AtomicBoolean();
            long from = ledger.begin(1);
            CompletableFuture<Prediction<Answer>> future = endpoint.predictAsync(ask, options);
            CompletableFuture<Prediction<Answer>> unused = future.whenComplete((prediction, failure) -> {
                if (failure != null) {
                    ledger.failed(ask, from, options, failure, cancelled.get() ? Ending.CANCELLED : null);
                } else {
                    ledger.answered(ask, from, prediction);
                }
                open.countDown();
            });
            if (random.nextInt(20) == 0) {
                cancelled.set(true);
                future.cancel(true);
            }
        }
        if (!open.await(HANG_SECONDS, TimeUnit.SECONDS)) {
            ledger.violation(open.getCount() + " futures were never completed\n" + Stacks.dump());
            stop.set(true);
        }
    }

    private void bulk(SplittableRandom random) {
        List<Ask> asks = new ArrayList<>();
        int size = random.nextInt(BULK);
        boolean clean = random.nextInt(4) != 0;
        for (int i = 0; i < size; i++) {
            Ask ask = ask(random);
            asks.add(clean ? new Ask(ask.id(), Ask.Kind.PLAIN) : ask);
        }
        CallOptions options = options(random);
        boolean interrupt = random.nextInt(50) == 0;
        if (interrupt) {
            Thread.currentThread().interrupt();
        }
        long from = ledger.begin(size);
        try {
            List<Prediction<Answer>> predictions = endpoint.predictAll(asks, options);
            if (predictions.size() != size) {
                ledger.violation(size + " inputs have " + predictions.size() + " predictions");
            }
            for (int i = 0; i < size; i++) {
                ledger.answered(asks.get(i), from, predictions.get(i));
            }
        } catch (RuntimeException | Error e) {
            ledger.allFailed(asks, from, options, e, interrupt ? Ending.INTERRUPTED : null);
            if (e instanceof OverloadedException) {
                LockSupport.parkNanos(random.nextLong(BACK_OFF_NANOS));
            }
        }
        if (Thread.interrupted() != interrupt) {
            ledger.violation("the interrupt of a caller was " + (interrupt ? "lost" : "made up"));
        }
    }
}
