package dev.flywheel.pipeline.feature;

/**
 * A part of an instant in UTC, in the proleptic Gregorian calendar. Every part but {@link #YEAR} is an id, with one
 * more id for a missing time; nothing about it is learned from data.
 */
public enum CalendarPart {
    /** 0 to 23. */
    HOUR_OF_DAY(24, 0, 86_400, 3_600),
    /** 0 to 59. */
    MINUTE_OF_HOUR(60, 0, 3_600, 60),
    /** Monday is 0. */
    DAY_OF_WEEK(7, 3 * 86_400, 7 * 86_400, 86_400),
    /** The first is 0. */
    DAY_OF_MONTH(31),
    /** January is 0. */
    MONTH(12),
    /** The first of January is 0. */
    DAY_OF_YEAR(366),
    /** The year as a number, standardized; a missing time counts as the mean year. */
    YEAR(0);

    private final int cardinality;
    private final long offsetSeconds;
    private final long periodSeconds;
    private final long unitSeconds;

    CalendarPart(int cardinality) {
        this(cardinality, 0, 0, 0);
    }

    CalendarPart(int cardinality, long offsetSeconds, long periodSeconds, long unitSeconds) {
        this.cardinality = cardinality;
        this.offsetSeconds = offsetSeconds;
        this.periodSeconds = periodSeconds;
        this.unitSeconds = unitSeconds;
    }

    /** How many ids it has, without the one for a missing time. */
    int cardinality() {
        return cardinality;
    }

    /** Whether it is ((t + offset) mod period) / unit, without a look at the calendar. */
    boolean periodic() {
        return periodSeconds > 0;
    }

    /** What is added first: 1970-01-01 was a Thursday. */
    long offsetSeconds() {
        return offsetSeconds;
    }

    long periodSeconds() {
        return periodSeconds;
    }

    long unitSeconds() {
        return unitSeconds;
    }
}
