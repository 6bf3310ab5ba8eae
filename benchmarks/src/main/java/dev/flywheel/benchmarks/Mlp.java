package dev.flywheel.benchmarks;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import dev.flywheel.benchmarks.Contender.Later;
import dev.flywheel.benchmarks.Contender.Many;
import dev.flywheel.benchmarks.Contender.One;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.Tensors;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Who serves the small model. */
final class Mlp {

    static final String INLINE = "ort-inline";
    static final String LANE_EACH = "flywheel-lane-each";
    static final String PACKED = "ort-packed";

    private static final int LIST = 64;

    private Mlp() {}

    /** {@return those who answer one input a call} */
    static List<Contender<One<float[]>>> blocking(Path model, int callers) throws Exception {
        List<Contender<One<float[]>>> contenders = new ArrayList<>();
        contenders.add(predict(
                Contender.FLYWHEEL, Endpoint.onnx(model, Tensors.floats()).open()));
        if (callers > 8) {
            contenders.add(predict(
                    LANE_EACH,
                    Endpoint.onnx(model, Tensors.floats()).lanes(callers).open()));
        }
        contenders.add(inline(model));
        contenders.add(readme(model));
        contenders.add(Djl.predictor(model));
        contenders.add(queued(model));
        return contenders;
    }

    /** {@return those who answer a list in one call} */
    static List<Contender<Many<float[]>>> lists(Path model) throws Exception {
        Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(model, Tensors.floats()).open();
        return List.of(
                new Contender<>(
                        Contender.FLYWHEEL, () -> inputs -> values(endpoint.predictAll(inputs)), List.of(endpoint)),
                new Contender<>(
                        PACKED,
                        () -> {
                            BareLane lane = BareLane.open(model, LIST);
                            return Many.with(lane, lane::run);
                        },
                        List.of()),
                arrays(model),
                Djl.batches(model),
                Djl.packed(model));
    }

    /** {@return those who take inputs and answer later} */
    static List<Contender<Later<float[]>>> later(Path model) {
        Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(model, Tensors.floats()).open();
        QueueWorker one = new QueueWorker(model, 1);
        QueueWorker two = new QueueWorker(model, 2);
        return List.of(
                new Contender<>(Contender.FLYWHEEL, () -> endpoint::predictAsync, List.of(endpoint)),
                new Contender<>("queue-1-worker", () -> one::submit, List.of(one)),
                new Contender<>("queue-2-workers", () -> two::submit, List.of(two)));
    }

    /** {@return the answer that a submitted input comes to} */
    static float[] value(Later<float[]> worker, float[] input) throws Exception {
        Object answer = worker.submit(input).join();
        return answer instanceof Prediction<?> prediction ? (float[]) prediction.value() : (float[]) answer;
    }

    private static Contender<One<float[]>> predict(String name, Endpoint<float[], float[]> endpoint) {
        return new Contender<>(name, () -> input -> endpoint.predict(input).value(), List.of(endpoint));
    }

    private static List<float[]> values(List<Prediction<float[]>> predictions) {
        List<float[]> values = new ArrayList<>(predictions.size());
        for (Prediction<float[]> prediction : predictions) {
            values.add(prediction.value());
        }
        return values;
    }

    /** A lane for each thread: no queue, no lock, no fairness but the operating system's. */
    private static Contender<One<float[]>> inline(Path model) {
        return new Contender<>(
                INLINE,
                () -> {
                    BareLane lane = BareLane.open(model, 1);
                    return One.with(lane, lane::run);
                },
                List.of());
    }

    /** As ONNX Runtime's own documentation shows it. */
    private static Contender<One<float[]>> readme(Path model) throws Exception {
        OrtSession session = BareLane.session(model);
        return new Contender<>(
                "ort-readme",
                () -> input -> {
                    try (OnnxTensor x = OnnxTensor.createTensor(
                                    OrtEnvironment.getEnvironment(),
                                    FloatBuffer.wrap(input),
                                    new long[] {1, input.length});
                            OrtSession.Result result = session.run(Map.of("x", x))) {
                        return ((float[][]) result.get(0).getValue())[0];
                    }
                },
                List.of(session));
    }

    /** As many people write lists: arrays of arrays in and out. */
    private static Contender<Many<float[]>> arrays(Path model) throws Exception {
        OrtSession session = BareLane.session(model);
        return new Contender<>(
                "ort-arrays",
                () -> inputs -> {
                    try (OnnxTensor x = OnnxTensor.createTensor(
                                    OrtEnvironment.getEnvironment(), inputs.toArray(float[][]::new));
                            OrtSession.Result result = session.run(Map.of("x", x))) {
                        return Arrays.asList((float[][]) result.get(0).getValue());
                    }
                },
                List.of(session));
    }

    private static Contender<One<float[]>> queued(Path model) {
        QueueWorker worker = new QueueWorker(model, 1);
        return new Contender<>(
                "queue-1-worker", () -> input -> worker.submit(input).join(), List.of(worker));
    }
}
