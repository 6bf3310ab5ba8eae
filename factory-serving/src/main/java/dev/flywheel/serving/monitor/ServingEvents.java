package dev.flywheel.serving.monitor;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/**
 * What JDK Flight Recorder sees of serving: {@code dev.flywheel.Batch}, {@code Overload}, {@code LaneReplaced},
 * {@code Swap} and {@code Route}. Nothing is made or measured while an event is off, or nothing records. Thread-safe.
 */
public final class ServingEvents {

    // Each tells whether events of its kind are recorded; none of them is ever written.
    private static final Batch BATCH = new Batch();
    private static final Swap SWAP = new Swap();

    private ServingEvents() {}

    /** {@return a run that begins now; null while runs are not recorded} */
    public static @Nullable Batch batch() {
        if (!BATCH.isEnabled()) {
            return null;
        }
        Batch event = new Batch();
        event.begin();
        return event;
    }

    /** {@return a swap that begins now; null while swaps are not recorded} */
    public static @Nullable Swap swap() {
        if (!SWAP.isEnabled()) {
            return null;
        }
        Swap event = new Swap();
        event.begin();
        return event;
    }

    /**
     * A request, or more of them at once, was refused because the queue was full.
     *
     * @param queued the requests that waited then
     */
    public static void overload(String endpoint, int version, int queued) {
        Overload event = new Overload();
        if (event.isEnabled()) {
            event.endpoint = endpoint;
            event.version = version;
            event.queued = queued;
            event.commit();
        }
    }

    /** A lane that hung or failed was given up, and another took its place. */
    public static void laneReplaced(String endpoint, int version) {
        LaneReplaced event = new LaneReplaced();
        if (event.isEnabled()) {
            event.endpoint = endpoint;
            event.version = version;
            event.commit();
        }
    }

    /**
     * What answers requests has changed.
     *
     * @param champion the version that now answers what the route does not send elsewhere
     * @param route how requests are spread now
     */
    public static void route(String endpoint, int champion, Object route) {
        RouteChange event = new RouteChange();
        if (event.isEnabled()) {
            event.endpoint = endpoint;
            event.champion = champion;
            event.route = route.toString();
            event.commit();
        }
    }

    /** One run of a model, from when its rows are written to when their outputs are there. Of one thread. */
    @Name("dev.flywheel.Batch")
    @Label("Batch")
    @Description("A run of a model")
    @Category({"Flywheel", "Serving"})
    @StackTrace(false)
    public static final class Batch extends Event {

        @Label("Endpoint")
        @Nullable
        String endpoint;

        @Label("Version")
        int version;

        @Label("Rows")
        int rows;

        @Label("Length")
        @Description("The length of the longest row, such as its tokens; 1 where rows have a fixed size")
        int length;

        @Label("Queued")
        @Description("The requests that waited when the run ended")
        int queued;

        @Label("Failed")
        boolean failed;

        private Batch() {}

        /**
         * Records the run, which ends now.
         *
         * @param rows how many rows
         * @param length how long the longest of them
         * @param queued the requests that wait now
         * @param failure what it threw; null if it did not
         */
        public void ended(String endpoint, int version, int rows, int length, int queued, @Nullable Throwable failure) {
            end();
            if (shouldCommit()) {
                this.endpoint = endpoint;
                this.version = version;
                this.rows = rows;
                this.length = length;
                this.queued = queued;
                this.failed = failure != null;
                commit();
            }
        }
    }

    /** The replacing of a version by another, from its loading to the end of the last request to the old one. */
    @Name("dev.flywheel.Swap")
    @Label("Swap")
    @Description("A version took the place of another: it was loaded and proven, and the old one was drained")
    @Category({"Flywheel", "Serving"})
    @StackTrace(false)
    public static final class Swap extends Event {

        @Label("Endpoint")
        @Nullable
        String endpoint;

        @Label("Version")
        int version;

        @Label("Previous Version")
        int previous;

        private Swap() {}

        /** Records the swap, which ends now. */
        public void ended(String endpoint, int version, int previous) {
            end();
            if (shouldCommit()) {
                this.endpoint = endpoint;
                this.version = version;
                this.previous = previous;
                commit();
            }
        }
    }

    @Name("dev.flywheel.Overload")
    @Label("Overload")
    @Description("Requests were refused because the queue was full")
    @Category({"Flywheel", "Serving"})
    @StackTrace(false)
    static final class Overload extends Event {

        @Label("Endpoint")
        @Nullable
        String endpoint;

        @Label("Version")
        int version;

        @Label("Queued")
        int queued;
    }

    @Name("dev.flywheel.LaneReplaced")
    @Label("Lane Replaced")
    @Description("A lane that hung or failed was given up, and another took its place")
    @Category({"Flywheel", "Serving"})
    @StackTrace(false)
    static final class LaneReplaced extends Event {

        @Label("Endpoint")
        @Nullable
        String endpoint;

        @Label("Version")
        int version;
    }

    @Name("dev.flywheel.Route")
    @Label("Route")
    @Description("Which versions answer requests has changed")
    @Category({"Flywheel", "Serving"})
    @StackTrace(false)
    static final class RouteChange extends Event {

        @Label("Endpoint")
        @Nullable
        String endpoint;

        @Label("Champion")
        @Description("The version that answers what the route does not send elsewhere")
        int champion;

        @Label("Route")
        @Nullable
        String route;
    }
}
