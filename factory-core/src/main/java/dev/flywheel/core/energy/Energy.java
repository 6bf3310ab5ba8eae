package dev.flywheel.core.energy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What was taken in a time, device by device, with how that is known. What could not be read is left out, and said so;
 * it is never 0. Immutable.
 *
 * @param window the time
 * @param parts what is known
 * @param leftOut what is not known, and why, as in "CPU package 0 could not be read"
 */
public record Energy(Duration window, List<Part> parts, List<String> leftOut) {

    /** How energy is known. */
    public enum Source {
        /** A device's own energy counter. */
        COUNTER("its energy counter"),
        /** Power over time, by the trapezoidal rule. */
        POWER_INTEGRAL("power over time"),
        /** The counter of a processor's package (RAPL): cores and caches, of all processes. */
        CPU_PACKAGE("RAPL"),
        /** Not at all. */
        NONE("nothing");

        private final String words;

        Source(String words) {
            this.words = words;
        }
    }

    /**
     * What one device took.
     *
     * @param device what was measured
     * @param source how
     * @param joules all of it
     * @param idleJoules what the device would have taken doing nothing; empty if that is not known
     * @param apportioned whether it is a share of what was measured
     */
    public record Part(String device, Source source, double joules, OptionalDouble idleJoules, boolean apportioned) {

        /** @throws IllegalArgumentException if the energy is negative or no number, or comes from nothing */
        public Part {
            Objects.requireNonNull(device, "device");
            Objects.requireNonNull(idleJoules, "idleJoules");
            if (!(joules >= 0) || source == Source.NONE) {
                throw new IllegalArgumentException(
                        "the energy of " + device + " is invalid: found " + joules + " J by " + source);
            }
        }

        private Part times(double share) {
            OptionalDouble idle =
                    idleJoules.isEmpty() ? idleJoules : OptionalDouble.of(share * idleJoules.getAsDouble());
            return new Part(device, source, share * joules, idle, true);
        }

        private boolean isLike(Part other) {
            return device.equals(other.device) && source == other.source && apportioned == other.apportioned;
        }

        private Part plus(Part other) {
            OptionalDouble idle = idleJoules.isEmpty() || other.idleJoules.isEmpty()
                    ? OptionalDouble.empty()
                    : OptionalDouble.of(idleJoules.getAsDouble() + other.idleJoules.getAsDouble());
            return new Part(device, source, joules + other.joules, idle, apportioned);
        }

        private String describe() {
            return format(joules) + " of " + device + " by " + source.words + (apportioned ? ", apportioned" : "");
        }
    }

    /** Copies the lists. */
    public Energy {
        Objects.requireNonNull(window, "window");
        parts = List.copyOf(parts);
        leftOut = List.copyOf(leftOut);
    }

    /**
     * {@return what is not known}
     *
     * @param why the reason, in a few words
     */
    public static Energy unknown(String why) {
        return new Energy(Duration.ZERO, List.of(), List.of(why));
    }

    /** {@return how it is known; {@link Source#NONE} alone if nothing is} */
    public Set<Source> sources() {
        Set<Source> sources = EnumSet.noneOf(Source.class);
        parts.forEach(part -> sources.add(part.source));
        return Collections.unmodifiableSet(sources.isEmpty() ? EnumSet.of(Source.NONE) : sources);
    }

    /** {@return all that is known, in joules; empty if nothing is} */
    public OptionalDouble joules() {
        return parts.isEmpty()
                ? OptionalDouble.empty()
                : OptionalDouble.of(parts.stream().mapToDouble(Part::joules).sum());
    }

    /** {@return what is more than the devices draw doing nothing, in joules; empty unless that is known of each} */
    public OptionalDouble netJoules() {
        if (parts.isEmpty() || parts.stream().anyMatch(part -> part.idleJoules.isEmpty())) {
            return OptionalDouble.empty();
        }
        return OptionalDouble.of(parts.stream()
                .mapToDouble(part -> Math.max(0, part.joules - part.idleJoules.getAsDouble()))
                .sum());
    }

    /**
     * {@return a share of it, which is said to be one}
     *
     * @param share from 0 to 1
     */
    public Energy times(double share) {
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("a share is invalid: found " + share + ", expected 0 to 1");
        }
        return share == 1
                ? this
                : new Energy(
                        window, parts.stream().map(part -> part.times(share)).toList(), leftOut);
    }

    /** {@return what was taken in both times together} */
    public Energy plus(Energy other) {
        List<Part> all = new ArrayList<>(parts);
        for (Part part : other.parts) {
            int same = 0;
            while (same < all.size() && !all.get(same).isLike(part)) {
                same++;
            }
            if (same < all.size()) {
                all.set(same, all.get(same).plus(part));
            } else {
                all.add(part);
            }
        }
        List<String> missing = Stream.concat(leftOut.stream(), other.leftOut.stream())
                .distinct()
                .toList();
        return new Energy(window.plus(other.window), all, missing);
    }

    /** {@return it in words, with how it is known and what is left out} */
    public String describe() {
        String missing = leftOut.isEmpty() ? "" : "left out: " + String.join("; ", leftOut);
        if (parts.isEmpty()) {
            return "not known" + (missing.isEmpty() ? "" : " (" + missing + ")");
        }
        OptionalDouble net = netJoules();
        return format(joules().getAsDouble()) + " in " + format(window)
                + (net.isEmpty() ? "" : ", " + format(net.getAsDouble()) + " more than idle")
                + parts.stream().map(Part::describe).collect(Collectors.joining("; ", " (", ""))
                + (missing.isEmpty() ? ")" : "; " + missing + ")");
    }

    private static String format(double joules) {
        return String.format(Locale.ROOT, joules < 10 ? "%.3g J" : "%,.0f J", joules);
    }

    private static String format(Duration window) {
        return String.format(Locale.ROOT, "%,.1f s", window.toNanos() / 1e9);
    }
}
