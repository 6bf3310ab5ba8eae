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
import dev.flywheel.pipeline.watch.Watch;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Will this flight be late? Replays six months of real flights: the first four weeks train a first model, then every
 * flight is predicted before it departs and its outcome is fed back after it has landed. The factory trains again by
 * itself and swaps a candidate in only if it passes the gates. Two others run beside it for comparison: a frozen copy
 * of the first model, and one that trains as often on the same flights and lets every candidate serve.
 */
public final class Flights {

    record Flight(Instant depTime, double distance, String origin, String destination) {}

    record Delay(double probability, boolean warn) {}

    private static final int TRAINING_WEEKS = 4;
    private static final int LAST_WEEK = 24;
    private static final Duration NOTICE = Duration.ofHours(1);
    private static final Duration WEEK = Duration.ofDays(7);
    private static final Retrain WEEKLY = Retrain.every(WEEK);
    /** Any value passes. */
    private static final Gate NONE = Gate.atLeast(Metric.ROC_AUC, 0);

    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.EPOCH);
    private final ProgressBar bar = new ProgressBar();
    private final Latencies latencies = new Latencies();
    private final List<Story.Week> weeks = new ArrayList<>();
    private final List<Story.Decision> decisions = new CopyOnWriteArrayList<>();

    public static void main(String[] args) throws IOException {
        Path directory = Path.of(args.length > 0 ? args[0] : "target/flights");
        new Flights().replay(Path.of("data/flights.csv.gz"), directory);
    }

    static Pipeline<Flight, Boolean, Delay> pipeline(
            String name, Path history, Retrain retrain, Watch watch, Gate... gates) {
        Pipeline.Trained<Flight, Boolean> trained = Pipeline.named(name)
                .from(Csv.files(history).eventTime("dep_time").examples(Flight.class, Target.atLeast("delay", 15)))
                .check(Check.column("distance").between(0, 12_000).notNull()) // bad rows go to quarantine
                .split(Split.newest(WEEK))
                .features(Features.of(Flight.class)
                        .number(Flight::distance)
                        .category(Flight::origin)
                        .category(Flight::destination)
                        .calendar(Flight::depTime, CalendarPart.HOUR_OF_DAY, CalendarPart.DAY_OF_WEEK))
                .train(Trainers.logistic(), Trainers.mlp(64, 32)); // a portfolio of candidates
        for (Gate gate : gates) {
            trained = trained.gate(gate);
        }
        return trained.respond(p -> new Delay(p, p > 0.4))
                .retrain(retrain)
                .watch(watch)
                .build();
    }

    private void replay(Path flights, Path directory) throws IOException {
        Replay.Data data = Replay.read(flights, TRAINING_WEEKS, Replay.fresh(directory));
        Pipeline<Flight, Boolean, Delay> living = pipeline(
                "delays",
                data.history(),
                WEEKLY,
                Watch.defaults().window(WEEK),
                Gate.atLeast(Metric.ROC_AUC, 0.55),
                Gate.notWorseThanChampion(Metric.ROC_AUC, 0.005),
                Gate.notWorseThanChampion(Metric.LOG_LOSS, 0.005));
        Pipeline<Flight, Boolean, Delay> eager = pipeline("delays-always", data.history(), WEEKLY, Watch.off(), NONE);
        Pipeline<Flight, Boolean, Delay> still =
                pipeline("delays-frozen", data.history(), Retrain.never(), Watch.off(), NONE);
        now.set(data.start().minus(NOTICE));
        // one factory trains one model at a time, so that the comparison has another one
        try (Factory factory = open(directory.resolve("factory"));
                Factory others = open(directory.resolve("others"));
                Deployment<Flight, Boolean, Delay> frozen = others.start(still);
                Deployment<Flight, Boolean, Delay> always = others.start(eager);
                Deployment<Flight, Boolean, Delay> live = factory.start(living)) {
            live.onPromotion(e -> decide("version " + e.version() + " serves", e.reason(), true))
                    .onRejected(e -> decide(
                            "version " + live.version() + " stays", e.run().reason(), false))
                    .onError(e -> decide(e.activity() + " failed", String.valueOf(e.cause()), false));
            bar.clear();
            System.out.println(Story.HEADER);
            Lane factoryLane = new Lane(live);
            Lane alwaysLane = new Lane(always);
            for (int week = TRAINING_WEEKS; week <= LAST_WEEK; week++) {
                weeks.add(fly(week, data.flights(week), factoryLane, alwaysLane, frozen));
            }
            bar.clear();
            new Story(weeks, decisions, latencies).tell(factory, others, directory);
        }
    }

    private Factory open(Path home) {
        return Factory.open(
                home,
                Factory.options()
                        .clock(now::get)
                        .withoutTicks()
                        .listeners(Runnable::run)
                        .onProgress(bar::training));
    }

    private Story.Week fly(
            int week, List<Replay.Departure> departures, Lane live, Lane always, Deployment<Flight, ?, Delay> frozen) {
        Story.Tally tally = new Story.Tally(departures.size());
        int done = 0;
        for (List<Replay.Departure> hour : Replay.byHour(departures)) {
            proceed(hour.get(0).flight().depTime().minus(NOTICE), live, always);
            List<Flight> flights = hour.stream().map(Replay.Departure::flight).toList();
            List<Prediction<Delay>> byAlways = always.deployment().predictAll(flights);
            List<Prediction<Delay>> byFrozen = frozen.predictAll(flights);
            for (int i = 0; i < flights.size(); i++) {
                now.set(flights.get(i).depTime().minus(NOTICE));
                long start = System.nanoTime();
                Prediction<Delay> byFactory = live.deployment().predict(flights.get(i));
                latencies.add(System.nanoTime() - start);
                live.flies(hour.get(i), byFactory);
                always.flies(hour.get(i), byAlways.get(i));
                tally.add(
                        hour.get(i).late(),
                        probability(byFrozen.get(i)),
                        probability(byAlways.get(i)),
                        probability(byFactory));
                bar.flying(week, ++done, departures.size());
            }
        }
        Story.Week summary = tally.week(week, live.deployment().version());
        bar.clear();
        System.out.println(summary);
        return summary;
    }

    /**
     * Goes on to another hour: what has landed by then is fed back. A run that this starts ends before the next flight
     * is predicted, so that every replay comes to the same numbers, however busy the machine is.
     */
    private void proceed(Instant to, Lane live, Lane always) {
        now.set(to);
        live.land(to);
        always.land(to);
        live.deployment().awaitRun();
        always.deployment().awaitRun();
    }

    private static double probability(Prediction<Delay> prediction) {
        return prediction.value().probability();
    }

    private void decide(String title, String reason, boolean promoted) {
        Story.Decision decision = new Story.Decision(now.get().toString().substring(0, 10), title, reason, promoted);
        decisions.add(decision);
        bar.clear();
        System.out.println(decision);
    }
}
