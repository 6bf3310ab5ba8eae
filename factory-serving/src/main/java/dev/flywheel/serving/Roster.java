package dev.flywheel.serving;

import dev.flywheel.core.ClosedException;
import dev.flywheel.serving.batch.Tally;
import dev.flywheel.serving.monitor.Activity;
import dev.flywheel.serving.monitor.EndpointSnapshot;
import dev.flywheel.serving.monitor.ServingEvents;
import dev.flywheel.serving.monitor.ShadowReport;
import dev.flywheel.serving.monitor.VersionSnapshot;
import dev.flywheel.serving.route.Route;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The loaded versions of an endpoint, and which of them answers what. Thread-safe. A version is taken out of the
 * traffic before it closes, so whoever finds it closed finds other traffic too, unless the endpoint is closed.
 */
final class Roster<I, O> {

    private final Models<I, O> models;
    private final Map<Integer, Loaded<I, O>> loaded = new TreeMap<>();
    private final List<Loaded<I, O>> retiring = new ArrayList<>();
    private final Tally ended = new Tally();
    private final long openedNanos = System.nanoTime();
    private volatile Traffic<I, O> traffic;
    private boolean closed;

    Roster(Models<I, O> models, Loaded<I, O> first) {
        this.models = models;
        this.traffic = new Traffic<>(first, Route.champion(), List.of());
        loaded.put(first.version(), first);
    }

    /** {@return which version answers what, now} */
    Traffic<I, O> traffic() {
        return traffic;
    }

    /** {@return the loaded versions, by number; those that are being closed are left out} */
    synchronized List<Loaded<I, O>> loaded() {
        return List.copyOf(loaded.values());
    }

    /** @param shadow what the shadow has found, if there is one */
    synchronized EndpointSnapshot snapshot(@Nullable ShadowReport shadow) {
        Activity activity = ended.activity();
        List<VersionSnapshot> now =
                everyVersion().stream().map(Loaded::snapshot).toList();
        for (VersionSnapshot version : now) {
            activity = activity.plus(version.activity());
        }
        return new EndpointSnapshot(
                models.name(), models.now(), Duration.ofNanos(System.nanoTime() - openedNanos), activity, now, shadow);
    }

    /** @throws ClosedException if no change is taken any more */
    synchronized void requireOpen() {
        if (closed) {
            throw refused("refused a change");
        }
    }

    /** Changes the traffic, takes in what is new and counts what is gone as on its way out; or changes nothing. */
    synchronized void install(Traffic<I, O> next, List<Loaded<I, O>> fresh, List<Loaded<I, O>> gone) {
        requireOpen();
        gone.forEach(version -> loaded.remove(version.version()));
        retiring.addAll(gone);
        fresh.forEach(version -> loaded.put(version.version(), version));
        if (next != traffic) {
            traffic = next;
            ServingEvents.route(models.name(), next.champion().version(), next.route());
        }
    }

    /** Returns when the version has answered the requests that began on it. */
    void retire(Loaded<I, O> version) {
        version.close(null);
        synchronized (this) {
            retiring.remove(version);
            version.count(ended);
        }
    }

    synchronized @Nullable Loaded<I, O> find(int number) {
        return loaded.get(number);
    }

    Loaded<I, O> require(int number) {
        Loaded<I, O> found = find(number);
        if (found == null) {
            throw new IllegalArgumentException("version " + number + " of " + models.name()
                    + " is not loaded, only "
                    + loaded().stream().map(Loaded::version).toList() + "; add it first");
        }
        return found;
    }

    /** @throws ClosedException if no change is taken any more */
    void requireNew(int number, @Nullable Loaded<I, O> replaced) {
        requireOpen();
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

    /** {@return an open version of this number, to be released} */
    Loaded<I, O> retain(int number) {
        while (true) {
            Loaded<I, O> found = require(number);
            if (found.retain()) {
                return found;
            }
            if (find(number) == found) {
                throw refused("refused to score rows");
            }
        }
    }

    private ClosedException refused(String what) {
        return new ClosedException(models.name() + " " + what, "it is closed", "keep it open until then");
    }

    /** From now on, no change is taken. */
    synchronized void refuseChanges() {
        closed = true;
    }

    /**
     * Closes every version, all at the same time, so that they share the patience; see {@link Loaded#close}.
     *
     * @param patience null if without end
     */
    void close(@Nullable Duration patience) {
        List<Loaded<I, O>> versions = everyVersion();
        List<Thread> others = new ArrayList<>();
        for (Loaded<I, O> version : versions.subList(1, versions.size())) {
            Thread other = new Thread(() -> version.close(patience), "flywheel-serving-close");
            other.setDaemon(true);
            other.start();
            others.add(other);
        }
        versions.get(0).close(patience);
        boolean interrupted = false;
        for (Thread other : others) {
            while (other.isAlive()) {
                try {
                    other.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized List<Loaded<I, O>> everyVersion() {
        List<Loaded<I, O>> all = new ArrayList<>(loaded.values());
        all.addAll(retiring);
        return all;
    }
}
