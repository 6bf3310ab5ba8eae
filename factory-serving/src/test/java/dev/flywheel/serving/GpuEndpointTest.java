package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.PredictionException;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.model.Signature;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.OnnxEngine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an endpoint does with a model that says it runs on a GPU. */
class GpuEndpointTest {

    private static final Device GPU =
            new Device(Device.Kind.CUDA, 0, "NVIDIA H200", OptionalLong.of(1L << 37), Optional.of("GPU-1"));

    @TempDir
    Path directory;

    /** A real engine that says it is on a GPU, and has memory there for runs of so many rows. */
    private static final class OnGpu implements Engine {

        private final Engine real;
        private final int most;
        private final List<Integer> lanes = Collections.synchronizedList(new ArrayList<>());

        OnGpu(Path model, int most) {
            this.real = OnnxEngine.open(model);
            this.most = most;
        }

        @Override
        public Signature signature() {
            return real.signature();
        }

        @Override
        public Device device() {
            return GPU;
        }

        @Override
        public Lane newLane(int maxRows) {
            lanes.add(maxRows);
            return new DelegatingLane(real.newLane(maxRows)) {
                @Override
                public void run(int rows) {
                    if (rows > most) {
                        throw new PredictionException("no run of " + rows + " rows", "out of memory", "take fewer");
                    }
                    super.run(rows);
                }
            };
        }

        @Override
        public void close() {
            real.close();
        }
    }

    @Test
    void rowsOfAFreeLengthRunTogetherAsOnTheCpu() {
        Path model = new OnnxGraph()
                .input("x", OnnxGraph.FLOAT, List.of("batch", "length"))
                .node("Add", List.of("x", "x"), "twice")
                .output("twice", OnnxGraph.FLOAT, List.of("batch", "length"))
                .write(directory.resolve("twice.onnx"));
        OnGpu engine = new OnGpu(model, 512);
        try (Endpoint<Map<String, Tensor>, Map<String, Tensor>> endpoint =
                Endpoint.of(engine, Tensors.named()).open()) {
            Tensor row = Tensor.of(new float[] {1, 2, 3}, 1, 3);
            assertThat(endpoint.predict(Map.of("x", row)).value())
                    .isEqualTo(Map.of("twice", Tensor.of(new float[] {2, 4, 6}, 1, 3)));
            assertThat(engine.lanes).containsOnly(64);
        }
    }

    private OnGpu engine(int most) {
        return new OnGpu(TestModels.mlp(directory.resolve("mlp.onnx"), 4, 8, 2, 3), most);
    }

    @Test
    void itsRunsAreAsLargeAsPaysAndThreeAtATime() {
        float[] row = TestModels.floats(new Random(1), 4);
        OnGpu engine = engine(512);
        float[] expected = TestModels.bare(directory.resolve("mlp.onnx"), row, 4);
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.of(engine, Tensors.floats()).open()) {
            assertThat(endpoint.predict(row).value()).isEqualTo(expected);
            assertThat(engine.lanes).startsWith(64, 128);
            assertThat(engine.lanes.get(engine.lanes.size() - 1)).isIn(64, 128, 256, 512);
            assertThat(endpoint.snapshot().versions()).singleElement().satisfies(version -> {
                assertThat(version.device()).isEqualTo(GPU);
                assertThat(version.lanes()).isEqualTo(3);
            });
        }
    }

    @Test
    void whatTheCallerSetsHolds() {
        OnGpu engine = engine(512);
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.of(engine, Tensors.floats()).maxBatch(32).lanes(2).open()) {
            assertThat(engine.lanes).containsOnly(32);
            assertThat(endpoint.snapshot().versions().get(0).lanes()).isEqualTo(2);
        }
    }
}
