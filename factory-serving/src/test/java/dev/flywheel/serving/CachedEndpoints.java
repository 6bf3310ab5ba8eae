package dev.flywheel.serving;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** What tests of endpoints that keep answers share. */
abstract class CachedEndpoints {

    static final long BYTES = 1 << 20;

    @TempDir
    Path directory;

    WatchedEngine twice() {
        return new WatchedEngine(TestModels.times(directory.resolve("two.onnx"), 2));
    }

    static Endpoint<float[], float[]> cached(WatchedEngine engine) {
        return reset(
                engine,
                Endpoint.of(engine, Tensors.floats()).lanes(1).cache(BYTES).open());
    }

    static <E> E reset(WatchedEngine engine, E endpoint) {
        engine.reset();
        return endpoint;
    }

    static float[] x(double value) {
        return new float[] {(float) value};
    }
}
