package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.core.audit.AuditEntry;
import dev.flywheel.core.audit.AuditVerification;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.prove.Experiment;
import dev.flywheel.pipeline.prove.Goal;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import dev.flywheel.serving.CallOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * A factory whose candidates are proven in traffic. Requests have keys, so that each is answered by the same version in
 * every run of these tests.
 */
abstract class TrialFixture {

    static final Instant NOON = Instant.parse("2026-01-31T12:00:00Z");
    static final Experiment EXPERIMENT =
            Experiment.on(Goal.model(Metric.LOG_LOSS)).minObservations(50).tuning(500);

    /** Outcomes that become known at the same time. */
    static final int TOGETHER = 20;

    @TempDir
    Path directory;

    volatile Instant now = NOON;
    final Random random = new Random(7);
    final List<Event> events = new CopyOnWriteArrayList<>();
    int visitors;
    Path home;
    Path csv;
    Factory factory;

    @BeforeEach
    void open() throws IOException {
        home = directory.resolve("home");
        csv = directory.resolve("points.csv");
        factory = Factory.open(
                home, Factory.options().clock(() -> now).withoutTicks().listeners(Runnable::run));
    }

    @AfterEach
    void close() {
        factory.close();
    }

    void reopen() {
        factory.close();
        factory = Factory.open(
                home, Factory.options().clock(() -> now).withoutTicks().listeners(Runnable::run));
    }

    Pipeline.Ready<Point, Boolean, Double> points() {
        return Pipeline.named("points")
                .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                .features(Features.auto(Point.class))
                .train(Trainers.logistic())
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.01)) // lets nearly everything pass
                .respond(p -> p);
    }

    Deployment<Point, Boolean, Double> start(Pipeline<Point, Boolean, Double> pipeline) {
        Deployment<Point, Boolean, Double> live = factory.start(pipeline);
        live.onTrial(events::add).onPromotion(events::add).onRejected(events::add);
        return live;
    }

    /** A champion that says the contrary of what is true, and a challenger that has learned from the truth. */
    Deployment<Point, Boolean, Double> betterChallenger(Pipeline<Point, Boolean, Double> pipeline) throws IOException {
        write(200, true);
        Deployment<Point, Boolean, Double> live = start(pipeline);
        teach(live, 1_500, false);
        return live;
    }

    /** A champion that is right, and a challenger that has learned from poisoned feedback. */
    Deployment<Point, Boolean, Double> worseChallenger(Pipeline<Point, Boolean, Double> pipeline) throws IOException {
        write(200, false);
        Deployment<Point, Boolean, Double> live = start(pipeline);
        teach(live, 1_500, true);
        return live;
    }

    void write(int rows, boolean inverted) throws IOException {
        StringBuilder text = new StringBuilder("x,y,colour,inside\n");
        for (int row = 0; row < rows; row++) {
            Point point = CrashChild.point(random);
            text.append(point.x()).append(',').append(point.y()).append(',').append(point.colour());
            text.append(',').append(truth(point) != inverted).append('\n');
        }
        Files.writeString(csv, text);
    }

    /** What is true a few percent of the time is not: so no model is certain, and no loss without bounds. */
    static boolean truth(Point point) {
        return CrashChild.inside(point) != (Math.floorMod(point.hashCode(), 20) == 0);
    }

    void teach(Deployment<Point, Boolean, Double> live, int outcomes, boolean inverted) {
        Map<UUID, Boolean> labels = new LinkedHashMap<>();
        for (int i = 0; i < outcomes; i++) {
            Point point = CrashChild.point(random);
            labels.put(live.predict(point).id(), truth(point) != inverted);
        }
        live.feedback(labels);
        now = now.plusSeconds(60);
        Run run = live.retrain().join();
        assertThat(run.outcome()).as(run.reason()).isEqualTo(Run.Outcome.ON_TRIAL);
    }

    Prediction<Double> visit(Deployment<Point, Boolean, Double> live, Point point) {
        now = now.plusSeconds(1);
        return live.predict(point, CallOptions.key("visitor " + visitors++));
    }

    /** Visitors come, and what was true becomes known at once, until the trial ends; {@return how many came}. */
    int visitsUntilTheEnd(Deployment<Point, Boolean, Double> live, int most) {
        int visits = 0;
        while (!report(live).status().ended() && visits < most) {
            Map<UUID, Boolean> truths = new LinkedHashMap<>();
            for (int i = 0; i < TOGETHER; i++) {
                Point point = CrashChild.point(random);
                truths.put(visit(live, point).id(), truth(point));
            }
            visits += TOGETHER;
            live.feedback(truths);
        }
        return visits;
    }

    static TrialReport report(Deployment<Point, Boolean, Double> live) {
        return live.trial().orElseThrow();
    }

    /** What was done of trials and of the champion, as the audit log tells it. */
    List<String> story() {
        AuditVerification verified =
                AuditVerification.of(home.resolve("audit"), factory.audit().publicKey(), Optional.empty(), entry -> {});
        assertThat(verified.problem()).isEmpty();
        return factory.audit("points").stream()
                .map(AuditEntry::event)
                .filter(event -> event.action().startsWith("trial-")
                        || event.action().equals("promoted")
                        || event.action().equals("rolled-back"))
                .map(event -> event.action() + " " + event.details().get("version"))
                .toList();
    }

    List<Event.Rejected> rejections() {
        return events.stream()
                .filter(Event.Rejected.class::isInstance)
                .map(Event.Rejected.class::cast)
                .toList();
    }

    JsonNode json(Path file) throws IOException {
        return new ObjectMapper().readTree(file.toFile());
    }
}
