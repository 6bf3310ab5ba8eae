package dev.flywheel.serving.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.OverloadedException;
import dev.flywheel.serving.batch.FakeRunner.Ask;
import dev.flywheel.serving.monitor.Activity;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BatcherTest {

    private Batcher<String, Ask, FakeRunner> batcher = batcher(List.of(new FakeRunner("unused", 1)));

    private Ask begun = new Ask(-1);

    private final List<FakeRunner> runners = new ArrayList<>();
    private final ExecutorService threads = Executors.newCachedThreadPool();

    @AfterEach
    void close() {
        runners.forEach(FakeRunner::open);
        batcher.close();
        threads.shutdown();
    }

    private static Batcher<String, Ask, FakeRunner> batcher(List<FakeRunner> lanes) {
        Iterator<FakeRunner> more = lanes.listIterator(1);
        BatchOptions options = BatchOptions.defaults().queueCapacity(8).lanes(lanes.size());
        return new Batcher<>("endpoint test", options, lanes.get(0), more::next);
    }

    private FakeRunner serve(FakeRunner runner) {
        serve(List.of(runner));
        return runner;
    }

    private void serve(List<FakeRunner> some) {
        runners.addAll(some);
        batcher.close();
        batcher = batcher(some);
    }

    private Ask submit(int input) {
        Ask call = new Ask(input);
        batcher.submit(call);
        return call;
    }

    /** Takes the only lane, with the call {@code begun}, until it is opened. */
    private void occupy(FakeRunner runner) {
        begun = submit(0);
        runner.entered.acquireUninterruptibly();
    }

    @Test
    void aBlockingCallRunsOnItsOwnThreadWhenALaneIsFree() {
        FakeRunner runner = serve(new FakeRunner("a", 4));
        assertThat(batcher.run(new Ask(1))).isEqualTo("a:1");
        assertThat(batcher.run(new Ask(2))).isEqualTo("a:2");
        assertThat(runner.batches).containsExactly(List.of(1), List.of(2));
        assertThat(runner.threads).containsOnly(Thread.currentThread());
    }

    @Test
    void whatGathersWhileTheLaneIsBusyRunsTogetherFirstComeFirstServed() {
        FakeRunner runner = serve(new FakeRunner("a", 4).gated());
        occupy(runner);
        List<Ask> more = IntStream.rangeClosed(1, 6).mapToObj(this::submit).toList();
        runner.open();
        assertThat(begun.await()).isEqualTo("a:0");
        assertThat(more).extracting(Call::await).containsExactly("a:1", "a:2", "a:3", "a:4", "a:5", "a:6");
        assertThat(runner.batches).containsExactly(List.of(0), List.of(1, 2, 3, 4), List.of(5, 6));
    }

    @Test
    void aBlockingCallWaitsWithTheOthersWhenTheLaneIsBusy() {
        FakeRunner runner = serve(new FakeRunner("a", 4).gated());
        occupy(runner);
        Ask waiting = submit(1);
        CompletableFuture<String> blocking = CompletableFuture.supplyAsync(() -> batcher.run(new Ask(2)), threads);
        awaitQueued(2);
        runner.open();
        assertThat(blocking.join()).isEqualTo("a:2");
        assertThat(waiting.await()).isEqualTo("a:1");
        assertThat(runner.batches).containsExactly(List.of(0), List.of(1, 2));
    }

    private void awaitQueued(int waiting) {
        while (batcher.queued() < waiting) {
            Thread.onSpinWait();
        }
    }

    private Activity activity() {
        Tally done = new Tally();
        batcher.count(done);
        return done.activity();
    }

    @Test
    void aFullQueueRefusesAndSaysHowFullItIs() {
        FakeRunner runner = serve(new FakeRunner("a", 4).gated());
        occupy(runner);
        List<Ask> waiting = IntStream.rangeClosed(1, 8).mapToObj(this::submit).toList();
        assertThatThrownBy(() -> submit(9))
                .isInstanceOf(OverloadedException.class)
                .hasMessageMatching(
                        "endpoint test refused a prediction: its queue holds 8 of 8 requests, the oldest for "
                                + "\\d+ ms\\. Fix: raise queueCapacity, add lanes, or send less\\.")
                .matches(e -> ((OverloadedException) e).retryable());
        assertThatThrownBy(() -> batcher.run(new Ask(10))).isInstanceOf(OverloadedException.class);
        assertThatThrownBy(() -> batcher.runAll(List.of(new Ask(11), new Ask(12))))
                .hasMessageStartingWith("endpoint test refused 2 predictions: ");
        runner.open();
        assertThat(waiting).allSatisfy(call -> assertThat(call.await()).startsWith("a:"));
        assertThat(activity().refused()).isEqualTo(4);
        assertThat(activity().errors()).isZero();
        assertThat(runner.batches).doesNotContain(List.of(9)).hasSize(3);
    }

    @Test
    void aBadRowFailsAlone() {
        FakeRunner runner = serve(new FakeRunner("a", 8).gated().failingAt(n -> n == 2, n -> n == 4, n -> n == 6));
        occupy(runner);
        List<Ask> calls = IntStream.rangeClosed(1, 7).mapToObj(this::submit).toList();
        runner.open();
        assertThat(calls.get(0).await()).isEqualTo("a:1");
        assertThatThrownBy(() -> calls.get(1).await())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("cannot write 2");
        assertThat(calls.get(2).await()).isEqualTo("a:3");
        assertThatThrownBy(() -> calls.get(3).await())
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("cannot run 4");
        assertThat(calls.get(4).await()).isEqualTo("a:5");
        assertThatThrownBy(() -> calls.get(5).await()).isInstanceOf(ArithmeticException.class);
        assertThat(calls.get(6).await()).isEqualTo("a:7");
        assertThat(runner.batches.get(1)).containsExactly(1, 3, 4, 5, 6, 7);
        assertThat(activity().errors()).isEqualTo(3);
        assertThat(activity().requests()).isEqualTo(8);
    }

    @Test
    void aBadBlockingCallThrowsWhatItThrew() {
        serve(new FakeRunner("a", 8).failingAt(n -> n == 1, n -> n == 2, n -> n == 3));
        assertThatThrownBy(() -> batcher.run(new Ask(1))).hasMessage("cannot write 1");
        assertThatThrownBy(() -> batcher.run(new Ask(2))).hasMessage("cannot run 2");
        assertThatThrownBy(() -> batcher.run(new Ask(3))).hasMessage("cannot read 3");
        assertThat(batcher.run(new Ask(4))).isEqualTo("a:4");
    }

    @Test
    void aCancelledCallIsNotRun() {
        FakeRunner runner = serve(new FakeRunner("a", 4).gated());
        occupy(runner);
        Ask one = submit(1);
        Ask two = submit(2);
        assertThat(one.cancel(false)).isTrue();
        runner.open();
        assertThat(two.await()).isEqualTo("a:2");
        assertThat(runner.batches).containsExactly(List.of(0), List.of(2));
    }

    @Test
    void closingAnswersWhatWaitsAndThenCloses() throws Exception {
        FakeRunner runner = serve(new FakeRunner("a", 4).gated());
        occupy(runner);
        List<Ask> waiting = IntStream.rangeClosed(1, 6).mapToObj(this::submit).toList();
        CompletableFuture<Void> closed = CompletableFuture.runAsync(batcher::close, threads);
        awaitRefusal();
        assertThat(closed).isNotDone();
        runner.open();
        closed.get(20, TimeUnit.SECONDS);
        assertThat(runner.closed).isTrue();
        assertThat(begun.await()).isEqualTo("a:0");
        assertThat(waiting).extracting(Call::await).containsExactly("a:1", "a:2", "a:3", "a:4", "a:5", "a:6");
        assertThatThrownBy(() -> batcher.run(new Ask(7)))
                .isInstanceOf(ClosedException.class)
                .hasMessage(
                        "endpoint test refused a prediction: it is closed. Fix: keep it open for as long as requests "
                                + "come.");
        assertThatCode(batcher::close).doesNotThrowAnyException();
    }

    /** The closing thread has said so before it waits for the lanes. */
    private void awaitRefusal() {
        while (true) {
            try {
                Ask probe = new Ask(99);
                batcher.submit(probe);
                probe.cancel(false);
            } catch (OverloadedException e) {
                Thread.onSpinWait();
            } catch (ClosedException e) {
                return;
            }
        }
    }

    @Test
    void codeThatDependsOnAnAnswerMayAskAgainAndWait() throws Exception {
        serve(new FakeRunner("a", 1));
        List<CompletableFuture<String>> chains = new ArrayList<>();
        CountDownLatch bothBlocked = new CountDownLatch(2);
        for (int i = 0; i < 2; i++) {
            int input = i;
            Ask first = new Ask(input);
            chains.add(first.thenApply(answer -> {
                bothBlocked.countDown();
                try {
                    bothBlocked.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
                return answer + " " + submit(input + 10).join() + " " + batcher.run(new Ask(input + 20));
            }));
            batcher.submit(first);
        }
        assertThat(chains.get(0).get(20, TimeUnit.SECONDS)).isEqualTo("a:0 a:10 a:20");
        assertThat(chains.get(1).get(20, TimeUnit.SECONDS)).isEqualTo("a:1 a:11 a:21");
    }

    @Test
    void twoLanesRunAtTheSameTime() throws Exception {
        FakeRunner one = new FakeRunner("one", 4).gated();
        FakeRunner two = new FakeRunner("two", 4).gated();
        serve(List.of(one, two));
        CompletableFuture<String> first = CompletableFuture.supplyAsync(() -> batcher.run(new Ask(1)), threads);
        CompletableFuture<String> second = CompletableFuture.supplyAsync(() -> batcher.run(new Ask(2)), threads);
        one.entered.acquire();
        two.entered.acquire();
        one.open();
        two.open();
        assertThat(List.of(first.get(), second.get()))
                .allMatch(answer -> answer.startsWith("one:") || answer.startsWith("two:"));
    }

    @Test
    void aRunnerThatForgetsToAnswerIsABugAndNotAHang() {
        Runner<Ask> runner = new Runner<>() {
            @Override
            public void length(int length) {}

            @Override
            public int maxRows() {
                return 1;
            }

            @Override
            public void write(Ask call, int row) {}

            @Override
            public void run(int rows) {}

            @Override
            public void read(Ask call, int row) {}

            @Override
            public void close() {}
        };
        Batcher<String, Ask, Runner<Ask>> forgetful =
                new Batcher<>("forgetful", BatchOptions.defaults().lanes(1), runner, () -> runner);
        Ask call = new Ask(1);
        forgetful.submit(call);
        assertThatThrownBy(call::get)
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(IllegalStateException.class)
                .hasMessageContaining("the runner neither answered nor failed the call");
        assertThatThrownBy(() -> forgetful.run(new Ask(1))).isInstanceOf(IllegalStateException.class);
        forgetful.close();
    }

    @Test
    void workersEndWithTheBatcher() throws InterruptedException {
        FakeRunner runner = serve(new FakeRunner("a", 4));
        submit(1).await();
        Thread worker = runner.threads.get(0);
        assertThat(worker.getName()).startsWith("flywheel-serving-");
        assertThat(worker.isDaemon()).isTrue();
        batcher.close();
        worker.join(20_000);
        assertThat(worker.isAlive()).isFalse();
    }
}
