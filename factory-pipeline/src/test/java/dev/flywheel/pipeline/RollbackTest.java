package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.registry.AliasMove;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The champion, the alias and the endpoint agree, whatever is damaged. */
class RollbackTest {

    private static final Point POINT = new Point(2, 1, "red");

    @TempDir
    Path directory;

    private Path home;
    private Pipeline<Point, Boolean, Double> pipeline;

    @BeforeEach
    void writePoints() throws IOException {
        home = directory.resolve("home");
        pipeline = CrashChild.pipeline(CrashTest.writePoints(directory.resolve("points.csv"), 200));
    }

    private static void promote(Deployment<Point, Boolean, Double> live, int version) {
        assertThat(live.retrain().join().outcome()).isEqualTo(Run.Outcome.PROMOTED);
        assertThat(live.version()).isEqualTo(version);
    }

    private Path file(int version, String name) {
        return home.resolve("pipelines/points/versions/" + version + "/" + name);
    }

    private static void flipOneBit(Path file) {
        try {
            byte[] bytes = Files.readAllBytes(file);
            bytes[bytes.length / 2] ^= 1;
            Files.write(file, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<Integer> champions(Factory factory) {
        return factory.history("points").stream()
                .map(AliasMove::to)
                .map(OptionalInt::orElseThrow)
                .toList();
    }

    @Test
    void passesOverADamagedVersion() {
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            promote(live, 2);
            promote(live, 3);
            flipOneBit(file(2, "model.onnx"));
            assertThat(live.rollback()).isEqualTo(1);
            assertThat(live.predict(POINT).version()).isEqualTo(1);
            assertThat(live.paused())
                    .hasValueSatisfying(why -> assertThat(why).startsWith("rolled back from version 3"));
        }
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            assertThat(live.version()).isEqualTo(1);
            assertThat(live.paused()).isPresent();
        }
    }

    @Test
    void changesNothingIfNoVersionBeforeIsWhole() {
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            promote(live, 2);
            flipOneBit(file(1, "model.onnx"));
            assertThatThrownBy(live::rollback)
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageStartingWith("artifact " + file(1, "") + ": file \"model.onnx\" is damaged: expected ");
            assertThat(live.predict(POINT).version()).isEqualTo(2);
            assertThat(live.paused()).isEmpty();
            assertThat(champions(factory)).containsExactly(1, 2);
        }
    }

    @Test
    void isRefusedWithoutAPauseIfThereIsNoVersionBefore() {
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            assertThatThrownBy(live::rollback)
                    .isInstanceOf(StoreException.class)
                    .hasMessage(
                            "rolling back alias \"champion\" of pipeline points: it names version 1 and named no other"
                                    + " before. Fix: move it to one of the versions [1].");
            assertThat(live.paused()).isEmpty();
        }
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            assertThat(live.paused()).isEmpty();
        }
    }

    @Test
    void aChampionWithADamagedCardGivesWayToTheOneBefore() {
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            promote(live, 2);
        }
        flipOneBit(file(2, "card.json"));
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            assertThat(live.predict(POINT).version()).isEqualTo(1);
            assertThatThrownBy(live::rollback).hasMessageContaining("it names version 1 and named no other before");
        }
    }

    @Test
    void aDamagedChampionDoesNotGiveWayToWhatTheHostRolledBackFrom() {
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            promote(live, 2);
            promote(live, 3);
            assertThat(live.rollback()).isEqualTo(2);
        }
        flipOneBit(file(2, "model.onnx"));
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            assertThat(live.predict(POINT).version()).isEqualTo(1);
            assertThat(champions(factory)).containsExactly(1, 2, 3, 2, 1);
        }
    }

    @Test
    void nothingIsMovedIfNoChampionIsWhole() {
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            promote(live, 2);
        }
        flipOneBit(file(1, "model.onnx"));
        flipOneBit(file(2, "model.onnx"));
        try (Factory factory = Factory.open(home)) {
            assertThatThrownBy(() -> factory.start(pipeline))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageStartingWith("artifact " + file(2, "") + ": file \"model.onnx\" is damaged");
            assertThat(champions(factory)).containsExactly(1, 2);
        }
        flipOneBit(file(2, "model.onnx"));
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            assertThat(live.version()).isEqualTo(2);
        }
    }

    @Test
    void aCandidateThatIsDamagedBeforeItServesLeavesTheChampionAtWork() {
        AtomicBoolean damaged = new AtomicBoolean();
        // the registry looks at its clock between moving the version into place and moving the alias
        InstantSource clock = () -> {
            if (Files.exists(file(2, "model.onnx")) && damaged.compareAndSet(false, true)) {
                flipOneBit(file(2, "model.onnx"));
            }
            return Instant.now();
        };
        try (Factory factory = Factory.open(home, Factory.options().clock(clock));
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            Run run = live.retrain().join();
            assertThat(damaged).isTrue();
            assertThat(run.outcome()).isEqualTo(Run.Outcome.FAILED);
            assertThat(run.reason())
                    .startsWith("artifact " + file(2, "") + ": file \"model.onnx\" is damaged: expected ");
            assertThat(live.predict(POINT).version()).isEqualTo(1);
            assertThat(champions(factory)).containsExactly(1, 2, 1);
            assertThatThrownBy(live::rollback).hasMessageContaining("it names version 1 and named no other before");
            promote(live, 3);
        }
    }

    @Test
    void aRunThatEndsAfterARollbackDoesNotPromote() throws Exception {
        AtomicReference<Runnable> hook = new AtomicReference<>(() -> {});
        Pipeline<Point, Boolean, Double> hooked = Pipeline.named("points")
                .from(Csv.files(directory.resolve("points.csv")).examples(Point.class, Target.isTrue("inside")))
                .features(Features.auto(Point.class))
                .train(new HookedTrainer(
                        () -> Objects.requireNonNull(hook.get()).run()))
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.5))
                .respond(p -> p)
                .build();
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(hooked)) {
            promote(live, 2);
            HookedTrainer.Gate gate = new HookedTrainer.Gate();
            hook.set(gate);
            CompletableFuture<Event.Rejected> rejected = new CompletableFuture<>();
            live.onRejected(rejected::complete);
            CompletableFuture<Run> run = live.retrain();
            gate.begun.await();
            assertThat(live.rollback()).isEqualTo(1);
            gate.letGo.countDown();
            assertThat(run.join().outcome()).isEqualTo(Run.Outcome.REJECTED);
            assertThat(run.join().reason()).isEqualTo("it passed every gate, but a rollback has paused promotions");
            assertThat(run.join().version()).hasValue(3);
            assertThat(rejected.join().reasons()).isEmpty();
            assertThat(live.version()).isEqualTo(1);
            live.resume();
            assertThat(live.paused()).isEmpty();
            promote(live, 4);
            assertThat(live.rollback()).isEqualTo(1);
        }
    }
}
