package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.DeadlineException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.model.Signature;
import dev.flywheel.serving.batch.Priority;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.OnnxEngine;
import dev.flywheel.serving.route.Bandit;
import dev.flywheel.serving.route.Route;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class EndpointVersionsTest {

    @TempDir
    Path directory;

    private Path times(int factor) {
        Path file = directory.resolve("times-" + factor + ".onnx");
        return Files.exists(file) ? file : TestModels.times(file, factor);
    }

    /** An endpoint whose versions answer their own number, and whose key is the input. */
    private EndpointBuilder<float[], float[]> builder(int version) {
        return Endpoint.onnx(times(version), Tensors.floats())
                .version(version)
                .lanes(2)
                .key(x -> x.length == 1 ? String.valueOf(x[0]) : null);
    }

    private static Prediction<float[]> ask(Endpoint<float[], float[]> endpoint, float x) {
        Prediction<float[]> prediction = endpoint.predict(new float[] {x});
        assertThat(prediction.value()[0])
                .as("the version that is named has answered")
                .isEqualTo(prediction.version() * x);
        return prediction;
    }

    @Test
    void anAddedVersionTakesNoRequestsBeforeARouteSendsThem() {
        try (Endpoint<float[], float[]> endpoint = builder(1).open()) {
            endpoint.add(times(2), 2);
            assertThat(endpoint.versions()).containsExactly(1, 2);
            for (int i = 0; i < 50; i++) {
                assertThat(ask(endpoint, i).version()).isEqualTo(1);
            }
            endpoint.route(Route.canary(2, 1));
            assertThat(ask(endpoint, 3).version()).isEqualTo(2);
            assertThat(endpoint.version()).as("the champion is still").isEqualTo(1);
            assertThat(endpoint.route()).hasToString(Route.canary(2, 1).toString());
        }
    }

    @Test
    void everyWayOfAskingFollowsTheKey() {
        try (Endpoint<float[], float[]> endpoint = builder(1).open()) {
            endpoint.add(times(2), 2);
            Route route = Route.split(1, 2);
            endpoint.route(route);
            List<float[]> inputs = new ArrayList<>();
            List<Integer> expected = new ArrayList<>();
            for (int i = 1; i <= 200; i++) {
                inputs.add(new float[] {i});
                expected.add(route.choose(String.valueOf((float) i)) + 1);
            }
            assertThat(expected).contains(1, 2);
            List<Prediction<float[]>> all = endpoint.predictAll(inputs);
            for (int i = 0; i < 200; i++) {
                int version = expected.get(i);
                assertThat(ask(endpoint, i + 1).version()).isEqualTo(version);
                assertThat(endpoint.predictAsync(inputs.get(i)).join().version())
                        .isEqualTo(version);
                assertThat(all.get(i).version()).isEqualTo(version);
                assertThat(all.get(i).value()).containsExactly(version * (i + 1f));
            }
            String key = "someone";
            int version = route.choose(key) + 1;
            CallOptions options = CallOptions.key(key).withPriority(Priority.HIGH);
            assertThat(endpoint.predictAll(inputs, options))
                    .as("the key of the call goes before that of the input")
                    .allMatch(p -> p.version() == version);
            assertThat(endpoint.predict(new float[] {1}, options).version()).isEqualTo(version);
            assertThat(endpoint.predictAsync(new float[] {1}, options).join().version())
                    .isEqualTo(version);
        }
    }

    @Test
    void aCanaryGetsItsShareOfTheKeysAndTheSameOnesAfterARestart() {
        BitSet before = canaries();
        assertThat(before.cardinality() / 120_000.0).isBetween(0.095, 0.105);
        assertThat(canaries()).isEqualTo(before);
    }

    /** Which of 120,000 keys an endpoint that has just opened sends to a canary of 10%. */
    private BitSet canaries() {
        List<float[]> inputs = new ArrayList<>();
        for (int i = 0; i < 120_000; i++) {
            inputs.add(new float[] {i});
        }
        BitSet canaries = new BitSet();
        try (Endpoint<float[], float[]> endpoint = builder(1).open()) {
            endpoint.add(times(2), 2);
            endpoint.route(Route.canary(2, 0.1));
            List<Prediction<float[]>> predictions = endpoint.predictAll(inputs);
            for (int i = 0; i < inputs.size(); i++) {
                check(predictions.get(i), i);
                canaries.set(i, predictions.get(i).version() == 2);
            }
        }
        return canaries;
    }

    @Test
    void requestsWithoutAKeyAreSpreadAtRandom() {
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(times(1), Tensors.floats()).version(1).open()) {
            endpoint.add(times(2), 2);
            endpoint.route(Route.canary(2, 0.25));
            long onTwo = endpoint.predictAll(java.util.Collections.nCopies(4_000, new float[1])).stream()
                    .filter(p -> p.version() == 2)
                    .count();
            assertThat(onTwo).as("0.25 of 4000, 7 standard deviations").isBetween(800L, 1_200L);
        }
    }

    @Test
    void aBanditSendsRequestsToTheVersionThatIsRewarded() {
        try (Endpoint<float[], float[]> endpoint = builder(1).open()) {
            endpoint.add(times(2), 2);
            Bandit bandit = Bandit.thompson(1, 2);
            endpoint.route(bandit);
            for (int i = 0; i < 500; i++) {
                Prediction<float[]> prediction = ask(endpoint, 1);
                bandit.reward(prediction.version(), prediction.version() == 2 ? 1 : 0);
            }
            assertThat(bandit.rewards(1) + bandit.rewards(2)).isEqualTo(500);
            assertThat(bandit.rewards(2)).isGreaterThan(400);
        }
    }

    @Test
    void aCanarysRollbackIsEffectiveOnTheNextRequest() {
        try (Endpoint<float[], float[]> endpoint = builder(1).open()) {
            endpoint.add(times(2), 2);
            endpoint.route(Route.canary(2, 0.5));
            endpoint.route(Route.canary(2, 1));
            assertThat(ask(endpoint, 3).version()).isEqualTo(2);
            endpoint.rollback();
            assertThat(endpoint.route()).hasToString(Route.canary(2, 0.5).toString());
            endpoint.rollback();
            for (int i = 0; i < 50; i++) {
                assertThat(ask(endpoint, i).version()).isEqualTo(1);
            }
            assertThat(endpoint.versions()).containsExactly(1, 2);
            assertThatThrownBy(endpoint::rollback)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("endpoint times-1.onnx has nothing to roll back to: version 1 has served since it "
                            + "opened");
        }
    }

    @Test
    void aPromotedVersionLeavesTheOldChampionLoadedUntilItIsRemoved() {
        try (Endpoint<float[], float[]> endpoint = builder(1).open()) {
            endpoint.add(times(2), 2);
            endpoint.route(Route.canary(2, 0.5));
            endpoint.promote(2);
            assertThat(endpoint.version()).isEqualTo(2);
            assertThat(endpoint.route()).isSameAs(Route.champion());
            assertThat(ask(endpoint, 3).version()).isEqualTo(2);
            endpoint.remove(1);
            assertThat(endpoint.versions()).containsExactly(2);
            endpoint.rollback();
            assertThat(endpoint.versions()).as("it was loaded again").containsExactly(1, 2);
            assertThat(endpoint.version()).isEqualTo(1);
            endpoint.rollback();
            assertThat(ask(endpoint, 3).version()).isEqualTo(1);
        }
    }

    @Test
    void aSwapEndsTheRouteAndItsRollbackLoadsTheOldVersionAgain() {
        try (Endpoint<float[], float[]> endpoint = builder(1).open()) {
            endpoint.add(times(2), 2);
            endpoint.route(Route.canary(2, 0.5));
            endpoint.swap(times(3), 3);
            assertThat(endpoint.versions()).containsExactly(2, 3);
            for (int i = 0; i < 50; i++) {
                assertThat(ask(endpoint, i).version()).isEqualTo(3);
            }
            endpoint.rollback();
            assertThat(endpoint.versions()).containsExactly(1, 2);
            assertThat(endpoint.version()).isEqualTo(1);
            assertThat(endpoint.route()).hasToString(Route.canary(2, 0.5).toString());
            assertThat(endpoint.snapshot().total().requests())
                    .as("counts survive all of this")
                    .isEqualTo(50);
        }
    }

    @Test
    void aVersionMayBeSwappedForAnotherModelUnderItsNumberAndBack() {
        try (Endpoint<float[], float[]> endpoint = builder(1).open()) {
            endpoint.swap(times(5), 1);
            assertThat(endpoint.predict(new float[] {1}).value()).containsExactly(5);
            endpoint.rollback();
            assertThat(endpoint.predict(new float[] {1}).value()).containsExactly(1);
        }
    }

    @Test
    void aFileThatHasChangedIsNotRolledBackTo() throws IOException {
        try (Endpoint<float[], float[]> endpoint = builder(1).open()) {
            endpoint.swap(times(2), 2);
            Files.setLastModifiedTime(times(1), FileTime.fromMillis(1_000));
            assertThatThrownBy(endpoint::rollback)
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageStartingWith("cannot load " + times(1) + " again: it has changed: expected ")
                    .hasMessageEndingWith("Fix: swap in the version that should serve.");
            assertThat(ask(endpoint, 3).version()).isEqualTo(2);
            assertThat(endpoint.versions()).containsExactly(2);
        }
    }

    @Test
    void aSwappedOutEngineCannotComeBackAndSaysWhatToDo() {
        try (Endpoint<float[], float[]> endpoint = Endpoint.of(OnnxEngine.open(times(1)), Tensors.floats())
                .version(1)
                .open()) {
            endpoint.swap(times(2), 2);
            assertThatThrownBy(endpoint::rollback)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("OnnxEngine[" + times(1) + "] was closed when another version took its place, and "
                            + "cannot be loaded again; to roll back at once, add and promote versions in place of "
                            + "swapping them");
            assertThat(ask(endpoint, 3).version()).isEqualTo(2);
        }
    }

    @Test
    void whatCannotBeDoneIsRefusedAndChangesNothing() {
        try (Endpoint<float[], float[]> endpoint = builder(1).open()) {
            endpoint.add(times(2), 2);
            assertThatThrownBy(() -> endpoint.add(times(3), 2))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("version 2 of endpoint times-1.onnx is loaded already; promote it, or remove it first");
            assertThatThrownBy(() -> endpoint.swap(times(3), 2)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> endpoint.route(Route.split(1, 7)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("version 7 of endpoint times-1.onnx is not loaded, only [1, 2]; add it first");
            assertThatThrownBy(() -> endpoint.promote(7)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> endpoint.remove(1))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("version 1 of endpoint times-1.onnx takes requests and cannot be removed: the champion "
                            + "is version 1, the route champion");
            endpoint.route(Route.canary(2, 0.5));
            assertThatThrownBy(() -> endpoint.remove(2)).isInstanceOf(IllegalStateException.class);
            assertThat(endpoint.versions()).containsExactly(1, 2);
        }
    }

    @Test
    void aNumberThatIsTakenIsRefusedBeforeItsModelIsLoaded() {
        try (Endpoint<float[], float[]> endpoint = builder(1).open()) {
            endpoint.add(times(2), 2);
            Path missing = directory.resolve("missing.onnx");
            assertThatThrownBy(() -> endpoint.add(missing, 2)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> endpoint.swap(missing, 2)).isInstanceOf(IllegalArgumentException.class);
            AtomicInteger closed = new AtomicInteger();
            assertThatThrownBy(() -> endpoint.add(unusable(closed), 2)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> endpoint.swap(unusable(closed), 2)).isInstanceOf(IllegalArgumentException.class);
            assertThat(closed).hasValue(2);
        }
    }

    /** An engine that may only be closed. */
    private static Engine unusable(AtomicInteger closed) {
        return new Engine() {
            @Override
            public Signature signature() {
                throw new AssertionError("asked for its signature");
            }

            @Override
            public Lane newLane(int maxRows) {
                throw new AssertionError("asked for a lane");
            }

            @Override
            public void close() {
                closed.incrementAndGet();
            }
        };
    }

    @Test
    void aClosedEndpointRefusesEveryChange() {
        Endpoint<float[], float[]> endpoint = builder(1).open();
        endpoint.close(Duration.ofSeconds(10));
        assertThatThrownBy(() -> endpoint.route(Route.champion()))
                .isInstanceOf(ClosedException.class)
                .hasMessage("endpoint times-1.onnx refused a change: it is closed. Fix: keep it open until then.");
        assertThatThrownBy(() -> endpoint.add(times(4), 4)).isInstanceOf(ClosedException.class);
        assertThatThrownBy(endpoint::rollback).isInstanceOf(ClosedException.class);
        assertThatThrownBy(() -> ask(endpoint, 1)).isInstanceOf(ClosedException.class);
    }

    @Test
    void aListStopsWhenItsDeadlineIsOver() {
        try (Endpoint<float[], float[]> endpoint =
                builder(1).maxBatch(1).queueCapacity(1).open()) {
            CallOptions hurried = CallOptions.deadline(Duration.ofNanos(1));
            assertThatThrownBy(() -> endpoint.predictAll(List.of(new float[1], new float[1]), hurried))
                    .isInstanceOf(DeadlineException.class)
                    .hasMessageStartingWith(
                            "endpoint times-1.onnx gave up a predictAll: it had answered 1 of 2 inputs " + "when its ");
            assertThatThrownBy(() -> CallOptions.deadline(Duration.ZERO))
                    .hasMessage("a deadline must be positive, found PT0S");
        }
    }

    @Test
    void noRequestFailsOrNamesAWrongVersionWhileVersionsComeAndGo() throws InterruptedException {
        Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        LongAdder answers = new LongAdder();
        AtomicBoolean stop = new AtomicBoolean();
        try (Endpoint<float[], float[]> endpoint = builder(1).maxBatch(8).open()) {
            List<Runnable> loads = List.of(
                    () -> ask(endpoint, 1 + answers.intValue() % 1_000),
                    () -> ask(endpoint, 1 + answers.intValue() % 1_000),
                    () -> check(endpoint.predictAsync(new float[] {7}).join(), 7),
                    () -> endpoint.predictAll(List.of(new float[] {8}, new float[] {8}))
                            .forEach(p -> check(p, 8)));
            List<Thread> threads = new ArrayList<>();
            for (Runnable load : loads) {
                Thread thread = new Thread(() -> {
                    while (!stop.get()) {
                        try {
                            load.run();
                            answers.increment();
                        } catch (CompletionException e) {
                            failures.add(e.getCause());
                        } catch (RuntimeException | Error e) {
                            failures.add(e);
                        }
                    }
                });
                thread.start();
                threads.add(thread);
            }
            for (int round = 0; round < 15 && failures.isEmpty(); round++) {
                endpoint.add(times(2), 2);
                endpoint.route(Route.split(1, 2));
                endpoint.rollback();
                endpoint.route(Route.canary(2, 0.9));
                endpoint.promote(2);
                endpoint.remove(1);
                endpoint.swap(times(3), 3);
                endpoint.rollback();
                assertThat(ask(endpoint, 5).version()).isEqualTo(2);
                endpoint.add(times(1), 1);
                endpoint.promote(1);
                endpoint.remove(2);
                assertThat(ask(endpoint, 5).version()).isEqualTo(1);
            }
            stop.set(true);
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(failures).isEmpty();
            assertThat(answers.sum()).isGreaterThan(100);
            assertThat(endpoint.snapshot().total().errors()).isZero();
        }
    }

    private static void check(Prediction<float[]> prediction, float x) {
        assertThat(prediction.value()[0]).isEqualTo(prediction.version() * x);
    }
}
