package dev.flywheel.core.device;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * How an accelerator is shared; everything has a default that suits most. Immutable: each method gives a changed copy.
 */
public final class Sharing {

    private static final Sharing DEFAULTS = new Sharing(2, 0.1, Duration.ofMinutes(1), Map.of());

    private final int slots;
    private final double floor;
    private final Duration halfLife;
    private final Map<String, Part> parts;

    private Sharing(int slots, double floor, Duration halfLife, Map<String, Part> parts) {
        this.slots = slots;
        this.floor = floor;
        this.halfLife = halfLife;
        this.parts = parts;
    }

    /**
     * The part of one pipeline.
     *
     * @param weight how much it gets of what nobody owns, in proportion to others, which have 1; with 0 it gets what
     *     nobody else wants
     * @param quota the part of the device that is its own, from 0 to 1: its memory, which others give back when it is
     *     wanted, and its time
     */
    public record Part(double weight, double quota) {

        /** @throws IllegalArgumentException if the weight is negative or not finite, or the quota not from 0 to 1 */
        public Part {
            if (!(weight >= 0 && weight < Double.POSITIVE_INFINITY)) {
                throw new IllegalArgumentException("a weight is a number from 0, found " + weight);
            }
            if (!(quota >= 0 && quota <= 1)) {
                throw new IllegalArgumentException("a quota is a part from 0 to 1, found " + quota);
            }
        }
    }

    /** {@return the settings that nobody has changed} */
    public static Sharing defaults() {
        return DEFAULTS;
    }

    /**
     * {@return a copy with this as how many turns run at a time} At least 1. By default 2: while one computes, the
     * other copies.
     */
    public Sharing slots(int count) {
        if (count < 1) {
            throw new IllegalArgumentException("a device needs at least 1 slot, found " + count);
        }
        return new Sharing(count, floor, halfLife, parts);
    }

    /**
     * {@return a copy with this as the part of the time that batches, and training, each keep while serving wants all}
     * From 0 to 0.3, by default 0.1. Of one tier, those who wait keep it together.
     */
    public Sharing floor(double part) {
        if (!(part >= 0 && part <= 0.3)) {
            throw new IllegalArgumentException("a floor is a part from 0 to 0.3, found " + part);
        }
        return new Sharing(slots, part, halfLife, parts);
    }

    /**
     * {@return a copy with this as the time after which the use of the device counts half} By default 1 minute. Who had
     * the device alone for long stands back behind a newcomer for about so long, but for the floor.
     */
    public Sharing halfLife(Duration time) {
        if (time.isNegative() || time.isZero()) {
            throw new IllegalArgumentException("a half-life is longer than nothing, found " + time);
        }
        return new Sharing(slots, floor, time, parts);
    }

    /**
     * {@return a copy with this as the part of a pipeline, in place of an earlier one} By default a weight of 1 and no
     * quota.
     *
     * @param pipeline as owners name it before the first slash
     * @throws IllegalArgumentException if the quotas are more than the device
     */
    public Sharing part(String pipeline, Part part) {
        Map<String, Part> more = new LinkedHashMap<>(parts);
        more.put(Objects.requireNonNull(pipeline, "pipeline"), Objects.requireNonNull(part, "part"));
        double all = more.values().stream().mapToDouble(Part::quota).sum();
        if (all > 1 + 1e-9) {
            throw new IllegalArgumentException("the quotas are more than the device: found " + all + " of 1");
        }
        return new Sharing(slots, floor, halfLife, Map.copyOf(more));
    }

    /** {@return how many turns run at a time} */
    public int slots() {
        return slots;
    }

    /** {@return the part of the time that a lower tier keeps} */
    public double floor() {
        return floor;
    }

    /** {@return the time after which use counts half} */
    public Duration halfLife() {
        return halfLife;
    }

    /** {@return the part of a pipeline} */
    public Part part(String pipeline) {
        return parts.getOrDefault(pipeline, new Part(1, 0));
    }
}
