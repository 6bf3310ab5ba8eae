package dev.flywheel.pipeline.prove;

import dev.flywheel.core.model.Estimate;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What one version has done in an experiment. Immutable; merges; a record of JSON.
 *
 * @param version the version
 * @param share of the traffic that it should get, 0 to 1
 * @param assigned how many units (requests, or visitors) it got
 * @param sums what was seen, by the goal's name
 * @param offline its advantage over the champion as the gates measured it, positive as better; null if nobody did, and
 *     of the champion
 * @param ruledOut why it cannot be promoted any more; null while it can, and of the champion
 */
public record ArmState(
        int version,
        double share,
        long assigned,
        Map<String, Sums> sums,
        @Nullable Estimate offline,
        @Nullable String ruledOut) {

    /** Keeps the sums as they are now, in the order of their names, so that equal states are equal JSON. */
    public ArmState {
        sums = Collections.unmodifiableMap(new TreeMap<>(sums));
    }

    Sums sums(Goal goal) {
        return sums.getOrDefault(goal.name(), Sums.NONE);
    }

    ArmState merge(ArmState other) {
        Map<String, Sums> both = new TreeMap<>(sums);
        other.sums.forEach((goal, more) -> both.merge(goal, more, Sums::merge));
        return new ArmState(
                version, share, assigned + other.assigned, both, offline, ruledOut == null ? other.ruledOut : ruledOut);
    }
}
