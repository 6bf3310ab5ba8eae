package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.flywheel.core.PredictionException;
import dev.flywheel.core.model.Prediction;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class PredictAllTest {

    private static final int EACH = 8;
    private static final int SHORT = 3;
    private static final int LONG = 20;

    @TempDir
    Path directory;

    private static void awaitQueued(Endpoint<?, ?> endpoint, int requests) {
        while (endpoint.snapshot().queued() < requests) {
            Thread.onSpinWait();
        }
    }

    @Test
    void inputsOfLikeLengthRunTogetherAndAnswersKeepTheOrderOfTheInputs() {
        WatchedEngine engine = new WatchedEngine(MeanOfTokens.model(directory));
        try (Endpoint<long[], Double> endpoint =
                Endpoint.of(engine, new MeanOfTokens()).lanes(1).maxBatch(4).open()) {
            engine.reset();
            engine.shut();
            CompletableFuture<Prediction<Double>> held = endpoint.predictAsync(MeanOfTokens.tokens(1));
            engine.awaitRun();
            List<long[]> inputs = new ArrayList<>();
            for (int i = 0; i < EACH; i++) {
                inputs.add(MeanOfTokens.tokens(SHORT));
                inputs.add(MeanOfTokens.tokens(LONG));
            }
            CompletableFuture<List<Prediction<Double>>> all =
                    CompletableFuture.supplyAsync(() -> endpoint.predictAll(inputs));
            awaitQueued(endpoint, inputs.size());
            engine.open();
            List<Prediction<Double>> answers = all.join();
            for (int i = 0; i < inputs.size(); i++) {
                assertThat(answers.get(i).value()).isEqualTo(inputs.get(i).length);
            }
            assertThat(held.join().value()).isEqualTo(1);
            assertThat(engine.tokens()).as("without padding").isEqualTo(1 + EACH * SHORT + EACH * LONG);
        }
    }

    @Test
    void inputsOfOneLengthRunOnTheCallersThreadInFullBatches() {
        WatchedEngine engine = new WatchedEngine(TestModels.times(directory.resolve("two.onnx"), 2));
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.of(engine, Tensors.floats()).lanes(1).open()) {
            engine.reset();
            List<float[]> inputs = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                inputs.add(new float[] {i});
            }
            List<Prediction<float[]>> answers = endpoint.predictAll(inputs);
            for (int i = 0; i < 200; i++) {
                assertThat(answers.get(i).value()).containsExactly(2 * i);
            }
            assertThat(engine.runs()).isEqualTo(1);
        }
    }

    @Test
    void inputsThatArePreparedSoonerTogetherAre() {
        List<Integer> sizes = new ArrayList<>();
        Codec<String, float[]> codec = Tensors.floats()
                .from(
                        text -> {
                            sizes.add(1);
                            return new float[] {Float.parseFloat(text)};
                        },
                        texts -> {
                            sizes.add(texts.size());
                            return texts.stream()
                                    .map(text -> new float[] {Float.parseFloat(text)})
                                    .toList();
                        },
                        List.of("1"));
        Path model = TestModels.times(directory.resolve("two.onnx"), 2);
        try (Endpoint<String, float[]> endpoint = Endpoint.onnx(model, codec).open()) {
            sizes.clear();
            assertThat(endpoint.predictAll(List.of("1", "2", "3")))
                    .extracting(answer -> answer.value()[0])
                    .containsExactly(2f, 4f, 6f);
            assertThat(endpoint.predictAll(List.of("4"))).hasSize(1);
            assertThat(sizes).containsExactly(3, 1);
            assertThatThrownBy(() -> endpoint.predictAll(List.of("1", "two", "3")))
                    .isInstanceOf(PredictionException.class)
                    .hasMessageStartingWith("predictAll failed at input 1: java.lang.NumberFormatException");
        }
    }

    @Test
    void aListThatWaitsForRunsOfOthersCanBeInterruptedAndGivesUpTheRest() throws Exception {
        WatchedEngine engine = new WatchedEngine(TestModels.times(directory.resolve("two.onnx"), 2));
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.of(engine, Tensors.floats()).lanes(1).cache(1 << 20).open()) {
            engine.reset();
            engine.shut();
            CompletableFuture<Prediction<float[]>> held = endpoint.predictAsync(new float[] {5});
            engine.awaitRun();
            CompletableFuture<Throwable> thrown = new CompletableFuture<>();
            List<float[]> inputs = List.of(new float[] {5}, new float[] {6}, new float[] {7});
            Thread caller = new Thread(() -> {
                Throwable found = catchThrowable(() -> endpoint.predictAll(inputs));
                thrown.complete(Thread.currentThread().isInterrupted() ? found : new AssertionError("not interrupted"));
            });
            caller.start();
            awaitQueued(endpoint, 2);
            caller.interrupt();
            assertThat(thrown.join())
                    .isInstanceOf(CancellationException.class)
                    .hasMessageEndingWith(" gave up a predictAll: its caller was interrupted while it waited");
            caller.join();
            engine.open();
            assertThat(held.join().value()).containsExactly(10);
            assertThat(endpoint.snapshot().queued()).isZero();
            assertThat(engine.rows()).isEqualTo(1);
            assertThat(endpoint.predict(new float[] {6}).value()).containsExactly(12);
        }
    }
}
