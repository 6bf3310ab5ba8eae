package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.pipeline.CrashChild.Point;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventBusTest {

    @TempDir
    Path directory;

    private static Event.Promoted promoted(int version) {
        return new Event.Promoted(version, OptionalInt.empty(), "");
    }

    private static EventBus<Event> bus(Executor executor) {
        return new EventBus<>("a test", executor, Event.FeedbackAccepted.class::isInstance);
    }

    @Test
    void aListenerThatThrowsAnythingHarmsNeitherTheOthersNorTheNextEvents() {
        List<Integer> heard = new ArrayList<>();
        EventBus<Event> bus = bus(Runnable::run);
        bus.subscribe(Event.Promoted.class, e -> {
            throw new AssertionError("a test in a listener");
        });
        bus.subscribe(Event.Promoted.class, e -> {
            throw new IllegalStateException("a bug in a listener");
        });
        bus.subscribe(Event.Promoted.class, e -> heard.add(e.version()));
        bus.publish(promoted(1));
        bus.publish(promoted(2));
        assertThat(heard).containsExactly(1, 2);
    }

    @Test
    void aListenerHearsOnlyWhatItAskedFor() {
        List<Event> heard = new ArrayList<>();
        EventBus<Event> bus = bus(Runnable::run);
        bus.subscribe(Event.Failed.class, heard::add);
        bus.publish(promoted(1));
        assertThat(heard).isEmpty();
    }

    @Test
    void whatAListenerPublishesIsHeardAfterWhatItWasCalledFor() {
        List<String> heard = new ArrayList<>();
        EventBus<Event> bus = bus(Runnable::run);
        bus.subscribe(Event.Promoted.class, e -> {
            if (e.version() == 1) {
                bus.publish(promoted(2));
            }
            heard.add("first " + e.version());
        });
        bus.subscribe(Event.Promoted.class, e -> heard.add("second " + e.version()));
        bus.publish(promoted(1));
        assertThat(heard).containsExactly("first 1", "second 1", "first 2", "second 2");
    }

    @Test
    void nobodyHearsAnythingOnceTheFactoryIsClosed() {
        ExecutorService closed = Executors.newSingleThreadExecutor();
        closed.shutdownNow();
        EventBus<Event> bus = bus(closed);
        List<Event> heard = new ArrayList<>();
        bus.subscribe(Event.Promoted.class, heard::add);
        bus.publish(promoted(1));
        assertThat(heard).isEmpty();
    }

    @Test
    void whatTheHostsExecutorCannotTakeNowIsHeardOnceItCan() {
        List<RuntimeException> troubles = new ArrayList<>(
                List.of(new RejectedExecutionException("the queue is full"), new IllegalStateException("a bug")));
        List<Integer> heard = new ArrayList<>();
        EventBus<Event> bus = bus(work -> {
            if (!troubles.isEmpty()) {
                throw troubles.remove(0);
            }
            work.run();
        });
        bus.subscribe(Event.Promoted.class, e -> heard.add(e.version()));
        bus.publish(promoted(1));
        bus.publish(promoted(2));
        assertThat(heard).isEmpty();
        bus.check();
        assertThat(heard).containsExactly(1, 2);
    }

    /** A listener that blocks in its first call until it is let go. */
    private static final class Blocked implements Consumer<Event.Promoted> {

        private final CountDownLatch begun = new CountDownLatch(1);
        private final CountDownLatch letGo = new CountDownLatch(1);
        private final LinkedBlockingQueue<Integer> heard = new LinkedBlockingQueue<>();

        @Override
        public void accept(Event.Promoted event) {
            begun.countDown();
            try {
                letGo.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            heard.add(event.version());
        }
    }

    @Test
    void aListenerThatBlocksIsSetAsideAndHearsTheRestLater() throws Exception {
        ExecutorService executor = Executors.newCachedThreadPool();
        try {
            EventBus<Event> bus = new EventBus<>("a test", executor, event -> false, Duration.ZERO);
            Blocked blocked = new Blocked();
            LinkedBlockingQueue<Integer> others = new LinkedBlockingQueue<>();
            bus.subscribe(Event.Promoted.class, blocked);
            bus.subscribe(Event.Promoted.class, e -> others.add(e.version()));
            bus.publish(promoted(1));
            blocked.begun.await();
            bus.check();
            assertThat(others.take()).as("without another event").isEqualTo(1);
            bus.publish(promoted(2));
            bus.publish(promoted(3));
            // with no patience the second listener may be set aside, too, and then hears what it missed
            assertThat(List.of(others.take(), others.take())).containsExactly(2, 3);
            blocked.letGo.countDown();
            assertThat(List.of(blocked.heard.take(), blocked.heard.take(), blocked.heard.take()))
                    .containsExactly(1, 2, 3);
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void ofWhatWaitsForABlockedListenerTheOldestIsDropped() throws Exception {
        ExecutorService executor = Executors.newSingleThreadExecutor();
        try {
            EventBus<Event> bus = bus(executor);
            Blocked blocked = new Blocked();
            AtomicInteger accepted = new AtomicInteger();
            bus.subscribe(Event.Promoted.class, blocked);
            bus.subscribe(Event.FeedbackAccepted.class, e -> accepted.incrementAndGet());
            bus.publish(promoted(0));
            blocked.begun.await();
            int extra = 10;
            for (int i = 1; i <= EventBus.CAPACITY + extra; i++) {
                bus.publish(new Event.FeedbackAccepted(1, i));
            }
            for (int i = 1; i <= EventBus.CAPACITY + extra; i++) {
                bus.publish(promoted(i));
            }
            blocked.letGo.countDown();
            assertThat(blocked.heard.take()).isEqualTo(0);
            for (int i = 1 + extra; i <= EventBus.CAPACITY + extra; i++) {
                assertThat(blocked.heard.take()).isEqualTo(i);
            }
            executor.submit(() -> {}).get();
            assertThat(accepted)
                    .as("news of feedback makes room for promotions")
                    .hasValue(0);
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void listenersAreCalledOnTheHostsExecutor() throws Exception {
        ExecutorService host = Executors.newSingleThreadExecutor(work -> new Thread(work, "host"));
        try (Factory factory = Factory.open(
                        directory.resolve("home"),
                        Factory.options()
                                .listeners(host)
                                .onProgress(p -> progressThreads.add(
                                        Thread.currentThread().getName())));
                Deployment<Point, Boolean, Double> live = factory.start(pipeline())) {
            CompletableFuture<String> thread = new CompletableFuture<>();
            live.onFeedback(e -> thread.complete(Thread.currentThread().getName()));
            live.feedback(live.predict(new Point(1, 1, "red")).id(), true);
            assertThat(thread.join()).isEqualTo("host");
            assertThat(progressThreads.take()).isEqualTo("host");
        } finally {
            host.shutdown();
        }
    }

    private final LinkedBlockingQueue<String> progressThreads = new LinkedBlockingQueue<>();

    private Pipeline<Point, Boolean, Double> pipeline() throws IOException {
        return CrashChild.pipeline(CrashTest.writePoints(directory.resolve("points.csv"), 200));
    }

    @Test
    void eventsComeInTheOrderInWhichThingsHappen() throws Exception {
        LinkedBlockingQueue<String> heard = new LinkedBlockingQueue<>();
        try (Factory factory = Factory.open(directory.resolve("home"));
                Deployment<Point, Boolean, Double> live = factory.start(pipeline())) {
            live.onRun(e -> heard.add("run " + e.run().outcome() + ", " + e.trigger()));
            live.onPromotion(e -> heard.add(
                    "version " + e.version() + " after " + e.previous().orElseThrow()));
            live.onFeedback(e -> heard.add(e.count() + " of " + e.total() + " labels"));
            UUID first = live.predict(new Point(1, 1, "red")).id();
            UUID second = live.predict(new Point(-1, -1, "red")).id();
            live.feedback(first, true);
            live.feedback(Map.of(first, true, second, false));
            live.retrain().join();
            live.rollback();
            assertThat(List.of(heard.take(), heard.take(), heard.take(), heard.take(), heard.take()))
                    .containsExactly(
                            "1 of 1 labels",
                            "2 of 3 labels",
                            "version 2 after 1",
                            "run PROMOTED, asked for by the host",
                            "version 1 after 2");
        }
    }

    @Test
    void aListenerThatHearsOfARunCanStartTheNext() throws Exception {
        CompletableFuture<CompletableFuture<Run>> second = new CompletableFuture<>();
        try (Factory factory = Factory.open(directory.resolve("home"));
                Deployment<Point, Boolean, Double> live = factory.start(pipeline())) {
            live.onRun(e -> {
                if (!second.isDone()) {
                    second.complete(live.retrain());
                }
            });
            Run first = live.retrain().join();
            assertThat(second.join().join().id()).isNotEqualTo(first.id());
            assertThat(live.version()).isEqualTo(3);
        }
    }

    @Test
    void aListenerThatBlocksHoldsUpNeitherPredictionsNorRuns() throws Exception {
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch letGo = new CountDownLatch(1);
        try (Factory factory = Factory.open(directory.resolve("home"));
                Deployment<Point, Boolean, Double> live = factory.start(pipeline())) {
            live.onFeedback(e -> {
                blocked.countDown();
                try {
                    letGo.await();
                } catch (InterruptedException interrupted) {
                    Thread.currentThread().interrupt();
                }
            });
            live.feedback(live.predict(new Point(1, 1, "red")).id(), true);
            blocked.await();
            assertThat(live.retrain().join().outcome()).isEqualTo(Run.Outcome.PROMOTED);
            assertThat(live.predict(new Point(1, 1, "red")).version()).isEqualTo(2);
            letGo.countDown();
        }
    }
}
