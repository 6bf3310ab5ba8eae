package dev.flywheel.pipeline;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.model.PredictionIds;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A process that is never left in peace: it trains, serves, takes feedback, promotes, rolls back, asks for approval,
 * freezes and audits, all at once, until it is killed. It prints what it is about to do and what it was promised, as
 * {@link CrashPromises} reads it.
 */
final class CrashChild {

    record Point(double x, double y, String colour) {}

    private static final String[] COLOURS = {"red", "green", "blue"};

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

    static boolean inside(Point point) {
        return point.x + 0.5 * point.y + (point.colour.equals("red") ? 1 : 0) > 0.3;
    }

    /** Takes the home, the examples and a seed. */
    public static void main(String[] args) throws InterruptedException {
        Path csv = Path.of(args[1]);
        Random random = new Random(Long.parseLong(args[2]));
        BlockingQueue<ApprovalRequest> requests = new LinkedBlockingQueue<>();
        Approval rule = Approval.within(Duration.ofHours(1)).onAsked(Runnable::run, requests::add);
        try (Factory factory = Factory.open(Path.of(args[0]))) {
            if (factory.history("asked").isEmpty()) {
                factory.run(points("asked", csv).build());
            }
            requests.addAll(factory.approvals("asked"));
            try (Deployment<Point, Boolean, Double> live = factory.start(pipeline(csv));
                    Deployment<Point, Boolean, Double> asked =
                            factory.start(points("asked", csv).approve(rule).build())) {
                live.onPromotion(e -> say("serving points " + e.version()));
                asked.onPromotion(e -> say("serving asked " + e.version()));
                CrashChild child = new CrashChild(factory, live, asked, requests);
                say("ready");
                start(child::feed, random.nextLong());
                start(child::feed, random.nextLong());
                child.operate(random);
            }
        }
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
                case 0 -> rollBack(random.nextBoolean() ? live : asked);
                case 1 -> freeze();
                case 2 -> note(random.nextLong());
                default -> {
                    CompletableFuture<Run> unused = asked.retrain();
                }
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
