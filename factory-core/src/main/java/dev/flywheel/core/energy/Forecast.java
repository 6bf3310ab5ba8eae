package dev.flywheel.core.energy;

import dev.flywheel.core.DataException;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * What power will cost and how clean it will be: a file, or a service that the host asks. Implementations are
 * thread-safe. They are asked about once a minute while a training waits or is made, and may throw: then it begins at
 * once, or goes on. They should answer within seconds, or throw: whoever asks waits, be it the thread that trains, one
 * that gives feedback, or the one that looks after all pipelines of a factory.
 */
@FunctionalInterface
public interface Forecast extends Serializable {

    /**
     * A time in which power is the same.
     *
     * @param from when it begins
     * @param until when it ends, later
     * @param price what a kilowatt-hour costs; 0 where nobody tells, or only carbon is to count
     * @param grams grams of carbon dioxide a kilowatt-hour; 0 where nobody tells, or only the price is to count
     */
    record Slot(Instant from, Instant until, double price, double grams) {

        /** @throws IllegalArgumentException if it does not end after it begins, or a number is not finite */
        public Slot {
            if (!from.isBefore(until) || !Double.isFinite(price) || !Double.isFinite(grams)) {
                throw new IllegalArgumentException("a slot from " + from + " until " + until + " at " + price + " and "
                        + grams + " g is invalid: expected some time and finite numbers");
            }
        }
    }

    /**
     * {@return what is known from a moment until another, in the order of time, each time once; what is not known is
     * not there}
     */
    List<Slot> slots(Instant from, Instant until);

    /**
     * {@return the forecast in a CSV file, read each time: whoever has a newer one replaces the file}
     *
     * <p>The first line names the columns, in any order: {@code from}, when a slot begins, in ISO-8601 with an offset;
     * {@code price}, for a kilowatt-hour, or {@code grams} of carbon dioxide for one, or both; {@code until}, when the
     * slot ends. Without {@code until}, a slot ends where the next one begins, and the last is as long as the one
     * before. Other columns are passed over.
     *
     * @param file where it lies; asking throws {@link DataException} if it cannot be read
     */
    static Forecast csv(Path file) {
        String name = file.toString();
        return (from, until) -> read(Path.of(name)).stream()
                .filter(slot -> slot.until().isAfter(from) && slot.from().isBefore(until))
                .toList();
    }

    private static List<Slot> read(Path file) {
        List<String> lines;
        try {
            lines = Files.readAllLines(file);
        } catch (IOException e) {
            throw new DataException(
                    "forecast " + file, "the file system says " + e, "check that the file is there and may be read", e);
        }
        List<String> columns = lines.isEmpty() ? List.of() : cells(lines.get(0));
        int from = columns.indexOf("from");
        int until = columns.indexOf("until");
        int price = columns.indexOf("price");
        int grams = columns.indexOf("grams");
        if (from < 0 || (price < 0 && grams < 0)) {
            throw new DataException(
                    "forecast " + file,
                    "its first line is \"" + String.join(",", columns) + "\"",
                    "name the columns there: from, price or grams, and until where it is told");
        }
        List<Slot> slots = new ArrayList<>();
        for (int line = 1; line < lines.size(); line++) {
            if (!lines.get(line).isBlank()) {
                try {
                    List<String> cells = cells(lines.get(line));
                    Instant begin = time(cells.get(from));
                    // an end that is not told is set when the next line is
                    Instant end = until < 0 ? Instant.MAX : time(cells.get(until));
                    slots.add(new Slot(begin, end, number(cells, price), number(cells, grams)));
                } catch (DateTimeException | IllegalArgumentException | IndexOutOfBoundsException e) {
                    throw new DataException(
                            "forecast " + file + ", line " + (line + 1),
                            "it is \"" + lines.get(line) + "\": " + e.getMessage(),
                            "write times such as 2026-01-31T12:00:00Z, numbers such as 0.31",
                            e);
                }
            }
        }
        slots.sort(Comparator.comparing(Slot::from));
        return until < 0 ? ended(slots) : slots;
    }

    private static List<Slot> ended(List<Slot> open) {
        List<Slot> slots = new ArrayList<>();
        Duration length = Duration.ofHours(1);
        for (int i = 0; i < open.size(); i++) {
            Slot slot = open.get(i);
            if (i + 1 < open.size()) {
                length = Duration.between(slot.from(), open.get(i + 1).from());
            }
            if (!length.isZero()) { // of two lines for one time the last counts
                slots.add(new Slot(slot.from(), slot.from().plus(length), slot.price(), slot.grams()));
            }
        }
        return slots;
    }

    private static List<String> cells(String line) {
        return Arrays.stream(line.split(",", -1))
                .map(cell -> cell.strip().replaceAll("^\"|\"$", ""))
                .toList();
    }

    private static Instant time(String cell) {
        return OffsetDateTime.parse(cell).toInstant();
    }

    private static double number(List<String> cells, int column) {
        return column < 0 ? 0 : Double.parseDouble(cells.get(column));
    }
}
