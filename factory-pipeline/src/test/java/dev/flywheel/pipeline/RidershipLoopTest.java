package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.CalendarPart;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Ingested;
import dev.flywheel.pipeline.source.Ingestion;
import dev.flywheel.pipeline.source.Source;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Thirteen years of passengers at one station of Chicago's elevated railway, day by day: a model of 2003 goes stale as
 * the city changes, a factory that learns from its outcomes does not.
 */
class RidershipLoopTest {

    private static final Instant START = Instant.parse("2004-01-01T00:00:00Z");
    private static final Duration DELAY = Duration.ofDays(14);

    private record Day(Row row, Instant date, double ridership) {}

    private record Outcome(Instant day, UUID id, double ridership) {}

    @TempDir
    Path directory;

    private volatile Instant now = START;
    private final Deque<Outcome> unknown = new ArrayDeque<>();
    private final Map<Integer, Errors> years = new LinkedHashMap<>();

    @Test
    void learningFromOutcomesHalvesTheErrorOfTheModelThatStays() throws IOException {
        Path all = SharedData.csv("chicago_ridership");
        Path history = historyBefore2004(all);
        try (Factory factory = Factory.open(
                        directory.resolve("home"), Factory.options().clock(() -> now));
                Deployment<Row, Double, Double> frozen =
                        factory.start(pipeline("ridership-frozen", history, Retrain.never()));
                Deployment<Row, Double, Double> live =
                        factory.start(pipeline("ridership", history, Retrain.every(Duration.ofDays(180))))) {
            days(all).forEach(day -> live(day, live, frozen));
            assertThat(live.version()).isGreaterThan(10);
            assertThat(frozen.version()).isEqualTo(1);
            assertThat(factory.history("ridership")).hasSize(live.version());
        }
        record();
        assertThat(years).hasSize(13).allSatisfy((year, errors) -> {
            assertThat(errors.factory()).isFinite().isPositive();
            assertThat(errors.frozen()).isFinite().isPositive();
        });
        Errors last = Errors.sum(
                IntStream.rangeClosed(2014, 2016).mapToObj(years::get).toList());
        assertThat(last.days).isEqualTo(971);
        assertThat(last.factory()).isLessThanOrEqualTo(last.frozen() / 2);
    }

    private static Source<Row, Double> source(Path csv) {
        return Csv.files(csv).eventTime("date").rows(Target.number("ridership"));
    }

    private static Pipeline<Row, Double, Double> pipeline(String name, Path history, Retrain retrain) {
        return Pipeline.named(name)
                .from(source(history))
                .split(Split.newest(Duration.ofDays(180))) // what the champion has not seen either
                .features(Features.auto()
                        .calendar("date", CalendarPart.DAY_OF_WEEK, CalendarPart.MONTH, CalendarPart.YEAR))
                .train(Trainers.linear())
                .gate(Gate.notWorseThanChampion(Metric.RMSE, 0.25))
                .respond(p -> p)
                .retrain(retrain)
                .build();
    }

    /** One day: outcomes come in, a run that is due trains, and the day is predicted. */
    private void live(Day day, Deployment<Row, Double, Double> live, Deployment<Row, Double, Double> frozen) {
        now = day.date;
        feedback(live);
        live.awaitRun(); // simulated time stands still while a run that is due trains
        var prediction = live.predict(day.row);
        unknown.add(new Outcome(day.date, prediction.id(), day.ridership));
        years.computeIfAbsent(day.date.atOffset(ZoneOffset.UTC).getYear(), year -> new Errors())
                .add(prediction.value() - day.ridership, frozen.predict(day.row).value() - day.ridership);
    }

    /** Passengers are counted two weeks later, and the counts come a fortnight's worth at a time. */
    private void feedback(Deployment<Row, Double, Double> live) {
        Instant known = now.minus(DELAY);
        if (unknown.isEmpty() || unknown.peek().day.isAfter(known.minus(DELAY))) {
            return;
        }
        Map<UUID, Double> outcomes = new HashMap<>();
        while (!unknown.isEmpty() && !unknown.peek().day.isAfter(known)) {
            Outcome outcome = unknown.remove();
            outcomes.put(outcome.id, outcome.ridership);
        }
        live.feedback(outcomes);
    }

    private Path historyBefore2004(Path all) throws IOException {
        Path history = directory.resolve("history.csv");
        try (BufferedReader in = new BufferedReader(
                        new InputStreamReader(new GZIPInputStream(Files.newInputStream(all)), StandardCharsets.UTF_8));
                BufferedWriter out = Files.newBufferedWriter(history)) {
            out.write(in.readLine() + "\n");
            for (String line = in.readLine(); line != null && line.compareTo("2004") < 0; line = in.readLine()) {
                out.write(line + "\n");
            }
        }
        return history;
    }

    private List<Day> days(Path all) {
        Ingested<Row> examples = source(all).ingest(Ingestion.into(directory.resolve("days")));
        int label = examples.dataset().schema().indexOf(Source.LABEL);
        List<Day> days = new ArrayList<>();
        try (Scan scan = examples.dataset().scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int i = 0; i < batch.rows(); i++) {
                    Row row = examples.type().read(batch.row(i));
                    if (!row.time("date").isBefore(START)) {
                        days.add(new Day(row, row.time("date"), batch.number(label, i)));
                    }
                }
            }
        }
        return days;
    }

    /** Keeps the root mean squared errors of each year under target/, in thousands of passengers. */
    private void record() {
        Map<Integer, Map<String, Double>> numbers = new LinkedHashMap<>();
        years.forEach(
                (year, errors) -> numbers.put(year, Map.of("factory", errors.factory(), "frozen", errors.frozen())));
        Durable.createDirectories(Path.of("target"));
        Durable.write(Path.of("target", "ridership-loop.json"), Json.write(numbers));
    }

    /** Squared errors of some days. */
    private static final class Errors {

        private int days;
        private double factory;
        private double frozen;

        void add(double factoryError, double frozenError) {
            days++;
            factory += factoryError * factoryError;
            frozen += frozenError * frozenError;
        }

        double factory() {
            return Math.sqrt(factory / days);
        }

        double frozen() {
            return Math.sqrt(frozen / days);
        }

        static Errors sum(List<Errors> parts) {
            Errors sum = new Errors();
            for (Errors part : parts) {
                sum.days += part.days;
                sum.factory += part.factory;
                sum.frozen += part.frozen;
            }
            return sum;
        }
    }
}
