package dev.flywheel.samples;

import com.google.common.io.MoreFiles;
import com.google.common.io.RecursiveDeleteOption;
import dev.flywheel.samples.Flights.Flight;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.time.temporal.TemporalAdjusters;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.zip.GZIPInputStream;

/** The flights file as a stream of departures by week, and its first weeks as a file of history to learn from. */
final class Replay {

    /** One flight with what became of it. */
    record Departure(Flight flight, int delayMinutes) {

        boolean late() {
            return delayMinutes >= 15;
        }

        /** When the outcome is known: half an hour on the ground and eight miles a minute in the air. */
        Instant landing() {
            return flight.depTime().plus(Duration.ofMinutes(30 + Math.round(flight.distance() / 8)));
        }
    }

    /** The departures in order of time, and the file that holds those before {@code start}. */
    record Data(Path history, Instant start, Instant epoch, List<Departure> departures) {

        List<Departure> flights(int week) {
            return departures.stream()
                    .filter(d -> ChronoUnit.DAYS.between(epoch, d.flight.depTime()) / 7 == week)
                    .toList();
        }
    }

    private Replay() {}

    /** {@return departures in order of time, those of an hour together} */
    static List<List<Departure>> byHour(List<Departure> departures) {
        return List.copyOf(departures.stream()
                .collect(Collectors.groupingBy(
                        d -> d.flight.depTime().truncatedTo(ChronoUnit.HOURS), TreeMap::new, Collectors.toList()))
                .values());
    }

    static Path fresh(Path directory) throws IOException {
        if (Files.exists(directory)) {
            MoreFiles.deleteRecursively(directory, RecursiveDeleteOption.ALLOW_INSECURE);
        }
        return Files.createDirectories(directory);
    }

    static Data read(Path file, int trainingWeeks, Path directory) throws IOException {
        List<Departure> departures = new ArrayList<>();
        Path history = directory.resolve("history.csv");
        Instant epoch;
        Instant start;
        try (BufferedReader in = new BufferedReader(new InputStreamReader(
                        new GZIPInputStream(Files.newInputStream(file)), StandardCharsets.UTF_8));
                BufferedWriter out = Files.newBufferedWriter(history)) {
            out.write(in.readLine() + "\n");
            String line = in.readLine();
            epoch = time(line)
                    .truncatedTo(ChronoUnit.DAYS)
                    .atOffset(ZoneOffset.UTC)
                    .with(TemporalAdjusters.previousOrSame(DayOfWeek.MONDAY))
                    .toInstant();
            start = epoch.plus(Duration.ofDays(7L * trainingWeeks));
            for (; line != null; line = in.readLine()) {
                String[] cells = line.split(",", -1);
                if (time(line).isBefore(start)) {
                    out.write(line + "\n");
                } else {
                    Flight flight = new Flight(time(line), Double.parseDouble(cells[1]), cells[2], cells[3]);
                    departures.add(new Departure(flight, Integer.parseInt(cells[4])));
                }
            }
        }
        departures.sort(Comparator.comparing(d -> d.flight.depTime()));
        return new Data(history, start, epoch, departures);
    }

    private static Instant time(String line) {
        return LocalDateTime.parse(line.substring(0, line.indexOf(','))).toInstant(ZoneOffset.UTC);
    }
}
