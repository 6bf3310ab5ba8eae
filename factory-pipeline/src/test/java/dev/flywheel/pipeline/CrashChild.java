package dev.flywheel.pipeline;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.model.PredictionIds;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.prove.Bound;
import dev.flywheel.pipeline.prove.Canary;
import dev.flywheel.pipeline.prove.Measure;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import dev.flywheel.serving.CallOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A process that is never left in peace: it trains, serves, takes feedback, proves in traffic, promotes, rolls back,
 * asks for approval, freezes and audits, all at once, until it is killed. It prints what it is about to do and what it
 * was promised, as {@link CrashPromises} reads it.
 */
final class CrashChild {

    record Point(double x, double y, String colour) {}

    /** How many visitors come again and again. */
    static final int VISITORS = 40;

    private static final String[] COLOURS = {"red", "green", "blue"};

    /**
     * Steps of some tenths of a second, so that many kills meet a trial. A reading that a kill has cost is no failure.
     */
    private static final Canary CANARY = Canary.steps(0.2, 0.6)
            .each(Duration.ofMillis(100))
            .minObservations(30)
            .measure(Measure.of("errors")
                    .failure(Bound.above(0.5))
                    .every(Duration.ofMillis(10))
                    .consecutiveErrorLimit(Integer.MAX_VALUE));

    private final Factory factory;
    private final Deployment<Point, Boolean, Double> live;
    private final Deployment<Point, Boolean, Double> asked;
    private final BlockingQueue<ApprovalRequest> requests;
    private int notes;

    private CrashChild(
            Factory factory,
            Deployment<Point, Boolean, Double> live,
            Deployment<Point, Boolean, Double> asked,
            BlockingQueue<ApprovalRequest> requests) {
        this.factory = factory;
        this.live = live;
        this.asked = asked;
        this.requests = requests;
    }

    static Pipeline<Point, Boolean, Double> pipeline(Path csv) {
        return points("points", csv).retrain(Retrain.afterLabels(40)).build();
    }

    /** {@return the same, but candidates get a part of the traffic before they are promoted} */
    static Pipeline<Point, Boolean, Double> proven(Path csv) {
        return points("points", csv)
                .retrain(Retrain.afterLabels(40))
                .prove(CANARY)
                .build();
    }

    /** {@return the same, but nothing starts a run} */
    static Pipeline<Point, Boolean, Double> provenOnly(Path csv) {
        return points("points", csv).prove(CANARY).build();
    }

    /** {@return a definition whose candidates are promoted again and again} */
    static Pipeline.Ready<Point, Boolean, Double> points(String name, Path csv) {
        return Pipeline.named(name)
                .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                .features(Features.auto(Point.class))
                .train(Trainers.logistic())
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.5))
                .respond(p -> p);
    }

    static Point point(Random random) {
        return new Point(random.nextGaussian(), random.nextGaussian(), COLOURS[random.nextInt(3)]);
    }

    static String visitor(int number) {
        return "visitor-" + number;
    }

    static boolean inside(Point point) {
        return point.x + 0.5 * point.y + (point.colour.equals("red") ? 1 : 0) > 0.3;
    }

    /** Takes the home, the examples, a seed and whether candidates are proven in traffic. */
    public static void main(String[] args) throws InterruptedException {
        Path csv = Path.of(args[1]);
        Random random = new Random(Long.parseLong(args[2]));
        Pipeline<Point, Boolean, Double> pipeline = Boolean.parseBoolean(args[3]) ? proven(csv) : pipeline(csv);
        BlockingQueue<ApprovalRequest> requests = new LinkedBlockingQueue<>();
        Approval rule = Approval.within(Duration.ofHours(1)).onAsked(Runnable::run, requests::add);
        try (Factory factory = Factory.open(Path.of(args[0]))) {
            if (factory.history("asked").isEmpty()) {
                factory.run(points("asked", csv).build());
            }
            requests.addAll(factory.approvals("asked"));
            try (Deployment<Point, Boolean, Double> live = begin(factory, pipeline);
                    Deployment<Point, Boolean, Double> asked =
                            factory.start(points("asked", csv).approve(rule).build())) {
                live.onPromotion(e -> say("serving points " + e.version()));
                live.onTrial(e -> say("trial " + state(e.trial())));
                asked.onPromotion(e -> say("serving asked " + e.version()));
                CrashChild child = new CrashChild(factory, live, asked, requests);
                say("ready");
                start(child::feed, random.nextLong());
                start(child::feed, random.nextLong());
                start(child::visit, random.nextLong());
                child.operate(random);
            }
        }
    }

    /** A version is soon on trial, if none is from an earlier life. */
    private static Deployment<Point, Boolean, Double> begin(
            Factory factory, Pipeline<Point, Boolean, Double> pipeline) {
        Deployment<Point, Boolean, Double> live = factory.start(pipeline);
        if (live.trial().map(trial -> trial.status().ended()).orElse(true)) {
            CompletableFuture<Run> unused = live.retrain();
        }
        return live;
    }

    private static void say(String line) {
        System.out.println(line + " ;");
    }

    private interface Seeded {
        void run(Random random);
    }

    private static void start(Seeded work, long seed) {
        Thread thread = new Thread(() -> {
            try {
                work.run(new Random(seed));
            } catch (RuntimeException | Error e) {
                e.printStackTrace();
                Runtime.getRuntime().halt(1);
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    /** Predicts, and tells what came of it: once, twice, corrected, many at once, or of nothing that was predicted. */
    private void feed(Random random) {
        PredictionIds strangers = new PredictionIds(InstantSource.system());
        while (true) {
            switch (random.nextInt(10)) {
                case 0 -> live.predict(point(random));
                case 1 -> feedback(strangers.next(), random.nextBoolean(), 0, 0);
                case 2 -> feedbackOnMany(random);
                default -> feedbackOnOne(random);
            }
        }
    }

    static String state(TrialReport trial) {
        return trial.challenger() + " " + trial.startedAt() + " " + trial.share();
    }

    /** Visitors come again and again; every other version makes errors, of which the host tells. */
    private void visit(Random random) {
        while (true) {
            String visitor = visitor(random.nextInt(VISITORS));
            Optional<Instant> before = live.trial().map(TrialReport::startedAt);
            Prediction<Double> made = live.predict(point(random), CallOptions.key(visitor));
            Optional<TrialReport> trial = live.trial();
            if (before.isPresent() && before.equals(trial.map(TrialReport::startedAt))) {
                say("answered-by " + visitor + " " + made.version() + " " + before.get());
            }
            boolean error = made.version() % 2 == 0 && random.nextBoolean();
            live.metric("errors", made.id(), error ? 1 : 0);
            if (trial.filter(report -> report.status().ended()).isPresent() && random.nextInt(10) == 0) {
                tryAgain();
            }
            LockSupport.parkNanos(300_000);
        }
    }

    private void tryAgain() {
        try {
            live.tryAgain("ann");
        } catch (IllegalStateException e) {
            // it was promoted, another began meanwhile, or promotions are forbidden just now
        }
    }

    private void feedbackOnOne(Random random) {
        Point point = point(random);
        Prediction<Double> made = live.predict(point);
        boolean label = inside(point);
        feedback(made.id(), label, made.version(), made.value());
        if (random.nextInt(5) == 0) {
            feedback(made.id(), label ^ random.nextBoolean(), made.version(), made.value());
        }
    }

    private void feedback(UUID id, boolean label, int version, double output) {
        say("tell " + id + " " + label + " " + version + " " + output);
        live.feedback(id, label);
        say("told " + id);
    }

    private void feedbackOnMany(Random random) {
        Map<UUID, Boolean> outcomes = new LinkedHashMap<>();
        for (int i = 0; i < 5; i++) {
            Point point = point(random);
            Prediction<Double> made = live.predict(point);
            outcomes.put(made.id(), inside(point));
            say("tell " + made.id() + " " + inside(point) + " " + made.version() + " " + made.value());
        }
        live.feedback(outcomes);
        outcomes.keySet().forEach(id -> say("told " + id));
    }

    /** Does what the host of a factory may do, in any order. */
    private void operate(Random random) throws InterruptedException {
        while (true) {
            ApprovalRequest request = requests.poll(random.nextInt(10), TimeUnit.MILLISECONDS);
            if (request != null) {
                answer(request, random.nextInt(4) != 0);
            }
            switch (random.nextInt(6)) {
                case 0 -> rollBack(random.nextInt(10) == 0 ? live : asked); // each ends a trial
                case 1 -> freeze();
                case 2 -> note(random.nextLong());
                case 3 -> {
                    CompletableFuture<Run> unused = (random.nextInt(4) == 0 ? live : asked).retrain();
                }
                default -> {}
            }
        }
    }

    private void answer(ApprovalRequest request, boolean yes) {
        try {
            if (yes) {
                factory.approve("asked", request.artifact(), "ann", "why not");
            } else {
                factory.deny("asked", request.artifact(), "ann", "why");
            }
            say("answered " + request.version() + " " + yes);
        } catch (StoreException e) {
            unless(e, "it is overtaken");
        }
    }

    private static void rollBack(Deployment<Point, Boolean, Double> deployment) {
        try {
            deployment.rollback();
        } catch (StoreException e) {
            unless(e, "named no other before");
        }
        deployment.resume();
        say("resumed");
    }

    private void freeze() {
        say("freeze true");
        factory.freeze("a test", "ann");
        say("frozen");
        say("freeze false");
        factory.unfreeze("it is over", "ann");
        say("frozen");
    }

    private void note(long number) {
        say("note " + ++notes + "." + number);
        factory.audit().append(AuditEvent.of("host", "noted", "points").with("number", notes + "." + number));
        say("noted " + notes + "." + number);
    }

    private static void unless(StoreException e, String expected) {
        if (!String.valueOf(e.getMessage()).contains(expected)) {
            throw e;
        }
    }
}
