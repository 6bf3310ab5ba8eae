package dev.flywheel.serving.stress;

import static dev.flywheel.serving.OnnxGraph.FLOAT;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.flywheel.serving.OnnxGraph;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.List;

/** The ONNX models of the stress test: a row comes out as it went in, with the version of the model behind it. */
final class StressModel {

    static final int INPUTS = 4;
    private static final int OUTPUTS = INPUTS + 1;
    private static final int KIND = 2;
    private static final int VALUE = 3;

    private StressModel() {}

    /**
     * x [-1, 4] -> y [-1, 5] = x, version. The version comes out of a table by an index that is computed for each row,
     * and that lies outside the table for a row on which the model is to fail.
     */
    static Path write(Path file, int version) {
        return new OnnxGraph()
                .input("x", FLOAT, -1, INPUTS)
                .constant("table", new float[] {version}, 1)
                .constant("bad", new float[] {Ask.Kind.BAD_RUN.code}, 1)
                .longs("column", KIND)
                .longs("far", 1_000)
                .node("Gather", "", List.of("x", "column"), "kind", StressModel::columns)
                .node("Equal", List.of("kind", "bad"), "fails")
                .node("Cast", "", List.of("fails"), "flag", node -> node.addAttribute(toLong()))
                .node("Mul", List.of("flag", "far"), "index")
                .node("Gather", List.of("table", "index"), "version")
                .node("Concat", "", List.of("x", "version"), "y", StressModel::columns)
                .output("y", FLOAT, -1, OUTPUTS)
                .write(file);
    }

    private static void columns(NodeProto.Builder node) {
        node.addAttribute(OnnxGraph.integer("axis", 1));
    }

    private static AttributeProto toLong() {
        return OnnxGraph.integer("to", OnnxGraph.INT64.getNumber());
    }

    static void write(FloatBuffer input, int row, Ask ask) {
        int at = row * INPUTS;
        input.put(at, ask.low())
                .put(at + 1, ask.high())
                .put(at + KIND, ask.kind().code)
                .put(at + VALUE, ask.value());
    }

    static Answer answer(FloatBuffer output, int row) {
        int at = row * OUTPUTS;
        return new Answer(
                Ask.id(output.get(at), output.get(at + 1)),
                Ask.Kind.of(output.get(at + KIND)),
                output.get(at + VALUE),
                (int) output.get(at + INPUTS));
    }
}
