package dev.flywheel.core.energy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalDouble;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Measures energy over windows of time: by counters, by power over time where a device has no counter, and leaves out
 * what it cannot read. It reads only when it is asked, so {@link #sample()} must be called about once a second: power
 * is unknown beyond the ten seconds after a reading, and a counter that begins anew twice between two readings loses
 * one round. Thread-safe.
 */
public final class EnergyMeter {

    private static final Logger log = LoggerFactory.getLogger(EnergyMeter.class);

    /** Between readings of power that are further apart it may have been anything. */
    private static final double LONGEST_STRIDE = 10;

    private final LongSupplier nanos;
    private final List<Track> tracks;
    private final List<String> leftOut;

    /** @param nanos the time, as {@link System#nanoTime()} tells it */
    private EnergyMeter(LongSupplier nanos, List<? extends EnergyGauge> gauges, List<String> leftOut) {
        this.nanos = nanos;
        this.leftOut = List.copyOf(leftOut);
        long now = nanos.getAsLong();
        this.tracks = gauges.stream().map(gauge -> new Track(gauge, now)).toList();
    }

    /** {@return a meter of what is given} */
    public static EnergyMeter of(List<? extends EnergyGauge> gauges) {
        return of(System::nanoTime, gauges);
    }

    /**
     * {@return a meter of what is given, by another clock}
     *
     * @param nanos the time in nanoseconds from some moment on, which never goes back
     */
    public static EnergyMeter of(LongSupplier nanos, List<? extends EnergyGauge> gauges) {
        return new EnergyMeter(nanos, gauges, List.of());
    }

    /** {@return a meter of all that this machine tells: its processors, and what modules on the class path bring} */
    public static EnergyMeter ofThisMachine() {
        return new EnergyMeter(System::nanoTime, ThisMachine.FOUND.gauges, ThisMachine.FOUND.leftOut);
    }

    /**
     * What a search has found.
     *
     * @param leftOut what cannot be told, and why
     */
    private record Found(List<EnergyGauge> gauges, List<String> leftOut) {}

    /** Looked for on the first use, because looking may load native libraries. */
    private static final class ThisMachine {

        // Not by the loader of the thread that asks first, which in a pool need not know the application.
        static final Found FOUND =
                search(Rapl.SYSTEM, ServiceLoader.load(EnergyProvider.class, EnergyProvider.class.getClassLoader()));
    }

    static EnergyMeter found(Path powercap, Iterable<? extends EnergyProvider> providers) {
        Found found = search(powercap, providers);
        return new EnergyMeter(System::nanoTime, found.gauges, found.leftOut);
    }

    private static Found search(Path powercap, Iterable<? extends EnergyProvider> providers) {
        List<EnergyGauge> gauges = new ArrayList<>();
        List<String> leftOut = new ArrayList<>();
        look(new Rapl(powercap), gauges, leftOut);
        Iterator<? extends EnergyProvider> iterator = providers.iterator();
        while (true) {
            try {
                if (!iterator.hasNext()) {
                    break;
                }
                look(iterator.next(), gauges, leftOut);
            } catch (ServiceConfigurationError | RuntimeException | LinkageError e) {
                // a broken module must not keep the application from its predictions
                leftOut.add("a provider failed: " + e);
            }
        }
        log.debug("energy of {} can be told; left out: {}", gauges, leftOut);
        return new Found(gauges, leftOut);
    }

    private static void look(EnergyProvider provider, List<EnergyGauge> gauges, List<String> leftOut) {
        List<EnergyGauge> found = provider.gauges();
        gauges.addAll(found);
        if (found.isEmpty()) {
            leftOut.add(provider.explanation());
        }
    }

    /** {@return whether there is anything to read} */
    public boolean canMeasure() {
        return !tracks.isEmpty();
    }

    /** Reads all that there is to read. */
    public void sample() {
        Mark unused = mark();
    }

    /** {@return this moment, where a window begins; it reads all that there is to read} */
    public Mark mark() {
        long now = nanos.getAsLong();
        return new Mark(this, now, tracks.stream().map(track -> track.read(now)).toList());
    }

    /** {@return what was taken from a moment until now; it reads all that there is to read} */
    public Energy since(Mark start) {
        return between(start, mark());
    }

    /**
     * {@return what was taken between two moments}
     *
     * @throws IllegalArgumentException if a moment is of another meter
     */
    public Energy between(Mark start, Mark end) {
        if (start.meter != this || end.meter != this) {
            throw new IllegalArgumentException("a window is between two marks of one meter");
        }
        Duration window = Duration.ofNanos(end.nanos - start.nanos);
        List<Energy.Part> parts = new ArrayList<>();
        List<String> missing = new ArrayList<>(leftOut);
        for (int i = 0; i < tracks.size(); i++) {
            EnergyGauge gauge = tracks.get(i).gauge;
            Total from = start.totals.get(i);
            Total to = end.totals.get(i);
            if (from.gaps != to.gaps) {
                missing.add(gauge.device() + " could not be read all the time");
                continue;
            }
            OptionalDouble watts = read(gauge::idleWatts);
            parts.add(new Energy.Part(
                    gauge.device(),
                    from.integrals == to.integrals ? gauge.counter() : Energy.Source.POWER_INTEGRAL,
                    Math.max(0, to.joules - from.joules),
                    watts.isEmpty() ? watts : OptionalDouble.of(watts.getAsDouble() * window.toNanos() / 1e9),
                    gauge.apportioned()));
        }
        return new Energy(window, parts, missing);
    }

    /** A broken gauge must not keep the application from its runs. */
    private static OptionalDouble read(Supplier<OptionalDouble> reading) {
        try {
            OptionalDouble found = reading.get();
            return found.isPresent() && Double.isFinite(found.getAsDouble()) ? found : OptionalDouble.empty();
        } catch (RuntimeException | LinkageError e) {
            log.debug("a gauge failed", e);
            return OptionalDouble.empty();
        }
    }

    /** A moment at which a meter was read. Immutable. */
    public static final class Mark {

        private final EnergyMeter meter;
        private final long nanos;
        private final List<Total> totals;

        private Mark(EnergyMeter meter, long nanos, List<Total> totals) {
            this.meter = meter;
            this.nanos = nanos;
            this.totals = totals;
        }
    }

    /**
     * What a device has taken since the meter was made.
     *
     * @param gaps how many strides between two readings nothing is known of
     * @param integrals how many are known by power alone
     */
    private record Total(double joules, long gaps, long integrals) {}

    /** What is known of one device so far. */
    private static final class Track {

        private final EnergyGauge gauge;
        private long at;
        private OptionalDouble counted;
        private OptionalDouble watts;
        private Total total = new Total(0, 0, 0);

        Track(EnergyGauge gauge, long now) {
            this.gauge = gauge;
            this.at = now;
            this.counted = EnergyMeter.read(gauge::joules);
            this.watts = counted.isPresent() ? OptionalDouble.empty() : EnergyMeter.read(gauge::watts);
        }

        synchronized Total read(long now) {
            OptionalDouble joules = EnergyMeter.read(gauge::joules);
            OptionalDouble power = joules.isPresent() ? OptionalDouble.empty() : EnergyMeter.read(gauge::watts);
            double seconds = Math.max(0, (now - at) / 1e9);
            OptionalDouble taken = counted(joules);
            boolean integrated = taken.isEmpty() && watts.isPresent() && power.isPresent() && seconds <= LONGEST_STRIDE;
            if (integrated) {
                taken = OptionalDouble.of(seconds * (watts.getAsDouble() + power.getAsDouble()) / 2);
            }
            total = new Total(
                    total.joules + taken.orElse(0),
                    total.gaps + (taken.isPresent() ? 0 : 1),
                    total.integrals + (integrated ? 1 : 0));
            at = Math.max(at, now);
            counted = joules;
            watts = power;
            return total;
        }

        /** What the counter has counted since it was last read, if it was and could be. */
        private OptionalDouble counted(OptionalDouble now) {
            if (counted.isEmpty() || now.isEmpty()) {
                return OptionalDouble.empty();
            }
            double more = now.getAsDouble() - counted.getAsDouble();
            if (more < 0) {
                more += gauge.wrapsAt();
            }
            return more >= 0 && Double.isFinite(more) ? OptionalDouble.of(more) : OptionalDouble.empty();
        }
    }
}
