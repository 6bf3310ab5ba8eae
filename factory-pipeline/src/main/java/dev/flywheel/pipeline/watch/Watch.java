package dev.flywheel.pipeline.watch;

import dev.flywheel.core.stat.drift.DriftLimits;
import dev.flywheel.core.stat.drift.Profile;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * How a deployment watches what it is asked and what it answers: window by window, beside what the serving version
 * learned from. The defaults need no knob: windows of a day, a false discovery rate of 5% and the effects of
 * {@link DriftLimits}; where examples have event times, moreover only what goes beyond how the training rows themselves
 * moved from one window to the next; and only what two windows in a row have seen. Immutable.
 */
public final class Watch {

    private static final Duration DAY = Duration.ofDays(1);
    private static final Watch DEFAULTS = new Watch(DAY, 0, DriftLimits.defaults(), Season.NONE, Set.of(), 2);
    private static final Watch OFF = new Watch(null, 0, DriftLimits.defaults(), Season.NONE, Set.of(), 2);

    /** What the time of the year means. */
    enum Season {
        NONE,
        MONTHS
    }

    final @Nullable Duration time;
    final int rows;
    final DriftLimits limits;
    final Season season;
    final Set<String> without;
    final int confirmations;

    private Watch(
            @Nullable Duration time,
            int rows,
            DriftLimits limits,
            Season season,
            Set<String> without,
            int confirmations) {
        this.time = time;
        this.rows = rows;
        this.limits = limits;
        this.season = season;
        this.without = Set.copyOf(without);
        this.confirmations = confirmations;
    }

    /** {@return the defaults} */
    public static Watch defaults() {
        return DEFAULTS;
    }

    /** {@return no watch at all: no windows, no signals of drift} */
    public static Watch off() {
        return OFF;
    }

    /**
     * {@return the watch with windows of so much time} A window with fewer rows than {@link DriftLimits#leastRows} goes
     * on until it has them. Windows begin and end at whole multiples of it since 1970 (UTC).
     *
     * @param time at least a second; the default is a day
     */
    public Watch window(Duration time) {
        if (Objects.requireNonNull(time, "time").compareTo(Duration.ofSeconds(1)) < 0) {
            throw new IllegalArgumentException("Watch.window is invalid: found " + time + ", expected at least PT1S");
        }
        return new Watch(time, rows, limits, season, without, confirmations);
    }

    /**
     * {@return the watch with windows that end after so many rows, too, if not before by time}
     *
     * @param rows at least 50; by default no number of rows ends a window
     */
    public Watch window(int rows) {
        if (rows < 50) {
            throw new IllegalArgumentException(
                    "Watch.window is invalid: found " + rows + " rows, expected at least 50");
        }
        return new Watch(time, rows, limits, season, without, confirmations);
    }

    /** {@return the watch with other limits of what counts as drift} */
    public Watch limits(DriftLimits limits) {
        return new Watch(time, rows, Objects.requireNonNull(limits, "limits"), season, without, confirmations);
    }

    /**
     * {@return the watch that compares a window with what the version learned from the same calendar months, in UTC, so
     * that summer is no drift from the year} Windows of half a month and more end at the ends of months: of one, two,
     * three, four, six or twelve, whichever is nearest. The source must tell event times, or the season is not
     * accounted for.
     */
    public Watch season() {
        return new Watch(time, rows, limits, Season.MONTHS, without, confirmations);
    }

    boolean leavesOut(String profiled) {
        return without.contains(profiled)
                || without.stream().anyMatch(column -> Profile.summaries(column).contains(profiled));
    }

    /** {@return the watch that leaves out these columns of the input, beside those that it leaves out already} */
    public Watch without(String... columns) {
        Set<String> names = new TreeSet<>(without);
        names.addAll(Set.of(columns));
        return new Watch(time, rows, limits, season, names, confirmations);
    }

    /**
     * {@return the watch in which a drift counts once so many windows in a row have seen it}
     *
     * @param windows at least 1; the default is 2, so that a window that is odd by chance starts no training
     */
    public Watch confirmedBy(int windows) {
        if (windows < 1) {
            throw new IllegalArgumentException(
                    "Watch.confirmedBy is invalid: found " + windows + " windows, expected at least 1");
        }
        return new Watch(time, rows, limits, season, without, windows);
    }

    /** {@return whether anything is watched} */
    public boolean isOn() {
        return time != null;
    }

    /** {@return the watch in words} */
    public String describe() {
        if (time == null) {
            return "off";
        }
        return "windows of " + time + (rows == 0 ? "" : " or " + rows + " rows")
                + (season == Season.NONE ? "" : " by season")
                + (without.isEmpty() ? "" : " without " + new TreeSet<>(without))
                + ", drift from " + limits.leastRows() + " rows, PSI " + limits.psi() + ", distance "
                + limits.wasserstein() + " or share " + limits.shareChange() + " on at a false discovery rate of "
                + limits.falseDiscoveryRate() + " in " + confirmations + " in a row";
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Watch that && describe().equals(that.describe());
    }

    @Override
    public int hashCode() {
        return describe().hashCode();
    }

    @Override
    public String toString() {
        return describe();
    }
}
