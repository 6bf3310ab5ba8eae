package dev.flywheel.gpu;

import dev.flywheel.core.OverloadedException;
import dev.flywheel.core.device.Accelerator;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.Sharing;
import dev.flywheel.gpu.FairShare.Resource;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A device that is shared within this process, in plain Java: it knows of the device what it is told. Thread-safe. */
final class SharedAccelerator implements Accelerator {

    private static final Logger log = LoggerFactory.getLogger(SharedAccelerator.class);

    /** Others outside of the process free memory without a word, so whoever waits looks so often. */
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** A pipeline that has used so little lately is as good as new. */
    private static final double FORGOTTEN_NANOS = 1e6;

    /** Of a device that does not tell its memory; nothing is refused there. */
    private static final long UNKNOWN_BYTES = 1L << 60;

    private static final int MOST_NAMED = 8;

    private final Device device;
    private final Supplier<Optional<MemoryUse>> memory;
    private final PageLocks pageLocks;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    // Under the lock.
    private final FairShare all;
    private final MemoryBudget budget;
    private final Admission admission;
    private final Turns turns;
    private Sharing sharing = Sharing.defaults();
    private long asked;

    /** {@return a device of this machine, with what the driver and its management library say and do} */
    static SharedAccelerator of(Device device, GpuTelemetry telemetry, CudaDriver driver) {
        Optional<GpuTelemetry.Gpu> gpu = device.uuid().flatMap(telemetry::gpu);
        return new SharedAccelerator(
                device,
                () -> gpu.flatMap(found -> MemoryUse.of(telemetry.read(found))),
                new CudaPages(driver, device.index()));
    }

    /** @param memory what the driver says now; empty where it says nothing */
    SharedAccelerator(Device device, Supplier<Optional<MemoryUse>> memory, PageLocks pageLocks) {
        this(device, memory, pageLocks, System::nanoTime);
    }

    SharedAccelerator(Device device, Supplier<Optional<MemoryUse>> memory, PageLocks pageLocks, LongSupplier nanos) {
        this.device = device;
        this.memory = memory;
        this.pageLocks = pageLocks;
        this.all = new FairShare(device.name(), nanos);
        this.budget = new MemoryBudget(name(), memory.get().orElseGet(() -> ofMaker(device)));
        this.admission = new Admission(all);
        this.turns = new Turns(nanos);
        share();
    }

    @Override
    public Device device() {
        return device;
    }

    @Override
    public void sharing(Sharing wanted) {
        change(() -> {
            sharing = wanted;
            share();
            turns.sharing(wanted);
        });
    }

    @Override
    public Reservation reserve(String owner, Tier tier, long bytes, Duration patience, @Nullable Runnable reclaim) {
        Objects.requireNonNull(tier, "tier");
        if (bytes < 0) {
            throw new IllegalArgumentException("a reservation has from 0 bytes, found " + bytes);
        }
        long start = System.nanoTime();
        Claim claim = claim(owner, tier, bytes, reclaim);
        boolean held = false;
        try {
            while (!held) {
                Optional<MemoryUse> use = memory.get();
                change(() -> look(use));
                held = await(claim, TimeUnit.NANOSECONDS.convert(patience), start);
            }
        } catch (InterruptedException e) {
            throw interrupted(claim);
        } finally {
            if (!held) {
                close(claim);
            }
        }
        return new Resident(claim);
    }

    @Override
    public Hold pin(ByteBuffer buffer) {
        return pageLocks.lock(buffer);
    }

    private Claim claim(String owner, Tier tier, long bytes, @Nullable Runnable reclaim) {
        lock.lock();
        try {
            if (bytes > budget.most()) {
                throw refusal(
                        owner, bytes, "ask for less, with a smaller batch or memory limit, or use another device");
            }
            Claim claim = new Claim(member(owner), tier, bytes, asked++, reclaim);
            admission.add(claim);
            return claim;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until it is held, or it is time to look again. {@return whether it is held} */
    private boolean await(Claim claim, long patience, long start) throws InterruptedException {
        lock.lock();
        try {
            long left = patience - (System.nanoTime() - start);
            if (!claim.held() && left <= 0) {
                String fix = "give it more time, ask for less, or close what is not needed";
                throw refusal(claim.member.name(), claim.bytes, fix);
            }
            long rest = Math.min(left, LOOK_NANOS);
            while (!claim.held() && rest > 0) {
                rest = changed.awaitNanos(rest);
            }
            return claim.held();
        } finally {
            lock.unlock();
        }
    }

    private Hold turn(Claim claim, Tier tier) {
        lock.lock();
        try {
            if (!claim.held()) {
                throw new IllegalStateException("the reservation of " + claim + " is closed");
            }
            Turns.Turn turn = turns.ask(tier, claim.member.below(all), claim.member);
            Condition runs = lock.newCondition();
            turn.wake = runs::signal;
            try {
                while (turn.state == Turns.State.WAITS) {
                    runs.await();
                }
            } catch (InterruptedException e) {
                turns.end(turn);
                throw interrupted(claim);
            }
            return () -> end(turn);
        } finally {
            lock.unlock();
        }
    }

    private void end(Turns.Turn turn) {
        lock.lock();
        try {
            turns.end(turn);
        } finally {
            lock.unlock();
        }
    }

    private void close(Claim claim) {
        change(() -> {
            admission.remove(claim);
            if (admission.claims().stream().noneMatch(other -> other.member == claim.member)) {
                turns.forget(claim.member);
                claim.member.below(all).remove(claim.member);
            }
        });
    }

    /** Changes something that may give memory to somebody, or ask for it. */
    private void change(Runnable what) {
        List<Runnable> calls;
        lock.lock();
        try {
            what.run();
            calls = admission.settle();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        for (Runnable call : calls) {
            try {
                call.run();
            } catch (RuntimeException e) {
                log.warn("who holds memory of {} failed when it was asked back", name(), e);
            }
        }
    }

    private void look(Optional<MemoryUse> use) {
        if (use.isPresent()) {
            budget.look(use.get(), admission.reserved());
            share();
        }
    }

    private FairShare member(String owner) {
        for (FairShare pipeline : all.members()) {
            if (pipeline.members().isEmpty() && pipeline.usage(Resource.TIME) < FORGOTTEN_NANOS) {
                turns.forget(pipeline);
                all.remove(pipeline);
            }
        }
        int slash = owner.indexOf('/');
        FairShare member =
                all.member(slash < 0 ? owner : owner.substring(0, slash)).member(owner);
        share();
        return member;
    }

    /** Tells everybody what is theirs. */
    private void share() {
        double bytes = budget.bytes();
        double halfLife = TimeUnit.NANOSECONDS.convert(sharing.halfLife());
        double time = sharing.slots() * halfLife / Math.log(2); // what one who always runs has used, as it is forgotten
        double bytesLeft = bytes;
        double timeLeft = time;
        for (FairShare pipeline : all.members()) {
            Sharing.Part part = sharing.part(pipeline.name());
            pipeline.weight(part.weight());
            pipeline.quota(Resource.MEMORY, Math.floor(part.quota() * bytes));
            pipeline.quota(Resource.TIME, part.quota() * time);
            bytesLeft -= Math.floor(part.quota() * bytes);
            timeLeft -= part.quota() * time;
        }
        all.quota(Resource.MEMORY, bytesLeft);
        all.quota(Resource.TIME, timeLeft);
        all.halfLife(halfLife);
    }

    private String name() {
        return device.kind() + " device " + device.index() + " (" + device.name() + ")";
    }

    private static MemoryUse ofMaker(Device device) {
        return new MemoryUse(device.memoryBytes().orElse(UNKNOWN_BYTES), 0, OptionalLong.of(0));
    }

    private CancellationException interrupted(Claim claim) {
        Thread.currentThread().interrupt();
        return new CancellationException(claim + " was interrupted while it waited for " + name());
    }

    private OverloadedException refusal(String owner, long bytes, String fix) {
        List<Claim> held = new ArrayList<>(admission.claims());
        held.removeIf(claim -> !claim.held());
        held.sort(Comparator.comparingLong((Claim claim) -> claim.bytes).reversed());
        String holders = held.stream().limit(MOST_NAMED).map(Claim::toString).collect(Collectors.joining(", "));
        return new OverloadedException(
                "no memory of " + name() + " for \"" + owner + "\"",
                "it asks for " + MemoryBudget.text(bytes) + ", the budget is " + MemoryBudget.text(budget.bytes())
                        + ", of which " + MemoryBudget.text(admission.reserved()) + " are held"
                        + (held.isEmpty() ? "" : ": ") + holders
                        + (held.size() > MOST_NAMED ? " and " + (held.size() - MOST_NAMED) + " more" : ""),
                fix);
    }

    private final class Resident implements Reservation {

        private final Claim claim;

        Resident(Claim claim) {
            this.claim = claim;
        }

        @Override
        public Hold turn() {
            return turn(claim.tier);
        }

        @Override
        public Hold turn(Tier tier) {
            return SharedAccelerator.this.turn(claim, tier);
        }

        @Override
        public void close() {
            SharedAccelerator.this.close(claim);
        }

        @Override
        public String toString() {
            return claim.toString();
        }
    }
}
