package dev.flywheel.gpu;

import dev.flywheel.core.device.Accelerator.Tier;
import dev.flywheel.gpu.FairShare.Resource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who has to give memory back, so that a claim fits. Lower tiers first, the lowest of all before the next, always from
 * whoever has the greatest share. If that is not enough, those of the same tier who borrow: as long as whoever gives
 * still has no smaller share than whoever takes, and then as long as it had a greater one. What turns out to be more
 * than is needed is let go. Shares are those of memory alone: by time, which a claim does not change, two that do not
 * fit together would drive each other out without end. The two rules, the walk from share to share, and the giving back
 * are those of Kueue's fair sharing (LessThanOrEqualToFinalShare, LessThanInitialShare). Used once, for a claim that
 * counts as used already. Not thread-safe.
 */
final class Preemption {

    /** Why somebody has to give memory back. */
    enum Reason {
        /** Who wants it is of a higher tier. */
        LOWER_TIER,
        /** Who wants it stays within its quota. */
        QUOTA,
        /** Who wants it has the smaller share. */
        FAIR_SHARE
    }

    /** A claim that has to be given back. */
    record Victim(Claim claim, Reason reason) {}

    /** A rule about shares. */
    private interface Rule {
        boolean allows(double taker, double giverBefore, double giverAfter);
    }

    private final FairShare device;
    private final Claim taker;
    private final List<Victim> taken = new ArrayList<>();

    private Preemption(FairShare device, Claim taker) {
        this.device = device;
        this.taker = taker;
    }

    /** {@return those who have to give theirs back; none if the claim has no right to enough} */
    static List<Victim> of(FairShare device, Claim taker, Collection<Claim> candidates) {
        return new Preemption(device, taker).victims(candidates);
    }

    private List<Victim> victims(Collection<Claim> candidates) {
        boolean enough = enough(candidates);
        if (enough) {
            letGo();
        }
        taken.forEach(victim -> victim.claim.use(1));
        return enough ? List.copyOf(taken) : List.of();
    }

    private boolean enough(Collection<Claim> candidates) {
        List<Claim> ordered = candidates.stream().sorted(Claim.YIELDS_FIRST).toList();
        List<Tier> below = new ArrayList<>(EnumSet.range(taker.tier, Tier.TRAINING));
        Collections.reverse(below);
        below.remove(taker.tier);
        for (Tier lower : below) {
            List<Claim> pool = new ArrayList<>(
                    ordered.stream().filter(claim -> claim.tier == lower).toList());
            if (take(pool, new ArrayList<>(), (mine, before, after) -> true)) {
                return true;
            }
        }
        List<Claim> alike = new ArrayList<>(ordered.stream()
                .filter(claim -> claim.tier == taker.tier && claim.member != taker.member)
                .toList());
        List<Claim> refused = new ArrayList<>();
        return take(alike, refused, (mine, before, after) -> mine <= after)
                || take(refused, new ArrayList<>(), (mine, before, after) -> mine < before);
    }

    /** Takes from a pool, until that is enough or nothing is left of it. */
    private boolean take(List<Claim> pool, List<Claim> refused, Rule rule) {
        for (Claim claim = next(pool); claim != null; claim = next(pool)) {
            pool.remove(claim);
            FairShare mine = taker.member.against(claim.member);
            FairShare theirs = claim.member.against(taker.member);
            double before = theirs.share(Resource.MEMORY);
            claim.use(-1);
            if (!rule.allows(mine.share(Resource.MEMORY), before, theirs.share(Resource.MEMORY))) {
                claim.use(1);
                refused.add(claim);
                continue;
            }
            taken.add(new Victim(claim, reason(claim, mine)));
            if (fits()) {
                return true;
            }
        }
        return false;
    }

    private Reason reason(Claim claim, FairShare mine) {
        if (taker.outranks(claim)) {
            return Reason.LOWER_TIER;
        }
        return mine.share(Resource.MEMORY) == 0 ? Reason.QUOTA : Reason.FAIR_SHARE;
    }

    /** The first of whoever has the greatest share, level by level; null if nobody has to give. */
    private @Nullable Claim next(List<Claim> pool) {
        FairShare at = device;
        List<Claim> left = pool;
        while (true) {
            FairShare most = null;
            for (Claim claim : left) {
                FairShare below = claim.member.below(at);
                double share = below.share(Resource.MEMORY);
                if (yields(claim, share, below) && (most == null || share > most.share(Resource.MEMORY))) {
                    most = below;
                }
            }
            if (most == null) {
                return null;
            }
            List<Claim> chosen = new ArrayList<>();
            for (Claim claim : left) {
                if (claim.member.isIn(most)) {
                    chosen.add(claim);
                }
            }
            if (chosen.get(0).member == most) {
                return chosen.get(0);
            }
            at = most;
            left = chosen;
        }
    }

    /** Nobody takes from a quota that is kept, except by rank. */
    private boolean yields(Claim claim, double share, FairShare below) {
        return taker.outranks(claim) || share > 0 || taker.member.isIn(below);
    }

    private boolean fits() {
        return device.usage(Resource.MEMORY) <= device.quota(Resource.MEMORY);
    }

    /** Gives back what others made needless, the last first. */
    private void letGo() {
        for (int i = taken.size() - 2; i >= 0; i--) {
            Claim claim = taken.get(i).claim;
            claim.use(1);
            if (fits()) {
                taken.remove(i);
            } else {
                claim.use(-1);
            }
        }
    }
}
