package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.DeadlineException;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.batch.Priority;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CallOptionsTest {

    private static final Duration SHORT = Duration.ofMillis(5);

    @TempDir
    Path directory;

    private WatchedEngine engine() {
        return new WatchedEngine(TestModels.times(directory.resolve("times.onnx"), 2));
    }

    private static EndpointBuilder<float[], float[]> builder(WatchedEngine engine) {
        return Endpoint.of(engine, Tensors.floats()).lanes(1).maxBatch(1);
    }

    /** Holds up the only lane until the engine opens, whatever the deadline of the endpoint. */
    private static CompletableFuture<Prediction<float[]>> occupy(
            Endpoint<float[], float[]> endpoint, WatchedEngine engine) {
        engine.reset();
        engine.shut();
        CompletableFuture<Prediction<float[]>> held =
                endpoint.predictAsync(new float[] {0}, CallOptions.deadline(Duration.ofDays(1)));
        engine.awaitRun();
        return held;
    }

    @Test
    void aRequestThatWaitsLongerThanItsDeadlineFailsAndIsNotRun() {
        WatchedEngine engine = engine();
        try (Endpoint<float[], float[]> endpoint = builder(engine).open()) {
            CompletableFuture<Prediction<float[]>> held = occupy(endpoint, engine);
            assertThatThrownBy(() -> endpoint.predict(new float[] {1}, CallOptions.deadline(SHORT)))
                    .isInstanceOf(DeadlineException.class);
            assertThatThrownBy(() -> endpoint.predictAsync(new float[] {1}, CallOptions.deadline(SHORT))
                            .join())
                    .isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(DeadlineException.class);
            engine.open();
            assertThat(held.join().value()).containsExactly(0);
            assertThat(engine.runs()).isEqualTo(1);
        }
    }

    @Test
    void aListThatIsLateFailsAsWhatItIsAndNotForAnInput() {
        WatchedEngine engine = engine();
        try (Endpoint<float[], float[]> endpoint = builder(engine).open()) {
            CompletableFuture<Prediction<float[]>> held = occupy(endpoint, engine);
            assertThatThrownBy(() -> endpoint.predictAll(List.of(new float[] {1}), CallOptions.deadline(SHORT)))
                    .isInstanceOf(DeadlineException.class);
            engine.open();
            assertThat(held.join().value()).containsExactly(0);
        }
    }

    @Test
    void theEndpointsDeadlineIsForRequestsWithoutOneOfTheirOwn() {
        WatchedEngine engine = engine();
        try (Endpoint<float[], float[]> endpoint =
                builder(engine).deadline(SHORT).open()) {
            CompletableFuture<Prediction<float[]>> held = occupy(endpoint, engine);
            CompletableFuture<Prediction<float[]>> patient =
                    endpoint.predictAsync(new float[] {4}, CallOptions.deadline(Duration.ofDays(100_000)));
            assertThatThrownBy(() -> endpoint.predict(new float[] {1})).isInstanceOf(DeadlineException.class);
            engine.open();
            assertThat(patient.join().value()).containsExactly(8);
            assertThat(held).isDone();
        }
    }

    @Test
    void urgentRequestsGoFirst() {
        WatchedEngine engine = engine();
        try (Endpoint<float[], float[]> endpoint = builder(engine).open()) {
            CompletableFuture<Prediction<float[]>> held = occupy(endpoint, engine);
            List<Priority> order = new CopyOnWriteArrayList<>();
            List<CompletableFuture<Void>> all = new ArrayList<>();
            for (Priority priority : List.of(Priority.LOW, Priority.NORMAL, Priority.HIGH)) {
                all.add(endpoint.predictAsync(new float[] {1}, CallOptions.priority(priority))
                        .thenAccept(answer -> order.add(priority)));
            }
            engine.open();
            all.forEach(CompletableFuture::join);
            assertThat(order).containsExactly(Priority.HIGH, Priority.NORMAL, Priority.LOW);
            assertThat(held.join().value()).containsExactly(0);
        }
    }

    @Test
    void closingWithALimitCutsOffWhatWaits() {
        WatchedEngine engine = engine();
        Endpoint<float[], float[]> endpoint = builder(engine).open();
        CompletableFuture<Prediction<float[]>> held = occupy(endpoint, engine);
        CompletableFuture<Prediction<float[]>> waiting = endpoint.predictAsync(new float[] {1});
        CompletableFuture<Prediction<float[]>> opening = waiting.whenComplete((answer, failure) -> engine.open());
        endpoint.close(SHORT);
        assertThatThrownBy(waiting::join).hasCauseInstanceOf(ClosedException.class);
        assertThat(opening).isCompletedExceptionally();
        assertThat(held).isDone();
        assertThat(engine.lanes()).isZero();
    }

    @Test
    void optionsAreValues() {
        CallOptions options = CallOptions.key("user-7").withDeadline(SHORT).withPriority(Priority.HIGH);
        assertThat(options)
                .isEqualTo(
                        CallOptions.deadline(SHORT).withPriority(Priority.HIGH).withKey("user-7"))
                .isNotEqualTo(CallOptions.none())
                .hasToString("CallOptions[deadline PT0.005S, priority HIGH, key user-7]");
        assertThat(CallOptions.none()).isEqualTo(CallOptions.priority(Priority.NORMAL));
        assertThat(options.deadline()).isEqualTo(SHORT);
        assertThat(options.key()).isEqualTo("user-7");
    }
}
