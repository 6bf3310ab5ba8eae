package dev.flywheel.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.OverloadedException;
import dev.flywheel.core.device.Accelerator.Hold;
import dev.flywheel.core.device.Accelerator.Reservation;
import dev.flywheel.core.device.Accelerator.Tier;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.Sharing;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

@SuppressWarnings("try") // what is held is held by name
class SharedAcceleratorTest {

    private static final List<Tier> TIERS = List.of(Tier.values());

    private static final long GB = 1_000_000_000;
    private static final long BUDGET = 92 * GB - MemoryBudget.CONTEXT_BYTES;
    private static final Duration LONG = ChronoUnit.FOREVER.getDuration();

    private final AtomicReference<Optional<MemoryUse>> driver =
            new AtomicReference<>(Optional.of(new MemoryUse(100 * GB, 0, OptionalLong.of(0))));
    private final SharedAccelerator gpu = new SharedAccelerator(
            new Device(Device.Kind.CUDA, 0, "NVIDIA H100", OptionalLong.of(100 * GB), Optional.empty()),
            driver::get,
            PageLocks.NONE);

    private Reservation hold(String owner, Tier tier, long bytes) {
        return gpu.reserve(owner, tier, bytes, Duration.ZERO, null);
    }

    @Test
    void refusesWhatItCanNeverGiveAtOnceWhileServingGoesOn() {
        try (Reservation serving = hold("fraud/serving", Tier.SERVING, 40 * GB)) {
            try (Hold unused = serving.turn()) {
                assertThatThrownBy(() -> gpu.reserve("huge", Tier.TRAINING, 200 * GB, LONG, null))
                        .isInstanceOf(OverloadedException.class)
                        .hasMessage("no memory of CUDA device 0 (NVIDIA H100) for \"huge\": it asks for 200.0 GB, the"
                                + " budget is 91.4 GB, of which 40.0 GB are held: \"fraud/serving\" 40.0 GB (SERVING)."
                                + " Fix: ask for less, with a smaller batch or memory limit, or use another device.");
            }
            try (Hold unused = serving.turn();
                    Reservation more = hold("fraud/serving", Tier.SERVING, 51 * GB)) {
                assertThat(more).hasToString("\"fraud/serving\" 51.0 GB (SERVING)");
            }
        }
    }

    @Test
    void refusesWhatIsNotFreeInTime() {
        List<Reservation> held = new ArrayList<>();
        for (int i = 1; i <= 10; i++) {
            held.add(hold("m" + i, Tier.SERVING, i * GB));
        }
        AtomicBoolean asked = new AtomicBoolean();
        held.add(gpu.reserve("t", Tier.TRAINING, 30 * GB, Duration.ZERO, () -> asked.set(true)));
        assertThatThrownBy(() -> gpu.reserve("n", Tier.SERVING, 20 * GB, Duration.ofMillis(1), null))
                .isInstanceOf(OverloadedException.class)
                .hasMessage("no memory of CUDA device 0 (NVIDIA H100) for \"n\": it asks for 20.0 GB, the budget is"
                        + " 91.4 GB, of which 85.0 GB are held: \"t\" 30.0 GB (TRAINING, asked back), \"m10\" 10.0 GB"
                        + " (SERVING), \"m9\" 9.0 GB (SERVING), \"m8\" 8.0 GB (SERVING), \"m7\" 7.0 GB (SERVING), \"m6\""
                        + " 6.0 GB (SERVING), \"m5\" 5.0 GB (SERVING), \"m4\" 4.0 GB (SERVING) and 3 more. Fix: give it"
                        + " more time, ask for less, or close what is not needed.");
        assertThat(asked).isTrue();
        held.forEach(Hold::close);
        hold("n", Tier.SERVING, BUDGET).close();
    }

    @Test
    void closesTwiceAsOnce() {
        Reservation first = hold("a", Tier.SERVING, 50 * GB);
        Hold turn = first.turn();
        first.close();
        Reservation second = hold("a", Tier.SERVING, 50 * GB);
        first.close();
        turn.close();
        turn.close();
        assertThatThrownBy(() -> hold("b", Tier.SERVING, 50 * GB)).isInstanceOf(OverloadedException.class);
        assertThatThrownBy(first::turn)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the reservation of \"a\" 50.0 GB (SERVING) is closed");
        second.turn().close();
        second.close();
        hold("b", Tier.SERVING, BUDGET).close();
    }

    @Test
    void givesTurnsForWorkOfAnotherTierWithTheSameMemory() {
        Reservation model = hold("a", Tier.SERVING, GB);
        Hold first = model.turn();
        Hold second = model.turn(Tier.BATCH);
        first.close();
        Hold third = model.turn(Tier.TRAINING);
        second.close();
        third.close();
        model.close();
        assertThatThrownBy(() -> model.turn(Tier.BATCH)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void refusesLessThanNothing() {
        assertThatThrownBy(() -> hold("a", Tier.SERVING, -1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a reservation has from 0 bytes, found -1");
    }

    @Test
    void hasATrainingGiveWayToServingThatWaits() {
        AtomicReference<Reservation> training = new AtomicReference<>();
        CountDownLatch asked = new CountDownLatch(1);
        training.set(gpu.reserve("a/train", Tier.TRAINING, 60 * GB, LONG, asked::countDown));
        Thread trainer = new Thread(() -> {
            try {
                asked.await();
                Objects.requireNonNull(training.get()).close();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        trainer.start();
        gpu.reserve("b", Tier.SERVING, 60 * GB, LONG, null).close();
        assertThat(asked.getCount()).isZero();
    }

    @Test
    void survivesOneWhoFailsWhenAsked() {
        AtomicReference<Reservation> training = new AtomicReference<>();
        training.set(gpu.reserve("a", Tier.TRAINING, 60 * GB, LONG, () -> {
            Objects.requireNonNull(training.get()).close(); // at once, in the thread of whoever asks
            throw new IllegalStateException("a defect");
        }));
        gpu.reserve("b", Tier.SERVING, 60 * GB, LONG, null).close();
    }

    @Test
    void leavesNothingBehindAnInterrupt() throws InterruptedException {
        Reservation all = hold("a", Tier.SERVING, 60 * GB);
        assertCancelled(() -> gpu.reserve("b", Tier.SERVING, 60 * GB, LONG, null), "\"b\" 60.0 GB (SERVING)");
        gpu.sharing(Sharing.defaults().slots(1));
        Hold turn = all.turn();
        assertCancelled(all::turn, "\"a\" 60.0 GB (SERVING)");
        turn.close();
        all.turn().close();
        all.close();
        hold("b", Tier.SERVING, BUDGET).close();
    }

    private static void assertCancelled(Callable<?> waits, String who) throws InterruptedException {
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        AtomicBoolean interrupted = new AtomicBoolean();
        Thread thread = new Thread(() -> {
            try {
                waits.call();
            } catch (Exception e) {
                thrown.set(e);
                interrupted.set(Thread.currentThread().isInterrupted());
            }
        });
        thread.start();
        thread.interrupt(); // before it waits or while it does
        thread.join();
        assertThat(thrown.get())
                .isInstanceOf(CancellationException.class)
                .hasMessage(who + " was interrupted while it waited for CUDA device 0 (NVIDIA H100)");
        assertThat(interrupted).isTrue();
    }

    @Test
    void leavesToOthersOutsideWhatTheyHold() {
        driver.set(Optional.of(new MemoryUse(100 * GB, 70 * GB, OptionalLong.of(0))));
        assertThatThrownBy(() -> hold("a", Tier.SERVING, 40 * GB)).hasMessageContaining("the budget is 29.4 GB");
        driver.set(Optional.of(new MemoryUse(100 * GB, 10 * GB, OptionalLong.of(0))));
        hold("a", Tier.SERVING, 40 * GB).close();
    }

    @Test
    void admitsWhoWaitsWhenOthersOutsideLeave() throws Exception {
        driver.set(Optional.of(new MemoryUse(100 * GB, 70 * GB, OptionalLong.of(0))));
        ExecutorService pool = Executors.newSingleThreadExecutor();
        try {
            Future<Reservation> waits = pool.submit(() -> gpu.reserve("a", Tier.SERVING, 40 * GB, LONG, null));
            driver.set(Optional.of(new MemoryUse(100 * GB, 10 * GB, OptionalLong.of(0))));
            waits.get().close();
        } finally {
            pool.shutdown();
        }
    }

    @Test
    void sharesADeviceThatDoesNotTellItsMemory() {
        SharedAccelerator unknown = new SharedAccelerator(
                new Device(Device.Kind.CUDA, 1, "GPU", OptionalLong.empty(), Optional.empty()),
                Optional::empty,
                PageLocks.NONE);
        try (Reservation all = unknown.reserve("a", Tier.SERVING, 200 * GB, Duration.ZERO, null);
                Hold turn = all.turn();
                Hold lock = unknown.pin(ByteBuffer.allocateDirect(8))) {
            assertThat(unknown.device().index()).isEqualTo(1);
        }
    }

    @Test
    void joinsADeviceWithWhatTheManagementLibrarySaysOfIt() {
        FakeNvml fake = FakeNvml.scripted(FakeNvml.HOPPER);
        String uuid = "GPU-11111111-2222-3333-4444-555555555555";
        Device device = new Device(Device.Kind.CUDA, 3, "NVIDIA H200", OptionalLong.empty(), Optional.of(uuid));
        CudaDriver none = new CudaDriver(List.of(), "none");
        try (GpuTelemetry telemetry = fake.open(System::nanoTime)) {
            SharedAccelerator joined = SharedAccelerator.of(device, telemetry, none);
            joined.pin(ByteBuffer.allocateDirect(8)).close();
            // 12 GB of 150.8 GB are in use by two processes that are not this one, and 0.6 GB by the driver.
            assertThatThrownBy(() -> joined.reserve("a", Tier.SERVING, 138 * GB + GB / 2, Duration.ZERO, null))
                    .hasMessageContaining("the budget is 137.5 GB, of which 0.0 MB are held");
            joined.reserve("a", Tier.SERVING, 137 * GB, Duration.ZERO, null).close();
        }
    }

    @Test
    void givesAQuotaBack() {
        gpu.sharing(Sharing.defaults().part("a", new Sharing.Part(1, 0.5)));
        AtomicBoolean asked = new AtomicBoolean();
        try (Reservation borrowed = gpu.reserve("b", Tier.TRAINING, 80 * GB, LONG, () -> asked.set(true))) {
            assertThatThrownBy(() -> hold("a", Tier.TRAINING, 40 * GB)).isInstanceOf(OverloadedException.class);
            assertThat(asked).isTrue();
        }
    }

    /** Serving, batches and trainings of several pipelines at once; whoever holds memory and turns is counted. */
    @Test
    void isNeverOverdrawnAndLeavesNobodyWaitingAmongManyThreads() throws Exception {
        AtomicLong bytesHeld = new AtomicLong();
        AtomicInteger turnsHeld = new AtomicInteger();
        ExecutorService pool = Executors.newCachedThreadPool();
        List<Future<Integer>> owners = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            Tier tier = TIERS.get(i % 3);
            String owner = "p" + i % 4 + "/" + i;
            SplittableRandom random = new SplittableRandom(i);
            owners.add(pool.submit(() -> work(owner, tier, random, bytesHeld, turnsHeld)));
        }
        for (Future<Integer> owner : owners) {
            assertThat(owner.get()).isEqualTo(600);
        }
        pool.shutdown();
        hold("all", Tier.SERVING, BUDGET).close();
    }

    private int work(String owner, Tier tier, SplittableRandom random, AtomicLong bytesHeld, AtomicInteger turnsHeld) {
        int done = 0;
        while (done < 600) {
            long bytes = random.nextLong(1, 50) * GB;
            AtomicBoolean asked = new AtomicBoolean();
            Runnable reclaim = tier == Tier.SERVING ? null : () -> asked.set(true);
            try (Reservation memory = gpu.reserve(owner, tier, bytes, LONG, reclaim)) {
                assertThat(bytesHeld.addAndGet(bytes)).isLessThanOrEqualTo(BUDGET);
                for (int step = random.nextInt(1, 60); step > 0 && done < 600 && !asked.get(); step--) {
                    try (Hold turn = memory.turn()) {
                        assertThat(turnsHeld.incrementAndGet()).isLessThanOrEqualTo(2);
                        done++;
                        turnsHeld.decrementAndGet();
                    }
                }
                bytesHeld.addAndGet(-bytes);
            }
        }
        return done;
    }
}
