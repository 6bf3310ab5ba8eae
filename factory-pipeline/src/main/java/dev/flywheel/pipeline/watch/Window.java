package dev.flywheel.pipeline.watch;

import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.stat.drift.Profile;
import dev.flywheel.core.stat.stream.Calibration;
import dev.flywheel.core.stat.stream.ExpectedQuality;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What was asked and answered in the window that is open. Not thread-safe. */
final class Window {

    private static final double THRESHOLD = 0.5;

    private final ExpectedQuality expected;
    private final Set<Integer> months;
    private @Nullable Profile profile;
    private @Nullable Instant start;
    private @Nullable Instant latest;
    private long rows;

    /**
     * What survives a restart. Immutable.
     *
     * @param start when the window began; null if it has not
     * @param latest its last prediction
     * @param rows its predictions
     * @param months the calendar months that they lie in, 0 to 11
     * @param profile what they were like: a profile's JSON; null if there is nothing to compare with
     * @param expected the quality that they let expect
     */
    record Saved(
            @Nullable Instant start,
            @Nullable Instant latest,
            long rows,
            List<Integer> months,
            @Nullable String profile,
            ExpectedQuality.Saved expected) {}

    private Window(@Nullable Reference reference) {
        this.profile = reference == null ? null : reference.window();
        this.expected = ExpectedQuality.atThreshold(THRESHOLD);
        this.months = new HashSet<>();
    }

    /** {@return a window that has seen nothing yet; without a reference there is nothing to compare it with} */
    static Window empty(@Nullable Reference reference) {
        return new Window(reference);
    }

    /** {@return the window that was kept} */
    static Window of(Saved saved) {
        return new Window(saved);
    }

    private Window(Saved saved) {
        String json = saved.profile;
        this.profile = json == null
                ? null
                : Profile.fromJson(json.getBytes(StandardCharsets.UTF_8), "the open window of the watch");
        this.expected = ExpectedQuality.of(saved.expected);
        this.months = new HashSet<>(saved.months);
        this.start = saved.start;
        this.latest = saved.latest;
        this.rows = saved.rows;
    }

    Saved saved() {
        Profile seen = profile;
        String json = seen == null ? null : new String(seen.toJson(), StandardCharsets.UTF_8);
        return new Saved(start, latest, rows, List.copyOf(months), json, expected.saved());
    }

    /** What is asked from now on is profiled, if nothing was yet. */
    void profile(Reference reference) {
        if (profile == null) {
            profile = reference.window();
        }
    }

    void add(RowReader row, double output, Instant at, @Nullable Calibration calibration) {
        if (start == null) {
            start = at;
        }
        latest = at;
        rows++;
        if (profile != null) {
            profile.add(row, output, Periods.micros(at));
            months.add(Periods.month(Periods.micros(at)));
        }
        if (calibration != null && output >= 0 && output <= 1) {
            expected.add(output, calibration.applyAsDouble(output));
        }
    }

    /** {@return when the first prediction was made; null if none was} */
    @Nullable
    Instant start() {
        return start;
    }

    /** {@return when the last one was} */
    @Nullable
    Instant latest() {
        return latest;
    }

    long rows() {
        return rows;
    }

    Set<Integer> months() {
        return months;
    }

    @Nullable
    Profile profile() {
        return profile;
    }

    ExpectedQuality expected() {
        return expected;
    }
}
