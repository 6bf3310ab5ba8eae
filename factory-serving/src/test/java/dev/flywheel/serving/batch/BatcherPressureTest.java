package dev.flywheel.serving.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.DeadlineException;
import dev.flywheel.core.OverloadedException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.serving.batch.FakeRunner.Ask;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Deadlines, priorities, cancellation, lanes that fail or hang, callbacks that block, and closing in a hurry. */
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BatcherPressureTest {

    private static final long FOREVER = Long.MAX_VALUE;

    private final BatchOptions options =
            BatchOptions.defaults().queueCapacity(8).lanes(1).maxRows(4);
    private final List<FakeRunner> runners = new CopyOnWriteArrayList<>();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private Batcher<String, Ask, FakeRunner> batcher = serve(options, new FakeRunner("unused", 1));

    @AfterEach
    void close() {
        runners.forEach(FakeRunner::open);
        batcher.close();
        threads.shutdown();
    }

    private Batcher<String, Ask, FakeRunner> serve(BatchOptions used, FakeRunner first) {
        return serve(used, first, () -> new FakeRunner("fresh", 4));
    }

    private Batcher<String, Ask, FakeRunner> serve(BatchOptions used, FakeRunner first, Supplier<FakeRunner> more) {
        if (!runners.isEmpty()) {
            batcher.close();
        }
        runners.add(first);
        batcher = new Batcher<>("endpoint test", used, first, () -> {
            FakeRunner made = more.get();
            runners.add(made);
            return made;
        });
        return batcher;
    }

    private Ask submit(int input) {
        return submit(new Ask(input));
    }

    private Ask submit(Ask call) {
        batcher.submit(call);
        return call;
    }

    private static Ask within(int input, Duration time) {
        return new Ask(input, 1, Priority.NORMAL, time.toNanos());
    }

    private static Ask of(int input, Priority priority) {
        return new Ask(input, 1, priority, FOREVER);
    }

    /** Takes the lane, with a call that stays in it until the lane is opened. */
    private Ask begin(FakeRunner runner) {
        Ask call = submit(0);
        runner.entered.acquireUninterruptibly();
        return call;
    }

    private void occupy(FakeRunner runner) {
        Ask unused = begin(runner);
    }

    private void awaitQueued(int waiting) {
        while (batcher.queued() < waiting) {
            Thread.onSpinWait();
        }
    }

    @Test
    void aCallThatExpiresWhileItWaitsFailsAtItsDeadlineAndIsNotRun() throws Exception {
        FakeRunner runner = new FakeRunner("a", 4).gated();
        serve(options, runner);
        Ask begun = begin(runner);
        Ask late = submit(within(1, Duration.ofMillis(20)));
        Ask patient = submit(2);
        assertThatThrownBy(() -> late.get(20, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(DeadlineException.class)
                .hasRootCauseMessage("endpoint test gave up a prediction: it was not answered within its 20 ms; 1 "
                        + "requests wait. Fix: allow more time, add lanes, or send less.");
        assertThat(begun).as("the lane is still taken").isNotDone();
        assertThat(batcher.queued()).isEqualTo(1);
        runner.open();
        assertThat(patient.await()).isEqualTo("a:2");
        assertThat(runner.batches).containsExactly(List.of(0), List.of(2));
        Tally tally = new Tally();
        batcher.count(tally);
        assertThat(tally.activity().expired()).isEqualTo(1);
    }

    @Test
    void aCallWhoseTimeIsOverWhileItRunsFailsAtItsDeadlineToo() {
        FakeRunner runner = new FakeRunner("a", 4).gated();
        serve(options, runner);
        Ask late = submit(within(0, Duration.ofMillis(100)));
        while (!runner.entered.tryAcquire()) {
            // The processors were so busy that it was late before it could begin.
            late = late.isDone() ? submit(within(0, Duration.ofMillis(100))) : late;
            Thread.onSpinWait();
        }
        assertThatThrownBy(late::await).isInstanceOf(DeadlineException.class);
        assertThat(runner.batches).hasSize(1);
    }

    @Test
    void aBlockingCallerWakesAtItsDeadlineByItself() {
        FakeRunner runner = new FakeRunner("a", 4).gated();
        serve(options.deadline(Duration.ofMillis(20)), runner);
        Ask begun = new Ask(0, 1, Priority.NORMAL, FOREVER);
        batcher.submit(begun);
        runner.entered.acquireUninterruptibly();
        assertThatThrownBy(() -> batcher.run(new Ask(1)))
                .isInstanceOf(DeadlineException.class)
                .hasMessageContaining("within its 20 ms");
        assertThat(batcher.queued()).isZero();
        runner.open();
        assertThat(begun.await()).isEqualTo("a:0");
        assertThat(runner.batches).containsExactly(List.of(0));
    }

    @Test
    void cancellingFreesThePlaceInTheQueueAtOnce() {
        FakeRunner runner = new FakeRunner("a", 4).gated();
        serve(options, runner);
        occupy(runner);
        List<Ask> waiting = IntStream.rangeClosed(1, 8).mapToObj(this::submit).toList();
        for (int i = 0; i < 1_000; i++) {
            assertThatThrownBy(() -> submit(-1)).isInstanceOf(OverloadedException.class);
            assertThat(waiting.get(0).isDone()).isFalse();
            Ask shortLived = waiting.get(7);
            assertThat(shortLived.cancel(false)).isTrue();
            assertThat(batcher.queued()).isEqualTo(7);
            waiting = new ArrayList<>(waiting.subList(0, 7));
            waiting.add(submit(100 + i));
        }
        runner.open();
        assertThat(waiting).allSatisfy(call -> assertThat(call.await()).startsWith("a:"));
        assertThat(runner.batches).containsExactly(List.of(0), List.of(1, 2, 3, 4), List.of(5, 6, 7, 1099));
        Tally tally = new Tally();
        batcher.count(tally);
        assertThat(tally.activity().cancelled()).isEqualTo(1_000);
    }

    @Test
    void whatIsUrgentGoesFirst() {
        FakeRunner runner = new FakeRunner("a", 2).gated();
        serve(options, runner);
        occupy(runner);
        List<Ask> calls = List.of(
                submit(of(1, Priority.LOW)),
                submit(of(2, Priority.NORMAL)),
                submit(of(3, Priority.HIGH)),
                submit(of(4, Priority.NORMAL)),
                submit(of(5, Priority.HIGH)));
        runner.open();
        assertThat(calls).allSatisfy(call -> assertThat(call.await()).startsWith("a:"));
        assertThat(runner.batches).containsExactly(List.of(0), List.of(3, 5), List.of(2, 4), List.of(1));
    }

    @Test
    void afterWhatIsUrgentTheFirstToComeIsTheFirstToGoAgain() {
        FakeRunner runner = new FakeRunner("a", 2).gated();
        serve(options, runner);
        occupy(runner);
        Ask urgent = submit(of(1, Priority.HIGH));
        runner.open();
        assertThat(urgent.await()).isEqualTo("a:1");
        for (int i = 2; i < 20; i++) {
            assertThat(submit(i).await()).isEqualTo("a:" + i);
        }
    }

    @Test
    void anInterruptedCallerDoesNotWaitAndItsCallIsNotRun() throws Exception {
        FakeRunner runner = new FakeRunner("a", 4).gated();
        serve(options, runner);
        Ask begun = begin(runner);
        CompletableFuture<Boolean> left = new CompletableFuture<>();
        Thread caller = new Thread(() -> {
            assertThatThrownBy(() -> batcher.run(new Ask(1)))
                    .isInstanceOf(CancellationException.class)
                    .hasMessage("endpoint test gave up a prediction: its caller was interrupted while it waited");
            left.complete(Thread.currentThread().isInterrupted());
        });
        caller.start();
        awaitQueued(1);
        caller.interrupt();
        assertThat(left.get(20, TimeUnit.SECONDS)).isTrue();
        assertThat(batcher.queued()).isZero();
        runner.open();
        assertThat(begun.await()).isEqualTo("a:0");
        assertThat(submit(2).await()).isEqualTo("a:2");
        assertThat(runner.batches).containsExactly(List.of(0), List.of(2));
    }

    @Test
    void aLaneWhoseEngineThrowsAnErrorIsReplaced() {
        FakeRunner broken = new FakeRunner("broken", 4).brokenAt(n -> n == 1);
        serve(options, broken);
        assertThatThrownBy(() -> batcher.run(new Ask(1)))
                .isInstanceOf(OutOfMemoryError.class)
                .hasMessage("cannot run 1");
        assertThat(broken.closed).isTrue();
        assertThat(batcher.run(new Ask(1))).isEqualTo("fresh:1");
        Tally tally = new Tally();
        batcher.count(tally);
        assertThat(tally.activity().lanesReplaced()).isEqualTo(1);
        assertThat(tally.activity().requests()).isEqualTo(2);
    }

    @Test
    void aLaneThatKeepsFailingIsReplacedAndOneThatFailsNowAndThenIsNot() {
        FakeRunner failing = new FakeRunner("failing", 4).failingAt(n -> false, n -> n > 0, n -> false);
        serve(options, failing);
        for (int i = 0; i < 100; i++) {
            int input = i % 2;
            if (input == 0) {
                assertThat(batcher.run(new Ask(0))).isEqualTo("failing:0");
            } else {
                assertThatThrownBy(() -> batcher.run(new Ask(1))).hasMessage("cannot run 1");
            }
        }
        assertThat(batcher.run(new Ask(0))).isEqualTo("failing:0");
        assertThat(failing.closed).isFalse();
        for (int i = 0; i < 16; i++) {
            assertThatThrownBy(() -> batcher.run(new Ask(1))).hasMessage("cannot run 1");
        }
        assertThat(failing.closed).isTrue();
        assertThat(batcher.run(new Ask(1))).isEqualTo("fresh:1");
    }

    @Test
    void aLaneThatCannotBeReplacedGoesOn() {
        FakeRunner failing = new FakeRunner("failing", 4).brokenAt(n -> n == 1);
        serve(options, failing, () -> {
            throw new OutOfMemoryError("no lane");
        });
        assertThatThrownBy(() -> batcher.run(new Ask(1))).hasMessage("cannot run 1");
        assertThat(batcher.run(new Ask(2))).isEqualTo("failing:2");
        assertThat(failing.closed).isFalse();
    }

    @Test
    void everyCallOfABatchThatFindsNoMemoryHearsOfIt() {
        FakeRunner runner = new FakeRunner("a", 4).gated().brokenAt(n -> n >= 1);
        serve(options, runner);
        occupy(runner);
        List<Ask> calls = IntStream.rangeClosed(1, 3).mapToObj(this::submit).toList();
        runner.open();
        assertThat(calls).allSatisfy(call -> assertThatThrownBy(call::await).isInstanceOf(OutOfMemoryError.class));
    }

    @Test
    void aRunThatHangsIsToldToEnd() {
        FakeRunner hanging = new FakeRunner("hanging", 4).gated().obedient();
        serve(options.runTimeout(Duration.ofMillis(200)), hanging);
        Ask call = begin(hanging);
        assertThatThrownBy(call::await).hasMessage("terminated");
        assertThat(hanging.closed).isFalse();
        assertThat(hanging.terminated.availablePermits()).isEqualTo(1);
    }

    @Test
    void aRunThatDoesNotEndWhenToldIsGivenUpAndOthersGoOn() {
        FakeRunner hanging = new FakeRunner("hanging", 4).gated();
        serve(options.runTimeout(Duration.ofMillis(200)), hanging);
        Ask call = begin(hanging);
        Ask next = submit(1);
        assertThatThrownBy(call::await)
                .isInstanceOf(PredictionException.class)
                .hasMessage("endpoint test gave up a run: it did not end within 200 ms, nor when it was told to. Fix: "
                        + "look for what the model waits for, or raise runTimeout.");
        assertThat(next.await()).isEqualTo("fresh:1");
        assertThat(batcher.run(new Ask(2))).isEqualTo("fresh:2");
        assertThat(hanging.closed).as("it still runs").isFalse();
        CountDownLatch allClosed = new CountDownLatch(1);
        batcher.close();
        batcher.whenClosed(allClosed::countDown);
        assertThat(allClosed.getCount()).isEqualTo(1);
        hanging.open();
        assertThat(wait(allClosed)).isTrue();
        assertThat(hanging.closed).isTrue();
    }

    private static boolean wait(CountDownLatch latch) {
        try {
            return latch.await(20, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void anInlineRunThatHangsLosesItsLaneToOthers() throws Exception {
        FakeRunner hanging = new FakeRunner("hanging", 4).gated();
        serve(options.runTimeout(Duration.ofMillis(200)), hanging);
        CompletableFuture<String> stuck = CompletableFuture.supplyAsync(() -> batcher.run(new Ask(1)), threads);
        hanging.entered.acquire();
        assertThat(batcher.run(new Ask(2))).isEqualTo("fresh:2");
        hanging.open();
        assertThat(stuck.get(20, TimeUnit.SECONDS)).isEqualTo("hanging:1");
        assertThat(batcher.run(new Ask(3))).isEqualTo("fresh:3");
    }

    @Test
    void codeThatBlocksInACallbackHoldsUpNobody() throws Exception {
        FakeRunner runner = new FakeRunner("a", 4).gated();
        serve(options, runner);
        CountDownLatch release = new CountDownLatch(1);
        CountDownLatch blocked = new CountDownLatch(1);
        Ask first = new Ask(0);
        CompletableFuture<Boolean> callback = first.thenApply(answer -> {
            blocked.countDown();
            return wait(release);
        });
        batcher.submit(first);
        runner.entered.acquire();
        Ask waiting = submit(1);
        runner.open();
        assertThat(wait(blocked)).isTrue();
        assertThat(waiting.await())
                .as("nothing comes after it that could wake a worker")
                .isEqualTo("a:1");
        assertThat(submit(2).await()).isEqualTo("a:2");
        release.countDown();
        assertThat(callback.get(20, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void closingWithPatienceThatEndsFailsWhatWaitsAndEndsWhatRuns() {
        FakeRunner runner = new FakeRunner("a", 4).gated().obedient();
        serve(options, runner);
        Ask begun = begin(runner);
        List<Ask> waiting = IntStream.rangeClosed(1, 6).mapToObj(this::submit).toList();
        CompletableFuture<String> blocking = CompletableFuture.supplyAsync(() -> batcher.run(new Ask(7)), threads);
        awaitQueued(7);
        batcher.close(Duration.ofMillis(5));
        assertThat(runner.closed).isTrue();
        assertThat(waiting)
                .allSatisfy(call -> assertThatThrownBy(call::await)
                        .isInstanceOf(ClosedException.class)
                        .hasMessage("endpoint test did not answer a prediction: it was closed and did not wait for it. "
                                + "Fix: give close more time, or stop the requests first."));
        assertThatThrownBy(blocking::join).hasCauseInstanceOf(ClosedException.class);
        assertThatThrownBy(begun::await).hasMessage("terminated");
        assertThatThrownBy(() -> submit(8)).isInstanceOf(ClosedException.class);
    }

    @Test
    void closingWithPatienceLeavesARunThatDoesNotEndBehind() {
        FakeRunner runner = new FakeRunner("a", 4).gated();
        serve(options, runner);
        Ask begun = begin(runner);
        batcher.close(Duration.ZERO);
        assertThatThrownBy(begun::await).isInstanceOf(ClosedException.class);
        CountDownLatch allClosed = new CountDownLatch(1);
        batcher.whenClosed(allClosed::countDown);
        assertThat(runner.closed).isFalse();
        runner.open();
        assertThat(wait(allClosed)).isTrue();
        assertThat(runner.closed).isTrue();
    }

    @Test
    void closingWithPatienceThatSufficesAnswersEverything() {
        FakeRunner runner = new FakeRunner("a", 4);
        serve(options, runner);
        List<Ask> waiting = IntStream.rangeClosed(1, 6).mapToObj(this::submit).toList();
        batcher.close(Duration.ofSeconds(20));
        assertThat(waiting).allSatisfy(call -> assertThat(call.await()).startsWith("a:"));
        assertThat(runner.closed).isTrue();
    }

    @Test
    void aModelOfShortRunsHasMoreLanesThanProcessorsMadeWhenNeeded() {
        AtomicInteger made = new AtomicInteger();
        int processors = Math.max(2, Runtime.getRuntime().availableProcessors());
        BatchOptions measured = BatchOptions.defaults();
        serve(measured, new FakeRunner("a", 4).quick().gated(), () -> {
            made.incrementAndGet();
            return new FakeRunner("b", 4).gated();
        });
        assertThat(made).hasValue(processors - 1);
        assertThat(batcher.lanes()).isEqualTo(4 * processors);
        List<CompletableFuture<String>> calls = new ArrayList<>();
        for (int i = 0; i < 4 * processors; i++) {
            calls.add(CompletableFuture.supplyAsync(() -> batcher.run(new Ask(1)), threads));
            while (entered() <= i) {
                Thread.onSpinWait();
            }
            assertThat(made).hasValue(Math.max(processors - 1, i));
        }
        runners.forEach(FakeRunner::open);
        assertThat(calls).allSatisfy(call -> assertThat(call.join()).endsWith(":1"));
        serve(measured, new FakeRunner("slow", 4));
        assertThat(batcher.lanes()).isEqualTo(processors);
    }

    private int entered() {
        return List.copyOf(runners).stream()
                .mapToInt(runner -> runner.entered.availablePermits())
                .sum();
    }

    @Test
    void aCallThatWaitsIsAnsweredWhileOthersNeverCeaseToCome() throws Exception {
        FakeRunner runner = new FakeRunner("a", 4).quick().gated();
        serve(options, runner);
        CompletableFuture<String> holder = CompletableFuture.supplyAsync(() -> batcher.run(new Ask(0)), threads);
        runner.entered.acquire();
        CompletableFuture<String> waiting = CompletableFuture.supplyAsync(() -> batcher.run(new Ask(1)), threads);
        awaitQueued(1);
        CompletableFuture<Void> crowd = CompletableFuture.runAsync(
                () -> {
                    while (!waiting.isDone()) {
                        assertThat(batcher.run(new Ask(2))).isEqualTo("a:2");
                    }
                },
                threads);
        runner.open();
        assertThat(holder.get(20, TimeUnit.SECONDS)).isEqualTo("a:0");
        assertThat(waiting.get(20, TimeUnit.SECONDS)).isEqualTo("a:1");
        crowd.get(20, TimeUnit.SECONDS);
    }

    @Test
    void aDelayLetsCallsGatherWhileTheLaneIsIdle() {
        FakeRunner runner = new FakeRunner("a", 4);
        serve(options.maxDelay(Duration.ofSeconds(20)), runner);
        List<Ask> calls = IntStream.rangeClosed(1, 4).mapToObj(this::submit).toList();
        assertThat(calls).extracting(Call::await).containsExactly("a:1", "a:2", "a:3", "a:4");
        assertThat(runner.batches).containsExactly(List.of(1, 2, 3, 4));
    }

    @Test
    void aDelayEndsForALoneCall() {
        FakeRunner runner = new FakeRunner("a", 4);
        serve(options.maxDelay(Duration.ofMillis(5)), runner);
        assertThat(batcher.run(new Ask(1))).isEqualTo("a:1");
    }

    @Test
    void theThreadThatWatchesEndsWithTheLastBatcher() throws InterruptedException {
        batcher.close();
        Thread watch = Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("flywheel-serving-watch"))
                .findAny()
                .orElse(null);
        if (watch != null) {
            watch.join(20_000);
            assertThat(watch.isAlive()).isFalse();
        }
    }
}
