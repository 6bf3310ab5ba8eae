package dev.flywheel.serving;

import dev.flywheel.serving.monitor.ServingEvents;
import dev.flywheel.serving.route.Route;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What changes the versions of an endpoint, and what undoes that. Thread-safe. Changes come one after the other, and
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
    private final Roster<I, O> roster;
    private final Shadows<I, O> shadows;
    private volatile boolean owned;

    Versions(Models<I, O> models, Roster<I, O> roster) {
        this.models = models;
        this.roster = roster;
        this.shadows = new Shadows<>(models);
    }

    /** Loads a version that takes no requests yet. */
    void add(ModelSource source, int number) {
        changing.lock();
        try {
            requireNew(source, number, null);
            Loaded<I, O> fresh = models.load(source, number);
            closingOnFailure(fresh, () -> roster.install(roster.traffic(), List.of(fresh), List.of()));
        } finally {
            changing.unlock();
        }
    }

    /** Loads a version, lets it serve everything, and closes the champion that it replaces. */
    void swap(ModelSource source, int number) {
        changing.lock();
        try {
            ServingEvents.Swap event = ServingEvents.swap();
            Traffic<I, O> before = roster.traffic();
            requireNew(source, number, before.champion());
            Loaded<I, O> fresh = models.load(source, number);
            Traffic<I, O> after = new Traffic<>(fresh, Route.champion(), List.of());
            closingOnFailure(fresh, () -> roster.install(after, List.of(fresh), List.of(before.champion())));
            remember(Setting.of(before, true));
            shadows.follow(fresh);
            roster.retire(before.champion());
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
            Traffic<I, O> before = roster.traffic();
            int number = champion == null ? before.champion().version() : champion;
            roster.install(traffic(number, route, new HashMap<>()), List.of(), List.of());
            remember(Setting.of(before, false));
            shadows.follow(roster.traffic().champion());
            log.debug("{} now serves version {}, route {}", models.name(), number, route);
        } finally {
            changing.unlock();
        }
    }

    /** Copies a share of the champion's requests to a loaded version. */
    void shadow(int number, double share) {
        changing.lock();
        try {
            Loaded<I, O> target = roster.require(number);
            if (target == roster.traffic().champion()) {
                throw new IllegalArgumentException(
                        "version " + number + " of " + models.name() + " is the champion and cannot be its own shadow");
            }
            roster.requireOpen();
            shadows.start(roster.traffic().champion(), target, share);
        } finally {
            changing.unlock();
        }
    }

    /** {@return the shadow} */
    Shadows<I, O> shadows() {
        return shadows;
    }

    /** Closes a version that takes no requests. */
    void remove(int number) {
        changing.lock();
        try {
            Loaded<I, O> gone = roster.require(number);
            if (roster.traffic().serving().contains(gone)) {
                throw new IllegalStateException("version " + number + " of " + models.name()
                        + " takes requests and cannot be removed: the champion is version "
                        + roster.traffic().champion().version() + ", the route "
                        + roster.traffic().route());
            }
            if (shadows.uses(gone)) {
                throw new IllegalStateException("version " + number + " of " + models.name()
                        + " is the shadow and cannot be removed; end the shadow first");
            }
            roster.install(roster.traffic(), List.of(), List.of(gone));
            roster.retire(gone);
        } finally {
            changing.unlock();
        }
    }

    /** Undoes the last change of what serves; loads what is not loaded any more. */
    void rollback() {
        changing.lock();
        try {
            roster.requireOpen();
            Setting before = history.peek();
            if (before == null) {
                throw new IllegalStateException(models.name() + " has nothing to roll back to: version "
                        + roster.traffic().champion().version() + " has served since it opened");
            }
            Map<Integer, Loaded<I, O>> reloaded = new HashMap<>();
            Set<Loaded<I, O>> gone = new LinkedHashSet<>();
            if (before.swapped()) {
                gone.add(roster.traffic().champion());
            }
            try {
                reload(before, reloaded, gone);
                Traffic<I, O> again = traffic(before.champion(), before.route(), reloaded);
                roster.install(again, List.copyOf(reloaded.values()), List.copyOf(gone));
            } catch (RuntimeException | Error e) {
                reloaded.values().forEach(version -> version.close(null));
                throw e;
            }
            history.pop();
            if (gone.stream().anyMatch(shadows::uses)) {
                shadows.end();
            }
            shadows.follow(roster.traffic().champion());
            gone.forEach(roster::retire);
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
            Loaded<I, O> there = roster.find(number);
            if (there == null || there.source() != source) {
                reloaded.put(number, models.reload(source, number));
                if (there != null) {
                    replaced.add(there);
                }
            }
        });
    }

    /** {@return the roster.traffic() among loaded versions, those in {@code fresh} first} */
    private Traffic<I, O> traffic(int champion, Route route, Map<Integer, Loaded<I, O>> fresh) {
        List<Loaded<I, O>> arms = new ArrayList<>();
        for (int number : route.versions()) {
            arms.add(fresh.containsKey(number) ? fresh.get(number) : roster.require(number));
        }
        Loaded<I, O> first = fresh.get(champion);
        return new Traffic<>(first == null ? roster.require(champion) : first, route, arms);
    }

    private void remember(Setting before) {
        history.push(before);
        if (history.size() > KEPT) {
            history.removeLast();
        }
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

    /** Closes what was forgotten; of what is closed, or being closed, it leaves the rest to its owner. */
    @Override
    public void run() {
        if (!owned) {
            log.warn("{} was forgotten and is closed now. Fix: close it, best in a try-with-resources", models.name());
            closeAll(null);
        }
    }

    private void closeAll(@Nullable Duration patience) {
        long started = System.nanoTime();
        Duration finite = Durations.finite(patience);
        roster.refuseChanges();
        shadows.close(finite);
        roster.close(Durations.rest(finite, started));
    }

    /** Refuses a number that is taken before its model is loaded, which may need much memory and time. */
    private void requireNew(ModelSource source, int number, @Nullable Loaded<I, O> replaced) {
        try {
            roster.requireNew(number, replaced);
        } catch (RuntimeException e) {
            source.discard();
            throw e;
        }
    }

    private static <I, O> void closingOnFailure(Loaded<I, O> fresh, Runnable change) {
        try {
            change.run();
        } catch (RuntimeException | Error e) {
            fresh.close(null);
            throw e;
        }
    }
}
