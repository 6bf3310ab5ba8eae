package dev.flywheel.serving;

import dev.flywheel.serving.route.Route;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What served before a change. Immutable.
 *
 * @param champion the number of the version that had no need of a route
 * @param route how requests were spread
 * @param sources where the versions that served come from, by number
 * @param swapped whether the change was a swap, and closed the champion
 */
record Setting(int champion, Route route, Map<Integer, ModelSource> sources, boolean swapped) {

    static Setting of(Traffic<?, ?> traffic, boolean swapped) {
        Map<Integer, ModelSource> sources = new LinkedHashMap<>();
        traffic.serving().forEach(version -> sources.put(version.version(), version.source()));
        return new Setting(traffic.champion().version(), traffic.route(), sources, swapped);
    }
}
