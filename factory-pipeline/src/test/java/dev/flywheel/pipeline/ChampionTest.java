package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.audit.AuditLog;
import dev.flywheel.core.data.RecordType;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.energy.EnergyMeter;
import dev.flywheel.core.energy.Tariff;
import dev.flywheel.core.registry.Home;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChampionTest {

    private static final InstantSource CLOCK = InstantSource.fixed(Instant.parse("2026-01-31T12:00:00Z"));

    @TempDir
    Path directory;

    @Test
    void anApprovalThatComesWhileADeploymentStartsIsServed() throws Exception {
        Path csv = CrashTest.writePoints(directory.resolve("points.csv"), 200);
        Path root = directory.resolve("home");
        List<ApprovalRequest> asked = new ArrayList<>();
        Pipeline<Point, Boolean, Double> pipeline;
        try (Factory factory = Factory.open(root, Factory.options().clock(CLOCK).withoutTicks())) {
            factory.run(CrashChild.pipeline(csv));
            Approval rule = Approval.within(Duration.ofHours(1)).onAsked(Runnable::run, asked::add);
            pipeline = Pipeline.named("points")
                    .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                    .features(Features.auto(Point.class))
                    .train(Trainers.logistic())
                    .gate(Gate.atLeast(Metric.ROC_AUC, 0.5))
                    .respond(p -> p)
                    .approve(rule)
                    .build();
            factory.run(pipeline);
        }
        try (Home home = Home.open(root, CLOCK);
                AuditLog audit = AuditLog.open(home.audit(), CLOCK);
                Line line = Line.open(
                        home.pipeline("points"),
                        home.data(),
                        CLOCK,
                        null,
                        audit,
                        new Freeze(root, audit, CLOCK),
                        new EnergyLedger(EnergyMeter.of(List.of()), Tariff.unknown()))) {
            line.approvals().answer(asked.get(0).artifact(), Approvals.Status.GIVEN, "ann", "yes");
            Thread approver = new Thread(line::promoteApproved);
            Champion.Listener serving = (version, card) -> {
                if (approver.getState() == Thread.State.NEW) {
                    approver.start();
                    awaitHeldUpOrDone(approver);
                }
            };
            EventBus<Event> events = new EventBus<>("a test", Runnable::run, event -> false);
            RowType<Point> type = RecordType.of(Point.class);
            try (Champion<Point, Double> champion = new Champion<>(
                    line,
                    Inputs.ofChampion(pipeline, line, type),
                    pipeline.codec(type),
                    type.schema(),
                    (id, version, input, raw, at) -> {},
                    serving,
                    new Trial<>(pipeline, line, events),
                    events)) {
                approver.join();
                assertThat(line.champion().orElseThrow().number()).isEqualTo(2);
                assertThat(champion.version()).isEqualTo(2);
            }
        }
    }

    private static void awaitHeldUpOrDone(Thread thread) {
        while (thread.getState() != Thread.State.BLOCKED && thread.getState() != Thread.State.TERMINATED) {
            Thread.onSpinWait();
        }
    }
}
