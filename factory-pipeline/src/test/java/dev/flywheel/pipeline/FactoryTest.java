package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Ingested;
import dev.flywheel.pipeline.source.Ingestion;
import dev.flywheel.pipeline.source.Source;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FactoryTest {

    @TempDir
    Path directory;

    private final ExecutorService callers = Executors.newCachedThreadPool();
    private Path home;
    private Path csv;

    @BeforeEach
    void writePoints() throws IOException {
        home = directory.resolve("home");
        csv = CrashTest.writePoints(directory.resolve("points.csv"), 200);
    }

    @AfterEach
    void endCallers() {
        callers.shutdownNow();
    }

    private Pipeline<Point, Boolean, Double> pipeline(String name, Trainer trainer) {
        return pipeline(name, Csv.files(csv).examples(Point.class, Target.isTrue("inside")), trainer);
    }

    private static Pipeline<Point, Boolean, Double> pipeline(
            String name, Source<Point, Boolean> source, Trainer trainer) {
        return Pipeline.named(name)
                .from(source)
                .features(Features.auto(Point.class))
                .train(trainer)
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.5))
                .respond(p -> p)
                .build();
    }

    private static HookedTrainer trainer() {
        return new HookedTrainer(() -> {});
    }

    static Stream<Throwable> unexpected() {
        return Stream.of(
                new UncheckedIOException("torn", new IOException("disk")),
                new IllegalStateException("confused"),
                new ArrayIndexOutOfBoundsException(7),
                new AssertionError("impossible"),
                new NoClassDefFoundError("org/example/Absent"),
                new StackOverflowError(),
                new OutOfMemoryError("off the heap"));
    }

    @ParameterizedTest
    @MethodSource("unexpected")
    void aRunThatDiesUnexpectedlyIsAFailedRun(Throwable death) {
        Trainer dying = new HookedTrainer(() -> FactoryTest.<RuntimeException>sneak(death));
        try (Factory factory = Factory.open(home)) {
            Run run = factory.run(pipeline("points", dying));
            assertThat(run.outcome()).isEqualTo(Run.Outcome.FAILED);
            assertThat(run.reason()).isEqualTo(death.toString());
            assertThat(run.report()).content().contains(death.getClass().getSimpleName());
            assertThat(run.report().resolveSibling("run.json")).content().contains("FAILED");
            assertThat(run.report().resolveSibling("work")).doesNotExist();
            assertThat(home.resolve("pipelines/points/staging"))
                    .satisfiesAnyOf(
                            staging -> assertThat(staging).doesNotExist(),
                            staging -> assertThat(staging).isEmptyDirectory());
            assertThat(factory.run(pipeline("points", trainer())).outcome()).isEqualTo(Run.Outcome.PROMOTED);
        }
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> void sneak(Throwable thrown) throws T {
        throw (T) thrown;
    }

    @Test
    void aFirstRunThatDiesUnexpectedlyLeavesThePipelineToTheNext() {
        Trainer dying = new HookedTrainer(() -> {
            throw new IllegalStateException("confused");
        });
        try (Factory factory = Factory.open(home)) {
            assertThatThrownBy(() -> factory.start(pipeline("points", dying)))
                    .hasMessageStartingWith("pipeline \"points\" has nothing to serve: "
                            + "java.lang.IllegalStateException: confused. Fix: read ")
                    .hasRootCauseMessage("confused");
            try (Deployment<Point, Boolean, Double> live = factory.start(pipeline("points", trainer()))) {
                assertThat(live.version()).isEqualTo(1);
            }
        }
    }

    @Test
    void aPipelineIsUsedByOneAtATime() throws Exception {
        HookedTrainer.Gate gate = new HookedTrainer.Gate();
        try (Factory factory = Factory.open(home)) {
            CompletableFuture<Run> running = CompletableFuture.supplyAsync(
                    () -> factory.run(pipeline("points", new HookedTrainer(gate))), callers);
            gate.begun.await();
            Pipeline<Point, Boolean, Double> pipeline = pipeline("points", trainer());
            assertThatThrownBy(() -> factory.run(pipeline))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("pipeline \"points\" is in a run already; wait until it has ended");
            assertThatThrownBy(() -> factory.start(pipeline))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("pipeline \"points\" is in a run already; wait until it has ended");
            gate.letGo.countDown();
            assertThat(running.join().outcome()).isEqualTo(Run.Outcome.PROMOTED);
            try (Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
                assertThat(live.version()).isEqualTo(1);
                assertThatThrownBy(() -> factory.run(pipeline))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage("pipeline \"points\" is at work already; close that deployment first");
            }
            assertThat(factory.run(pipeline).outcome()).isEqualTo(Run.Outcome.PROMOTED);
        }
    }

    @Test
    void twoThreadsCannotStartTheSamePipeline() throws Exception {
        HookedTrainer.Gate gate = new HookedTrainer.Gate();
        try (Factory factory = Factory.open(home)) {
            CompletableFuture<Deployment<Point, Boolean, Double>> first = CompletableFuture.supplyAsync(
                    () -> factory.start(pipeline("points", new HookedTrainer(gate))), callers);
            gate.begun.await();
            assertThatThrownBy(() -> factory.start(pipeline("points", trainer())))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("pipeline \"points\" is being started already; wait for that deployment");
            gate.letGo.countDown();
            try (Deployment<Point, Boolean, Double> live = first.join()) {
                assertThat(live.version()).isEqualTo(1);
            }
            assertThat(factory.versions("points")).hasSize(1);
        }
    }

    @Test
    void closingAbandonsTheRunInProgressAndThoseThatWait() throws Exception {
        HookedTrainer.Gate gate = new HookedTrainer.Gate();
        Factory factory = Factory.open(home);
        CompletableFuture<Run> running =
                CompletableFuture.supplyAsync(() -> factory.run(pipeline("running", new HookedTrainer(gate))), callers);
        gate.begun.await();
        Thread waiting = new Thread(() -> factory.run(pipeline("waiting", trainer())));
        AtomicReference<Throwable> refused = new AtomicReference<>();
        waiting.setUncaughtExceptionHandler((thread, e) -> refused.set(e));
        waiting.start();
        while (waiting.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        factory.close();
        waiting.join();
        assertThat(refused.get())
                .isInstanceOf(ClosedException.class)
                .hasMessage("a pipeline: the factory was closed. Fix: open the factory again.");
        Run run = running.join();
        assertThat(run.outcome()).isEqualTo(Run.Outcome.FAILED);
        assertThat(run.reason()).matches("the run was abandoned|training of logistic.* was interrupted");
        assertThatThrownBy(() -> factory.run(pipeline("waiting", trainer())))
                .isInstanceOf(ClosedException.class)
                .hasMessage("the factory over " + home + ": it was closed. Fix: open it again.");
        assertThatThrownBy(() -> factory.start(pipeline("waiting", trainer()))).isInstanceOf(ClosedException.class);
        try (Factory again = Factory.open(home)) {
            assertThat(again.versions("running")).isEmpty();
        }
    }

    /** Points in a file, where whoever asks for their type has to wait. */
    private record SlowSource(Source<Point, Boolean> real, CountDownLatch asked, CountDownLatch answered)
            implements Source<Point, Boolean> {

        @Override
        public Target<Boolean> target() {
            return real.target();
        }

        @Override
        public String describe() {
            return real.describe();
        }

        @Override
        public RowType<Point> type(Schema inputs) {
            asked.countDown();
            try {
                answered.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return real.type(inputs);
        }

        @Override
        public Ingested<Point> ingest(Ingestion where) {
            return real.ingest(where);
        }
    }

    @Test
    void closingWaitsForADeploymentThatIsBeingStartedAndClosesIt() throws Exception {
        SlowSource slow = new SlowSource(
                Csv.files(csv).examples(Point.class, Target.isTrue("inside")),
                new CountDownLatch(1),
                new CountDownLatch(1));
        Factory factory = Factory.open(home);
        CompletableFuture<Deployment<Point, Boolean, Double>> starting =
                CompletableFuture.supplyAsync(() -> factory.start(pipeline("points", slow, trainer())), callers);
        slow.asked.await();
        Thread closing = new Thread(factory::close);
        closing.start();
        while (closing.getState() != Thread.State.WAITING && closing.isAlive()) {
            Thread.onSpinWait();
        }
        slow.answered.countDown();
        closing.join();
        assertThatThrownBy(starting::join)
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOf(ClosedException.class);
        try (Factory again = Factory.open(home);
                Deployment<Point, Boolean, Double> live = again.start(pipeline("points", trainer()))) {
            assertThat(live.version()).isEqualTo(1);
        }
    }

    @Test
    void anInterruptedCallerGetsAnAnswerAndTheRunPromotesNothing() throws Exception {
        HookedTrainer.Gate gate = new HookedTrainer.Gate();
        try (Factory factory = Factory.open(home)) {
            AtomicReference<Throwable> thrown = new AtomicReference<>();
            Thread caller = new Thread(() -> factory.run(pipeline("points", new HookedTrainer(gate))));
            caller.setUncaughtExceptionHandler((thread, e) -> thrown.set(e));
            caller.start();
            gate.begun.await();
            caller.interrupt();
            caller.join();
            assertThat(thrown.get())
                    .isInstanceOf(ClosedException.class)
                    .hasMessage("a run: the waiting thread was interrupted. Fix: run it again.");
            assertThat(factory.run(pipeline("other", trainer())).outcome()).isEqualTo(Run.Outcome.PROMOTED);
            assertThat(factory.versions("points")).isEmpty();
        }
    }

    @Test
    void aListenerOfProgressThatThrowsHarmsNothing() {
        Factory.Options options = Factory.options().onProgress(progress -> {
            throw new AssertionError("a bug in the progress bar");
        });
        try (Factory factory = Factory.open(home, options)) {
            assertThat(factory.run(pipeline("points", trainer())).outcome()).isEqualTo(Run.Outcome.PROMOTED);
        }
    }

    @Test
    void aListenerIsToldNotToWaitForTheFactory() {
        CompletableFuture<Factory> opened = new CompletableFuture<>();
        CompletableFuture<Throwable> refused = new CompletableFuture<>();
        Factory.Options options = Factory.options().onProgress(progress -> {
            try {
                opened.join().close();
            } catch (IllegalStateException e) {
                refused.complete(e);
            }
        });
        Factory factory = Factory.open(home, options);
        opened.complete(factory);
        assertThat(factory.run(pipeline("points", trainer())).outcome()).isEqualTo(Run.Outcome.PROMOTED);
        assertThat(refused.join())
                .hasMessage("a listener must not wait for the factory that calls it (flywheel-events); leave that to"
                        + " another thread");
        factory.close();
        factory.close();
    }

    @Test
    void askingForAnUnknownPipelineMakesNoDirectory() {
        try (Factory factory = Factory.open(home)) {
            assertThat(factory.versions("absent")).isEmpty();
            assertThat(factory.history("absent")).isEmpty();
        }
        assertThat(home.resolve("pipelines")).isEmptyDirectory();
    }

    @Test
    void whatAKilledProcessLeftUnfinishedIsDeleted() throws IOException {
        try (Factory factory = Factory.open(home)) {
            assertThat(factory.run(pipeline("points", trainer())).outcome()).isEqualTo(Run.Outcome.PROMOTED);
        }
        Path dataset = Files.writeString(home.resolve("data/dataset-1.tmp"), "half");
        Path json = Files.writeString(home.resolve("pipelines/points/history.json.1.tmp"), "{");
        Path work = Files.createDirectories(home.resolve("pipelines/points/runs/20260101T000000-001/work"));
        Files.writeString(work.resolve("1.arrow"), "half");
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline("points", trainer()))) {
            assertThat(live.version()).isEqualTo(1);
            assertThat(dataset).doesNotExist();
            assertThat(json).doesNotExist();
            assertThat(work).doesNotExist();
        }
    }
}
