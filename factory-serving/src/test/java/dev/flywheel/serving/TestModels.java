package dev.flywheel.serving;

import static dev.flywheel.serving.OnnxGraph.DOUBLE;
import static dev.flywheel.serving.OnnxGraph.FLOAT;
import static dev.flywheel.serving.OnnxGraph.INT32;
import static dev.flywheel.serving.OnnxGraph.INT64;
import static dev.flywheel.serving.OnnxGraph.STRING;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Model files for the tests, and ONNX Runtime used as its README shows it, to compare with. */
public final class TestModels {

    private TestModels() {}

    /** x [-1, inputs] -> Gemm, Relu, Gemm -> y [-1, outputs]. */
    public static Path mlp(Path file, int inputs, int hidden, int outputs, long seed) {
        Random random = new Random(seed);
        return new OnnxGraph()
                .input("x", FLOAT, -1, inputs)
                .constant("w1", floats(random, inputs * hidden), inputs, hidden)
                .constant("b1", floats(random, hidden), hidden)
                .constant("w2", floats(random, hidden * outputs), hidden, outputs)
                .constant("b2", floats(random, outputs), outputs)
                .node("Gemm", List.of("x", "w1", "b1"), "h")
                .node("Relu", List.of("h"), "a")
                .node("Gemm", List.of("a", "w2", "b2"), "y")
                .output("y", FLOAT, -1, outputs)
                .write(file);
    }

    /** x [-1, 1] -> factor * x: a version that can be told by its answers. */
    public static Path times(Path file, float factor) {
        return new OnnxGraph()
                .input("x", FLOAT, -1, 1)
                .constant("factor", new float[] {factor}, 1)
                .node("Mul", List.of("x", "factor"), "y")
                .output("y", FLOAT, -1, 1)
                .write(file);
    }

    /**
     * The raw columns a, b (numbers), c, d (texts) and t (times) -> 1000 * (missing a ? -1 : a) + 100 * (missing b ? -1
     * : b) + 10 * code(c) + code(d) + t / 1e6 (missing t: 0), with code("") = 0, code("red") = code("true") = 1,
     * code("7") = 2, anything else 9.
     */
    public static Path raw(Path file) {
        OnnxGraph graph = new OnnxGraph()
                .input("numbers", FLOAT, -1, 2)
                .input("texts", STRING, -1, 2)
                .input("times", INT64, -1, 1)
                .metadata("flywheel.numbers", "[\"a\", \"b\"]")
                .metadata("flywheel.texts", "[\"c\",\"d\"]")
                .metadata("flywheel.times", " [ \"t\" ] ");
        return raw(graph).write(file);
    }

    static OnnxGraph raw(OnnxGraph graph) {
        return graph.constant("minus", new float[] {-1}, 1)
                .constant("zero", new float[] {0}, 1)
                .constant("numberWeights", new float[] {1000, 100}, 2, 1)
                .constant("textWeights", new float[] {10, 1}, 2, 1)
                .constant("micro", new float[] {1e-6f}, 1)
                .node("IsNaN", List.of("numbers"), "missing")
                .node("Where", List.of("missing", "minus", "numbers"), "filled")
                .node("MatMul", List.of("filled", "numberWeights"), "fromNumbers")
                .node(
                        "LabelEncoder",
                        "ai.onnx.ml",
                        List.of("texts"),
                        "codes",
                        node -> node.addAttribute(OnnxGraph.strings("keys_strings", "", "red", "true", "7"))
                                .addAttribute(OnnxGraph.reals("values_floats", 0, 1, 1, 2))
                                .addAttribute(OnnxGraph.real("default_float", 9)))
                .node("MatMul", List.of("codes", "textWeights"), "fromTexts")
                .longs("never", Long.MIN_VALUE)
                .node("Equal", List.of("times", "never"), "noTime")
                .node(
                        "Cast",
                        "",
                        List.of("times"),
                        "seconds",
                        node -> node.addAttribute(OnnxGraph.integer("to", FLOAT.getNumber())))
                .node("Mul", List.of("seconds", "micro"), "scaled")
                .node("Where", List.of("noTime", "zero", "scaled"), "fromTimes")
                .node("Add", List.of("fromNumbers", "fromTexts"), "sum")
                .node("Add", List.of("sum", "fromTimes"), "prediction")
                .output("prediction", FLOAT, -1, 1);
    }

    /** doubled = 2 * d [-1, 3] DOUBLE; next = i [-1] + 1 INT32; echo = s [-1, 2] STRING. */
    public static Path types(Path file) {
        return new OnnxGraph()
                .input("d", DOUBLE, -1, 3)
                .input("i", INT32, -1)
                .input("s", STRING, -1, 2)
                .constant("two", 2.0)
                .constant("one", 1)
                .node("Mul", List.of("d", "two"), "doubled")
                .node("Add", List.of("i", "one"), "next")
                .node("Identity", List.of("s"), "echo")
                .output("doubled", DOUBLE, -1, 3)
                .output("next", INT32, -1)
                .output("echo", STRING, -1, 2)
                .write(file);
    }

    /** The outputs of a bare session for one FLOAT input, row-major. */
    public static float[] bare(Path model, float[] rows, int width) {
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setIntraOpNumThreads(1);
            OrtEnvironment environment = OrtEnvironment.getEnvironment();
            long[] shape = {rows.length / width, width};
            try (OrtSession session = environment.createSession(model.toString(), options);
                    OnnxTensor tensor = OnnxTensor.createTensor(environment, FloatBuffer.wrap(rows), shape);
                    OrtSession.Result result = session.run(
                            Map.of(session.getInputNames().iterator().next(), tensor))) {
                return ((OnnxTensor) result.get(0)).getFloatBuffer().array();
            }
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }

    public static float[] floats(Random random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
