package dev.flywheel.pipeline.feature;

import java.time.LocalDate;
import java.util.List;

/** What the times of a column span. Not thread-safe. */
final class TimeSpan {

    private static final long DAY_MICROS = 86_400_000_000L;

    private long count;
    private long first = Long.MAX_VALUE;
    private long last = Long.MIN_VALUE;
    private boolean timeOfDay;
    private double meanYear;
    private double squares;

    /** Takes a time in microseconds since 1970. */
    void add(long micros) {
        first = Math.min(first, micros);
        last = Math.max(last, micros);
        timeOfDay |= Math.floorMod(micros, DAY_MICROS) != 0;
        int year = LocalDate.ofEpochDay(Math.floorDiv(micros, DAY_MICROS)).getYear();
        count++;
        double difference = year - meanYear; // Welford's update
        meanYear += difference / count;
        squares += difference * (year - meanYear);
    }

    boolean empty() {
        return count == 0;
    }

    float meanYear() {
        return (float) meanYear;
    }

    /** One over the standard deviation of the year, or 0 where the year never changes. */
    float yearScale() {
        return squares == 0 ? 0 : (float) (1 / Math.sqrt(squares / count));
    }

    /** The parts that a model can learn from rows of this span: a month needs to come round again. */
    List<CalendarPart> usefulParts() {
        boolean years = count > 0 && (last - first) / DAY_MICROS >= 730;
        if (timeOfDay) {
            return years
                    ? List.of(CalendarPart.HOUR_OF_DAY, CalendarPart.DAY_OF_WEEK, CalendarPart.MONTH, CalendarPart.YEAR)
                    : List.of(CalendarPart.HOUR_OF_DAY, CalendarPart.DAY_OF_WEEK);
        }
        return years
                ? List.of(CalendarPart.DAY_OF_WEEK, CalendarPart.MONTH, CalendarPart.YEAR)
                : List.of(CalendarPart.DAY_OF_WEEK);
    }
}
