package dev.flywheel.serving;

import dev.flywheel.serving.route.Route;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Which version answers which request, at a moment. Immutable. */
final class Traffic<I, O> {

    private final Loaded<I, O> champion;
    private final Route route;
    private final List<Loaded<I, O>> arms;
    private final boolean routed;

    Traffic(Loaded<I, O> champion, Route route, List<Loaded<I, O>> arms) {
        this.champion = champion;
        this.route = route;
        this.arms = List.copyOf(arms);
        this.routed = !arms.isEmpty();
    }

    Loaded<I, O> champion() {
        return champion;
    }

    Route route() {
        return route;
    }

    /** {@return whether there is anything to choose} */
    boolean routed() {
        return routed;
    }

    Loaded<I, O> choose(@Nullable String key) {
        int arm = route.choose(key);
        return arm == Route.CHAMPION ? champion : arms.get(arm);
    }

    /** {@return the versions that may get requests} */
    Collection<Loaded<I, O>> serving() {
        Map<Integer, Loaded<I, O>> serving = new LinkedHashMap<>();
        serving.put(champion.version(), champion);
        arms.forEach(arm -> serving.put(arm.version(), arm));
        return serving.values();
    }
}
