package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import ai.onnxruntime.OrtException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.OnnxEngine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Serves every model of the ONNX standard's own test data (version 1.12, as the Debian package libonnx-testdata has
 * it): each is loaded and gives the expected outputs, or is refused with a reason.
 */
class OnnxConformanceTest {

    private static final Path CORPUS = Path.of("/usr/share/libonnx-testdata/data");

    /** The tolerances of the standard's own test runner. */
    private static final double RELATIVE = 1e-3;

    private static final double ABSOLUTE = 1e-7;

    private static final String LOCALE = "Failed to construct locale";

    /** Models that draw at random, while the corpus holds what NumPy drew. */
    private static final Set<String> RANDOM = Set.of(
            "test_bernoulli",
            "test_bernoulli_double",
            "test_bernoulli_double_expanded",
            "test_bernoulli_expanded",
            "test_bernoulli_seed",
            "test_bernoulli_seed_expanded",
            "test_training_dropout",
            "test_training_dropout_default",
            "test_training_dropout_default_mask",
            "test_training_dropout_mask");

    /** Where ONNX Runtime itself gives something else than the corpus expects. */
    private static final Set<String> DIFFERENT = Set.of(
            // the corpus cuts a float off after 16 bits, ONNX Runtime rounds to the nearest
            "test_cast_FLOAT_to_BFLOAT16",
            // the corpus expects the shortest decimals that tell a float, ONNX Runtime writes 8 digits
            "test_cast_FLOAT_to_STRING",
            "test_castlike_FLOAT_to_STRING",
            "test_castlike_FLOAT_to_STRING_expanded",
            // sums of floats that should cancel out give 1e-5 and not 0
            "test_dft",
            "test_dft_axis",
            "test_dft_inverse",
            "test_stft",
            "test_stft_with_window",
            // the indices are places in the output for ONNX Runtime, in the smaller tensor before padding for the
            // corpus
            "test_maxunpool_export_with_output_shape",
            // aligned corners are those of the resized image for ONNX Runtime, of its unrounded size for the corpus
            "test_resize_downsample_scales_cubic_align_corners",
            "test_resize_downsample_scales_linear_align_corners");

    private final Map<String, List<String>> refused = new TreeMap<>();
    private final Map<String, List<String>> loaded = new TreeMap<>();
    private int served;

    @Test
    void servesEveryModelThatOnnxRuntimeLoadsOrSaysWhyNot() throws IOException, OrtException {
        assumeTrue(Files.isDirectory(CORPUS), "the Debian package libonnx-testdata is not installed");
        List<Path> models;
        try (Stream<Path> files = Files.walk(CORPUS)) {
            models = files.filter(file -> file.endsWith("model.onnx")).sorted().toList();
        }
        for (Path model : models) {
            serve(model, model.getName(model.getNameCount() - 2).toString());
        }
        // ONNX Runtime normalises texts by the locale en_US.UTF-8, which not every machine has.
        int locale = size(refused, "ONNX Runtime: " + LOCALE);
        assertThat(models).hasSize(1072);
        assertThat(size(loaded, "differs: ")).as(report()).isZero();
        assertThat(size(refused, "") + size(loaded, "")).as(report()).isEqualTo(1072);
        if (OnCuda.isOn()) {
            return; // what is as the corpus has it there depends on the GPU
        }
        assertThat(locale).as(report()).isIn(0, 8);
        assertThat(size(refused, "ONNX Runtime: ") - locale).as(report()).isEqualTo(54);
        assertThat(size(refused, "Flywheel: ")).as(report()).isEqualTo(24);
        assertThat(size(loaded, "equal")).as(report()).isEqualTo(968 - locale);
        assertThat(size(loaded, "at random")).as(report()).isEqualTo(RANDOM.size());
        assertThat(loaded.get("differs as bare ONNX Runtime does"))
                .as(report())
                .containsExactlyInAnyOrderElementsOf(DIFFERENT);
        assertThat(size(loaded, "does not take the corpus's inputs"))
                .as(report())
                .isEqualTo(4);
    }

    private void serve(Path model, String name) throws IOException, OrtException {
        GraphProto graph = ModelProto.parseFrom(Files.readAllBytes(model)).getGraph();
        Path data = model.resolveSibling("test_data_set_0");
        Map<String, Tensor> request = new LinkedHashMap<>();
        Map<String, Tensor> expected;
        Map<String, Tensor> answer;
        try (OnnxEngine engine = OnnxEngine.open(model)) {
            request.putAll(tensors(graph.getInputList(), engine.signature().inputs(), data, "input_"));
            expected = tensors(graph.getOutputList(), engine.signature().outputs(), data, "output_");
            answer = answer(engine, request);
        } catch (ModelFormatException e) {
            add(refused, reason(model, e), name);
            return;
        } catch (IllegalArgumentException e) {
            try (BareSession bare = new BareSession(model)) {
                assertThatThrownBy(() -> bare.run(request)).as(name).isInstanceOf(OrtException.class);
            }
            add(loaded, "does not take the corpus's inputs: " + e.getMessage(), name);
            return;
        }
        if (served++ % 20 == 0 && !RANDOM.contains(name)) {
            assertThat(served(model, request)).as(name).isEqualTo(answer);
        }
        String difference = difference(expected, answer);
        if (difference.isEmpty()) {
            add(loaded, "equal", name);
        } else if (RANDOM.contains(name) && describe(expected).equals(describe(answer))) {
            add(loaded, "at random", name);
        } else {
            try (BareSession bare = new BareSession(model)) {
                Map<String, Tensor> onCpu = bare.run(request);
                boolean same = OnCuda.isOn() ? difference(onCpu, answer).isEmpty() : onCpu.equals(answer);
                add(loaded, same ? "differs as bare ONNX Runtime does" : "differs: " + difference, name);
            }
        }
    }

    private static String reason(Path model, ModelFormatException e) {
        String message = String.valueOf(e.getMessage());
        assertThat(message).startsWith("cannot load " + model + ": ").contains(" Fix: ");
        String text = message.replace(model.toString(), "...");
        try {
            new BareSession(model).close();
            return "Flywheel: " + text;
        } catch (OrtException cause) {
            assertThat(message).contains("ONNX Runtime says: ");
            return "ONNX Runtime: " + (message.contains(LOCALE) ? LOCALE : text);
        }
    }

    private static Map<String, Tensor> answer(Engine engine, Map<String, Tensor> request) {
        try (Lane lane = engine.newLane(8)) {
            Codec.Binding<Map<String, Tensor>, Map<String, Tensor>> codec =
                    Tensors.named().bind(lane);
            codec.write(request, 0);
            lane.run(1);
            return codec.read(0);
        }
    }

    /** An endpoint takes its time to learn what a model costs, so that not every model gets one. */
    private static Map<String, Tensor> served(Path model, Map<String, Tensor> request) {
        try (Endpoint<Map<String, Tensor>, Map<String, Tensor>> endpoint =
                Endpoint.onnx(model, Tensors.named()).warmUp(request).lanes(1).open()) {
            return endpoint.predict(request).value();
        }
    }

    private static Map<String, Tensor> tensors(
            List<ValueInfoProto> values, List<TensorSpec> specs, Path data, String file) throws IOException {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (int i = 0; i < values.size(); i++) {
            String name = values.get(i).getName();
            for (TensorSpec spec : specs) {
                if (spec.name().equals(name)) {
                    Tensor tensor = TensorProtos.tensor(Files.readAllBytes(data.resolve(file + i + ".pb")));
                    // The corpus keeps the bits of BFLOAT16 as UINT16.
                    boolean bits = spec.type() == ElementType.BFLOAT16 && tensor.type() == ElementType.UINT16;
                    tensors.put(name, bits ? TensorProtos.bfloat16(tensor) : tensor);
                }
            }
        }
        return tensors;
    }

    private static String difference(Map<String, Tensor> expected, Map<String, Tensor> answer) {
        if (!expected.keySet().equals(answer.keySet())) {
            return "outputs " + answer.keySet() + ", expected " + expected.keySet();
        }
        for (Map.Entry<String, Tensor> entry : expected.entrySet()) {
            Tensor wanted = entry.getValue();
            Tensor found = Objects.requireNonNull(answer.get(entry.getKey()));
            boolean close = wanted.type() == found.type() && Arrays.equals(wanted.shape(), found.shape());
            if (close && wanted.type() == ElementType.STRING) {
                close = wanted.equals(found);
            } else if (close) {
                for (int i = 0; i < wanted.size(); i++) {
                    close &= close(wanted.number(i), found.number(i));
                }
            }
            if (!close) {
                return "output " + entry.getKey() + " is " + found + ", expected " + wanted;
            }
        }
        return "";
    }

    private static Map<String, String> describe(Map<String, Tensor> tensors) {
        Map<String, String> described = new TreeMap<>();
        tensors.forEach((name, tensor) -> described.put(name, tensor.describe()));
        return described;
    }

    private static boolean close(double wanted, double found) {
        double absolute = OnCuda.isOn() ? RELATIVE : ABSOLUTE;
        return Double.compare(wanted, found) == 0 || Math.abs(wanted - found) <= absolute + RELATIVE * Math.abs(wanted);
    }

    private static void add(Map<String, List<String>> groups, String group, String name) {
        groups.computeIfAbsent(group, g -> new ArrayList<>()).add(name);
    }

    private static int size(Map<String, List<String>> groups, String prefix) {
        return groups.entrySet().stream()
                .filter(group -> group.getKey().startsWith(prefix))
                .mapToInt(group -> group.getValue().size())
                .sum();
    }

    private String report() {
        StringBuilder report = new StringBuilder();
        refused.forEach((reason, names) -> report.append("\nrefused ")
                .append(names.size())
                .append(", ")
                .append(reason)
                .append("\n  ")
                .append(names));
        loaded.forEach((outcome, names) -> report.append("\nloaded ")
                .append(names.size())
                .append(", ")
                .append(outcome)
                .append(outcome.equals("equal") ? "" : "\n  " + names));
        return report.toString();
    }
}
