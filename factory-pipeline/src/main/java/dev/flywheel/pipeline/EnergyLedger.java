package dev.flywheel.pipeline;

import dev.flywheel.core.energy.Energy;
import dev.flywheel.core.energy.EnergyMeter;
import dev.flywheel.core.energy.Tariff;
import dev.flywheel.serving.monitor.EndpointSnapshot;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * What the runs and the predictions of a factory take. A window in which a run is at work is the run's; any other is
 * divided among the versions by the rows that they ran. Nothing is read for a single prediction. Thread-safe.
 */
final class EnergyLedger {

    private final EnergyMeter meter;
    private final Tariff tariff;
    private final Map<String, Served> served = new LinkedHashMap<>();
    private EnergyMeter.Mark last;
    private int atWork;

    /** An endpoint, as it was when the last window ended. */
    private static final class Served {

        private final Supplier<EndpointSnapshot> endpoint;
        private final Map<Integer, EnergyUse> uses = new TreeMap<>();
        private EndpointSnapshot before;

        Served(Supplier<EndpointSnapshot> endpoint) {
            this.endpoint = endpoint;
            this.before = endpoint.get();
        }

        EndpointSnapshot window() {
            EndpointSnapshot now = endpoint.get();
            EndpointSnapshot window = now.since(before);
            before = now;
            return window;
        }

        void took(EndpointSnapshot window, Energy energy) {
            Map<Integer, Energy> shares = window.energy(energy);
            window.versions().forEach(version -> {
                Energy share = shares.remove(version.version());
                if (share != null) {
                    long rows = window.versions().stream()
                            .filter(same -> same.version() == version.version())
                            .mapToLong(same -> same.activity().rows())
                            .sum();
                    uses.merge(version.version(), new EnergyUse(rows, share), EnergyUse::plus);
                }
            });
        }
    }

    EnergyLedger(EnergyMeter meter, Tariff tariff) {
        this.meter = meter;
        this.tariff = tariff;
        this.last = meter.mark();
    }

    /** {@return some energy in words, and what it costs by the host's figures} */
    String describe(Energy energy) {
        return energy.joules().isEmpty()
                ? energy.describe()
                : energy.describe() + "; "
                        + tariff.cost(energy.joules().getAsDouble()).describe();
    }

    /** Counts what an endpoint serves from now on. */
    synchronized void serve(String pipeline, Supplier<EndpointSnapshot> endpoint) {
        look();
        served.put(pipeline, new Served(endpoint));
    }

    /** Counts it no longer. */
    synchronized void stop(String pipeline) {
        served.remove(pipeline);
    }

    /** {@return what each version has taken since its endpoint is counted} */
    synchronized Map<Integer, EnergyUse> served(String pipeline) {
        look();
        Served found = served.get(pipeline);
        return found == null ? Map.of() : new TreeMap<>(found.uses);
    }

    /** Ends a window and begins the next; called about once a second. */
    synchronized void look() {
        EnergyMeter.Mark now = meter.mark();
        Energy energy = meter.between(last, now);
        last = now;
        if (!meter.canMeasure()) {
            return;
        }
        Map<Served, EndpointSnapshot> windows = new LinkedHashMap<>();
        served.values().forEach(one -> windows.put(one, one.window()));
        long rows = windows.values().stream()
                .mapToLong(window -> window.total().rows())
                .sum();
        if (atWork == 0 && rows > 0 && energy.joules().isPresent()) {
            windows.forEach((one, window) ->
                    one.took(window, energy.times((double) window.total().rows() / rows)));
        }
    }

    /** {@return the account of a run that begins} */
    Work begin() {
        return new Work();
    }

    /** What one run takes while it is at work. Not thread-safe. */
    final class Work {

        private Energy before = new Energy(Duration.ZERO, List.of(), List.of());
        private EnergyMeter.Mark start = enter();

        private EnergyMeter.Mark enter() {
            synchronized (EnergyLedger.this) {
                look();
                atWork++;
                return last;
            }
        }

        /** The run rests, or has ended; {@return what it has taken so far}. */
        Energy rest() {
            synchronized (EnergyLedger.this) {
                look();
                atWork--;
                before = before.plus(meter.between(start, last));
                return before;
            }
        }

        /** The run goes on. */
        void goOn() {
            start = enter();
        }
    }
}
