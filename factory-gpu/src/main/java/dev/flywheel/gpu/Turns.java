package dev.flywheel.gpu;

import dev.flywheel.core.device.Accelerator.Tier;
import dev.flywheel.core.device.Sharing;
import dev.flywheel.gpu.FairShare.Resource;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Whose turn it is on a device, on which few run at a time. Guarded by the lock of the device. */
final class Turns {

    private final LongSupplier nanos;
    private final Line all = new Line();
    private final Map<Tier, Line> tiers = new EnumMap<>(Tier.class);
    private Sharing sharing = Sharing.defaults();
    private int running;
    private long asked;

    Turns(LongSupplier nanos) {
        this.nanos = nanos;
        for (Tier tier : Tier.values()) {
            tiers.put(tier, all.add(null));
        }
    }

    /** A turn that somebody waits for, has, or had. */
    static final class Turn {
        final FairShare owner;
        final Line line;
        final long order;
        State state = State.WAITS;
        /** Called when it may run. */
        @Nullable
        Runnable wake;

        private long since;

        private Turn(FairShare owner, Line line, long order) {
            this.owner = owner;
            this.line = line;
            this.order = order;
        }
    }

    /** How far a turn is. */
    enum State {
        WAITS,
        RUNS,
        OVER
    }

    void sharing(Sharing wanted) {
        sharing = wanted;
        grant();
    }

    /** {@return a turn that may run at once, or when others end} */
    Turn ask(Tier tier, FairShare pipeline, FairShare owner) {
        Turn turn = new Turn(
                owner, Objects.requireNonNull(tiers.get(tier)).of(pipeline).of(owner), asked++);
        turn.line.join(turn);
        grant();
        return turn;
    }

    /** Ends a turn that runs, or that nobody waits for any more; one that has ended stays so. */
    void end(Turn turn) {
        if (turn.state == State.WAITS) {
            turn.line.leave(turn);
        } else if (turn.state == State.RUNS) {
            long length = nanos.getAsLong() - turn.since;
            running--;
            turn.owner.use(Resource.TIME, (double) length);
            turn.line.ended((double) length, sharing.floor());
        }
        turn.state = State.OVER;
        grant();
    }

    /** Forgets those of no use any more. */
    void forget(FairShare gone) {
        all.forget(gone);
    }

    private void grant() {
        while (running < sharing.slots() && !all.isEmpty()) {
            Turn turn = all.next();
            turn.state = State.RUNS;
            turn.since = nanos.getAsLong();
            running++;
            if (turn.wake != null) {
                turn.wake.run();
            }
        }
    }
}
