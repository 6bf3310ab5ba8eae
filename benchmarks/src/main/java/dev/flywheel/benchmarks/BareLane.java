package dev.flywheel.benchmarks;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.flywheel.core.device.Device;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The limit: ONNX Runtime by hand, for a model with one float input and one float output of fixed row sizes. A session
 * of its own, tensors over direct buffers that are made once for each number of rows, a pinned output. Not thread-safe.
 */
final class BareLane implements AutoCloseable {

    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession session;
    private final String input;
    private final String output;
    private final int inputs;
    private final int outputs;
    private final FloatBuffer in;
    private final FloatBuffer out;
    private final @Nullable Tensors[] tensors;

    /** The tensors for one number of rows. */
    private record Tensors(Map<String, OnnxTensor> inputs, Map<String, OnnxValue> outputs) {}

    /** {@return a lane for batches of up to {@code rows}} */
    static BareLane open(Path model, int rows) {
        return open(model, rows, Device.cpu());
    }

    /** {@return the same on a device} */
    static BareLane open(Path model, int rows, Device device) {
        try {
            return new BareLane(session(model, device), rows);
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }

    private BareLane(OrtSession session, int rows) throws OrtException {
        this.session = session;
        NodeInfo taken = session.getInputInfo().values().iterator().next();
        NodeInfo given = session.getOutputInfo().values().iterator().next();
        this.input = taken.getName();
        this.output = given.getName();
        this.inputs = width(taken);
        this.outputs = width(given);
        this.in = direct(rows * inputs);
        this.out = direct(rows * outputs);
        this.tensors = new Tensors[rows + 1];
    }

    /** {@return a session with one thread, as all contenders have} */
    static OrtSession session(Path model) throws OrtException {
        return session(model, Device.cpu());
    }

    private static OrtSession session(Path model, Device device) throws OrtException {
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setIntraOpNumThreads(1);
            options.setInterOpNumThreads(1);
            if (device.kind() == Device.Kind.CUDA) {
                options.addCUDA(device.index());
            }
            return OrtEnvironment.getEnvironment().createSession(model.toString(), options);
        }
    }

    /** {@return the memory of the input, row-major} */
    FloatBuffer in() {
        return in;
    }

    /** {@return the memory of the output, row-major} */
    FloatBuffer out() {
        return out;
    }

    /** {@return the output of one row} */
    float[] run(float[] row) throws OrtException {
        in.put(0, row);
        run(1);
        return answer(0);
    }

    /** {@return the outputs of the rows} */
    List<float[]> run(List<float[]> rows) throws OrtException {
        for (int i = 0; i < rows.size(); i++) {
            write(i, rows.get(i));
        }
        run(rows.size());
        List<float[]> answers = new ArrayList<>(rows.size());
        for (int i = 0; i < rows.size(); i++) {
            answers.add(answer(i));
        }
        return answers;
    }

    void write(int row, float[] values) {
        in.put(row * inputs, values);
    }

    float[] answer(int row) {
        float[] answer = new float[outputs];
        out.get(row * outputs, answer);
        return answer;
    }

    /** Runs the model on the first rows. */
    void run(int rows) throws OrtException {
        Tensors bound = tensors[rows];
        if (bound == null) {
            bound = new Tensors(
                    Map.of(input, OnnxTensor.createTensor(environment, part(in, rows * inputs), shape(rows, inputs))),
                    Map.of(
                            output,
                            OnnxTensor.createTensor(environment, part(out, rows * outputs), shape(rows, outputs))));
            tensors[rows] = bound;
        }
        session.run(bound.inputs, bound.outputs).close();
    }

    @Override
    public void close() throws OrtException {
        for (Tensors bound : tensors) {
            if (bound != null) {
                bound.inputs.values().forEach(OnnxTensor::close);
                bound.outputs.values().forEach(OnnxValue::close);
            }
        }
        session.close();
    }

    private static int width(NodeInfo tensor) {
        long[] shape = ((TensorInfo) tensor.getInfo()).getShape();
        return Math.toIntExact(shape[shape.length - 1]);
    }

    private static long[] shape(int rows, int width) {
        return new long[] {rows, width};
    }

    private static FloatBuffer part(FloatBuffer buffer, int floats) {
        return buffer.slice(0, floats);
    }

    private static FloatBuffer direct(int floats) {
        return ByteBuffer.allocateDirect(floats * Float.BYTES)
                .order(ByteOrder.nativeOrder())
                .asFloatBuffer();
    }
}
