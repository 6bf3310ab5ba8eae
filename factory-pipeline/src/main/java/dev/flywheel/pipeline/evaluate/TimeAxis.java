package dev.flywheel.pipeline.evaluate;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.time.temporal.TemporalAdjusters;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A span of time, in UTC, laid on a range of pixels, with ticks where the calendar turns. Immutable. */
record TimeAxis(Instant low, Instant high, double start, double end, List<Tick> ticks) {

    private static final int MOST_TICKS = 9;

    /** A place on the axis and its name. */
    record Tick(Instant at, String label) {}

    private record Step(ChronoUnit unit, int count, String pattern) {

        ZonedDateTime floor(ZonedDateTime at) {
            return switch (unit) {
                case YEARS -> at.truncatedTo(ChronoUnit.DAYS).withDayOfYear(1).withYear(at.getYear() / count * count);
                case MONTHS ->
                    at.truncatedTo(ChronoUnit.DAYS)
                            .with(TemporalAdjusters.firstDayOfMonth())
                            .withMonth((at.getMonthValue() - 1) / count * count + 1);
                // days are counted from a Monday
                case DAYS ->
                    at.truncatedTo(ChronoUnit.DAYS)
                            .minusDays(Math.floorMod(at.toLocalDate().toEpochDay() + 3, count));
                default -> {
                    long seconds = Duration.of(count, unit).toSeconds();
                    yield Instant.ofEpochSecond(Math.floorDiv(at.toEpochSecond(), seconds) * seconds)
                            .atZone(ZoneOffset.UTC);
                }
            };
        }
    }

    private static final List<Step> STEPS = List.of(
            new Step(ChronoUnit.SECONDS, 10, "HH:mm:ss"),
            new Step(ChronoUnit.MINUTES, 1, "HH:mm"),
            new Step(ChronoUnit.MINUTES, 5, "HH:mm"),
            new Step(ChronoUnit.MINUTES, 15, "HH:mm"),
            new Step(ChronoUnit.HOURS, 1, "HH:mm"),
            new Step(ChronoUnit.HOURS, 3, "d MMM HH:mm"),
            new Step(ChronoUnit.HOURS, 12, "d MMM HH:mm"),
            new Step(ChronoUnit.DAYS, 1, "d MMM"),
            new Step(ChronoUnit.DAYS, 2, "d MMM"),
            new Step(ChronoUnit.DAYS, 7, "d MMM"),
            new Step(ChronoUnit.DAYS, 14, "d MMM"),
            new Step(ChronoUnit.MONTHS, 1, "MMM yyyy"),
            new Step(ChronoUnit.MONTHS, 3, "MMM yyyy"),
            new Step(ChronoUnit.MONTHS, 6, "MMM yyyy"),
            new Step(ChronoUnit.YEARS, 1, "yyyy"),
            new Step(ChronoUnit.YEARS, 2, "yyyy"),
            new Step(ChronoUnit.YEARS, 5, "yyyy"),
            new Step(ChronoUnit.YEARS, 20, "yyyy"));

    /** {@return an axis from low to high, which is moved where it is not after low} */
    static TimeAxis of(Instant low, Instant high, double start, double end) {
        Instant last = Duration.between(low, high).compareTo(Duration.ofSeconds(1)) < 0 ? low.plusSeconds(1) : high;
        for (Step step : STEPS) {
            double most = Duration.between(low, last).toMillis()
                    / 1000.0
                    / (step.unit.getDuration().toSeconds() * (double) step.count);
            if (most <= MOST_TICKS) {
                return new TimeAxis(low, last, start, end, ticks(low, last, step));
            }
        }
        return new TimeAxis(low, last, start, end, List.of());
    }

    private static List<Tick> ticks(Instant low, Instant high, Step step) {
        DateTimeFormatter format = DateTimeFormatter.ofPattern(step.pattern, Locale.ENGLISH);
        List<Tick> ticks = new ArrayList<>();
        ZonedDateTime at = step.floor(low.atZone(ZoneOffset.UTC));
        while (!at.toInstant().isAfter(high)) {
            if (!at.toInstant().isBefore(low)) {
                ticks.add(new Tick(at.toInstant(), format.format(at)));
            }
            at = at.plus(step.count, step.unit);
        }
        return ticks;
    }

    /** {@return the pixel of an instant; those outside are moved to the nearest end} */
    double at(Instant instant) {
        double share = Duration.between(low, instant).toMillis()
                / (double) Duration.between(low, high).toMillis();
        return start + Math.max(0, Math.min(1, share)) * (end - start);
    }
}
