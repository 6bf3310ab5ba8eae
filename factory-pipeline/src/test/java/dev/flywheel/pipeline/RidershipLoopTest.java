package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.data.Row;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Thirteen years of passengers at one station of Chicago's elevated railway, day by day: a model of 2003 goes stale as
 * the city changes, a factory that learns from its outcomes does not.
 */
class RidershipLoopTest {

    @TempDir
    Path directory;

    private volatile Instant now = Ridership.START;
    private final Map<Integer, Errors> years = new LinkedHashMap<>();

    @Test
    void learningFromOutcomesHalvesTheErrorOfTheModelThatStays() throws IOException {
        Ridership ridership = new Ridership(directory);
        try (Factory factory = Factory.open(
                        directory.resolve("home"), Factory.options().clock(() -> now));
                Deployment<Row, Double, Double> frozen =
                        factory.start(ridership.ready("ridership-frozen").build());
                Deployment<Row, Double, Double> live = factory.start(ridership
                        .ready("ridership")
                        .retrain(Retrain.every(Duration.ofDays(180)))
                        .build())) {
            Ridership.Side side = new Ridership.Side(live);
            for (Ridership.Day day : ridership.days()) {
                now = day.date();
                side.feedback(now);
                live.awaitRun(); // simulated time stands still while a run that is due trains
                double predicted = side.predict(day);
                double stale = frozen.predict(day.row()).value();
                years.computeIfAbsent(now.atOffset(ZoneOffset.UTC).getYear(), year -> new Errors())
                        .add(predicted - day.ridership(), stale - day.ridership());
            }
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
