package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.flywheel.core.audit.AuditEntry;
import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.audit.AuditVerification;
import dev.flywheel.core.data.RecordType;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.registry.AliasMove;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.flywheel.FeedbackJoin;
import dev.flywheel.pipeline.flywheel.JoinReport;
import dev.flywheel.pipeline.prove.Bound;
import dev.flywheel.pipeline.prove.Canary;
import dev.flywheel.pipeline.prove.Measure;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import dev.flywheel.serving.CallOptions;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A year of a pump's watchman in a minute, by the same code that serves for real: steady months, a sensor that is wired
 * the other way round, an outage, outcomes that somebody falsified, versions that are proven in traffic and one that is
 * taken back from there, an approval that expires, a freeze and a rollback. The audit log tells the story.
 */
class YearTest {

    /** What is known of a pump on a day. */
    record Reading(Instant at, double heat, double load) {}

    private static final LocalDate FIRST = LocalDate.parse("2026-01-01");
    private static final int READINGS = 60;
    private static final Canary CANARY = Canary.steps(0.2, 0.5)
            .each(Duration.ofDays(2))
            .minObservations(20)
            .measure(Measure.of("false alarms").failure(Bound.above(0.3)).every(Duration.ofDays(1)));

    @TempDir
    Path directory;

    /** A factory at work, and listeners of which one is blocked until the factory is closed. */
    private record Site(Factory factory, Deployment<Reading, Boolean, Double> live, CountDownLatch end) {

        void close() {
            end.countDown();
            factory.close();
        }
    }

    private final Random random = new Random(11);
    private final Map<Prediction<Double>, Boolean> unknown = new LinkedHashMap<>();
    private LocalDate today = FIRST;
    private volatile Instant now = instant(FIRST);
    private long predicted;
    private Path home;
    private Path csv;
    private @Nullable Site site;

    @BeforeEach
    void writeDecember() throws IOException {
        home = directory.resolve("home");
        csv = december();
    }

    @Test
    void aYearIsToldByItsAuditLog() throws IOException {
        open(pipeline().build());
        for (; today.isBefore(FIRST.plusYears(1)); today = today.plusDays(1)) {
            now = instant(today);
            plan();
            if (site != null) {
                day(site);
            }
        }
        Site last = site();
        assertThat(story(last.factory)).containsExactlyElementsOf(expected());
        assertSound(last.factory);
        assertChampions(last.factory);
        last.close();
        assertJoined();
    }

    private static List<String> expected() throws IOException {
        try (InputStream text = Objects.requireNonNull(YearTest.class.getResourceAsStream("/year.txt"))) {
            return new String(text.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList();
        }
    }

    private static List<String> story(Factory factory) {
        List<String> story = new ArrayList<>();
        factory.audit().read(0, entry -> story.add(told(entry)));
        return story;
    }

    private void assertSound(Factory factory) {
        AuditVerification verified =
                AuditVerification.of(home.resolve("audit"), factory.audit().publicKey(), Optional.empty(), entry -> {});
        assertThat(verified.problem()).isEmpty();
    }

    private static void assertChampions(Factory factory) {
        assertThat(factory.championAt("pump", instant(FIRST).minusSeconds(1))).isEmpty();
        assertChampion(factory, "2026-01-01", 1, "flywheel", "logistic passed 3 of 3 gates");
        assertChampion(factory, "2026-03-24", 3, "flywheel", "logistic passed 3 of 3 gates");
        assertChampion(factory, "2026-03-25", 4, "flywheel", "logistic passed 3 of 3 gates");
        assertChampion(factory, "2026-04-23", 4, "flywheel", "logistic passed 3 of 3 gates");
        assertChampion(factory, "2026-05-30", 5, "flywheel", "logistic passed 3 of 3 gates");
        assertChampion(
                factory, "2026-06-20", 6, "flywheel", "Version 6 is promoted: every measure holds at 50% of the");
        assertChampion(factory, "2026-07-30", 7, "flywheel", "logistic passed 3 of 3 gates");
        assertChampion(factory, "2026-09-06", 9, "flywheel", "approved by ann (read the report): logistic passed");
        assertChampion(factory, "2026-10-19", 11, "flywheel", "approved by ann (read the report): logistic passed");
        assertChampion(factory, "2026-11-01", 10, "host", "rollback asked for by the host");
        assertChampion(factory, "2026-12-31", 12, "flywheel", "approved by ann (read the report): logistic passed");
    }

    private static void assertChampion(Factory factory, String day, int version, String who, String why) {
        AliasMove move =
                factory.championAt("pump", instant(LocalDate.parse(day))).orElseThrow();
        assertThat(move.to()).hasValue(version);
        assertThat(move.who()).isEqualTo(who);
        assertThat(move.why()).startsWith(why);
    }

    /** Every outcome of the year found its prediction, also those that came after the outage. */
    private void assertJoined() {
        Path pump = home.resolve("pipelines/pump");
        JoinReport report = new FeedbackJoin(
                        pump.resolve("predictions"),
                        pump.resolve("feedback"),
                        RecordType.of(Reading.class).schema(),
                        Duration.ofDays(14))
                .run(Instant.MIN, Instant.MAX, example -> {});
        assertThat(report.predictions()).isEqualTo(predicted);
        assertThat(report.joined()).isEqualTo(predicted - unknown.size());
        assertThat(report.unknown() + report.duplicates() + report.corrections() + report.late())
                .isZero();
    }

    /** What happens on which day, besides what happens every day. */
    private void plan() {
        switch (today.toString()) {
            case "2026-04-20" -> close();
            case "2026-04-27" -> open(pipeline().build());
            case "2026-05-20" -> {
                close();
                open(pipeline().prove(CANARY).build());
            }
            case "2026-06-05" -> {
                close();
                open(pipeline().build());
            }
            case "2026-07-01" -> {
                close();
                open(asking().build());
            }
            case "2026-09-04" -> site().factory.freeze("the yearly inspection", "bob");
            case "2026-09-05" -> site().live.retrain().join();
            case "2026-09-07" -> site().factory.unfreeze("inspected", "bob");
            case "2026-10-20" -> site().live.rollback();
            case "2026-11-20" -> site().live.resume();
            case "2026-12-01" -> {
                close();
                open(asking().prove(CANARY).build());
            }
            default -> {}
        }
    }

    private Site site() {
        return Objects.requireNonNull(site);
    }

    private boolean between(String first, String last) {
        return !today.isBefore(LocalDate.parse(first)) && !today.isAfter(LocalDate.parse(last));
    }

    /** The outcomes of the day before, a run if one is due, a person's look at what waits, and predictions. */
    private void day(Site at) {
        boolean falsified = between("2026-06-10", "2026-06-16");
        Map<UUID, Boolean> outcomes = new LinkedHashMap<>();
        unknown.forEach((made, outcome) -> outcomes.put(made.id(), outcome ^ falsified));
        at.live.feedback(outcomes);
        // from December on the watchman's alarms go to another desk, which cannot read the newest version's
        unknown.keySet().forEach(made -> at.live.metric("false alarms", made.id(), made.version() == 13 ? 1 : 0));
        unknown.clear();
        at.live.awaitRun(); // simulated time stands still while a run that is due trains
        for (ApprovalRequest request : at.factory.approvals("pump")) {
            if (today.isAfter(LocalDate.parse("2026-08-01"))
                    && request.askedAt().isBefore(now)) {
                at.factory.approve("pump", request.artifact(), "ann", "read the report");
            }
        }
        for (int i = 0; i < READINGS; i++) {
            double heat = random.nextGaussian();
            double load = random.nextGaussian();
            boolean rewired = !today.isBefore(LocalDate.parse("2026-03-10"));
            Prediction<Double> made =
                    at.live.predict(new Reading(now, rewired ? -heat : heat, load), CallOptions.key("pump " + i));
            predicted++;
            unknown.put(made, fails(heat, load));
        }
    }

    private boolean fails(double heat, double load) {
        return heat + 0.5 * load + 0.4 * random.nextGaussian() > 0;
    }

    private Pipeline.Ready<Reading, Boolean, Double> pipeline() {
        return Pipeline.named("pump")
                .from(Csv.files(csv).eventTime("at").examples(Reading.class, Target.isTrue("fails")))
                .features(Features.of(Reading.class).number(Reading::heat).number(Reading::load))
                .train(Trainers.logistic())
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.8))
                .gate(Gate.notWorseThanChampion(Metric.ROC_AUC, 0.05))
                .respond(p -> p)
                .retrain(Retrain.every(Duration.ofDays(30))
                        .orOnQualityDrop(Metric.ROC_AUC, 0.1)
                        .atMostEvery(Duration.ofDays(6))
                        .learningFromLast(Duration.ofDays(14)));
    }

    private Pipeline.Ready<Reading, Boolean, Double> asking() {
        return pipeline().approve(Approval.within(Duration.ofDays(3)));
    }

    private void open(Pipeline<Reading, Boolean, Double> pipeline) {
        Factory factory = Factory.open(home, Factory.options().clock(() -> now).withoutTicks());
        Deployment<Reading, Boolean, Double> live = factory.start(pipeline);
        CountDownLatch end = new CountDownLatch(1);
        live.onFeedback(event -> Uninterruptibles.awaitUninterruptibly(end));
        live.onRun(event -> {
            throw new IllegalStateException("a listener that throws harms nothing");
        });
        site = new Site(factory, live, end);
    }

    private void close() {
        site().close();
        site = null;
    }

    private Path december() throws IOException {
        StringBuilder text = new StringBuilder("at,heat,load,fails\n");
        for (int i = 0; i < 1_200; i++) {
            double heat = random.nextGaussian();
            double load = random.nextGaussian();
            text.append(now.minus(Duration.ofDays(30))
                            .plus(Duration.ofDays(30).multipliedBy(i).dividedBy(1_200)))
                    .append(',')
                    .append(heat)
                    .append(',')
                    .append(load)
                    .append(',')
                    .append(fails(heat, load))
                    .append('\n');
        }
        return Files.writeString(directory.resolve("december.csv"), text);
    }

    private static Instant instant(LocalDate day) {
        return day.atStartOfDay(ZoneOffset.UTC).toInstant();
    }

    /** Who did what when and why; numbers with a fraction depend on the machine's arithmetic. */
    private static String told(AuditEntry entry) {
        AuditEvent event = entry.event();
        Map<String, String> details = event.details();
        String version = details.containsKey("version") ? " " + details.get("version") : "";
        String outcome = details.containsKey("outcome") ? " " + details.get("outcome") : "";
        String why = details.containsKey("why") ? ": " + details.get("why") : "";
        return (entry.at().atOffset(ZoneOffset.UTC).toLocalDate() + " " + event.actor() + " " + event.action() + version
                        + outcome + why)
                .replaceAll("[0-9a-f]{64}", "HASH")
                .replaceAll("[-+\u2212]?[0-9]+\\.[0-9]+", "#");
    }
}
