package dev.flywheel.gpu;

import dev.flywheel.gpu.FairShare.Resource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who holds the memory of a device, and who waits for it. Never gives more than the budget, which is the device's
 * quota. Higher tiers go first, then whose pipeline has the smaller share, then who came first; and nobody goes before
 * one that waits if that one would wait longer for it. Guarded by the lock of the device.
 */
final class Admission {

    private static final Logger log = LoggerFactory.getLogger(Admission.class);

    /** Its use is what is held, without what has been asked back. */
    private final FairShare device;

    private final Comparator<Claim> first;
    private final List<Claim> claims = new ArrayList<>();

    Admission(FairShare device) {
        this.device = device;
        this.first = Comparator.comparing((Claim claim) -> claim.tier)
                .thenComparing(claim -> claim.member.below(device).share())
                .thenComparing(claim -> claim.order);
    }

    long budget() {
        return (long) device.quota(Resource.MEMORY);
    }

    /** {@return what is held} */
    long reserved() {
        return claims.stream()
                .filter(Claim::held)
                .mapToLong(claim -> claim.bytes)
                .sum();
    }

    /** {@return those who hold memory or wait for it, in the order in which they came} */
    List<Claim> claims() {
        return List.copyOf(claims);
    }

    void add(Claim claim) {
        claims.add(claim);
    }

    /** From now on it neither waits nor is held. */
    void remove(Claim claim) {
        if (claim.state == Claim.State.HELD) {
            claim.use(-1);
        }
        claim.state = Claim.State.CLOSED;
        claims.remove(claim);
    }

    /**
     * Gives what it can, to be called after every change.
     *
     * @return what to call, without the lock, to ask for memory back
     */
    List<Runnable> settle() {
        List<Runnable> calls = new ArrayList<>();
        List<Claim> counted = new ArrayList<>();
        List<Claim> waiting = new ArrayList<>(claims);
        waiting.removeIf(claim -> claim.state != Claim.State.WAITS);
        boolean passing = false;
        boolean stuck = false;
        while (!waiting.isEmpty() && !stuck) {
            Claim claim = waiting.stream().min(first).orElseThrow();
            waiting.remove(claim);
            if (claim.bytes > budget() - unyielding(claim)) {
                // Whoever goes by has to be willing to give way later.
                passing = true;
            } else if (!passing || claim.reclaim != null) {
                claim.use(1);
                boolean fits = device.usage(Resource.MEMORY) <= budget();
                if (fits && reserved() + claim.bytes <= budget()) {
                    claim.state = Claim.State.HELD;
                } else {
                    counted.add(claim);
                    stuck = !fits && !ask(claim, calls);
                }
            }
        }
        counted.forEach(claim -> claim.use(-1));
        return calls;
    }

    /** Asks for memory back. {@return whether that is enough} */
    private boolean ask(Claim taker, List<Runnable> calls) {
        List<Claim> candidates = new ArrayList<>(claims);
        candidates.removeIf(claim -> claim.state != Claim.State.HELD || claim.reclaim == null || claim.bytes == 0);
        List<Preemption.Victim> victims = Preemption.of(device, taker, candidates);
        for (Preemption.Victim victim : victims) {
            Claim claim = victim.claim();
            log.debug("asking {} to give its memory back to {}: {}", claim, taker, victim.reason());
            claim.use(-1);
            claim.state = Claim.State.ASKED;
            calls.add(Objects.requireNonNull(claim.reclaim));
        }
        return !victims.isEmpty();
    }

    /** What cannot be had however long one waits, unless it is given back by itself. */
    private long unyielding(Claim taker) {
        return claims.stream()
                .filter(claim -> claim.state == Claim.State.HELD && (claim.reclaim == null || claim.outranks(taker)))
                .mapToLong(claim -> claim.bytes)
                .sum();
    }
}
