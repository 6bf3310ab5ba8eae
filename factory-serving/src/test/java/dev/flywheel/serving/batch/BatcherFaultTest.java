package dev.flywheel.serving.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.serving.batch.FakeRunner.Ask;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What must not wedge a batcher: threads at the end of their stacks, workers that fail, orders that come late. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BatcherFaultTest {

    @Test
    void callersAtTheEndOfTheirStacksLeaveTheLineAsItWas() throws InterruptedException {
        WaitingLine<Ask> line = new WaitingLine<>("line", BatchOptions.defaults());
        atEveryDepth(n -> line.add(new Ask(n), null));
        atEveryDepth(n -> line.addAll(List.of(new Ask(n), new Ask(n)), null));
        line.add(new Ask(-1), null);
        List<Integer> all = new ArrayList<>();
        for (List<Integer> some = taken(line); !some.isEmpty(); some = taken(line)) {
            all.addAll(some);
        }
        assertThat(all).hasSizeGreaterThan(1).endsWith(-1);
        assertThat(line.isEmpty()).isTrue();
        assertThat(line.size()).isZero();
    }

    @Test
    void callersAtTheEndOfTheirStacksLeaveALaneFreeAndAWorkerToCome() throws InterruptedException {
        BatchOptions one = BatchOptions.defaults().lanes(1);
        for (boolean quick : new boolean[] {true, false}) {
            try (Batcher<String, Ask, FakeRunner> batcher =
                    new Batcher<>("deep", one, runner(quick), () -> runner(quick))) {
                for (int round = 0; round < 2; round++) {
                    atEveryDepth(n -> batcher.submit(new Ask(n)));
                    atEveryDepth(n -> batcher.runAll(List.of(new Ask(n), new Ask(n))));
                    atEveryDepth(n -> batcher.run(new Ask(n)));
                    atEveryDepth(n -> batcher.runHere(n, ASK));
                    atEveryDepth(n -> batcher.runHere(1, runner -> runner.write(new Ask(n), 0)));
                    Ask last = new Ask(-1);
                    batcher.submit(last);
                    assertThat(last.await()).isEqualTo("deep:-1");
                    assertThat(batcher.run(new Ask(-2))).isEqualTo("deep:-2");
                }
            }
        }
    }

    private static FakeRunner runner(boolean quick) {
        FakeRunner runner = new FakeRunner("deep", 4);
        return quick ? runner.quick() : runner;
    }

    private static final Solo<FakeRunner, Integer, String> ASK = new Solo<>() {
        @Override
        public int write(FakeRunner runner, Integer request) {
            runner.write(new Ask(request), 0);
            return 1;
        }

        @Override
        public String read(FakeRunner runner, Integer request) {
            return runner.name + ":" + request;
        }
    };

    @Test
    void nobodyCountsForEverOnAWorkerThatWasCalledAndDoesNotCome() throws InterruptedException {
        AtomicBoolean armed = new AtomicBoolean();
        CompletableFuture<Boolean> served = new CompletableFuture<>();
        Workers<Ask> workers = new Workers<>(
                () -> new Batch<>(4),
                batch -> armed.get() && !served.complete(true),
                () -> armed.get() && !served.isDone(),
                () -> 1);
        for (int round = 0; round < 20; round++) {
            atEveryDepth(n -> workers.wake());
        }
        armed.set(true);
        workers.look(1);
        workers.look(1 + Duration.ofSeconds(1).toNanos());
        workers.wake();
        assertThat(served.join()).isTrue();
        workers.settle();
        workers.close();
    }

    @Test
    void aLaneWhoseHolderLeftItIsFreedAndNoOther() {
        Slot<Ask, Runner<Ask>> slot = new Slot<>(new Quiet());
        assertThat(slot.claim()).isTrue();
        assertThat(slot.freeLeft()).isFalse();
        slot.left = slot.held;
        assertThat(slot.freeLeft()).isTrue();
        assertThat(slot.isFree()).isTrue();
        assertThat(slot.claim()).isTrue();
        assertThat(slot.freeLeft()).isFalse();
        assertThat(slot.isFree()).isFalse();
    }

    @Test
    void placesThatWereClaimedAndNotFilledAreSkipped() {
        WaitingLine<Ask> line =
                new WaitingLine<>("line", BatchOptions.defaults().queueCapacity(2));
        line.add(new Ask(1), null);
        assertThatThrownBy(() -> line.addAll(failingAtTheSecond(new Ask(2)), null))
                .isInstanceOf(StackOverflowError.class);
        assertThatThrownBy(() -> line.add(new Ask(3), null)).hasMessageContaining("its queue holds 2 of 2 requests");
        assertThat(taken(line)).containsExactly(1);
        assertThat(line.isEmpty()).isTrue();
        assertThat(line.size()).isZero();
        line.add(new Ask(4), null);
        line.add(new Ask(5), null);
        assertThat(taken(line)).containsExactly(4, 5);
    }

    /** A list of one whose second reading, by a thread that has a place for it, overflows the stack. */
    private static List<Ask> failingAtTheSecond(Ask call) {
        AtomicInteger readings = new AtomicInteger();
        return new ArrayList<>(List.of(call)) {
            @Override
            public java.util.Iterator<Ask> iterator() {
                if (readings.incrementAndGet() == 2) {
                    throw new StackOverflowError();
                }
                return super.iterator();
            }
        };
    }

    private static List<Integer> taken(WaitingLine<Ask> line) {
        Batch<Ask> batch = new Batch<>(4);
        line.take(batch, 4, 4, new CostModel());
        List<Integer> inputs = new ArrayList<>();
        for (int i = 0; i < batch.size(); i++) {
            inputs.add(batch.get(i).input);
        }
        return inputs;
    }

    @Test
    void aWorkerThatFailsFailsItsCallsAndLeavesItsDuty() {
        AtomicInteger left = new AtomicInteger(1);
        Ask lost = new Ask(1);
        CompletableFuture<Boolean> served = new CompletableFuture<>();
        Workers<Ask> workers = new Workers<>(
                () -> new Batch<>(4),
                batch -> {
                    if (left.getAndDecrement() == 1) {
                        batch.add(lost);
                        throw new OutOfMemoryError("for this test");
                    }
                    return !served.complete(true);
                },
                () -> !served.isDone() && left.get() < 0,
                () -> 1);
        workers.wake();
        assertThatThrownBy(lost::await).isInstanceOf(OutOfMemoryError.class).hasMessage("for this test");
        while (!served.isDone()) {
            workers.wake();
        }
        workers.settle();
        workers.close();
    }

    @Test
    void threadsInheritNothingOfThoseWhoNeedThem() {
        InheritableThreadLocal<String> host = new InheritableThreadLocal<>();
        host.set("tenant");
        try {
            CompletableFuture<String> seen = new CompletableFuture<>();
            Workers<Ask> workers = new Workers<>(() -> new Batch<>(4), batch -> false, () -> false, () -> 1);
            workers.execute(() -> seen.complete(String.valueOf(host.get())));
            assertThat(seen.join()).isEqualTo("null");
            workers.close();
        } finally {
            host.remove();
        }
    }

    @Test
    void whoeverClaimsALaneWaitsUntilTheRunBeforeWasTold() throws InterruptedException {
        CountDownLatch telling = new CountDownLatch(1);
        CountDownLatch told = new CountDownLatch(1);
        AtomicBoolean claimed = new AtomicBoolean();
        AtomicBoolean claimedWhileTold = new AtomicBoolean();
        Runner<Ask> runner = new Quiet() {
            @Override
            public void terminate() {
                telling.countDown();
                try {
                    told.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
                claimedWhileTold.set(claimed.get());
            }
        };
        Slot<Ask, Runner<Ask>> slot = new Slot<>(runner);
        assertThat(slot.claim()).isTrue();
        slot.look(1);
        Thread watcher = new Thread(slot::tell);
        watcher.start();
        telling.await();
        assertThat(slot.release()).isTrue();
        Thread next = new Thread(() -> claimed.set(slot.claim()));
        next.start();
        while (slot.isFree()) {
            Thread.onSpinWait();
        }
        assertThat(claimed).isFalse();
        told.countDown();
        watcher.join();
        next.join();
        assertThat(claimed).isTrue();
        assertThat(claimedWhileTold).isFalse();
    }

    @Test
    void aRunThatEndedIsToldNothingAndTheNextNeither() {
        AtomicInteger terminated = new AtomicInteger();
        Slot<Ask, Runner<Ask>> slot = new Slot<>(new Quiet() {
            @Override
            public void terminate() {
                terminated.incrementAndGet();
            }
        });
        assertThat(slot.claim()).isTrue();
        assertThat(slot.look(1)).isPositive();
        assertThat(slot.release()).isTrue();
        assertThat(slot.claim()).isTrue();
        assertThat(slot.tell()).isTrue();
        assertThat(terminated).hasValue(0);
        assertThat(slot.look(2)).isPositive();
        assertThat(slot.tell()).isTrue();
        assertThat(slot.tell()).isFalse();
        assertThat(terminated).hasValue(1);
    }

    @Test
    void refusesAQueueThatNobodyCouldWaitIn() {
        assertThat(BatchOptions.defaults().queueCapacity(1 << 20).queueCapacity())
                .isEqualTo(1 << 20);
        assertThatThrownBy(() -> BatchOptions.defaults().queueCapacity(Integer.MAX_VALUE))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("option queueCapacity is invalid: found 2147483647, expected at most 1048576");
    }

    /** A runner that does nothing. */
    private static class Quiet implements Runner<Ask> {
        @Override
        public int maxRows() {
            return 1;
        }

        @Override
        public void length(int length) {}

        @Override
        public void write(Ask call, int row) {}

        @Override
        public void run(int rows) {}

        @Override
        public void read(Ask call, int row) {}

        @Override
        public void close() {}
    }

    /** Tries at the end of the stack, and at each frame on the way back, so that every step meets the end once. */
    private static void atEveryDepth(Consumer<Integer> work) throws InterruptedException {
        // What is linked or initialised at the end of a stack is broken for ever.
        work.accept(0);
        Thread thread = new Thread(null, () -> dive(work, 0), "deep", 256 << 10);
        thread.start();
        thread.join();
    }

    @SuppressWarnings("InfiniteRecursion") // the end of the stack ends it
    private static int dive(Consumer<Integer> work, int depth) {
        int left;
        try {
            left = dive(work, depth + 1);
        } catch (StackOverflowError e) {
            left = 200;
        }
        if (left > 0) {
            try {
                work.accept(depth);
            } catch (StackOverflowError e) {
                // Expected: a few frames further up it goes well.
            }
        }
        return left - 1;
    }
}
