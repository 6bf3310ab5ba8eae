package dev.flywheel.gpu;

import dev.flywheel.core.device.Accelerator.Tier;
import dev.flywheel.gpu.FairShare.Resource;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/** Memory that an owner wants, or holds. What changes is guarded by the lock of the device. */
final class Claim {

    /** Who gives back first: the lowest tier, and in it who came last. */
    static final Comparator<Claim> YIELDS_FIRST = Comparator.comparing((Claim claim) -> claim.tier)
            .thenComparing(claim -> claim.order)
            .reversed();

    final FairShare member;
    final Tier tier;
    final long bytes;
    final long order;
    final @Nullable Runnable reclaim;

    State state = State.WAITS;

    /** How far it is. */
    enum State {
        WAITS,
        HELD,
        /** Held, and asked back. */
        ASKED,
        CLOSED
    }

    /** @param order how many came before it */
    Claim(FairShare member, Tier tier, long bytes, long order, @Nullable Runnable reclaim) {
        this.member = member;
        this.tier = tier;
        this.bytes = bytes;
        this.order = order;
        this.reclaim = reclaim;
    }

    boolean held() {
        return state == State.HELD || state == State.ASKED;
    }

    /** {@return whether this one may go before the other without any fairness} */
    boolean outranks(Claim other) {
        return tier.compareTo(other.tier) < 0;
    }

    /** Counts it as used so many times more. */
    void use(int times) {
        member.use(Resource.MEMORY, (double) times * bytes);
    }

    @Override
    public String toString() {
        return '"' + member.name() + "\" " + MemoryBudget.text(bytes) + " (" + tier
                + (state == State.ASKED ? ", asked back)" : ")");
    }
}
