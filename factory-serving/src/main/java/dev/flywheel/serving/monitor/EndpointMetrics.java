package dev.flywheel.serving.monitor;

import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;

/**
 * The figures of an endpoint as meters of Micrometer, which has to be on the class path: one set for each loaded
 * version, tagged {@code endpoint} and {@code version}. Requests pay nothing for it; reading the meters takes a
 * snapshot. Thread-safe. {@link #close} takes the meters away.
 *
 * <table>
 * <caption>Meters, all beginning with {@code flywheel.endpoint.}</caption>
 * <tr><th>name</th><th>what</th></tr>
 * <tr><td>{@code uptime}</td><td>time since the endpoint opened; without a version</td></tr>
 * <tr><td>{@code requests}</td><td>count and total time of the requests answered, failed ones included</td></tr>
 * <tr><td>{@code latency}</td><td>the time that a share of the requests of the last one to two minutes did not exceed;
 * tag {@code phi}: 0.5, 0.9, 0.99, 0.999, 1</td></tr>
 * <tr><td>{@code errors}</td><td>requests that failed</td></tr>
 * <tr><td>{@code unserved}</td><td>requests that were not run; tag {@code reason}: refused, expired, cancelled</td></tr>
 * <tr><td>{@code batches}, {@code rows}</td><td>runs of the model, and their rows</td></tr>
 * <tr><td>{@code cache.gets}</td><td>requests looked up in the cache; tag {@code result}: hit, miss</td></tr>
 * <tr><td>{@code queued}, {@code queued.max}</td><td>requests that wait, and the most that ever did</td></tr>
 * <tr><td>{@code lanes}, {@code lanes.replaced}</td><td>runs at a time, and lanes given up for new ones</td></tr>
 * </table>
 */
public final class EndpointMetrics implements MeterBinder, AutoCloseable {

    private static final String PREFIX = "flywheel.endpoint.";

    private static final double[] SHARES = {0.5, 0.9, 0.99, 0.999, 1};

    /** All meters read in this time see one snapshot: those of one collection fit each other. */
    private static final long SAME_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private static final long WINDOW_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final String endpoint;
    private final Supplier<EndpointSnapshot> snapshots;
    private final List<Binding> bindings = new ArrayList<>();

    private EndpointMetrics(String endpoint, Supplier<EndpointSnapshot> snapshots) {
        this.endpoint = Objects.requireNonNull(endpoint, "endpoint");
        this.snapshots = Objects.requireNonNull(snapshots, "snapshots");
    }

    /**
     * {@return the meters of an endpoint, to be bound}
     *
     * @param endpoint what to call it, the value of the tag {@code endpoint}
     * @param snapshots gives its figures: {@code endpoint::snapshot}
     */
    public static EndpointMetrics of(String endpoint, Supplier<EndpointSnapshot> snapshots) {
        return new EndpointMetrics(endpoint, snapshots);
    }

    /**
     * Adds the meters to a registry. Those of versions that come and go follow when meters are next read: they are
     * there the time after.
     */
    @Override
    public void bindTo(MeterRegistry registry) {
        Binding binding = new Binding(registry);
        synchronized (bindings) {
            bindings.add(binding);
        }
        binding.bind();
    }

    /** Takes the meters away from every registry that they were bound to. */
    @Override
    public void close() {
        List<Binding> open;
        synchronized (bindings) {
            open = List.copyOf(bindings);
            bindings.clear();
        }
        open.forEach(Binding::unbind);
    }

    /** Which loading of which version. */
    private record Key(int version, Instant loadedAt) {

        static Key of(VersionSnapshot version) {
            return new Key(version.version(), version.loadedAt());
        }
    }

    /** The meters in one registry. Thread-safe. */
    private final class Binding {

        private final MeterRegistry registry;
        private final Clock clock;
        private final Map<Key, List<Meter>> meters = new HashMap<>();
        private final List<Meter> own = new ArrayList<>();
        private EndpointSnapshot now;
        private EndpointSnapshot windowStart;
        private EndpointSnapshot nextStart;
        private EndpointSnapshot recent;
        private long takenNanos;
        private long startedNanos;
        private boolean unbound;

        Binding(MeterRegistry registry) {
            this.registry = registry;
            this.clock = registry.config().clock();
            this.now = snapshots.get();
            this.windowStart = now;
            this.nextStart = now;
            this.recent = now;
            this.takenNanos = clock.monotonicTime();
            this.startedNanos = takenNanos;
        }

        synchronized void bind() {
            own.add(TimeGauge.builder(PREFIX + "uptime", () -> look().period().toNanos(), TimeUnit.NANOSECONDS)
                    .tags("endpoint", endpoint)
                    .description("Time since the endpoint opened")
                    .register(registry));
            follow();
        }

        synchronized void unbind() {
            unbound = true;
            meters.values().forEach(gone -> gone.forEach(registry::remove));
            meters.clear();
            own.forEach(registry::remove);
            own.clear();
        }

        private synchronized EndpointSnapshot look() {
            long nanos = clock.monotonicTime();
            if (nanos - takenNanos >= SAME_NANOS && !unbound) {
                takenNanos = nanos;
                now = snapshots.get();
                if (nanos - startedNanos >= WINDOW_NANOS) {
                    startedNanos = nanos;
                    windowStart = nextStart;
                    nextStart = now;
                }
                recent = now.since(windowStart);
                follow();
            }
            return now;
        }

        private synchronized EndpointSnapshot lookAtRecent() {
            EndpointSnapshot unused = look();
            return recent;
        }

        private void follow() {
            // Two loadings of one number would be the same meters; the one before is on its way out.
            Map<Integer, VersionSnapshot> latest = new HashMap<>();
            for (VersionSnapshot version : now.versions()) {
                latest.merge(version.version(), version, (a, b) -> b.loadedAt().isAfter(a.loadedAt()) ? b : a);
            }
            Set<Key> there = latest.values().stream().map(Key::of).collect(Collectors.toSet());
            meters.entrySet().removeIf(entry -> {
                boolean gone = !there.contains(entry.getKey());
                if (gone) {
                    entry.getValue().forEach(registry::remove);
                }
                return gone;
            });
            for (VersionSnapshot version : latest.values()) {
                if (!meters.containsKey(Key.of(version))) {
                    meters.put(Key.of(version), new Series(version).register());
                }
            }
        }

        /** The meters of one version. They hold it, and it holds the last figures: a registry refers to it weakly. */
        private final class Series {

            private final Key key;
            private final Tags tags;
            private final List<Meter> made = new ArrayList<>();
            private VersionSnapshot last;

            Series(VersionSnapshot first) {
                this.key = Key.of(first);
                this.tags = Tags.of("endpoint", endpoint, "version", Integer.toString(key.version()));
                this.last = first;
            }

            List<Meter> register() {
                made.add(FunctionTimer.builder(
                                PREFIX + "requests",
                                this,
                                s -> activity().requests(),
                                s -> activity().latencies().sum(),
                                TimeUnit.NANOSECONDS)
                        .tags(tags)
                        .description("Requests answered, failed ones included")
                        .register(registry));
                for (double share : SHARES) {
                    latency(share);
                }
                counter("errors", "requests", "Requests that failed", tags, Activity::errors);
                String unserved = "Requests that were not run";
                counter("unserved", "requests", unserved, tags.and("reason", "refused"), Activity::refused);
                counter("unserved", "requests", unserved, tags.and("reason", "expired"), Activity::expired);
                counter("unserved", "requests", unserved, tags.and("reason", "cancelled"), Activity::cancelled);
                counter("batches", "batches", "Runs of the model", tags, Activity::batches);
                counter("rows", "rows", "Rows of the runs of the model", tags, Activity::rows);
                String looked = "Requests looked up in the cache";
                counter("cache.gets", "requests", looked, tags.and("result", "hit"), Activity::cacheHits);
                counter("cache.gets", "requests", looked, tags.and("result", "miss"), Activity::cacheMisses);
                counter("lanes.replaced", "lanes", "Lanes given up for new ones", tags, Activity::lanesReplaced);
                gauge("queued", "requests", "Requests that wait", VersionSnapshot::queued);
                gauge("queued.max", "requests", "The most requests that ever waited", VersionSnapshot::maxQueued);
                gauge("lanes", "lanes", "Runs that can be done at a time", VersionSnapshot::lanes);
                return made;
            }

            private void latency(double share) {
                made.add(TimeGauge.builder(PREFIX + "latency", () -> recently().quantile(share), TimeUnit.NANOSECONDS)
                        .tags(tags.and("phi", share == 1 ? "1" : Double.toString(share)))
                        .description("The time that this share of the requests of the last minutes did not exceed")
                        .register(registry));
            }

            private void counter(
                    String name, String unit, String description, Tags tagged, ToLongFunction<Activity> figure) {
                made.add(FunctionCounter.builder(PREFIX + name, this, s -> figure.applyAsLong(activity()))
                        .tags(tagged)
                        .baseUnit(unit)
                        .description(description)
                        .register(registry));
            }

            private void gauge(String name, String unit, String description, ToDoubleFunction<VersionSnapshot> figure) {
                made.add(Gauge.builder(PREFIX + name, () -> figure.applyAsDouble(current()))
                        .tags(tags)
                        .baseUnit(unit)
                        .description(description)
                        .register(registry));
            }

            private VersionSnapshot current() {
                synchronized (Binding.this) {
                    last = find(look());
                    return last;
                }
            }

            private Activity activity() {
                return current().activity();
            }

            private Histogram recently() {
                return find(lookAtRecent()).activity().latencies();
            }

            /** {@return the version in a snapshot; what was last known of it if it is gone} */
            private VersionSnapshot find(EndpointSnapshot snapshot) {
                for (VersionSnapshot version : snapshot.versions()) {
                    if (Key.of(version).equals(key)) {
                        return version;
                    }
                }
                return last;
            }
        }
    }
}
