package dev.flywheel.samples;

import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.Deployment;
import dev.flywheel.pipeline.Factory;
import dev.flywheel.pipeline.Pipeline;
import dev.flywheel.pipeline.Retrain;
import dev.flywheel.pipeline.Split;
import dev.flywheel.pipeline.check.Check;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.CalendarPart;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Will this flight be late? Replays six months of real flights: the first four weeks train a first model, then every
 * flight is predicted before it departs and its outcome is fed back after it has landed. The factory trains again by
 * itself and swaps a candidate in only if it passes the gates; a frozen copy of the first model runs beside it for
 * comparison.
 */
public final class Flights {

    record Flight(Instant depTime, double distance, String origin, String destination) {}

    record Delay(double probability, boolean warn) {}

    /** A label on its way: known once the flight has landed. */
    private record Landing(Instant at, UUID id, boolean late) {}

    private static final int TRAINING_WEEKS = 4;
    private static final int LAST_WEEK = 24;
    private static final Duration NOTICE = Duration.ofHours(1);

    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.EPOCH);
    private final PriorityQueue<Landing> inTheAir = new PriorityQueue<>((a, b) -> a.at.compareTo(b.at));
    private final ProgressBar bar = new ProgressBar();
    private final Latencies latencies = new Latencies();
    private final List<Story.Week> weeks = new ArrayList<>();
    private final List<Story.Decision> decisions = new CopyOnWriteArrayList<>();

    public static void main(String[] args) throws IOException {
        Path directory = Path.of(args.length > 0 ? args[0] : "target/flights");
        new Flights().replay(Path.of("data/flights.csv.gz"), directory);
    }

    static Pipeline<Flight, Boolean, Delay> pipeline(String name, Path history, Retrain retrain) {
        return Pipeline.named(name)
                .from(Csv.files(history).eventTime("dep_time").examples(Flight.class, Target.atLeast("delay", 15)))
                .check(Check.column("distance").between(0, 12_000).notNull()) // bad rows go to quarantine
                .split(Split.newest(Duration.ofDays(7)))
                .features(Features.of(Flight.class)
                        .number(Flight::distance)
                        .category(Flight::origin)
                        .category(Flight::destination)
                        .calendar(Flight::depTime, CalendarPart.HOUR_OF_DAY, CalendarPart.DAY_OF_WEEK))
                .train(Trainers.logistic(), Trainers.mlp(64, 32)) // a portfolio of candidates
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.55))
                .gate(Gate.notWorseThanChampion(Metric.ROC_AUC, 0.005))
                .gate(Gate.notWorseThanChampion(Metric.LOG_LOSS, 0.005))
                .respond(p -> new Delay(p, p > 0.4))
                .retrain(retrain)
                .build();
    }

    private void replay(Path flights, Path directory) throws IOException {
        Replay.Data data = Replay.read(flights, TRAINING_WEEKS, Replay.fresh(directory));
        Pipeline<Flight, Boolean, Delay> living = pipeline("delays", data.history(), Retrain.every(Duration.ofDays(7)));
        Pipeline<Flight, Boolean, Delay> still = pipeline("delays-frozen", data.history(), Retrain.never());
        now.set(data.start());
        try (Factory factory = Factory.open(
                        directory.resolve("factory"),
                        Factory.options().clock(now::get).onProgress(bar::training));
                Deployment<Flight, Boolean, Delay> frozen = factory.start(still);
                Deployment<Flight, Boolean, Delay> live = factory.start(living)) {
            live.onPromotion(e -> decide("version " + e.version() + " serves", e.reason(), true))
                    .onRejected(e -> decide(
                            "version " + live.version() + " stays", e.run().reason(), false))
                    .onError(e -> decide(e.activity() + " failed", String.valueOf(e.cause()), false));
            bar.clear();
            System.out.println(Story.HEADER);
            for (int week = TRAINING_WEEKS; week <= LAST_WEEK; week++) {
                weeks.add(fly(week, data.flights(week), live, frozen));
            }
            bar.clear();
            new Story(weeks, decisions, latencies).tell(factory, directory);
        }
    }

    private Story.Week fly(
            int week,
            List<Replay.Departure> departures,
            Deployment<Flight, Boolean, Delay> live,
            Deployment<Flight, Boolean, Delay> frozen) {
        Story.Tally tally = new Story.Tally(departures.size());
        int done = 0;
        for (Replay.Departure departure : departures) {
            Flight flight = departure.flight();
            Instant asked = flight.depTime().minus(NOTICE);
            if (ChronoUnit.DAYS.between(now.get().truncatedTo(ChronoUnit.DAYS), asked) > 0) {
                live.awaitRun(); // a run takes at most a day of simulated time
            }
            land(asked, live);
            now.set(asked);
            long start = System.nanoTime();
            Prediction<Delay> prediction = live.predict(flight);
            latencies.add(System.nanoTime() - start);
            tally.add(
                    departure.late(),
                    prediction.value().probability(),
                    frozen.predict(flight).value().probability());
            inTheAir.add(new Landing(departure.landing(), prediction.id(), departure.late()));
            bar.flying(week, ++done, departures.size());
        }
        Story.Week summary = tally.week(week, live.version());
        bar.clear();
        System.out.println(summary);
        return summary;
    }

    /** Feeds back the outcomes of the flights that have landed by now, an hour's worth at a time. */
    private void land(Instant upTo, Deployment<Flight, Boolean, Delay> live) {
        if (inTheAir.isEmpty() || inTheAir.peek().at().isAfter(upTo.minus(Duration.ofHours(1)))) {
            return;
        }
        Map<UUID, Boolean> outcomes = new HashMap<>();
        while (!inTheAir.isEmpty() && !inTheAir.peek().at().isAfter(upTo)) {
            Landing landing = inTheAir.remove();
            outcomes.put(landing.id(), landing.late());
        }
        live.feedback(outcomes);
    }

    private void decide(String title, String reason, boolean promoted) {
        Story.Decision decision = new Story.Decision(now.get().toString().substring(0, 10), title, reason, promoted);
        decisions.add(decision);
        bar.clear();
        System.out.println(decision);
    }
}
