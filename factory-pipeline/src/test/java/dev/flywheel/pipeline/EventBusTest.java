package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.pipeline.CrashChild.Point;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventBusTest {

    @TempDir
    Path directory;

    private static Event.Promoted promoted(int version) {
        return new Event.Promoted(version, OptionalInt.empty(), "");
    }

    @Test
    void aListenerThatThrowsAnythingHarmsNeitherTheOthersNorTheNextEvents() {
        List<Integer> heard = new ArrayList<>();
        EventBus bus = new EventBus(Runnable::run);
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
        EventBus bus = new EventBus(Runnable::run);
        bus.subscribe(Event.Failed.class, heard::add);
        bus.publish(promoted(1));
        assertThat(heard).isEmpty();
    }

    @Test
    void nobodyHearsAnythingOnceTheFactoryIsClosed() {
        ExecutorService closed = Executors.newSingleThreadExecutor();
        closed.shutdownNow();
        EventBus bus = new EventBus(closed);
        List<Event> heard = new ArrayList<>();
        bus.subscribe(Event.Promoted.class, heard::add);
        bus.publish(promoted(1));
        assertThat(heard).isEmpty();
    }

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
