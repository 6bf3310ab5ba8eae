package dev.flywheel.gpu;

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A member of those who share a device: the device itself, a pipeline, an owner. What it uses beyond its quota is
 * borrowed, and the greatest part of any one resource that it has borrowed of the whole, divided by its weight, is its
 * share, in thousandths (dominant resource fairness, Ghodsi et al., NSDI 2011, as Kueue has it for what is borrowed).
 * Time that was used is forgotten by and by. Not thread-safe.
 */
final class FairShare {

    /** What a device has. */
    enum Resource {
        /** Bytes that are held now. */
        MEMORY,
        /** Nanoseconds, halved with every half-life. */
        TIME
    }

    private static final Resource[] RESOURCES = Resource.values();

    private final @Nullable FairShare parent;
    private final String name;
    private final LongSupplier nanos;
    private final Map<String, FairShare> children = new LinkedHashMap<>();
    private final Map<Resource, Double> quota = new EnumMap<>(Resource.class);
    private final Map<Resource, Double> usage = new EnumMap<>(Resource.class);
    private double weight = 1;
    private double halfLife;
    private long usageAt;

    /** A device. */
    FairShare(String name, LongSupplier nanos) {
        this(null, name, nanos);
    }

    private FairShare(@Nullable FairShare parent, String name, LongSupplier nanos) {
        this.parent = parent;
        this.name = name;
        this.nanos = nanos;
        this.usageAt = nanos.getAsLong();
        this.halfLife = parent == null ? Double.POSITIVE_INFINITY : parent.halfLife;
    }

    /** {@return the member of this name below, which there is from now on} */
    FairShare member(String child) {
        return children.computeIfAbsent(child, key -> new FairShare(this, key, nanos));
    }

    /** Forgets a member; what it used here stays used. */
    void remove(FairShare child) {
        children.remove(child.name, child);
    }

    /** {@return those right below} */
    Collection<FairShare> members() {
        return new ArrayList<>(children.values());
    }

    @Nullable
    FairShare parent() {
        return parent;
    }

    String name() {
        return name;
    }

    /** @param weight how much it may borrow in proportion to others; with 0 it counts as the greediest of all */
    void weight(double weight) {
        this.weight = weight;
    }

    /** Of the device: how long it takes to forget half of the time that was used. */
    void halfLife(double wanted) {
        for (FairShare child : children.values()) {
            child.halfLife(wanted);
        }
        settle();
        halfLife = wanted;
    }

    /** What is its own, not counting what is its members' own. */
    void quota(Resource resource, double amount) {
        quota.put(resource, amount);
    }

    /** {@return what is its own and its members' own} */
    double quota(Resource resource) {
        double sum = quota.getOrDefault(resource, 0.0);
        for (FairShare child : children.values()) {
            sum += child.quota(resource);
        }
        return sum;
    }

    /** Uses more, or less if that is negative, here and in all that it belongs to. */
    void use(Resource resource, double more) {
        settle();
        usage.merge(resource, more, Double::sum);
        if (parent != null) {
            parent.use(resource, more);
        }
    }

    double usage(Resource resource) {
        settle();
        return usage.getOrDefault(resource, 0.0);
    }

    /** {@return its share by whichever resource it has borrowed most of; 0 if it has borrowed nothing} */
    double share() {
        double most = 0;
        for (Resource resource : RESOURCES) {
            most = Math.max(most, share(resource));
        }
        return most;
    }

    /** {@return its share by one resource} */
    double share(Resource resource) {
        double borrowed = parent == null ? 0 : usage(resource) - quota(resource);
        if (borrowed <= 0) {
            return 0;
        }
        return weight == 0 ? Double.POSITIVE_INFINITY : borrowed * 1000 / device().quota(resource) / weight;
    }

    private FairShare device() {
        FairShare top = this;
        for (FairShare above = parent; above != null; above = above.parent) {
            top = above;
        }
        return top;
    }

    /** {@return what it is, or belongs to, right below what both belong to; the two are equally deep} */
    FairShare against(FairShare other) {
        FairShare mine = this;
        FairShare theirs = other;
        while (mine.parent != null && theirs.parent != null && mine.parent != theirs.parent) {
            mine = mine.parent;
            theirs = theirs.parent;
        }
        return mine;
    }

    /** {@return what it is, or belongs to, right below one that it belongs to} */
    FairShare below(FairShare above) {
        FairShare at = this;
        while (at.parent != above) {
            at = Objects.requireNonNull(at.parent);
        }
        return at;
    }

    /** {@return whether it is this one, or belongs to it} */
    boolean isIn(FairShare other) {
        return this == other || (parent != null && parent.isIn(other));
    }

    private void settle() {
        long now = nanos.getAsLong();
        if (now != usageAt) {
            double forgotten = Math.pow(0.5, (now - usageAt) / halfLife);
            usage.computeIfPresent(Resource.TIME, (resource, used) -> used * forgotten);
            usageAt = now;
        }
    }
}
