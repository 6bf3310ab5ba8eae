package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.serving.route.Route;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ForgottenEndpointTest {

    @TempDir
    Path directory;

    @Test
    void everyVersionOfAnEndpointThatNobodyHoldsIsClosedWithItsShadow() {
        WatchedEngine champion = new WatchedEngine(TestModels.times(directory.resolve("1.onnx"), 1));
        WatchedEngine canary = new WatchedEngine(TestModels.times(directory.resolve("2.onnx"), 2));
        WatchedEngine shadow = new WatchedEngine(TestModels.times(directory.resolve("3.onnx"), 3));
        forget(champion, canary, shadow);
        while (champion.lanes() + canary.lanes() + shadow.lanes() > 0) {
            System.gc();
            Thread.onSpinWait();
        }
        assertThat(champion.lanes()).isZero();
    }

    private static void forget(WatchedEngine champion, WatchedEngine canary, WatchedEngine shadow) {
        Endpoint<float[], float[]> endpoint =
                Endpoint.of(champion, Tensors.floats()).version(1).open();
        endpoint.add(canary, 2);
        endpoint.add(shadow, 3);
        endpoint.route(Route.split(1, 2));
        endpoint.shadow(3);
        for (int i = 0; i < 20; i++) {
            assertThat(endpoint.predict(new float[] {1}).value()[0]).isBetween(1f, 2f);
        }
    }
}
