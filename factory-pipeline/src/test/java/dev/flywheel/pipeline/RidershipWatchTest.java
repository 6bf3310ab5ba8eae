package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.registry.PipelineDirectory;
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
import dev.flywheel.pipeline.watch.Watch;
import dev.flywheel.pipeline.watch.WatchHistory;
import dev.flywheel.pipeline.watch.WindowResult;
import dev.flywheel.pipeline.watch.WindowResult.Alarm;
import dev.flywheel.pipeline.watch.WindowResult.Feature;
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
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Thirteen years of passengers at one station of Chicago's elevated railway: a factory that retrains when it sees drift
 * or a loss of quality stays as good as one that retrains every year, and sees no drift in the weather.
 */
class RidershipWatchTest {

    private static final Instant START = Instant.parse("2004-01-01T00:00:00Z");
    private static final Duration DELAY = Duration.ofDays(14);
    private static final int MONTHS = 156;

    private record Day(Row row, Instant date, double ridership) {}

    private record Outcome(Instant day, UUID id, double ridership) {}

    @TempDir
    Path directory;

    private volatile Instant now = START;
    private final Map<Integer, double[]> years = new TreeMap<>();

    /** One of the two deployments, with the outcomes that are not known yet. */
    private static final class Side {

        private final Deployment<Row, Double, Double> deployment;
        private final Deque<Outcome> unknown = new ArrayDeque<>();

        Side(Deployment<Row, Double, Double> deployment) {
            this.deployment = deployment;
        }

        double predict(Day day) {
            var prediction = deployment.predict(day.row);
            unknown.add(new Outcome(day.date, prediction.id(), day.ridership));
            return prediction.value();
        }

        /** Passengers are counted two weeks later, and the counts come a fortnight's worth at a time. */
        void feedback(Instant now) {
            Instant known = now.minus(DELAY);
            if (unknown.isEmpty() || unknown.peek().day.isAfter(known.minus(DELAY))) {
                return;
            }
            Map<UUID, Double> outcomes = new HashMap<>();
            while (!unknown.isEmpty() && !unknown.peek().day.isAfter(known)) {
                Outcome outcome = unknown.remove();
                outcomes.put(outcome.id, outcome.ridership);
            }
            deployment.feedback(outcomes);
        }
    }

    @Test
    void retrainingOnWhatIsSeenIsAsGoodAsEveryYearForAThirdOfTheTrainingsOfAMonthlySchedule() throws IOException {
        Path all = SharedData.csv("chicago_ridership");
        Path history = historyBefore2004(all);
        Path home = directory.resolve("home");
        Retrain rules = Retrain.onDrift(0.2).orOnQualityDrop(Metric.RMSE, 0.4).atMostEvery(Duration.ofDays(91));
        Watch watch = Watch.defaults().window(Duration.ofDays(91)).season();
        try (Factory factory = Factory.open(home, Factory.options().clock(() -> now));
                Deployment<Row, Double, Double> yearly = factory.start(ready("yearly", history)
                        .watch(Watch.off())
                        .retrain(Retrain.never())
                        .build());
                Deployment<Row, Double, Double> watching = factory.start(
                        ready("watching", history).watch(watch).retrain(rules).build())) {
            Side left = new Side(watching);
            Side right = new Side(yearly);
            int year = 2004;
            for (Day day : days(all)) {
                now = day.date;
                left.feedback(now);
                right.feedback(now);
                int thisYear = now.atOffset(ZoneOffset.UTC).getYear();
                if (thisYear > year) {
                    yearly.retrain().join();
                    year = thisYear;
                }
                watching.awaitRun(); // simulated time stands still while a run that is due trains
                double[] errors = years.computeIfAbsent(thisYear, y -> new double[3]);
                errors[0]++;
                errors[1] += Math.pow(left.predict(day) - day.ridership, 2);
                errors[2] += Math.pow(right.predict(day) - day.ridership, 2);
            }
        }
        PipelineDirectory place = PipelineDirectory.in(home, "watching");
        List<WindowResult> windows = WatchHistory.read(place);
        int trainings = runs(place) - 1;
        Map<String, Long> alarms = new TreeMap<>();
        windows.stream().flatMap(RidershipWatchTest::features).forEach(f -> alarms.merge(f.name(), 1L, Long::sum));
        record(trainings, windows.size(), alarms);
        assertThat(windows).hasSizeGreaterThan(45);
        assertThat(trainings).isBetween(5, MONTHS / 3);
        assertThat(years)
                .hasSize(13)
                .allSatisfy((y, e) -> assertThat(Math.sqrt(e[1] / e[0]))
                        .as("error of %s", y)
                        .isLessThanOrEqualTo(1.05 * Math.sqrt(e[2] / e[0])));
        assertThat(alarms).containsKey("clark_lake").doesNotContainKey("temp");
    }

    private static Stream<Feature> features(WindowResult window) {
        return Stream.concat(window.features().stream(), Stream.ofNullable(window.prediction()))
                .filter(feature -> feature.alarm() != Alarm.NONE);
    }

    private static Source<Row, Double> source(Path csv) {
        return Csv.files(csv).eventTime("date").rows(Target.number("ridership"));
    }

    private static Pipeline.Ready<Row, Double, Double> ready(String name, Path history) {
        return Pipeline.named(name)
                .from(source(history))
                .split(Split.newest(Duration.ofDays(180))) // what the champion has not seen either
                .features(Features.auto()
                        .calendar("date", CalendarPart.DAY_OF_WEEK, CalendarPart.MONTH, CalendarPart.YEAR))
                .train(Trainers.linear())
                .gate(Gate.notWorseThanChampion(Metric.RMSE, 0.25))
                .respond(p -> p);
    }

    private static int runs(PipelineDirectory place) throws IOException {
        try (Stream<Path> runs = Files.list(place.runs())) {
            return (int) runs.count();
        }
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

    /** Keeps the root mean squared errors of each year, in thousands of passengers, and the alarms under target/. */
    private void record(int trainings, int windows, Map<String, Long> alarms) {
        Map<Integer, Map<String, Double>> errors = new LinkedHashMap<>();
        years.forEach((year, e) ->
                errors.put(year, Map.of("watching", Math.sqrt(e[1] / e[0]), "yearly", Math.sqrt(e[2] / e[0]))));
        Map<String, Object> numbers = new LinkedHashMap<>();
        numbers.put("rmse", errors);
        numbers.put("trainings", trainings);
        numbers.put("windows", windows);
        numbers.put("alarms", alarms);
        Durable.createDirectories(Path.of("target"));
        Durable.write(Path.of("target", "ridership-watch.json"), Json.write(numbers));
    }
}
