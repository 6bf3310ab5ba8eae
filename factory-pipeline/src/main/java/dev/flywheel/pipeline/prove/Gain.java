package dev.flywheel.pipeline.prove;

import dev.flywheel.core.model.Estimate;
import org.jspecify.annotations.Nullable;

/**
 * What a challenger was worth before and in traffic: its advantage over the champion in the goal that decides, positive
 * as better. Immutable; a record of JSON.
 *
 * @param version the challenger
 * @param goal the goal in words
 * @param offline as the gates measured it; null if nobody did
 * @param online as the experiment measured it, with the always-valid interval; NaN and infinite with too few
 *     observations
 */
public record Gain(int version, String goal, @Nullable Estimate offline, Estimate online) {

    /** {@return both in one clause} */
    public String describe() {
        String now = "online " + text(online);
        return offline == null ? now : "offline " + text(offline) + ", " + now;
    }

    private static String text(Estimate estimate) {
        return Words.signed(estimate.value()) + " (" + Words.signed(estimate.low()) + " to "
                + Words.signed(estimate.high()) + ")";
    }
}
