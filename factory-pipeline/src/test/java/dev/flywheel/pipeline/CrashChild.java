package dev.flywheel.pipeline;

import dev.flywheel.core.model.Prediction;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Random;
import java.util.UUID;

/** A process that is never left in peace: it trains, serves, takes feedback and promotes until it is killed. */
final class CrashChild {

    record Point(double x, double y, String colour) {}

    private static final String[] COLOURS = {"red", "green", "blue"};

    private CrashChild() {}

    static Pipeline<Point, Boolean, Double> pipeline(Path csv) {
        return Pipeline.named("points")
                .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                .features(Features.auto(Point.class))
                .train(Trainers.logistic())
                .gate(Gate.atLeast(dev.flywheel.core.stat.Metric.ROC_AUC, 0.5)) // promotes again and again
                .respond(p -> p)
                .retrain(Retrain.afterLabels(40))
                .build();
    }

    static Point point(Random random) {
        return new Point(random.nextGaussian(), random.nextGaussian(), COLOURS[random.nextInt(3)]);
    }

    static boolean inside(Point point) {
        return point.x + 0.5 * point.y + (point.colour.equals("red") ? 1 : 0) > 0.3;
    }

    /** Prints what it has been promised, each line after the promise: "feedback ID LABEL" and "serving VERSION". */
    public static void main(String[] args) {
        PrintStream out = System.out;
        Random random = new Random(Long.parseLong(args[2]));
        try (Factory factory = Factory.open(Path.of(args[0]));
                Deployment<Point, Boolean, Double> live = factory.start(pipeline(Path.of(args[1])))) {
            live.onPromotion(e -> out.println("serving " + e.version()));
            out.println("serving " + live.version());
            while (!out.checkError()) {
                Point point = point(random);
                Prediction<Double> prediction = live.predict(point);
                UUID id = prediction.id();
                boolean label = inside(point);
                live.feedback(id, label);
                out.println("feedback " + id + " " + label);
            }
        }
    }
}
