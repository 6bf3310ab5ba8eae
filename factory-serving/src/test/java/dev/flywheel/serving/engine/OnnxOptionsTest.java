package dev.flywheel.serving.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.MissingEngineException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.serving.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class OnnxOptionsTest {

    @TempDir
    Path directory;

    private Path model() {
        return TestModels.mlp(directory.resolve("mlp.onnx"), 4, 8, 2, 3);
    }

    private static float[] run(Path model, OnnxOptions options) {
        float[] input = TestModels.floats(new Random(1), 3 * 4);
        float[] output = new float[3 * 2];
        try (Engine engine = OnnxEngine.open(model, options);
                Lane lane = engine.newLane(3)) {
            lane.input(0).floats().put(0, input);
            lane.run(3);
            lane.output(0).floats().get(0, output);
        }
        return output;
    }

    @ParameterizedTest
    @EnumSource(OnnxOptions.Optimization.class)
    void givesTheSameAtEveryLevelWithAnyThreads(OnnxOptions.Optimization level) {
        float[] expected = TestModels.bare(model(), TestModels.floats(new Random(1), 3 * 4), 4);
        OnnxOptions options = OnnxOptions.defaults()
                .optimization(level)
                .threads(2)
                .config("session.intra_op.allow_spinning", "1")
                .provider("CPUExecutionProvider", Map.of());
        assertThat(run(model(), options)).isEqualTo(expected);
    }

    @Test
    void keepsOptimisedModelsByContentAndOptions() throws IOException {
        Path kept = directory.resolve("kept/of/models");
        OnnxOptions options = OnnxOptions.defaults().optimizedModels(kept);
        float[] expected = run(model(), OnnxOptions.defaults());
        assertThat(run(model(), options)).isEqualTo(expected);
        assertThat(files(kept)).hasSize(1).allMatch(file -> file.toString().endsWith(".onnx"));
        Path first = files(kept).get(0);
        FileTime written = FileTime.fromMillis(1_000);
        Files.setLastModifiedTime(first, written);

        assertThat(run(model(), options)).isEqualTo(expected);
        assertThat(run(model(), options.threads(2))).isEqualTo(expected);
        assertThat(files(kept)).containsExactly(first);
        assertThat(Files.getLastModifiedTime(first)).isEqualTo(written);

        run(model(), options.optimization(OnnxOptions.Optimization.BASIC));
        run(model(), options.config("session.set_denormal_as_zero", "1"));
        run(TestModels.mlp(directory.resolve("other.onnx"), 4, 8, 2, 4), options);
        assertThat(files(kept)).hasSize(4).contains(first);
    }

    @Test
    void usesWhatItKeptAndNothingDamaged() throws IOException {
        Path kept = directory.resolve("kept");
        OnnxOptions options = OnnxOptions.defaults().optimizedModels(kept);
        float[] expected = run(model(), options);
        Path file = files(kept).get(0);
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length / 2] ^= 1;
        Files.write(file, bytes);
        assertThat(run(model(), options)).isEqualTo(expected);
        assertThat(files(kept)).containsExactly(file);
        assertThat(Files.readAllBytes(file)).isNotEqualTo(bytes);
    }

    @Test
    void readsNamedColumnsFromAKeptModelToo() {
        Path model = TestModels.raw(directory.resolve("raw.onnx"));
        OnnxOptions options = OnnxOptions.defaults().optimizedModels(directory.resolve("kept"));
        for (int i = 0; i < 2; i++) {
            try (Engine engine = OnnxEngine.open(model, options);
                    Engine plain = OnnxEngine.open(model)) {
                assertThat(engine.signature()).isEqualTo(plain.signature());
            }
        }
    }

    @Test
    void servesWithoutADirectoryThatCannotBeUsed() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "not a directory");
        OnnxOptions options = OnnxOptions.defaults().optimizedModels(file);
        assertThat(run(model(), options)).isEqualTo(run(model(), OnnxOptions.defaults()));
    }

    @Test
    void saysWhatIsWrongWithAModelThatWasToBeKept() throws IOException {
        Path garbage = Files.writeString(directory.resolve("garbage.onnx"), "this is not a model");
        Path kept = directory.resolve("kept");
        assertThatThrownBy(() -> OnnxEngine.open(garbage, OnnxOptions.defaults().optimizedModels(kept)))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageStartingWith("cannot load " + garbage + ": ONNX Runtime says: ");
        assertThat(files(kept)).isEmpty();
    }

    @Test
    void saysWhichExecutionProvidersThereAre() {
        for (String name : List.of("CUDA", "TensorRT", "XNNPACK", "no such thing")) {
            OnnxOptions options = OnnxOptions.defaults().provider(name, Map.of("device_id", "0"));
            assertThatThrownBy(() -> OnnxEngine.open(model(), options))
                    .isInstanceOf(MissingEngineException.class)
                    .hasMessageStartingWith("cannot use ONNX Runtime's execution provider " + name + ": ")
                    .hasMessageContaining("the ONNX Runtime that is there was built with [CPU")
                    .hasMessageContaining("Fix: use com.microsoft.onnxruntime:onnxruntime_gpu in place of onnxruntime");
        }
    }

    @Test
    void areValues() {
        OnnxOptions options = OnnxOptions.defaults().threads(3).config("b", "2").config("a", "1");
        assertThat(options)
                .isEqualTo(
                        OnnxOptions.defaults().config("a", "1").config("b", "2").threads(3))
                .hasSameHashCodeAs(
                        OnnxOptions.defaults().config("a", "1").config("b", "2").threads(3))
                .isNotEqualTo(OnnxOptions.defaults())
                .hasToString("OnnxOptions[threads=3, optimization=ALL, optimizedModels=null, config={a=1, b=2}, "
                        + "providers={}]");
        assertThatThrownBy(() -> options.threads(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a run needs at least 1 thread, found 0");
    }

    private static List<Path> files(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.sorted().toList();
        }
    }
}
