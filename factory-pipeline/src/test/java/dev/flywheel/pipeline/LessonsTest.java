package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.TrainingException;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.evaluate.RunReport;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.flywheel.Feedback;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Source;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainer;
import dev.flywheel.pipeline.train.Trainers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which examples a run learns from, and what becomes of its candidates. */
class LessonsTest {

    record Reading(Instant at, double x, String colour) {}

    private static final Instant START = Instant.parse("2004-01-01T00:00:00Z");
    private static final Duration DAY = Duration.ofDays(1);
    private static final int DAYS = 100;
    private static final Instant NOW = START.plus(DAY.multipliedBy(DAYS));

    @TempDir
    Path directory;

    private Path csv;
    private Path home;

    /** Four readings a day for a hundred days. */
    @BeforeEach
    void writeReadings() throws IOException {
        home = directory.resolve("home");
        Random random = new Random(3);
        StringBuilder text = new StringBuilder("at,x,colour,inside\n");
        for (int i = 0; i < 4 * DAYS; i++) {
            Point point = CrashChild.point(random);
            text.append(START.plus(DAY.multipliedBy(i).dividedBy(4)))
                    .append(',')
                    .append(point.x());
            text.append(",red,").append(CrashChild.inside(point)).append('\n');
        }
        csv = Files.writeString(directory.resolve("readings.csv"), text);
    }

    private Source<Reading, Boolean> timed() {
        return Csv.files(csv).eventTime("at").examples(Reading.class, Target.isTrue("inside"));
    }

    private Source<Reading, Boolean> untimed() {
        return Csv.files(csv).examples(Reading.class, Target.isTrue("inside"));
    }

    private static Pipeline<Reading, Boolean, Double> pipeline(
            Source<Reading, Boolean> source, Retrain retrain, Trainer... trainers) {
        return Pipeline.named("readings")
                .from(source)
                .features(Features.of(Reading.class).number(Reading::x))
                .train(trainers.length == 0 ? new Trainer[] {Trainers.logistic()} : trainers)
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.5))
                .respond(p -> p)
                .retrain(retrain)
                .build();
    }

    private Factory open() {
        return Factory.open(home, Factory.options().clock(() -> NOW).withoutTicks());
    }

    private static void feed(Deployment<Reading, Boolean, Double> live, Instant at, int count) {
        Random random = new Random(count);
        for (int i = 0; i < count; i++) {
            Point point = CrashChild.point(random);
            live.feedback(live.predict(new Reading(at, point.x(), "red")).id(), CrashChild.inside(point));
        }
    }

    private static RunReport report(Run run) throws IOException {
        Path file = run.report().resolveSibling("run.json");
        return RunReport.read(Files.readAllBytes(file), file.toString());
    }

    /** Makes a run on 20 outcomes of now; returns what its card says. */
    private ModelCard learned(Retrain retrain, @Nullable Instant drift) throws IOException {
        Pipeline<Reading, Boolean, Double> pipeline = pipeline(timed(), retrain);
        try (Factory factory = open()) {
            try (Deployment<Reading, Boolean, Double> live = factory.start(pipeline)) {
                feed(live, NOW, 20);
            }
        }
        if (drift != null) {
            Path state = home.resolve("pipelines/readings/triggers.json");
            String text = Files.readString(state);
            assertThat(text).contains("\"lastDrift\" : null");
            Files.writeString(state, text.replace("\"lastDrift\" : null", "\"lastDrift\" : \"" + drift + "\""));
        }
        try (Factory factory = open();
                Deployment<Reading, Boolean, Double> live = factory.start(pipeline)) {
            Run run = live.retrain().join();
            assertThat(run.outcome()).as(run.reason()).isEqualTo(Run.Outcome.PROMOTED);
            ModelCard card = factory.versions("readings").get(1).card();
            assertThat(card.environment()).containsAllEntriesOf(Map.of("learned to time", NOW.toString()));
            assertThat(report(run).lineage().environment()).isEqualTo(card.environment());
            assertThat(card.datasetHashes()).hasSize(3);
            return card;
        }
    }

    private static void assertSelection(ModelCard card, String window, String from, int source, int feedback) {
        assertThat(card.environment())
                .containsEntry("learned from", window)
                .containsEntry("learned from time", from)
                .containsEntry("learned from source", Integer.toString(source))
                .containsEntry("learned from feedback", Integer.toString(feedback));
        assertThat(card.trainRows() + card.testRows()).isEqualTo(source + feedback);
    }

    @Test
    void aRunLearnsFromAllHistoryUnlessToldOtherwise() throws IOException {
        assertSelection(learned(Retrain.never(), null), "all history", "the beginning", 400, 20);
    }

    @Test
    void aWindowSlides() throws IOException {
        Instant from = NOW.minus(DAY.multipliedBy(10));
        assertSelection(
                learned(Retrain.never().learningFromLast(Duration.ofDays(10)), null),
                "the last 10 d",
                from.toString(),
                40,
                20);
    }

    @Test
    void aRunLearnsFromTheLastDriftOn() throws IOException {
        Instant drift = NOW.minus(DAY.multipliedBy(5));
        assertSelection(
                learned(Retrain.never().learningFromLastDrift(30), drift),
                "the last drift on, but at least 30 examples",
                drift.toString(),
                20,
                20);
    }

    @Test
    void aDriftOfYesterdayIsNotEnoughToLearnFrom() throws IOException {
        Instant drift = NOW.minus(DAY);
        Instant enough = NOW.minus(DAY.multipliedBy(20));
        assertSelection(
                learned(Retrain.never().learningFromLastDrift(100), drift),
                "the last drift on, but at least 100 examples",
                enough.toString(),
                80,
                20);
    }

    @Test
    void withoutADriftARunLearnsFromAllHistory() throws IOException {
        assertSelection(
                learned(Retrain.never().learningFromLastDrift(100), null),
                "the last drift on, but at least 100 examples",
                "the beginning",
                400,
                20);
    }

    @Test
    void oldExamplesWeighLess() throws IOException {
        AtomicReference<double[]> weights = new AtomicReference<>();
        Trainer spy = new HookedTrainer(matrix -> weights.set(matrix.weights()));
        Duration halfLife = Duration.ofDays(10);
        try (Factory factory = open()) {
            Run run = factory.run(pipeline(timed(), Retrain.never().learningWithHalfLife(halfLife), spy));
            assertThat(run.outcome()).as(run.reason()).isEqualTo(Run.Outcome.PROMOTED);
            assertThat(report(run).lineage().environment())
                    .containsEntry(
                            "weights", "half after 10 d: 320 training examples tell as much as 115 of the same age");
        }
        double[] found = Optional.ofNullable(weights.get()).orElseThrow();
        assertThat(found).hasSize(320);
        for (int i = 0; i < found.length; i++) {
            assertThat(found[i]).isCloseTo(Math.pow(0.5, (319 - i) / 40.0), within(1e-12));
        }
    }

    /** Gives feedback on predictions of a time before all examples, so that it is learned from, and learns from it. */
    private double[] weightsWith(Retrain retrain, List<Feedback<Boolean>> feedback, Map<String, String> facts)
            throws IOException {
        AtomicReference<double[]> weights = new AtomicReference<>();
        Trainer spy = new HookedTrainer(matrix -> weights.set(matrix.weights()));
        Pipeline<Reading, Boolean, Double> pipeline = pipeline(timed(), retrain, spy);
        Instant before = START.minus(DAY);
        try (Factory factory =
                        Factory.open(home, Factory.options().clock(() -> before).withoutTicks());
                Deployment<Reading, Boolean, Double> live = factory.start(pipeline)) {
            for (Feedback<Boolean> one : feedback) {
                live.feedback(live.predict(new Reading(before, 0.5, "red")).id(), one);
            }
        }
        try (Factory factory = open();
                Deployment<Reading, Boolean, Double> live = factory.start(pipeline)) {
            Run run = live.retrain().join();
            assertThat(run.outcome()).as(run.reason()).isEqualTo(Run.Outcome.PROMOTED);
            assertThat(report(run).lineage().environment()).containsAllEntriesOf(facts);
        }
        return Optional.ofNullable(weights.get()).orElseThrow();
    }

    @Test
    void twiceHalfTheCreditIsOneExample() throws IOException {
        List<Feedback<Boolean>> given = List.of(
                Feedback.partial(true, 0.5),
                Feedback.label(true),
                Feedback.partial(false, 0),
                Feedback.partial(true, 0.5),
                Feedback.partial(false, 0.25));
        double[] weights = weightsWith(
                Retrain.never(),
                given,
                Map.of(
                        "credit", "partial for 3 of 323 training examples, which count as 321.3 whole ones",
                        "learned from feedback", "4",
                        "note",
                                "400 examples from the source and 4 of 5 predictions whose outcome is known."
                                        + " 1 predictions with an outcome were left out: it has weight 0."));
        assertThat(weights).hasSize(323);
        assertThat(Arrays.copyOfRange(weights, 0, 319)).containsOnly(1);
        assertThat(Arrays.copyOfRange(weights, 319, 323)).containsExactly(0.5, 1, 0.5, 0.25);
    }

    @Test
    void creditAndAgeWeighTogether() throws IOException {
        double[] weights = weightsWith(
                Retrain.never().learningWithHalfLife(DAY.multipliedBy(50)),
                List.of(Feedback.label(true), Feedback.partial(true, 0.5)),
                Map.of("credit", "partial for 1 of 322 training examples, which count as 321.5 whole ones"));
        assertThat(weights).hasSize(322);
        assertThat(weights[320]).isLessThan(0.4);
        assertThat(weights[321]).isEqualTo(weights[320] / 2);
    }

    @Test
    void wholeFeedbackNeedsNoWeights() throws IOException {
        double[] weights = weightsWith(Retrain.never(), List.of(Feedback.label(true)), Map.of());
        assertThat(weights).hasSize(321).containsOnly(1);
    }

    @Test
    void weighingByAgeNeedsAnEventTime() {
        try (Factory factory = open()) {
            Run run = factory.run(pipeline(untimed(), Retrain.never().learningWithHalfLife(DAY)));
            assertThat(run.outcome()).isEqualTo(Run.Outcome.FAILED);
            assertThat(run.reason())
                    .isEqualTo("pipeline \"readings\" cannot learn from examples that weigh by their age: the source"
                            + " tells no event time. Fix: name its column with eventTime(...), or let all examples count"
                            + " alike.");
        }
    }

    @Test
    void oneCandidateGoesOnFromTheChampionBesideAFreshOne() throws IOException {
        Trainer warm = Trainers.mlp(4).epochs(30).warmStart();
        Pipeline<Reading, Boolean, Double> pipeline =
                pipeline(timed(), Retrain.never(), Trainers.mlp(3).epochs(1), warm);
        try (Factory factory = open()) {
            factory.run(pipeline(timed(), Retrain.never(), warm));
            assertThat(factory.versions("readings").get(0).card().candidate()).isEqualTo(warm.describe());
        }
        try (Factory factory = open();
                Deployment<Reading, Boolean, Double> live = factory.start(pipeline)) {
            feed(live, NOW, 20);
            Run run = live.retrain().join();
            assertThat(run.outcome()).as(run.reason()).isEqualTo(Run.Outcome.PROMOTED);
            RunReport.Models models = report(run).models();
            assertThat(models.candidates()).hasSize(3).allMatch(c -> c.problem().isEmpty());
            assertThat(models.candidates())
                    .extracting(candidate -> candidate.settings().getOrDefault("going on from", "nothing"))
                    .containsExactly("nothing", "nothing", "version 1");
            List<String> names = List.of(
                    Trainers.mlp(3).epochs(1).describe(),
                    warm.describe(),
                    warm.describe() + ", going on from version 1");
            assertThat(run.candidate()).isEqualTo(names.get(models.winner().orElseThrow()));
            ModelVersion second = factory.versions("readings").get(1);
            assertThat(second.card().candidate()).isEqualTo(run.candidate());
            assertThat(Files.exists(second.artifact().directory().resolve("continue.f32")))
                    .isEqualTo(run.candidate().startsWith(warm.describe()));
        }
    }

    @Test
    void aCandidateThatFailsLeavesTheChoiceToTheOthers() throws IOException {
        List<String> trained = new ArrayList<>();
        Trainer broken = new HookedTrainer(matrix -> {
            throw new TrainingException("this candidate", "it was made to fail", "leave it out");
        });
        Trainer bug = new HookedTrainer(matrix -> {
            throw new AssertionError("a bug");
        });
        Trainer whole = new HookedTrainer(matrix -> trained.add("whole"));
        try (Factory factory = open()) {
            Run run = factory.run(pipeline(timed(), Retrain.never(), broken, bug, whole, Trainers.logistic()));
            assertThat(run.outcome()).as(run.reason()).isEqualTo(Run.Outcome.PROMOTED);
            assertThat(trained).as("to be compared, and on all training rows").hasSize(2);
            RunReport.Models models = report(run).models();
            assertThat(models.task()).isEqualTo(Task.BINARY);
            assertThat(models.candidates())
                    .extracting(RunReport.Candidate::problem)
                    .containsExactly(
                            "this candidate: it was made to fail. Fix: leave it out.",
                            "java.lang.AssertionError: a bug",
                            "",
                            "");
            assertThat(models.winner()).hasValue(2);
            assertThat(run.candidate()).isEqualTo("hooked()");
            assertThat(run.report()).content().contains("it was made to fail");
        }
    }

    @Test
    void whereEveryCandidateFailsTheRunDoes() {
        Trainer broken = new HookedTrainer(matrix -> {
            throw new TrainingException("this candidate", "it was made to fail", "leave it out");
        });
        try (Factory factory = open()) {
            Run run = factory.run(pipeline(timed(), Retrain.never(), broken, broken));
            assertThat(run.outcome()).isEqualTo(Run.Outcome.FAILED);
            assertThat(run.reason()).isEqualTo("this candidate: it was made to fail. Fix: leave it out.");
        }
    }
}
