package dev.flywheel.pipeline;

import java.io.Serializable;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Which examples a run learns from, and how much each of them weighs. Immutable.
 *
 * @param window how far back from now; null for no limit
 * @param halfLife the age at which an example weighs half; null where all weigh alike
 * @param sinceDrift the least examples where only those from the last drift on are learned from; 0 for all
 */
record Lessons(@Nullable Duration window, @Nullable Duration halfLife, int sinceDrift) implements Serializable {

    static final Lessons ALL = new Lessons(null, null, 0);

    /** {@return the window in words} */
    String words() {
        if (window != null) {
            return "the last " + Spans.of(window);
        }
        return sinceDrift > 0 ? "the last drift on, but at least " + sinceDrift + " examples" : "all history";
    }

    /** {@return the choice as an addition to the rules, in words} */
    String describe() {
        return (window == null ? "" : ", from the last " + window)
                + (sinceDrift == 0 ? "" : ", from the last drift on, but at least " + sinceDrift + " examples")
                + (halfLife == null ? "" : ", weighing half after " + halfLife);
    }
}
