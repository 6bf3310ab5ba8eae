package dev.flywheel.benchmarks;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.flywheel.benchmarks.Contender.One;
import dev.flywheel.core.FactoryException;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.OnnxEngine;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Says what Flywheel gives on a model of the user's, with inputs that are made up out of its signature. */
final class ModelCommand {

    private ModelCommand() {}

    static void run(Arguments arguments) throws Exception {
        String file = arguments.text("model", "");
        int callers = arguments.number("callers", 64);
        Rounds rounds = new Rounds(arguments.number("rounds", 5));
        long nanos = arguments.nanos("seconds", 1);
        int length = arguments.number("length", 16);
        Path out = arguments.out();
        arguments.refuseOthers();
        if (file.isEmpty() || callers < 1) {
            throw new IllegalArgumentException("model takes --model FILE.onnx and at least one of --callers");
        }
        Path model = Path.of(file);
        try {
            measure(model, callers, rounds, nanos, length, out);
        } catch (FactoryException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    private static void measure(Path model, int callers, Rounds rounds, long nanos, int length, Path out)
            throws Exception {
        MadeUp inputs = inputs(model, length);
        Results results = new Results(
                "model-" + String.valueOf(model.getFileName()).replaceFirst("\\.onnx$", ""),
                "--model " + model + " --callers " + callers);
        Console.line("%s takes %s", model, inputs);
        for (int count = 1; count < 2 * callers; count *= 4) {
            int now = Math.min(count, callers);
            List<Contender<One<Integer>>> contenders = List.of(flywheel(model, inputs), inline(model, inputs));
            Same.answers(contenders, One::answer, List.of(0, 1, 2, 3));
            Map<String, List<Measured>> found = rounds.run(
                    contenders,
                    c -> Load.closed(c, now, nanos, (w, turn) -> {
                        float[] unused = w.answer(turn & 63);
                        return 1;
                    }));
            contenders.forEach(Contender::close);
            String work = model.getFileName() + ", " + MlpLoad.callers(now);
            results.rate(work, Mlp.INLINE, found);
            results.figure(work + ", p50", "us", Mlp.INLINE, found, m -> m.micros(0.5));
            results.figure(work + ", p99", "us", Mlp.INLINE, found, m -> m.micros(0.99));
        }
        results.write(out);
    }

    private static MadeUp inputs(Path model, int length) {
        try (Engine engine = OnnxEngine.open(model);
                Lane lane = engine.newLane(2)) {
            if (lane.maxRows() > 2) {
                throw new IllegalArgumentException(model + " takes batches of " + lane.maxRows()
                        + " only; export it with a free batch dimension to measure it");
            }
            return new MadeUp(engine.signature(), length, lane.maxRows() == 2);
        }
    }

    private static Contender<One<Integer>> flywheel(Path model, MadeUp inputs) {
        Endpoint<Integer, float[]> endpoint = Endpoint.onnx(model, inputs).open();
        return new Contender<>(
                Contender.FLYWHEEL, () -> seed -> endpoint.predict(seed).value(), List.of(endpoint));
    }

    private static Contender<One<Integer>> inline(Path model, MadeUp inputs) throws OrtException {
        OrtSession session = BareLane.session(model);
        return new Contender<>(
                Mlp.INLINE,
                () -> {
                    List<ByteBuffer> memory = new ArrayList<>();
                    Map<String, OnnxTensor> tensors = new LinkedHashMap<>();
                    for (TensorSpec spec : inputs.signature().inputs()) {
                        ByteBuffer bytes = ByteBuffer.allocateDirect(inputs.width(spec) * inputs.bytes(spec))
                                .order(ByteOrder.nativeOrder());
                        memory.add(bytes);
                        tensors.put(spec.name(), tensor(bytes, inputs.shape(spec), spec));
                    }
                    return One.with(() -> tensors.values().forEach(OnnxTensor::close), number -> {
                        for (int i = 0; i < memory.size(); i++) {
                            inputs.fill(i, memory.get(i), 0, number);
                        }
                        try (OrtSession.Result result = session.run(tensors)) {
                            return inputs.read(result.get(0));
                        }
                    });
                },
                List.of(session));
    }

    private static OnnxTensor tensor(ByteBuffer bytes, long[] shape, TensorSpec spec) throws OrtException {
        return OnnxTensor.createTensor(
                OrtEnvironment.getEnvironment(),
                bytes,
                shape,
                OnnxJavaType.valueOf(spec.type().name()));
    }
}
