package dev.flywheel.core.data;

import dev.flywheel.core.DataException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;

/** Java's times as microseconds since 1970-01-01T00:00:00Z, rounded down. */
final class Times {

    private static final long PER_SECOND = 1_000_000;
    private static final long PER_DAY = 86_400 * PER_SECOND;

    private Times() {}

    static long micros(Instant time) {
        return micros(time.getEpochSecond(), time.getNano(), time);
    }

    static long micros(LocalDateTime time) {
        return micros(time.toInstant(ZoneOffset.UTC));
    }

    static long micros(LocalDate date) {
        return micros(Math.multiplyExact(date.toEpochDay(), 86_400L), 0, date);
    }

    static Instant instant(long micros) {
        return Instant.ofEpochSecond(Math.floorDiv(micros, PER_SECOND), Math.floorMod(micros, PER_SECOND) * 1_000L);
    }

    static LocalDateTime dateTime(long micros) {
        return LocalDateTime.ofEpochSecond(
                Math.floorDiv(micros, PER_SECOND), (int) (Math.floorMod(micros, PER_SECOND) * 1_000L), ZoneOffset.UTC);
    }

    static LocalDate date(long micros) {
        return LocalDate.ofEpochDay(Math.floorDiv(micros, PER_DAY));
    }

    private static long micros(long seconds, int nanos, Object time) {
        try {
            return Math.addExact(Math.multiplyExact(seconds, PER_SECOND), nanos / 1_000);
        } catch (ArithmeticException e) {
            throw new DataException(
                    "time " + time + " cannot be stored",
                    "it is further from 1970 than 64 bits of microseconds reach (about 292,000 years)",
                    "store a missing value where the time is unknown",
                    e);
        }
    }
}
