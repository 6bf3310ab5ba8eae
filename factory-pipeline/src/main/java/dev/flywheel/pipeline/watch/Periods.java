package dev.flywheel.pipeline.watch;

import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;

/** The stretches of time that windows fill: multiples of a duration since 1970, or of months. Immutable. */
final class Periods {

    private static final int[] DIVISORS = {1, 2, 3, 4, 6, 12};
    private static final double DAYS_OF_A_MONTH = 365.25 / 12;
    private static final int HALF_A_MONTH = 15;

    private final long micros;
    /** 0 where periods are no months. */
    private final int months;

    private final boolean seasonal;

    Periods(Duration time, Watch.Season season) {
        this.micros = Math.max(1, time.toNanos() / 1_000);
        this.seasonal = season == Watch.Season.MONTHS;
        this.months = seasonal && time.toDays() >= HALF_A_MONTH ? nearest(time.toDays() / DAYS_OF_A_MONTH) : 0;
    }

    private static int nearest(double wanted) {
        int best = 1;
        for (int divisor : DIVISORS) {
            if (Math.abs(divisor - wanted) < Math.abs(best - wanted)) {
                best = divisor;
            }
        }
        return best;
    }

    /** {@return the number of the period that a time lies in} */
    long of(long epochMicros) {
        return months == 0 ? Math.floorDiv(epochMicros, micros) : Math.floorDiv(monthsSinceZero(epochMicros), months);
    }

    /** {@return when a period ends and the next one begins} */
    Instant end(long period) {
        if (months == 0) {
            return Instant.EPOCH.plus((period + 1) * micros, ChronoUnit.MICROS);
        }
        long month = (period + 1) * months;
        return OffsetDateTime.of(
                        (int) Math.floorDiv(month, 12L),
                        1 + (int) Math.floorMod(month, 12L),
                        1,
                        0,
                        0,
                        0,
                        0,
                        ZoneOffset.UTC)
                .toInstant();
    }

    /** {@return what periods have in common that may be compared: the month that they begin in, if that matters} */
    int season(long period) {
        if (!seasonal) {
            return 0;
        }
        return months == 0 ? month(period * micros) : (int) Math.floorMod(period * months, 12L);
    }

    /** {@return the calendar month, 0 to 11} */
    static int month(long epochMicros) {
        return (int) Math.floorMod(monthsSinceZero(epochMicros), 12L);
    }

    static long micros(Instant at) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, at);
    }

    private static long monthsSinceZero(long epochMicros) {
        OffsetDateTime at = Instant.EPOCH.plus(epochMicros, ChronoUnit.MICROS).atOffset(ZoneOffset.UTC);
        return 12L * at.getYear() + at.getMonthValue() - 1;
    }
}
