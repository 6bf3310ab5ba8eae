package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.flywheel.core.DeadlineException;
import dev.flywheel.core.model.Prediction;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Those who ask at the same time for what is not kept yet: one runs, the others wait for it. */
@Timeout(60)
class SharedRunTest extends CachedEndpoints {

    /** Runs the tasks on threads of their own. */
    private static <T> List<Future<T>> start(ExecutorService threads, int count, Callable<T> task) {
        List<Future<T>> results = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            results.add(threads.submit(task));
        }
        return results;
    }

    /** {@return the codec, telling when inputs are written} */
    private static Codec<float[], float[]> telling(Semaphore written) {
        return lane -> {
            Codec.Binding<float[], float[]> binding = Tensors.floats().bind(lane);
            return new Codec.Binding<>() {
                @Override
                public void write(float[] input, int row) {
                    binding.write(input, row);
                    written.release();
                }

                @Override
                public float[] read(int row) {
                    return binding.read(row);
                }
            };
        };
    }

    @Test
    void callersWhoAskForTheSameAtOnceShareOneRun() throws Exception {
        WatchedEngine engine = twice();
        Semaphore written = new Semaphore(0);
        ExecutorService threads = Executors.newCachedThreadPool();
        try (Endpoint<float[], float[]> endpoint = reset(
                engine,
                Endpoint.of(engine, telling(written)).lanes(4).cache(BYTES).open())) {
            engine.shut();
            Future<Prediction<float[]>> leader = threads.submit(() -> endpoint.predict(x(5)));
            engine.awaitRun();
            written.drainPermits();
            List<Future<Prediction<float[]>>> followers = start(threads, 8, () -> endpoint.predict(x(5)));
            List<CompletableFuture<Prediction<float[]>>> futures = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                futures.add(endpoint.predictAsync(x(5)));
            }
            written.acquireUninterruptibly(16);
            assertThat(futures).noneMatch(CompletableFuture::isDone);
            engine.open();
            Set<Object> ids = new HashSet<>(Set.of(leader.get().id()));
            Set<float[]> arrays = Collections.newSetFromMap(new IdentityHashMap<>());
            arrays.add(leader.get().value());
            List<Prediction<float[]>> all = new ArrayList<>();
            for (Future<Prediction<float[]>> follower : followers) {
                all.add(follower.get());
            }
            futures.forEach(future -> all.add(future.join()));
            for (Prediction<float[]> prediction : all) {
                assertThat(prediction.value()).containsExactly(10);
                ids.add(prediction.id());
                arrays.add(prediction.value());
            }
            assertThat(ids).hasSize(17);
            assertThat(arrays).hasSize(17);
            assertThat(engine.rows()).isEqualTo(1);
            assertThat(endpoint.snapshot().total().requests()).isEqualTo(17);
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void aRunThatFailsFailsAllWhoWaitForItAndIsNotKept() throws Exception {
        WatchedEngine engine = twice();
        Semaphore written = new Semaphore(0);
        ExecutorService threads = Executors.newCachedThreadPool();
        try (Endpoint<float[], float[]> endpoint = reset(
                engine,
                Endpoint.of(engine, telling(written)).lanes(2).cache(BYTES).open())) {
            engine.shut();
            engine.fail(() -> new IllegalStateException("broken"));
            CompletableFuture<Prediction<float[]>> leader = endpoint.predictAsync(x(5));
            engine.awaitRun();
            written.drainPermits();
            CompletableFuture<Prediction<float[]>> follower = endpoint.predictAsync(x(5));
            Future<Prediction<float[]>> blocking = threads.submit(() -> endpoint.predict(x(5)));
            written.acquireUninterruptibly(2);
            // The blocking caller may still be on its way to the run; it fails either way.
            engine.open();
            assertThatThrownBy(leader::join)
                    .hasCauseInstanceOf(IllegalStateException.class)
                    .hasRootCauseMessage("broken");
            assertThatThrownBy(follower::join).hasRootCauseMessage("broken");
            assertThatThrownBy(blocking::get).hasRootCauseMessage("broken");
            assertThat(endpoint.snapshot().total().errors()).isEqualTo(3);
            engine.fail(null);
            assertThat(endpoint.predict(x(5)).value()).containsExactly(10);
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void whoeverHandlesAFailureMayAskForTheSameAgain() {
        WatchedEngine engine = twice();
        try (Endpoint<float[], float[]> endpoint = cached(engine)) {
            engine.shut();
            engine.fail(() -> new IllegalStateException("broken"));
            CompletableFuture<Prediction<float[]>> retried = endpoint.predictAsync(x(5))
                    .exceptionally(e -> {
                        engine.fail(null);
                        return endpoint.predict(x(5));
                    });
            engine.awaitRun();
            engine.open();
            assertThat(retried.join().value()).containsExactly(10);
        }
    }

    @Test
    void whoChangesAnInputAfterAskingSpoilsNobodyElsesAnswer() {
        WatchedEngine engine = twice();
        try (Endpoint<float[], float[]> endpoint = cached(engine)) {
            engine.shut();
            CompletableFuture<Prediction<float[]>> before = endpoint.predictAsync(x(1));
            engine.awaitRun();
            float[] changed = x(5);
            CompletableFuture<Prediction<float[]>> leader = endpoint.predictAsync(changed);
            CompletableFuture<Prediction<float[]>> follower = endpoint.predictAsync(x(5));
            changed[0] = 7;
            engine.open();
            assertThat(before.join().value()).containsExactly(2);
            assertThat(leader.join().value()).containsExactly(14);
            assertThat(follower.join().value()).containsExactly(10);
            assertThat(endpoint.predict(x(5)).value()).containsExactly(10);
            assertThat(endpoint.predict(x(7)).value()).containsExactly(14);
        }
    }

    @Test
    void whenTheLeaderIsCancelledAnotherTakesItsPlace() {
        WatchedEngine engine = twice();
        try (Endpoint<float[], float[]> endpoint = cached(engine)) {
            engine.shut();
            CompletableFuture<Prediction<float[]>> before = endpoint.predictAsync(x(1));
            engine.awaitRun();
            CompletableFuture<Prediction<float[]>> leader = endpoint.predictAsync(x(5));
            List<CompletableFuture<Prediction<float[]>>> followers =
                    List.of(endpoint.predictAsync(x(5)), endpoint.predictAsync(x(5)), endpoint.predictAsync(x(5)));
            leader.cancel(true);
            followers.get(1).cancel(true);
            engine.open();
            assertThat(followers.get(0).join().value()).containsExactly(10);
            assertThat(followers.get(2).join().value()).containsExactly(10);
            assertThat(followers.get(1)).isCancelled();
            assertThat(before.join().value()).containsExactly(2);
            assertThat(engine.rows()).isEqualTo(2);
        }
    }

    @Test
    void whenTheLeaderIsCancelledWhileItRunsItsAnswerIsKept() {
        WatchedEngine engine = twice();
        try (Endpoint<float[], float[]> endpoint = cached(engine)) {
            engine.shut();
            CompletableFuture<Prediction<float[]>> leader = endpoint.predictAsync(x(5));
            engine.awaitRun();
            CompletableFuture<Prediction<float[]>> follower = endpoint.predictAsync(x(5));
            leader.cancel(true);
            engine.open();
            assertThat(follower.join().value()).containsExactly(10);
            assertThat(engine.rows()).isBetween(1, 2);
            int rows = engine.rows();
            assertThat(endpoint.predict(x(5)).value()).containsExactly(10);
            assertThat(engine.rows()).isEqualTo(rows);
        }
    }

    @Test
    void whenTheLeaderComesTooLateAnotherTakesItsPlace() {
        WatchedEngine engine = twice();
        try (Endpoint<float[], float[]> endpoint = cached(engine)) {
            engine.shut();
            CompletableFuture<Prediction<float[]>> before = endpoint.predictAsync(x(1));
            engine.awaitRun();
            CompletableFuture<Prediction<float[]>> leader =
                    endpoint.predictAsync(x(5), CallOptions.deadline(Duration.ofNanos(1)));
            CompletableFuture<Prediction<float[]>> follower = endpoint.predictAsync(x(5));
            CompletableFuture<Prediction<float[]>> late =
                    endpoint.predictAsync(x(5), CallOptions.deadline(Duration.ofNanos(1)));
            assertThatThrownBy(leader::join).hasCauseInstanceOf(DeadlineException.class);
            engine.open();
            assertThat(before.join().value()).containsExactly(2);
            assertThat(follower.join().value()).containsExactly(10);
            assertThatThrownBy(late::join).hasCauseInstanceOf(DeadlineException.class);
        }
    }

    @Test
    void aRunThatFailsForItsOwnersDeadlineFailsNobodyElse() {
        WatchedEngine engine = twice();
        try (Endpoint<float[], float[]> endpoint = cached(engine)) {
            engine.shut();
            engine.fail(() -> {
                engine.fail(null);
                return new DeadlineException("late", "its time was over", "wait");
            });
            CompletableFuture<Prediction<float[]>> leader = endpoint.predictAsync(x(5));
            engine.awaitRun();
            CompletableFuture<Prediction<float[]>> follower = endpoint.predictAsync(x(5));
            CompletableFuture<Prediction<float[]>> late =
                    endpoint.predictAsync(x(5), CallOptions.deadline(Duration.ofNanos(1)));
            engine.open();
            assertThatThrownBy(leader::join).hasCauseInstanceOf(DeadlineException.class);
            assertThat(follower.join().value()).containsExactly(10);
            assertThatThrownBy(late::join).hasCauseInstanceOf(DeadlineException.class);
        }
    }

    @Test
    void whoWaitsForTheRunOfAnotherWaitsNoLongerThanItsDeadline() throws Exception {
        WatchedEngine engine = twice();
        ExecutorService threads = Executors.newCachedThreadPool();
        try (Endpoint<float[], float[]> endpoint = cached(engine)) {
            engine.shut();
            CompletableFuture<Prediction<float[]>> leader = endpoint.predictAsync(x(5));
            engine.awaitRun();
            Future<Prediction<float[]>> late =
                    threads.submit(() -> endpoint.predict(x(5), CallOptions.deadline(Duration.ofMillis(1))));
            assertThatThrownBy(late::get)
                    .hasCauseInstanceOf(DeadlineException.class)
                    .hasMessageContaining("gave up a prediction: its time was over before the request that it waited "
                            + "for, which asks for the same, was answered. Fix: allow more time, or add lanes.");
            assertThatThrownBy(endpoint.predictAsync(x(5), CallOptions.deadline(Duration.ofMillis(1)))::join)
                    .hasCauseInstanceOf(DeadlineException.class);
            assertThat(endpoint.snapshot().total().expired()).isEqualTo(2);
            assertThat(leader).isNotDone();
            engine.open();
            assertThat(leader.join().value()).containsExactly(10);
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void whoWaitsForTheRunOfAnotherCanBeInterrupted() throws Exception {
        WatchedEngine engine = twice();
        try (Endpoint<float[], float[]> endpoint = cached(engine)) {
            engine.shut();
            CompletableFuture<Prediction<float[]>> leader = endpoint.predictAsync(x(5));
            engine.awaitRun();
            CompletableFuture<Throwable> thrown = new CompletableFuture<>();
            Thread caller = new Thread(() -> {
                thrown.complete(catchThrowable(() -> endpoint.predict(x(5))));
                assertThat(Thread.currentThread().isInterrupted()).isTrue();
            });
            caller.start();
            caller.interrupt();
            assertThat(thrown.join())
                    .isInstanceOf(CancellationException.class)
                    .hasMessageEndingWith(" gave up a prediction: its caller was interrupted while it waited");
            caller.join();
            engine.open();
            assertThat(leader.join().value()).containsExactly(10);
        }
    }

    @Test
    void whoeverClosesWaitsUntilWhatIsBeingReadIsRead() throws Exception {
        CountDownLatch reading = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        AtomicInteger closed = new AtomicInteger();
        AnswerReaders<float[]> readers;
        WatchedEngine engine = twice();
        readers = new AnswerReaders<>(() -> new AnswerReader<>(engine, new Preparation<>(Tensors.floats())));
        ExecutorService threads = Executors.newCachedThreadPool();
        try {
            Future<?> reader = threads.submit(() -> {
                AnswerReader<float[]> claimed = Objects.requireNonNull(readers.claim());
                reading.countDown();
                goOn.await();
                readers.release(claimed);
                return null;
            });
            reading.await();
            List<Future<Integer>> closing = start(threads, 3, () -> {
                readers.close();
                closed.incrementAndGet();
                return engine.lanes();
            });
            while (!readers.isClosed()) {
                Thread.onSpinWait();
            }
            assertThat(readers.claim()).isNull();
            assertThat(closed).hasValue(0);
            goOn.countDown();
            reader.get();
            for (Future<Integer> lanes : closing) {
                assertThat(lanes.get()).isZero();
            }
        } finally {
            threads.shutdownNow();
            engine.close();
        }
    }

    @Test
    void whoeverClosesWithoutPatienceLeavesWhatIsBeingReadToItsReader() {
        WatchedEngine engine = twice();
        try (engine) {
            AnswerReaders<float[]> readers =
                    new AnswerReaders<>(() -> new AnswerReader<>(engine, new Preparation<>(Tensors.floats())));
            AnswerReader<float[]> claimed = Objects.requireNonNull(readers.claim());
            AtomicInteger closed = new AtomicInteger();
            readers.close(Duration.ZERO);
            readers.whenClosed(closed::incrementAndGet);
            assertThat(engine.lanes()).isEqualTo(1);
            assertThat(closed).hasValue(0);
            readers.release(claimed);
            assertThat(engine.lanes()).isZero();
            assertThat(closed).hasValue(1);
            readers.close();
        }
    }

    @Test
    void answersAreRightWhateverIsCancelledSwappedOrFails() throws Exception {
        Random seeds = new Random(42);
        ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
        AtomicInteger answered = new AtomicInteger();
        ExecutorService threads = Executors.newCachedThreadPool();
        Supplier<WatchedEngine> engines = this::twice;
        try (Endpoint<float[], float[]> endpoint = Endpoint.of(engines.get(), Tensors.floats())
                .lanes(2)
                .maxBatch(4)
                .cache(BYTES)
                .open()) {
            List<Future<?>> callers = new ArrayList<>();
            for (int caller = 0; caller < 6; caller++) {
                long seed = seeds.nextLong();
                callers.add(threads.submit(() -> {
                    Random random = new Random(seed);
                    for (int i = 0; i < 3000; i++) {
                        float value = random.nextInt(40) + (i / 200) * 100;
                        CompletableFuture<Prediction<float[]>> future = random.nextInt(3) == 0
                                ? CompletableFuture.completedFuture(endpoint.predict(x(value)))
                                : endpoint.predictAsync(x(value));
                        if (random.nextInt(5) == 0) {
                            future.cancel(false);
                            continue;
                        }
                        float found = future.join().value()[0];
                        if (found != 2 * value) {
                            wrong.add(value + " -> " + found);
                        }
                        answered.incrementAndGet();
                    }
                }));
            }
            for (int version = 1; version <= 10; version++) {
                endpoint.swap(engines.get(), version);
            }
            for (Future<?> caller : callers) {
                caller.get();
            }
        } finally {
            threads.shutdownNow();
        }
        assertThat(wrong).isEmpty();
        assertThat(answered.get()).isGreaterThan(10_000);
    }
}
