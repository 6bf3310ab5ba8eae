package dev.flywheel.benchmarks;

import ai.djl.MalformedModelException;
import ai.djl.engine.Engine;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ModelNotFoundException;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.Batchifier;
import ai.djl.translate.Translator;
import ai.djl.translate.TranslatorContext;
import dev.flywheel.benchmarks.Contender.Many;
import dev.flywheel.benchmarks.Contender.One;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** DJL's Predictor on its ONNX Runtime engine, one for each thread, as its users write it. */
final class Djl {

    private Djl() {}

    /**
     * Makes DJL create the process-wide environment of ONNX Runtime, which it insists on. To be called before anything
     * else touches ONNX Runtime.
     */
    static void first() {
        System.setProperty("ai.djl.offline", "true");
        System.setProperty("OPT_OUT_TRACKING", "true");
        System.setProperty("ai.djl.onnxruntime.num_threads", "1");
        System.setProperty("ai.djl.onnxruntime.num_interop_threads", "1");
        System.setProperty("ai.djl.pytorch.num_threads", "1");
        System.setProperty("ai.djl.pytorch.num_interop_threads", "1");
        Engine unused = Engine.getEngine("OnnxRuntime");
    }

    static <I, O> ZooModel<I, O> load(Path model, Class<I> in, Class<O> out, Translator<I, O> translator) {
        try {
            return Criteria.builder()
                    .setTypes(in, out)
                    .optEngine("OnnxRuntime")
                    .optModelPath(model)
                    .optTranslator(translator)
                    .optOption("intraOpNumThreads", "1")
                    .optOption("interOpNumThreads", "1")
                    .build()
                    .loadModel();
        } catch (IOException | ModelNotFoundException | MalformedModelException e) {
            throw new IllegalStateException(e);
        }
    }

    /** {@return a predictor for each thread, one input a call} */
    static Contender<One<float[]>> predictor(Path model) {
        ZooModel<float[], float[]> loaded = load(model, float[].class, float[].class, new Stacked());
        return new Contender<>("djl-predictor", () -> one(loaded.newPredictor()), List.of(loaded));
    }

    static <I> One<I> one(Predictor<I, float[]> predictor) {
        return One.with(predictor, predictor::predict);
    }

    /** {@return a predictor for each thread, with batchPredict} */
    static Contender<Many<float[]>> batches(Path model) {
        ZooModel<float[], float[]> loaded = load(model, float[].class, float[].class, new Stacked());
        return new Contender<>(
                "djl-predictor",
                () -> {
                    Predictor<float[], float[]> predictor = loaded.newPredictor();
                    return Many.with(predictor, predictor::batchPredict);
                },
                List.of(loaded));
    }

    /** {@return a predictor for each thread, whose translator packs the whole list into one array} */
    static Contender<Many<float[]>> packed(Path model) {
        ZooModel<float[][], float[][]> loaded = load(model, float[][].class, float[][].class, new Packed());
        return new Contender<>(
                "djl-packed",
                () -> {
                    Predictor<float[][], float[][]> predictor = loaded.newPredictor();
                    return Many.with(predictor, inputs -> List.of(predictor.predict(inputs.toArray(float[][]::new))));
                },
                List.of(loaded));
    }

    /** What DJL's documentation shows: an array for each input, stacked by the library. */
    private static final class Stacked implements Translator<float[], float[]> {

        @Override
        public NDList processInput(TranslatorContext context, float[] input) {
            return new NDList(context.getNDManager().create(input));
        }

        @Override
        public float[] processOutput(TranslatorContext context, NDList outputs) {
            return outputs.singletonOrThrow().toFloatArray();
        }
    }

    /** One array for the whole list. */
    private static final class Packed implements Translator<float[][], float[][]> {

        @Override
        public NDList processInput(TranslatorContext context, float[][] inputs) {
            FloatBuffer rows = FloatBuffer.allocate(inputs.length * inputs[0].length);
            for (float[] input : inputs) {
                rows.put(input);
            }
            rows.rewind();
            return new NDList(context.getNDManager().create(rows, new Shape(inputs.length, inputs[0].length)));
        }

        @Override
        public float[][] processOutput(TranslatorContext context, NDList outputs) {
            Shape shape = outputs.singletonOrThrow().getShape();
            float[] all = outputs.singletonOrThrow().toFloatArray();
            int width = (int) shape.get(1);
            List<float[]> rows = new ArrayList<>();
            for (int from = 0; from < all.length; from += width) {
                rows.add(Arrays.copyOfRange(all, from, from + width));
            }
            return rows.toArray(float[][]::new);
        }

        @Override
        public @Nullable Batchifier getBatchifier() {
            return null;
        }
    }
}
