package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a deployment decides about retraining, tells of it and remembers. */
class DecisionTest {

    private static final Instant START = Instant.parse("2004-01-01T00:00:00Z");

    @TempDir
    Path directory;

    private final AtomicReference<Instant> now = new AtomicReference<>(START);
    private Path home;
    private Path csv;
    private Path state;

    @BeforeEach
    void writePoints() throws IOException {
        home = directory.resolve("home");
        state = home.resolve("pipelines/points/triggers.json");
        csv = CrashTest.writePoints(directory.resolve("points.csv"), 200);
    }

    private Factory open() {
        return Factory.open(home, Factory.options().clock(now::get).withoutTicks());
    }

    private Pipeline<Point, Boolean, Double> pipeline(Retrain retrain, Gate gate) {
        return Pipeline.named("points")
                .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                .features(Features.auto(Point.class))
                .train(Trainers.logistic())
                .gate(gate)
                .respond(p -> p)
                .retrain(retrain)
                .build();
    }

    private static void feed(Deployment<Point, Boolean, Double> live, int count) {
        Random random = new Random(count);
        for (int i = 0; i < count; i++) {
            Point point = CrashChild.point(random);
            live.feedback(live.predict(point).id(), CrashChild.inside(point));
        }
    }

    @Test
    void everyDecisionIsToldOnceWithItsReasonAndRemembered() throws Exception {
        Retrain rules = Retrain.afterLabels(10).atMostEvery(Duration.ofHours(1));
        Pipeline<Point, Boolean, Double> pipeline = pipeline(rules, Gate.atLeast(Metric.ROC_AUC, 0.5));
        List<String> told;
        try (Factory factory = open();
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            LinkedBlockingQueue<String> heard = new LinkedBlockingQueue<>();
            live.onDecision(e -> heard.add(e.decision().sentence()));
            feed(live, 12);
            String held =
                    "did not retrain: 10 new labels since the last run, the rule is 10, but 1 h of the cooldown of"
                            + " 1 h are left";
            assertThat(live.decision())
                    .isEqualTo(new Decision(START, Decision.Outcome.HOLD, held.replace("10 new", "12 new")));
            now.set(START.plus(Duration.ofHours(1)));
            live.awaitRun();
            assertThat(live.version()).isEqualTo(2);
            live.tick();
            told = List.of(heard.take(), heard.take(), heard.take(), heard.take());
            assertThat(told)
                    .containsExactly(
                            "did not retrain: 1 of 10 new labels",
                            held,
                            "retrains: 12 new labels since the last run, the rule is 10",
                            "did not retrain: 0 of 10 new labels");
        }
        try (Factory factory = open();
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            assertThat(live.decisions()).extracting(Decision::sentence).containsExactlyElementsOf(told);
            feed(live, 3);
            assertThat(live.decision().sentence()).isEqualTo("did not retrain: 3 of 10 new labels");
        }
    }

    @Test
    void afterRefusalsInARowRetrainingPausesOverARestartUntilItIsResumed() {
        Gate impossible = Gate.atLeast(Metric.ROC_AUC, 0.999_999);
        try (Factory factory = open()) {
            assertThat(factory.run(pipeline(Retrain.never(), Gate.atLeast(Metric.ROC_AUC, 0.5)))
                            .outcome())
                    .isEqualTo(Run.Outcome.PROMOTED);
        }
        Pipeline<Point, Boolean, Double> pipeline =
                pipeline(Retrain.afterLabels(5).untilRefused(2), impossible);
        try (Factory factory = open();
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            for (int run = 0; run < 2; run++) {
                feed(live, 5);
                live.awaitRun();
            }
            assertThat(live.paused()).contains("2 runs in a row have brought no better model");
        }
        try (Factory factory = open();
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            feed(live, 5);
            assertThat(live.decision().sentence())
                    .isEqualTo("did not retrain: paused, 2 runs in a row have brought no better model; resume() or 95"
                            + " more labels start another");
            List<Event.RunFinished> runs = new ArrayList<>();
            live.resume();
            live.onRun(runs::add);
            live.awaitRun();
            assertThat(live.paused()).isEmpty();
            assertThat(live.decisions())
                    .extracting(Decision::sentence)
                    .contains("retrains: 5 new labels since the last run, the rule is 5");
        }
    }

    @Test
    void aDeploymentThatIsClosedWritesNothingOverTheNextOne() throws IOException {
        Pipeline<Point, Boolean, Double> pipeline =
                pipeline(Retrain.afterLabels(10), Gate.atLeast(Metric.ROC_AUC, 0.5));
        try (Factory factory = open()) {
            Deployment<Point, Boolean, Double> first = factory.start(pipeline);
            feed(first, 5);
            first.close();
            try (Deployment<Point, Boolean, Double> second = factory.start(pipeline)) {
                feed(second, 3);
                now.set(START.plus(Duration.ofMinutes(2)));
                second.tick();
                byte[] kept = Files.readAllBytes(state);
                first.tick(); // one that was on its way
                assertThat(state).hasBinaryContent(kept);
            }
        }
    }

    @Test
    void whatAnOlderReleaseKeptIsReadAndReplaced() throws IOException {
        Pipeline<Point, Boolean, Double> pipeline =
                pipeline(Retrain.afterLabels(10), Gate.atLeast(Metric.ROC_AUC, 0.5));
        try (Factory factory = open();
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            feed(live, 7);
        }
        Files.delete(state);
        Path mark = state.resolveSibling("labels");
        Files.writeString(mark, "4");
        try (Factory factory = open();
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            assertThat(live.decision().sentence()).isEqualTo("did not retrain: 3 of 10 new labels");
        }
        assertThat(mark).doesNotExist();
        assertThat(state).exists();
    }

    @Test
    void whatIsDamagedKeepsNobodyFromTheirPredictions() throws IOException {
        Pipeline<Point, Boolean, Double> pipeline =
                pipeline(Retrain.afterLabels(10), Gate.atLeast(Metric.ROC_AUC, 0.5));
        try (Factory factory = open();
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            feed(live, 7);
        }
        for (String damaged : List.of("", "{}", "null", "{\"format\": 99}", "not JSON")) {
            Files.writeString(state, damaged);
            try (Factory factory = open();
                    Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
                assertThat(live.decision().sentence()).as(damaged).isEqualTo("did not retrain: 0 of 10 new labels");
            }
        }
    }
}
