package dev.flywheel.serving.engine;

import static dev.flywheel.serving.OnnxGraph.INT64;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.device.Accelerator;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.Sharing;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.OnnxGraph;
import dev.flywheel.serving.TestModels;
import dev.flywheel.serving.TorchScript;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a model does with a GPU that is shared; it runs on the CPU, and is told otherwise. */
class OnGpuTest {

    private static final Device GPU =
            new Device(Device.Kind.CUDA, 0, "NVIDIA H200", OptionalLong.empty(), Optional.empty());

    @TempDir
    Path directory;

    private final Shared shared = new Shared();

    /** Notes what is held. */
    private static final class Shared implements Accelerator {

        private final List<String> reserved = new ArrayList<>();
        private final List<ByteBuffer> locked = new ArrayList<>();
        private final Set<Tier> tiers = EnumSet.noneOf(Tier.class);
        private boolean locks = true;
        private int turns;
        private int ended;

        @Override
        public Device device() {
            return GPU;
        }

        @Override
        public Reservation reserve(String owner, Tier tier, long bytes, Duration patience, @Nullable Runnable reclaim) {
            String what = owner + " " + tier + " " + bytes;
            reserved.add(what);
            return new Reservation() {
                @Override
                public Hold turn() {
                    return turn(tier);
                }

                @Override
                public Hold turn(Tier wanted) {
                    tiers.add(wanted);
                    assertThat(reserved).contains(what);
                    assertThat(locked.isEmpty()).isNotEqualTo(locks);
                    turns++;
                    return () -> ended++;
                }

                @Override
                public void close() {
                    reserved.remove(what);
                }
            };
        }

        @Override
        @SuppressWarnings("ReferenceEquality") // buffers with the same content are equal
        public Hold pin(ByteBuffer memory) {
            assertThat(memory.isDirect()).isTrue();
            locked.add(memory);
            return () -> locked.removeIf(one -> one == memory);
        }

        @Override
        public void sharing(Sharing sharing) {
            throw new UnsupportedOperationException();
        }
    }

    private OnnxSession open(Path model) throws IOException {
        try (PrivateModel files = PrivateModel.of(model)) {
            OnnxPlacement placement = new OnnxPlacement(GPU, OnnxOptions.defaults());
            return OnnxSession.open(model, files, placement, OnGpu.of(shared, "fraud/1", 1000));
        }
    }

    @Test
    void aModelHasMemoryATurnForEachRunAndItsBuffersLockedUntilItIsFreed() throws IOException {
        Path model = TestModels.mlp(directory.resolve("mlp.onnx"), 4, 8, 2, 3);
        OnnxSession session = open(model);
        Lane lane = session.newLane(model, session.signature(), 16);
        assertThat(shared.reserved).containsExactly("fraud/1 SERVING 1000");
        assertThat(shared.locked).hasSize(2); // the input and the output
        for (int rows = 1; rows <= 5; rows++) {
            lane.run(rows);
            assertThat(shared.turns).isEqualTo(rows);
            assertThat(shared.ended).isEqualTo(rows);
        }
        assertThat(shared.tiers).containsExactly(Accelerator.Tier.SERVING);
        Lane other = session.newLane(model, session.signature(), 16);
        other.inBulk();
        other.run(3);
        assertThat(shared.tiers).containsExactly(Accelerator.Tier.SERVING, Accelerator.Tier.BATCH);
        assertThat(shared.locked).hasSize(4);
        session.close();
        lane.close();
        assertThat(shared.locked).hasSize(2);
        assertThat(shared.reserved).hasSize(1);
        other.close();
        assertThat(shared.locked).isEmpty();
        assertThat(shared.reserved).isEmpty();
    }

    @Test
    void memoryThatGrowsIsLockedAnew() throws IOException {
        Path model = new OnnxGraph()
                .input("ids", INT64, List.of("batch", "length"))
                .node("Add", List.of("ids", "ids"), "twice")
                .output("twice", INT64, List.of("batch", "length"))
                .write(directory.resolve("twice.onnx"));
        OnnxSession session = open(model);
        Signature signature = session.signature();
        try (Lane lane = session.newLane(model, signature, 4)) {
            for (int length : new int[] {1, 50, 5, 500}) {
                lane.length(length);
                lane.run(4);
                assertThat(shared.locked)
                        .hasSize(2)
                        .contains(lane.input(0).bytes(), lane.output(0).bytes());
                assertThat(shared.locked).allMatch(memory -> memory.capacity() >= 4 * length * Long.BYTES);
            }
        }
        session.close();
        assertThat(shared.locked).isEmpty();
    }

    @Test
    void aRunThatFailsEndsItsTurn() throws IOException {
        Path model = new OnnxGraph()
                .input("x", INT64, List.of("batch", 2))
                .longs("three", 3)
                .node("Reshape", List.of("x", "three"), "y")
                .output("y", INT64, List.of("batch"))
                .write(directory.resolve("fails.onnx"));
        OnnxSession session = open(model);
        try (Lane lane = session.newLane(model, session.signature(), 4)) {
            assertThatThrownBy(() -> lane.run(1)).isInstanceOf(PredictionException.class);
        }
        session.close();
        assertThat(shared.ended).isEqualTo(shared.turns).isPositive();
        assertThat(shared.reserved).isEmpty();
    }

    @Test
    void aModelThatDoesNotLoadGivesItsMemoryBack() throws IOException {
        Path broken = Files.writeString(directory.resolve("broken.onnx"), "no model");
        assertThatThrownBy(() -> open(broken)).isInstanceOf(ModelFormatException.class);
        assertThat(shared.reserved).isEmpty();
    }

    @Test
    void aModelOfPyTorchHasMemoryAndATurnForEachRun() throws IOException {
        DjlDefaults.apply();
        shared.locks = false;
        Path file = TorchScript.write(directory.resolve("m.pt"), "x: Tensor", "Tensor", "return torch.neg(x)");
        Signature inputs = new Signature(List.of(TensorSpec.of("x", ElementType.FLOAT, -1, 2)), List.of());
        DjlModel model = torchScript(file);
        try (Lane lane = new DjlLane(model, DjlSignature.of(model, inputs), 4)) {
            assertThat(shared.reserved).containsExactly("fraud/2 SERVING 1000");
            int before = shared.turns;
            lane.run(3);
            assertThat(shared.tiers).containsExactly(Accelerator.Tier.SERVING);
            lane.inBulk();
            lane.run(4);
            assertThat(shared.tiers).containsExactly(Accelerator.Tier.SERVING, Accelerator.Tier.BATCH);
            assertThat(shared.turns).isEqualTo(before + 2);
            assertThat(shared.ended).isEqualTo(shared.turns);
        }
        model.close();
        assertThat(shared.reserved).isEmpty();
        Path broken = Files.writeString(directory.resolve("broken.pt"), "no model");
        assertThatThrownBy(() -> torchScript(broken)).isInstanceOf(ModelFormatException.class);
        assertThat(shared.reserved).isEmpty();
    }

    private DjlModel torchScript(Path file) {
        OnGpu gpu = OnGpu.of(shared, "fraud/2", 1000);
        return DjlModel.torchScript(DjlModel.pyTorch(), file, ai.djl.Device.cpu(), gpu);
    }

    @Test
    void anOwnerIsWhoWasNamedOrTheFile() {
        Path model = Path.of("models", "fraud.onnx");
        OnnxOptions named = OnnxOptions.defaults().owner("fraud/7");
        assertThat(OnnxOptions.defaults().ownerOf(model)).isEqualTo("fraud.onnx/" + model);
        assertThat(named.ownerOf(model)).isEqualTo("fraud/7");
        assertThat(named)
                .isEqualTo(OnnxOptions.defaults().owner("fraud/7"))
                .isNotEqualTo(OnnxOptions.defaults())
                .asString()
                .contains("owner=fraud/7");
    }

    @Test
    void theMemoryOfAModelIsItsLimitOrTwiceItsWeightsAndWhatLanesTake() {
        long beside = 192L << 20;
        assertThat(CudaOptions.defaults().expectedBytes(1000)).isEqualTo(2000 + beside);
        assertThat(CudaOptions.defaults().memoryLimit(5000).expectedBytes(1000)).isEqualTo(5000 + beside);
        assertThat(CudaOptions.defaults().memoryLimit(Long.MAX_VALUE).expectedBytes(1000))
                .isEqualTo(Long.MAX_VALUE);
    }
}
