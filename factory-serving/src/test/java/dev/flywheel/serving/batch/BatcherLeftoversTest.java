package dev.flywheel.serving.batch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.serving.batch.FakeRunner.Ask;
import dev.flywheel.serving.monitor.Activity;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What nobody comes back for: the rest of a batch, runs without an end, many that are late at once. */
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BatcherLeftoversTest {

    /** Nobody who sleeps looks so often. */
    private static final int BUSY = 10_000;

    private static Batcher<String, Ask, FakeRunner> batcher(BatchOptions options, FakeRunner runner) {
        return new Batcher<>("endpoint test", options, runner, () -> new FakeRunner("more", 4));
    }

    @Test
    void whatIsLeftOverOfABatchDoesNotWaitForCompanyForEver() {
        BatchOptions options =
                BatchOptions.defaults().lanes(1).maxRows(4).maxTokens(10).maxDelay(Duration.ofMillis(1));
        try (var batcher = batcher(options, new FakeRunner("a", 4))) {
            List<Ask> calls = IntStream.of(9, 10)
                    .mapToObj(length -> new Ask(length, length, Priority.NORMAL, 0))
                    .toList();
            batcher.runAll(calls);
            assertThat(calls).extracting(Call::join).containsExactly("a:9", "a:10");
        }
    }

    @Test
    void runsWithoutATimeoutAreNeverGivenUp() {
        BatchOptions options = BatchOptions.defaults().lanes(1).maxRows(4).runTimeout(ChronoUnit.FOREVER.getDuration());
        FakeRunner runner = new FakeRunner("a", 4).gated();
        try (var batcher = batcher(options, runner)) {
            Ask begun = new Ask(1);
            batcher.submit(begun);
            runner.entered.acquireUninterruptibly();
            for (int looks = 0; looks < 4; looks++) {
                awaitLook();
            }
            runner.open();
            assertThat(begun.join()).isEqualTo("a:1");
            Tally done = new Tally();
            batcher.count(done);
            assertThat(done.activity()).extracting(Activity::lanesReplaced).isEqualTo(0L);
        }
    }

    @Test
    void aRunThatEndsWhileItIsGivenUpGivesNobodyTheAnswerOfAnother() throws Exception {
        BatchOptions options = BatchOptions.defaults().lanes(1).maxRows(4).runTimeout(Duration.ofMillis(100));
        FakeRunner hanging = new FakeRunner("a", 4).gated();
        CountDownLatch told = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        try (var batcher = batcher(options, hanging)) {
            Ask first = new Ask(1);
            Ask second = new Ask(2);
            CompletableFuture<String> unused = first.whenComplete((answer, failure) -> {
                told.countDown();
                awaitUninterruptibly(goOn);
            });
            Thread caller = new Thread(() -> batcher.runAll(List.of(first, second)));
            caller.start();
            told.await();
            // The first is told that its run was given up, and holds up those who tell; now the run ends after all.
            hanging.open();
            assertThat(second.join()).isEqualTo("a:2");
            assertThat(first).isCompletedExceptionally();
            goOn.countDown();
            caller.join();
        }
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Returns when the watch has looked once more. */
    private static void awaitLook() {
        CountDownLatch looked = new CountDownLatch(1);
        Watch.Watched eye = now -> {
            looked.countDown();
            return Long.MAX_VALUE;
        };
        Watch.SHARED.add(eye);
        try {
            looked.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        } finally {
            Watch.SHARED.remove(eye);
        }
    }

    @Test
    void callsThatAreLateTogetherAreToldByOneThread() {
        BatchOptions options = BatchOptions.defaults().lanes(1).maxRows(4);
        try (var batcher = batcher(options, new FakeRunner("a", 4))) {
            Set<Thread> tellers = ConcurrentHashMap.newKeySet();
            List<Ask> calls = IntStream.range(0, 500)
                    .mapToObj(i -> new Ask(i, 1, Priority.NORMAL, 50_000_000))
                    .toList();
            CountDownLatch told = new CountDownLatch(calls.size());
            for (Ask call : calls) {
                CompletableFuture<String> unused = call.whenComplete((answer, failure) -> {
                    tellers.add(Thread.currentThread());
                    told.countDown();
                });
                batcher.failWhenLate(call, () -> new IllegalStateException("late"));
            }
            told.await();
            assertThat(tellers).hasSizeLessThan(5);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void whoeverClosesLanesAndIsInterruptedSleepsAllTheSame() throws Exception {
        FakeRunner runner = new FakeRunner("a", 4);
        Lanes<Ask, FakeRunner> lanes = new Lanes<>(runner, () -> runner, 1, () -> 1);
        Slot<Ask, FakeRunner> taken = lanes.claim();
        AtomicInteger looks = new AtomicInteger();
        Thread closer = new Thread(() -> {
            Thread.currentThread().interrupt();
            lanes.retire(() -> looks.incrementAndGet() < BUSY ? Long.MAX_VALUE : 0);
        });
        closer.start();
        int still = 0;
        while (still < BUSY && looks.get() < BUSY) {
            still = closer.getState() == Thread.State.TIMED_WAITING ? still + 1 : 0;
        }
        if (taken != null) {
            lanes.release(taken);
        }
        closer.join();
        assertThat(runner.closed).isTrue();
        assertThat(looks).hasValueLessThan(BUSY);
    }
}
