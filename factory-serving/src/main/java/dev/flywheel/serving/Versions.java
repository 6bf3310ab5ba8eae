package dev.flywheel.serving;

import dev.flywheel.core.ClosedException;
import dev.flywheel.serving.batch.BatcherStatistics;
import dev.flywheel.serving.batch.Tally;
import dev.flywheel.serving.monitor.Activity;
import dev.flywheel.serving.monitor.EndpointSnapshot;
import dev.flywheel.serving.monitor.ServingEvents;
import dev.flywheel.serving.monitor.ShadowReport;
import dev.flywheel.serving.monitor.VersionSnapshot;
import dev.flywheel.serving.route.Route;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The loaded versions of an endpoint and which of them answers what. Thread-safe. Changes come one after the other, and
 * never hold up requests or closing. It does not know the endpoint, so that a forgotten endpoint becomes garbage.
 */
final class Versions<I, O> implements Runnable {

    private static final Logger log = LoggerFactory.getLogger(Versions.class);

    /** Rollbacks go back at most so many changes. */
    private static final int KEPT = 100;

    private final Models<I, O> models;
    /** Held by whoever changes what serves, while models load and close too. */
    private final ReentrantLock changing = new ReentrantLock();

    private final Deque<Setting> history = new ArrayDeque<>();
    private final Map<Integer, Loaded<I, O>> loaded = new TreeMap<>();
    private final List<Loaded<I, O>> retiring = new ArrayList<>();
    private final Tally ended = new Tally();
    private final Shadows<I, O> shadows;
    private final long openedNanos = System.nanoTime();
    private volatile Traffic<I, O> traffic;
    private boolean closed;
    private volatile boolean owned;

    Versions(Models<I, O> models, Loaded<I, O> first) {
        this.models = models;
        this.shadows = new Shadows<>(models);
        this.traffic = new Traffic<>(first, Route.champion(), List.of());
        loaded.put(first.version(), first);
    }

    /**
     * What served before a change.
     *
     * @param champion the number of the version that had no need of a route
     * @param route how requests were spread
     * @param sources where the versions that served come from, by number
     * @param swapped whether the change was a swap, and closed the champion
     */
    private record Setting(int champion, Route route, Map<Integer, ModelSource> sources, boolean swapped) {

        static Setting of(Traffic<?, ?> traffic, boolean swapped) {
            Map<Integer, ModelSource> sources = new LinkedHashMap<>();
            traffic.serving().forEach(version -> sources.put(version.version(), version.source()));
            return new Setting(traffic.champion().version(), traffic.route(), sources, swapped);
        }
    }

    /** {@return which version answers what, now} */
    Traffic<I, O> traffic() {
        return traffic;
    }

    /** {@return the loaded versions, by number; those that are being closed are left out} */
    synchronized List<Loaded<I, O>> loaded() {
        return List.copyOf(loaded.values());
    }

    synchronized BatcherStatistics statistics() {
        Tally total = new Tally();
        total.add(ended);
        int queued = 0;
        for (Loaded<I, O> version : everyVersion()) {
            version.count(total);
            queued += version.batcher().queued();
        }
        return total.statistics(queued);
    }

    EndpointSnapshot snapshot() {
        // Not while this is locked: the shadow is, for as long as one of them stops.
        return snapshot(shadows.report().orElse(null));
    }

    private synchronized EndpointSnapshot snapshot(@Nullable ShadowReport shadow) {
        Tally total = new Tally();
        total.add(ended);
        retiring.forEach(version -> version.count(total));
        Activity activity = total.activity();
        List<VersionSnapshot> now =
                loaded.values().stream().map(Loaded::snapshot).toList();
        for (VersionSnapshot version : now) {
            activity = activity.plus(version.activity());
        }
        return new EndpointSnapshot(
                models.name(), models.now(), Duration.ofNanos(System.nanoTime() - openedNanos), activity, now, shadow);
    }

    /** Loads a version that takes no requests yet. */
    void add(ModelSource source, int number) {
        changing.lock();
        try {
            Loaded<I, O> fresh = models.load(source, number);
            closingOnFailure(List.of(fresh), () -> {
                requireNew(number, null);
                install(traffic, List.of(fresh), List.of());
            });
        } finally {
            changing.unlock();
        }
    }

    /** Loads a version, lets it serve everything, and closes the champion that it replaces. */
    void swap(ModelSource source, int number) {
        changing.lock();
        try {
            ServingEvents.Swap event = ServingEvents.swap();
            Loaded<I, O> fresh = models.load(source, number);
            Traffic<I, O> before = traffic;
            closingOnFailure(List.of(fresh), () -> {
                requireNew(number, before.champion());
                Traffic<I, O> after = new Traffic<>(fresh, Route.champion(), List.of());
                install(after, List.of(fresh), List.of(before.champion()));
            });
            remember(Setting.of(before, true));
            shadows.follow(fresh);
            retire(before.champion());
            if (event != null) {
                event.ended(models.name(), number, before.champion().version());
            }
            log.debug("{} now serves version {}", models.name(), number);
        } finally {
            changing.unlock();
        }
    }

    /** Lets a loaded version serve everything; the champion stays loaded. */
    void promote(int number) {
        serve(number, Route.champion());
    }

    /** Spreads the requests anew. */
    void route(Route route) {
        serve(null, route);
    }

    private void serve(@Nullable Integer champion, Route route) {
        changing.lock();
        try {
            Traffic<I, O> before = traffic;
            int number = champion == null ? before.champion().version() : champion;
            install(traffic(number, route, new HashMap<>()), List.of(), List.of());
            remember(Setting.of(before, false));
            shadows.follow(traffic.champion());
            log.debug("{} now serves version {}, route {}", models.name(), number, route);
        } finally {
            changing.unlock();
        }
    }

    /** Copies a share of the champion's requests to a loaded version. */
    void shadow(int number, double share) {
        changing.lock();
        try {
            Loaded<I, O> target = require(number);
            if (target == traffic.champion()) {
                throw new IllegalArgumentException(
                        "version " + number + " of " + models.name() + " is the champion and cannot be its own shadow");
            }
            if (isClosed()) {
                throw refused("refused a shadow");
            }
            shadows.start(traffic.champion(), target, share);
        } finally {
            changing.unlock();
        }
    }

    private synchronized boolean isClosed() {
        return closed;
    }

    /** {@return the shadow} */
    Shadows<I, O> shadows() {
        return shadows;
    }

    /** Closes a version that takes no requests. */
    void remove(int number) {
        changing.lock();
        try {
            Loaded<I, O> gone = require(number);
            if (traffic.serving().contains(gone)) {
                throw new IllegalStateException("version " + number + " of " + models.name()
                        + " takes requests and cannot be removed: the champion is version "
                        + traffic.champion().version() + ", the route " + traffic.route());
            }
            if (shadows.uses(gone)) {
                throw new IllegalStateException("version " + number + " of " + models.name()
                        + " is the shadow and cannot be removed; end the shadow first");
            }
            install(traffic, List.of(), List.of(gone));
            retire(gone);
        } finally {
            changing.unlock();
        }
    }

    /** Undoes the last change of what serves; loads what is not loaded any more. */
    void rollback() {
        changing.lock();
        try {
            Setting before = history.peek();
            if (before == null) {
                throw new IllegalStateException(models.name() + " has nothing to roll back to: version "
                        + traffic.champion().version() + " has served since it opened");
            }
            Map<Integer, Loaded<I, O>> reloaded = new HashMap<>();
            Set<Loaded<I, O>> gone = new LinkedHashSet<>();
            if (before.swapped()) {
                gone.add(traffic.champion());
            }
            try {
                reload(before, reloaded, gone);
                Traffic<I, O> again = traffic(before.champion(), before.route(), reloaded);
                install(again, List.copyOf(reloaded.values()), List.copyOf(gone));
            } catch (RuntimeException | Error e) {
                reloaded.values().forEach(version -> version.close(null));
                throw e;
            }
            history.pop();
            if (gone.stream().anyMatch(shadows::uses)) {
                shadows.end();
            }
            shadows.follow(traffic.champion());
            gone.forEach(this::retire);
            log.debug("{} is rolled back to version {}, route {}", models.name(), before.champion(), before.route());
        } finally {
            changing.unlock();
        }
    }

    /**
     * Loads what is not there.
     *
     * @param replaced gets the versions that have taken the numbers of those
     */
    private void reload(Setting setting, Map<Integer, Loaded<I, O>> reloaded, Set<Loaded<I, O>> replaced) {
        setting.sources().forEach((number, source) -> {
            Loaded<I, O> there = find(number);
            if (there == null || there.source() != source) {
                reloaded.put(number, models.reload(source, number));
                if (there != null) {
                    replaced.add(there);
                }
            }
        });
    }

    /** {@return the traffic among loaded versions, those in {@code fresh} first} */
    private Traffic<I, O> traffic(int champion, Route route, Map<Integer, Loaded<I, O>> fresh) {
        List<Loaded<I, O>> arms = new ArrayList<>();
        for (int number : route.versions()) {
            arms.add(fresh.containsKey(number) ? fresh.get(number) : require(number));
        }
        Loaded<I, O> first = fresh.get(champion);
        return new Traffic<>(first == null ? require(champion) : first, route, arms);
    }

    private synchronized void install(Traffic<I, O> next, List<Loaded<I, O>> fresh, List<Loaded<I, O>> gone) {
        if (closed) {
            throw refused("refused a change");
        }
        gone.forEach(version -> loaded.remove(version.version()));
        retiring.addAll(gone);
        fresh.forEach(version -> loaded.put(version.version(), version));
        if (next != traffic) {
            traffic = next;
            ServingEvents.route(models.name(), next.champion().version(), next.route());
        }
    }

    /** Returns when the version has answered the requests that began on it. */
    private void retire(Loaded<I, O> version) {
        version.close(null);
        synchronized (this) {
            retiring.remove(version);
            version.count(ended);
        }
    }

    private void remember(Setting before) {
        history.push(before);
        if (history.size() > KEPT) {
            history.removeLast();
        }
    }

    private synchronized @Nullable Loaded<I, O> find(int number) {
        return loaded.get(number);
    }

    private Loaded<I, O> require(int number) {
        Loaded<I, O> found = find(number);
        if (found == null) {
            throw new IllegalArgumentException("version " + number + " of " + models.name()
                    + " is not loaded, only "
                    + loaded().stream().map(Loaded::version).toList() + "; add it first");
        }
        return found;
    }

    private void requireNew(int number, @Nullable Loaded<I, O> replaced) {
        Loaded<I, O> there = find(number);
        if (there != null && there != replaced) {
            throw new IllegalArgumentException("version " + number + " of " + models.name()
                    + " is loaded already; promote it, or remove it first");
        }
    }

    /** {@return an open version that was the champion, to be released} */
    Loaded<I, O> retainChampion() {
        while (true) {
            Traffic<I, O> now = traffic;
            if (now.champion().retain()) {
                return now.champion();
            }
            if (now == traffic) {
                throw refused("refused to score a dataset");
            }
        }
    }

    private ClosedException refused(String what) {
        return new ClosedException(models.name() + " " + what, "it is closed", "keep it open until then");
    }

    /**
     * Refuses new requests, answers those that wait, and closes every version.
     *
     * @param patience after which what waits is refused and what runs is asked to end; null if never
     */
    void close(@Nullable Duration patience) {
        owned = true;
        closeAll(patience);
    }

    /** Closes what was forgotten; called by the cleaner too. */
    @Override
    public void run() {
        if (!owned) {
            log.warn("{} was forgotten and is closed now. Fix: close it, best in a try-with-resources", models.name());
        }
        closeAll(null);
    }

    private void closeAll(@Nullable Duration patience) {
        List<Loaded<I, O>> open;
        synchronized (this) {
            closed = true;
            open = everyVersion();
        }
        shadows.close();
        long until = patience == null ? 0 : System.nanoTime() + patience.toNanos();
        for (Loaded<I, O> version : open) {
            version.close(patience == null ? null : Duration.ofNanos(Math.max(0, until - System.nanoTime())));
        }
    }

    private synchronized List<Loaded<I, O>> everyVersion() {
        List<Loaded<I, O>> all = new ArrayList<>(loaded.values());
        all.addAll(retiring);
        return all;
    }

    private static <I, O> void closingOnFailure(List<Loaded<I, O>> fresh, Runnable change) {
        try {
            change.run();
        } catch (RuntimeException | Error e) {
            fresh.forEach(version -> version.close(null));
            throw e;
        }
    }
}
