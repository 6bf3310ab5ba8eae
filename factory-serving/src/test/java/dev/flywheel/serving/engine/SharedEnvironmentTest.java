package dev.flywheel.serving.engine;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.translate.NoopTranslator;
import dev.flywheel.serving.ChildJvm;
import dev.flywheel.serving.TestModels;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A process has one ONNX Runtime environment, and DJL's ONNX Runtime engine wants to be the one that makes it. */
class SharedEnvironmentTest {

    @TempDir
    Path directory;

    /** Runs a model with DJL and with this library in one process. */
    public static final class Main {

        private Main() {}

        /** Runs the model file that is the first argument with each of the others: djl or flywheel. */
        public static void main(String[] arguments) throws Exception {
            Path model = Path.of(arguments[0]);
            for (int i = 1; i < arguments.length; i++) {
                float answer = arguments[i].equals("djl") ? djl(model) : flywheel(model);
                System.out.println(arguments[i] + ": " + answer);
            }
            System.out.println("tracking is off: " + System.getProperty("OPT_OUT_TRACKING"));
        }

        private static float djl(Path file) throws Exception {
            try (Model model = Model.newInstance("m", "OnnxRuntime")) {
                model.load(file.getParent(), "m.onnx");
                try (Predictor<NDList, NDList> predictor = model.newPredictor(new NoopTranslator());
                        NDManager manager = NDManager.newBaseManager("OnnxRuntime")) {
                    NDList input = new NDList(manager.create(new float[][] {{21}}));
                    return predictor.predict(input).singletonOrThrow().toFloatArray()[0];
                }
            }
        }

        private static float flywheel(Path file) {
            try (Engine engine = OnnxEngine.open(file);
                    Lane lane = engine.newLane(1)) {
                lane.input(0).floats().put(0, 21);
                lane.run(1);
                return lane.output(0).floats().get(0);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"djl, flywheel", "flywheel, djl"})
    void isSharedWithDjlWhicheverComesFirst(String first, String second) throws Exception {
        Path model = TestModels.times(directory.resolve("m.onnx"), 2);
        ChildJvm child = ChildJvm.run(
                directory,
                Duration.ofMinutes(1),
                List.of("-XX:TieredStopAtLevel=1", "-Dai.djl.onnx.disable_alternative=true"),
                Main.class,
                List.of(model.toString(), first, second, first));
        assertThat(child.exit()).as(child.output()).isZero();
        assertThat(child.output().lines()).containsSubsequence(first + ": 42.0", second + ": 42.0", first + ": 42.0");
        if (first.equals("flywheel")) {
            assertThat(child.output()).contains("tracking is off: true");
        }
    }
}
