package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.flywheel.LabelReport;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LabelWatchTest {

    private static final Instant START = Instant.parse("2026-03-01T00:00:00Z");
    private static final Duration DAY = Duration.ofDays(1);
    private static final int EACH_DAY = 40;

    @TempDir
    Path directory;

    private final AtomicReference<Instant> now = new AtomicReference<>(START);
    private final Random random = new Random(5);
    private Path csv;

    @BeforeEach
    void writePoints() throws IOException {
        csv = CrashTest.writePoints(directory.resolve("points.csv"), 100);
    }

    private Factory open() {
        return Factory.open(
                directory.resolve("home"), Factory.options().clock(now::get).withoutTicks());
    }

    private Pipeline<Point, Boolean, Double> pipeline(String name) {
        return Pipeline.named(name)
                .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                .features(Features.auto(Point.class))
                .train(Trainers.logistic())
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.1))
                .respond(p -> p)
                .retrain(Retrain.never())
                .build();
    }

    /** The thread that trains has done all that it was given before. */
    private void barrier(Factory factory) {
        assertThat(factory.run(pipeline("other")).id()).isNotEmpty();
    }

    private Map<UUID, Boolean> predict(Deployment<Point, Boolean, Double> live) {
        Map<UUID, Boolean> outcomes = new HashMap<>();
        for (int i = 0; i < EACH_DAY; i++) {
            Point point = CrashChild.point(random);
            outcomes.put(live.predict(point).id(), CrashChild.inside(point));
        }
        return outcomes;
    }

    @Test
    void looksEveryHourAndAfterEachRun() {
        try (Factory factory = open();
                Deployment<Point, Boolean, Double> live = factory.start(pipeline("points"))) {
            live.feedback(predict(live));
            now.set(START.plus(Duration.ofMinutes(59)));
            live.tick();
            barrier(factory);
            assertThat(live.labels()).isEmpty();

            now.set(START.plus(Duration.ofMinutes(60)));
            live.tick();
            barrier(factory);
            LabelReport report = live.labels().orElseThrow();
            assertThat(report.asOf()).isEqualTo(now.get());
            assertThat(report.rate(Duration.ZERO)).isEqualTo(1);
            assertThat(report.delays()).isEqualTo(EACH_DAY);
            assertThat(report.fall()).isEmpty();

            now.set(START.plus(Duration.ofMinutes(61)));
            live.tick();
            barrier(factory);
            assertThat(live.labels()).contains(report);

            assertThat(live.retrain().join().outcome()).isNotEqualTo(Run.Outcome.FAILED);
            barrier(factory);
            assertThat(live.labels().orElseThrow().asOf()).isEqualTo(now.get());
        }
    }

    @Test
    void saysOnceThatLabelsHaveBecomeRare() throws Exception {
        BlockingQueue<Event.LabelsFell> told = new LinkedBlockingQueue<>();
        try (Factory factory = open();
                Deployment<Point, Boolean, Double> live = factory.start(pipeline("points"))) {
            live.onLabelsFell(told::add);
            Map<UUID, Boolean> yesterday = Map.of();
            for (int day = 0; day <= 12; day++) {
                now.set(START.plus(DAY.multipliedBy(day)));
                if (day <= 10) {
                    live.feedback(yesterday);
                }
                yesterday = predict(live);
                if (day == 10) {
                    live.tick();
                    barrier(factory);
                    assertThat(live.labels().orElseThrow().fall()).isEmpty();
                }
            }
            for (int look = 0; look < 2; look++) {
                now.set(START.plus(DAY.multipliedBy(12)).plus(Duration.ofHours(look + 1)));
                live.tick();
                barrier(factory);
            }
            LabelReport.Fall fall = told.take().fall();
            assertThat(fall).isEqualTo(new LabelReport.Fall(DAY, 0, 1));
            assertThat(fall.sentence())
                    .isEqualTo("labels have become rare: of the predictions that are 1 d old or a little older 0.0%"
                            + " have an outcome, of older ones 100.0%");
            assertThat(live.labels().orElseThrow().fall()).contains(fall);
        }
        assertThat(told).isEmpty();
    }
}
