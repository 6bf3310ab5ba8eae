package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.data.RecordType;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.check.Check;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.flywheel.Feedback;
import dev.flywheel.pipeline.flywheel.FeedbackJoin;
import dev.flywheel.pipeline.flywheel.JoinReport;
import dev.flywheel.pipeline.flywheel.Logging;
import dev.flywheel.pipeline.flywheel.Logging.Durability;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PipelineLoggingTest {

    @TempDir
    Path directory;

    private Path csv;

    @BeforeEach
    void writePoints() throws IOException {
        csv = CrashTest.writePoints(directory.resolve("points.csv"), 200);
    }

    private Pipeline.Ready<Point, Boolean, Double> ready(Features<Point> features, Check... checks) {
        Pipeline.Sourced<Point, Boolean> sourced =
                Pipeline.named("points").from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")));
        for (Check check : checks) {
            sourced = sourced.check(check);
        }
        return sourced.features(features)
                .train(Trainers.logistic())
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.5))
                .respond(p -> p);
    }

    private static Features<Point> withoutY() {
        return Features.of(Point.class).number(Point::x).category(Point::colour);
    }

    @Test
    void loggingIsAnOptionLikeOthers() {
        Pipeline.Ready<Point, Boolean, Double> ready = ready(Features.auto(Point.class));
        Logging<Point> tenth = Logging.of(Point.class).sample(0.1);

        assertThat(ready.log(tenth).build().describe()).endsWith("log a share of 0.1");
        assertThat(ready.log(Logging.of(Point.class)).build().hash())
                .as("the default is no other definition")
                .isEqualTo(ready.build().hash());
        assertThatThrownBy(() -> ready.log(tenth).log(Logging.everything()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("option log was already set to a share of 0.1");
    }

    @Test
    void whatARunLearnsFromMustBeLogged() {
        Logging<Point> part = Logging.of(Point.class).only(Point::x);
        assertThatThrownBy(() -> ready(withoutY()).log(part).build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "the features of pipeline \"points\" need colour, which everything, only x does not log as it"
                                + " is, so no run could learn from feedback. Fix: log it, leave it out, or say"
                                + " durability(NONE).");
        assertThatThrownBy(() -> ready(Features.auto(Point.class))
                        .log(Logging.of(Point.class).hashed(Point::colour, new byte[16]))
                        .build())
                .hasMessageStartingWith("the features of pipeline \"points\" need colour, which");
        assertThatThrownBy(() -> ready(
                                Features.of(Point.class).number(Point::x),
                                Check.column("y").notNull())
                        .log(part)
                        .build())
                .hasMessageStartingWith("the checks of pipeline \"points\" need y, which");
        assertThatThrownBy(() -> ready(withoutY())
                        .log(Logging.of(Point.class).durability(Durability.NONE))
                        .retrain(Retrain.afterLabels(10))
                        .build())
                .hasMessageStartingWith("retrain \"")
                .hasMessageEndingWith(" of pipeline \"points\" learns from logged predictions, and durability is NONE,"
                        + " which logs none. Fix: leave retrain(...) out, or log with another durability.");
        assertThat(ready(withoutY())
                        .log(Logging.of(Point.class).durability(Durability.NONE))
                        .build()
                        .describe())
                .endsWith("log nothing");
    }

    @Test
    void aRunLearnsThoughColumnsThatItDoesNotNeedAreNotLogged() throws Exception {
        Pipeline<Point, Boolean, Double> pipeline = ready(withoutY())
                .log(Logging.of(Point.class).only(Point::x, Point::colour))
                .build();
        Random random = new Random(3);
        try (Factory factory = Factory.open(directory.resolve("home"));
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            Map<UUID, Boolean> outcomes = new HashMap<>();
            for (int i = 0; i < 40; i++) {
                Point point = CrashChild.point(random);
                outcomes.put(live.predict(point).id(), CrashChild.inside(point));
            }
            live.feedback(outcomes);
            Run run = live.retrain().join();
            assertThat(run.outcome()).isEqualTo(Run.Outcome.PROMOTED);
            assertThat(Files.readString(run.report())).contains("40 of 40 predictions whose outcome is known");
            assertThat(Files.readString(run.report())).doesNotContain("were left out");
        }
    }

    @Test
    void anAcknowledgedPredictionIsOnTheDiskWhenTheCallerHasIt() throws Exception {
        Pipeline<Point, Boolean, Double> pipeline = ready(Features.auto(Point.class))
                .log(Logging.of(Point.class).durability(Durability.ACKNOWLEDGED))
                .build();
        Path home = directory.resolve("home");
        Random random = new Random(3);
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            Set<UUID> made = new HashSet<>();
            made.add(live.predict(CrashChild.point(random)).id());
            assertThat(logged(home)).isEqualTo(made);
            made.add(live.predictAsync(CrashChild.point(random)).get().id());
            assertThat(logged(home)).isEqualTo(made);
            live.predictAll(List.of(CrashChild.point(random), CrashChild.point(random))).stream()
                    .map(Prediction::id)
                    .forEach(made::add);
            assertThat(logged(home)).isEqualTo(made);
        }
    }

    @Test
    void takesFeedbackOfAnyKind() {
        Pipeline<Point, Boolean, Double> pipeline =
                ready(Features.auto(Point.class)).build();
        Path home = directory.resolve("home");
        List<String> found = new ArrayList<>();
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            UUID id = live.predict(new Point(1, 1, "red")).id();
            live.feedback(id, Feedback.correction(true));
            live.feedback(id, false);
            live.feedback(id, Feedback.satisfaction(4));
            JoinReport report = join(home)
                    .run(Instant.MIN, Instant.MAX, example -> found.add(example.id() + " " + example.label()));
            assertThat(found).containsExactly(id + " 1.0");
            assertThat(report.satisfaction()).isEqualTo(4);
        }
    }

    private static FeedbackJoin join(Path home) {
        Path place = home.resolve("pipelines/points");
        return new FeedbackJoin(
                place.resolve("predictions"),
                place.resolve("feedback"),
                RecordType.of(Point.class).schema(),
                Duration.ofDays(1));
    }

    private static Set<UUID> logged(Path home) {
        Set<UUID> ids = new HashSet<>();
        join(home).run(Instant.MIN, Instant.MAX, new FeedbackJoin.Receiver() {
            @Override
            public void joined(FeedbackJoin.Joined example) {
                throw new IllegalStateException("nothing has an outcome");
            }

            @Override
            public void never(UUID id) {
                ids.add(id);
            }
        });
        return ids;
    }
}
