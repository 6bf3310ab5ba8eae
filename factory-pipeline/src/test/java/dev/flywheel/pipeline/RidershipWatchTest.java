package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.data.Row;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.registry.PipelineDirectory;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.watch.Watch;
import dev.flywheel.pipeline.watch.WatchHistory;
import dev.flywheel.pipeline.watch.WindowResult;
import dev.flywheel.pipeline.watch.WindowResult.Alarm;
import dev.flywheel.pipeline.watch.WindowResult.Feature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Thirteen years of passengers at one station of Chicago's elevated railway: a factory that retrains when it sees drift
 * or a loss of quality stays as good as one that retrains every year, and sees no drift in the weather.
 */
class RidershipWatchTest {

    private static final int MONTHS = 156;

    @TempDir
    Path directory;

    private volatile Instant now = Ridership.START;
    private final Map<Integer, double[]> years = new TreeMap<>();

    @Test
    void retrainingOnWhatIsSeenIsAsGoodAsEveryYearForAThirdOfTheTrainingsOfAMonthlySchedule() throws IOException {
        Ridership ridership = new Ridership(directory);
        Path home = directory.resolve("home");
        Retrain rules = Retrain.onDrift(0.2).orOnQualityDrop(Metric.RMSE, 0.4).atMostEvery(Duration.ofDays(91));
        Watch watch = Watch.defaults().window(Duration.ofDays(91)).season();
        try (Factory factory = Factory.open(home, Factory.options().clock(() -> now));
                Deployment<Row, Double, Double> yearly = factory.start(ridership
                        .ready("yearly")
                        .watch(Watch.off())
                        .retrain(Retrain.never())
                        .build());
                Deployment<Row, Double, Double> watching = factory.start(
                        ridership.ready("watching").watch(watch).retrain(rules).build())) {
            Ridership.Side left = new Ridership.Side(watching);
            Ridership.Side right = new Ridership.Side(yearly);
            int year = 2004;
            for (Ridership.Day day : ridership.days()) {
                now = day.date();
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
                errors[1] += Math.pow(left.predict(day) - day.ridership(), 2);
                errors[2] += Math.pow(right.predict(day) - day.ridership(), 2);
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

    private static int runs(PipelineDirectory place) throws IOException {
        try (Stream<Path> runs = Files.list(place.runs())) {
            return (int) runs.count();
        }
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
