package dev.flywheel.benchmarks;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.Batchifier;
import ai.djl.translate.Translator;
import ai.djl.translate.TranslatorContext;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.flywheel.benchmarks.Contender.Many;
import dev.flywheel.benchmarks.Contender.One;
import dev.flywheel.pipeline.feature.TextEncoder;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.EndpointBuilder;
import dev.flywheel.serving.text.Texts;
import java.io.IOException;
import java.io.InputStream;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The sentence embeddings all-MiniLM-L6-v2, and who serves them: texts in, 384 floats of length 1 out. */
final class MiniLm {

    static final int WIDTH = 384;
    static final String SORTED = "ort-sorted";

    private static final int BATCH = 16;

    private final boolean quantized;
    private final Path directory;
    private final Path model;
    private final Path vocabulary;
    private final HuggingFaceTokenizer tokenizer;

    /** @param precision float32 or int8 */
    MiniLm(String precision) throws IOException {
        String name = switch (precision) {
            case "float32" -> "all-minilm-l6-v2";
            case "int8" -> "all-minilm-l6-v2-q";
            default ->
                throw new IllegalArgumentException("--precision is float32 or int8, found \"" + precision + "\"");
        };
        this.quantized = precision.equals("int8");
        this.directory = Files.createTempDirectory("minilm");
        this.model = unpack(name + ".onnx");
        this.vocabulary = unpack(name + "-tokenizer.json");
        this.tokenizer = HuggingFaceTokenizer.builder()
                .optTokenizerPath(vocabulary)
                .optPadding(false)
                .optTruncation(false)
                .build();
    }

    private Path unpack(String resource) throws IOException {
        Path file = directory.resolve(resource);
        try (InputStream in = MiniLm.class.getResourceAsStream("/" + resource)) {
            if (in == null) {
                throw new IllegalStateException(resource + " is not on the class path");
            }
            Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
        }
        file.toFile().deleteOnExit();
        directory.toFile().deleteOnExit();
        return file;
    }

    /** {@return the same as an encoder of a pipeline} */
    TextEncoder encoder() {
        return TextEncoder.of(model, vocabulary);
    }

    HuggingFaceTokenizer tokenizer() {
        return tokenizer;
    }

    /** {@return those who answer one text a call} */
    List<Contender<One<String>>> blocking() throws OrtException {
        OrtSession session = BareLane.session(model);
        ZooModel<String, float[]> djl = Djl.load(model, String.class, float[].class, new Embedding());
        List<Contender<One<String>>> contenders = new ArrayList<>();
        contenders.add(flywheel(Contender.FLYWHEEL, Endpoint.onnx(model, Texts.embeddings(vocabulary))));
        if (quantized) {
            contenders.add(flywheel(
                    "flywheel-batched",
                    Endpoint.onnx(model, Texts.embeddings(vocabulary)).maxBatch(BATCH)));
        }
        contenders.addAll(List.of(
                new Contender<>(
                        "ort-each",
                        () -> text -> embed(session, List.of(ids(text))).get(0),
                        List.of(session)),
                new Contender<>(
                        "djl-predictor",
                        () -> {
                            Predictor<String, float[]> predictor = djl.newPredictor();
                            return One.with(predictor, predictor::predict);
                        },
                        List.of(djl))));
        return contenders;
    }

    private static Contender<One<String>> flywheel(String name, EndpointBuilder<String, float[]> builder) {
        Endpoint<String, float[]> endpoint = builder.open();
        return new Contender<>(name, () -> text -> endpoint.predict(text).value(), List.of(endpoint));
    }

    /** {@return the limit: who has all texts beforehand, sorts them by length and runs them in batches of 16} */
    Contender<Many<String>> sorted() throws OrtException {
        OrtSession session = BareLane.session(model);
        return new Contender<>(SORTED, () -> texts -> sorted(session, texts), List.of(session));
    }

    private List<float[]> sorted(OrtSession session, List<String> texts) throws OrtException {
        List<long[]> ids = texts.stream().map(this::ids).toList();
        Integer[] order = new Integer[texts.size()];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, Comparator.comparingInt(i -> ids.get(i).length));
        float[][] answers = new float[texts.size()][];
        for (int from = 0; from < order.length; from += BATCH) {
            List<Integer> batch = Arrays.asList(order).subList(from, Math.min(order.length, from + BATCH));
            List<float[]> embedded = embed(session, batch.stream().map(ids::get).toList());
            for (int i = 0; i < batch.size(); i++) {
                answers[batch.get(i)] = embedded.get(i);
            }
        }
        return Arrays.asList(answers);
    }

    private long[] ids(String text) {
        return tokenizer.encode(text).getIds();
    }

    private static List<float[]> embed(OrtSession session, List<long[]> texts) throws OrtException {
        int rows = texts.size();
        int tokens = texts.stream().mapToInt(ids -> ids.length).max().orElse(1);
        long[] shape = {rows, tokens};
        long[] ids = new long[rows * tokens];
        long[] mask = new long[rows * tokens];
        for (int row = 0; row < rows; row++) {
            long[] text = texts.get(row);
            System.arraycopy(text, 0, ids, row * tokens, text.length);
            Arrays.fill(mask, row * tokens, row * tokens + text.length, 1);
        }
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        try (OnnxTensor input = OnnxTensor.createTensor(environment, LongBuffer.wrap(ids), shape);
                OnnxTensor attention = OnnxTensor.createTensor(environment, LongBuffer.wrap(mask), shape);
                OnnxTensor types = OnnxTensor.createTensor(environment, LongBuffer.allocate(ids.length), shape);
                OrtSession.Result result =
                        session.run(Map.of("input_ids", input, "attention_mask", attention, "token_type_ids", types))) {
            FloatBuffer hidden = ((OnnxTensor) result.get(0)).getFloatBuffer();
            List<float[]> answers = new ArrayList<>();
            for (int row = 0; row < rows; row++) {
                answers.add(pool(hidden, row * tokens * WIDTH, texts.get(row).length));
            }
            return answers;
        }
    }

    /** {@return the mean over the tokens, brought to length 1} */
    private static float[] pool(FloatBuffer hidden, int from, int tokens) {
        float[] sum = new float[WIDTH];
        for (int token = 0; token < tokens; token++) {
            for (int i = 0; i < WIDTH; i++) {
                sum[i] += hidden.get(from + token * WIDTH + i);
            }
        }
        double squares = 0;
        for (float value : sum) {
            squares += (double) value * value;
        }
        float scale = (float) (1 / Math.sqrt(squares));
        for (int i = 0; i < WIDTH; i++) {
            sum[i] *= scale;
        }
        return sum;
    }

    /** As DJL's users write it for one text a call. */
    private final class Embedding implements Translator<String, float[]> {

        @Override
        public NDList processInput(TranslatorContext context, String text) {
            Encoding encoding = tokenizer.encode(text);
            NDManager manager = context.getNDManager();
            return new NDList(
                    named(manager, "input_ids", encoding.getIds()),
                    named(manager, "attention_mask", encoding.getAttentionMask()),
                    named(manager, "token_type_ids", encoding.getTypeIds()));
        }

        private NDArray named(NDManager manager, String name, long[] values) {
            NDArray array = manager.create(values, new Shape(1, values.length));
            array.setName(name);
            return array;
        }

        @Override
        public float[] processOutput(TranslatorContext context, NDList outputs) {
            NDArray hidden = outputs.get(0);
            FloatBuffer values = FloatBuffer.wrap(hidden.toFloatArray());
            return pool(values, 0, values.capacity() / WIDTH);
        }

        @Override
        public @Nullable Batchifier getBatchifier() {
            return null;
        }
    }
}
