package dev.flywheel.serving.stress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.Tensors;
import dev.flywheel.serving.TestModels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VirtualThreadsTest {

    private static final int THREADS = 10_000;
    private static final int CALLS = 10;

    @TempDir
    Path directory;

    @Test
    void tenThousandVirtualThreadsGetTheirAnswers() throws Exception {
        assumeTrue(Runtime.version().feature() >= 21, "virtual threads need Java 21");
        // By reflection, because this is compiled for Java 17.
        ExecutorService threads = (ExecutorService)
                Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
        Path model = TestModels.times(directory.resolve("model.onnx"), 2);
        try (Endpoint<float[], float[]> endpoint = Endpoint.onnx(model, Tensors.floats())
                .lanes(2)
                .queueCapacity(THREADS)
                .open()) {
            List<Future<Integer>> right = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                int first = i * CALLS;
                right.add(threads.submit(() -> rightAnswers(endpoint, first)));
            }
            endpoint.swap(TestModels.times(directory.resolve("same.onnx"), 2), 1);
            for (Future<Integer> each : right) {
                assertThat(each.get(60, TimeUnit.SECONDS)).isEqualTo(CALLS);
            }
            assertThat(endpoint.snapshot().total().requests()).isEqualTo((long) THREADS * CALLS);
        } finally {
            threads.shutdownNow();
        }
    }

    private static int rightAnswers(Endpoint<float[], float[]> endpoint, int first) {
        int right = 0;
        for (int x = first; x < first + CALLS; x++) {
            if (endpoint.predict(new float[] {x}).value()[0] == 2 * x) {
                right++;
            }
        }
        return right;
    }
}
