package dev.flywheel.benchmarks;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Map;

/**
 * The limit: ONNX Runtime by hand, with tensors over direct buffers for one batch size and a pinned output. Not
 * thread-safe.
 */
final class BareLane implements AutoCloseable {

    private final OrtSession session;
    private final FloatBuffer in;
    private final FloatBuffer out;
    private final Map<String, OnnxTensor> inputs;
    private final Map<String, OnnxValue> outputs;

    /** {@return a lane for batches of {@code rows}} */
    static BareLane open(Path model, int rows) {
        try {
            return new BareLane(model, rows);
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }

    private BareLane(Path model, int rows) throws OrtException {
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setIntraOpNumThreads(1);
            options.setInterOpNumThreads(1);
            this.session = environment.createSession(model.toString(), options);
        }
        this.in = direct(rows * SmallMlp.INPUTS);
        this.out = direct(rows * SmallMlp.OUTPUTS);
        this.inputs = Map.of("x", OnnxTensor.createTensor(environment, in, new long[] {rows, SmallMlp.INPUTS}));
        this.outputs = Map.of("y", OnnxTensor.createTensor(environment, out, new long[] {rows, SmallMlp.OUTPUTS}));
    }

    /** {@return the output of one row} */
    float[] run(float[] row) throws OrtException {
        in.put(0, row);
        run();
        float[] answer = new float[SmallMlp.OUTPUTS];
        out.get(0, answer);
        return answer;
    }

    /** {@return the outputs of as many rows as this lane has, row-major} */
    float[] run(float[][] rows) throws OrtException {
        for (int i = 0; i < rows.length; i++) {
            in.put(i * SmallMlp.INPUTS, rows[i]);
        }
        run();
        float[] answer = new float[rows.length * SmallMlp.OUTPUTS];
        out.get(0, answer);
        return answer;
    }

    private void run() throws OrtException {
        session.run(inputs, outputs).close();
    }

    @Override
    public void close() throws OrtException {
        inputs.values().forEach(OnnxTensor::close);
        outputs.values().forEach(OnnxValue::close);
        session.close();
    }

    private static FloatBuffer direct(int floats) {
        return ByteBuffer.allocateDirect(floats * Float.BYTES)
                .order(ByteOrder.nativeOrder())
                .asFloatBuffer();
    }
}
