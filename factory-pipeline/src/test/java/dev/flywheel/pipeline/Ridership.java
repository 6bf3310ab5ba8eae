package dev.flywheel.pipeline;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Scan;
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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.zip.GZIPInputStream;

/**
 * Passengers at one station of Chicago's elevated railway, day by day: what was known before 2004, and the days since.
 */
final class Ridership {

    static final Instant START = Instant.parse("2004-01-01T00:00:00Z");
    private static final Duration DELAY = Duration.ofDays(14);

    private final Path all;
    private final Path history;
    private final Path directory;

    /** A day. */
    record Day(Row row, Instant date, double ridership) {}

    private record Outcome(Instant day, UUID id, double ridership) {}

    /** @param directory where files are written */
    Ridership(Path directory) throws IOException {
        this.all = SharedData.csv("chicago_ridership");
        this.directory = directory;
        this.history = directory.resolve("history.csv");
        try (BufferedReader in = new BufferedReader(
                        new InputStreamReader(new GZIPInputStream(Files.newInputStream(all)), StandardCharsets.UTF_8));
                BufferedWriter out = Files.newBufferedWriter(history)) {
            out.write(in.readLine() + "\n");
            for (String line = in.readLine(); line != null && line.compareTo("2004") < 0; line = in.readLine()) {
                out.write(line + "\n");
            }
        }
    }

    private static Source<Row, Double> source(Path csv) {
        return Csv.files(csv).eventTime("date").rows(Target.number("ridership"));
    }

    /** {@return a pipeline over what was known before 2004} */
    Pipeline.Ready<Row, Double, Double> ready(String name) {
        return Pipeline.named(name)
                .from(source(history))
                .split(Split.newest(Duration.ofDays(180))) // what the champion has not seen either
                .features(Features.auto()
                        .calendar("date", CalendarPart.DAY_OF_WEEK, CalendarPart.MONTH, CalendarPart.YEAR))
                .train(Trainers.linear())
                .gate(Gate.notWorseThanChampion(Metric.RMSE, 0.25))
                .respond(p -> p);
    }

    /** {@return the days from 2004 on} */
    List<Day> days() {
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

    /** A deployment and the outcomes of its predictions that are not known yet. */
    static final class Side {

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
}
