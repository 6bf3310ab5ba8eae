package dev.flywheel.serving;

import static dev.flywheel.core.model.ElementType.FLOAT;
import static dev.flywheel.core.model.ElementType.INT64;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.modality.Classifications;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.translate.Batchifier;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.SimplePaddingStackBatchifier;
import ai.djl.translate.TranslateException;
import ai.djl.translate.Translator;
import ai.djl.translate.TranslatorContext;
import ai.djl.util.passthrough.PassthroughNDArray;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.RowWriter;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.engine.DjlDefaults;
import dev.flywheel.serving.engine.DjlEngine;
import dev.flywheel.serving.engine.Engine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DjlCodecTest {

    @TempDir
    Path directory;

    @BeforeAll
    static void keepDjlQuiet() {
        DjlDefaults.apply();
    }

    /** Copies in and out, and computes on the way if asked to. */
    private static final class Floats implements Translator<float[], float[]> {

        final AtomicInteger prepared = new AtomicInteger();
        volatile Class<?> made = Floats.class;
        private final boolean scales;
        private final boolean ranks;

        Floats(boolean scales, boolean ranks) {
            this.scales = scales;
            this.ranks = ranks;
        }

        @Override
        public void prepare(TranslatorContext context) throws IOException {
            assertThat(context.getModel().getName()).isEqualTo("mlp");
            assertThat(context.getBlock()).isNotNull();
            try (NDArray array = context.getPredictorManager().ones(new Shape(1))) {
                assertThat(array.toFloatArray()).containsExactly(1);
            }
            prepared.incrementAndGet();
        }

        @Override
        public NDList processInput(TranslatorContext context, float[] input) {
            NDArray array = context.getNDManager().create(input);
            made = array.getClass();
            return new NDList(scales ? array.mul(0.5f).add(1) : array);
        }

        @Override
        public float[] processOutput(TranslatorContext context, NDList list) {
            NDArray output = list.singletonOrThrow();
            return (ranks ? output.softmax(0).mul(2) : output).toFloatArray();
        }
    }

    private static Model mlp() {
        Model model = Model.newInstance("mlp", Device.cpu(), "PyTorch");
        Block block = new SequentialBlock()
                .add(Linear.builder().setUnits(64).build())
                .add(Activation.reluBlock())
                .add(Linear.builder().setUnits(2).build());
        model.setBlock(block);
        block.initialize(model.getNDManager(), DataType.FLOAT32, new Shape(1, 16));
        return model;
    }

    private static List<float[]> inputs(int count) {
        Random random = new Random(3);
        return IntStream.range(0, count)
                .mapToObj(i -> TestModels.floats(random, 16))
                .toList();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void answersAsAPredictorDoesAndKeepsNoArray(boolean computes) throws TranslateException {
        Floats translator = new Floats(computes, computes);
        Model model = mlp();
        List<float[]> inputs = inputs(200);
        List<float[]> expected;
        try (Predictor<float[], float[]> predictor = model.newPredictor(translator)) {
            expected = predictor.batchPredict(inputs);
        }
        translator.prepared.set(0);
        try (Endpoint<float[], float[]> endpoint = Endpoint.of(
                        DjlEngine.open(model, TensorSpec.of("x", FLOAT, -1, 16)), DjlCodec.of(translator))
                .maxBatch(64)
                .warmUp(inputs.get(0))
                .open()) {
            List<Prediction<float[]>> answers = endpoint.predictAll(inputs);
            for (int i = 0; i < inputs.size(); i++) {
                assertThat(answers.get(i).value())
                        .usingElementComparator(DjlCodecTest::roughly)
                        .containsExactly(expected.get(i));
            }
            assertThat(translator.made).isEqualTo(computes ? PtNDArray.class : PassthroughNDArray.class);
            int arrays = model.getNDManager().getManagedArrays().size();
            for (float[] input : inputs) {
                assertThat(endpoint.predict(input).value()).hasSize(2);
            }
            assertThat(model.getNDManager().getManagedArrays().size() - arrays).isBetween(0, 2);
            assertThat(translator.prepared.get())
                    .isBetween(1, 2 * Runtime.getRuntime().availableProcessors());
        }
    }

    private static int roughly(float left, float right) {
        return Math.abs(left - right) <= 1e-6f * Math.max(1, Math.abs(right)) ? 0 : Float.compare(left, right);
    }

    @Test
    void servesATranslatorFromManyThreads() throws Exception {
        List<float[]> inputs = inputs(64);
        Floats translator = new Floats(true, true);
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try (Endpoint<float[], float[]> endpoint = Endpoint.of(
                        DjlEngine.open(mlp(), TensorSpec.of("x", FLOAT, -1, 16)), DjlCodec.of(translator))
                .warmUp(inputs.get(0))
                .open()) {
            List<Prediction<float[]>> expected = endpoint.predictAll(inputs);
            List<Future<?>> done = new ArrayList<>();
            for (int t = 0; t < 8; t++) {
                int from = t;
                done.add(threads.submit(() -> {
                    for (int i = 0; i < 500; i++) {
                        int which = (from * 7 + i) % 64;
                        Prediction<float[]> answer = i % 2 == 0
                                ? endpoint.predict(inputs.get(which))
                                : endpoint.predictAsync(inputs.get(which)).join();
                        assertThat(answer.value())
                                .usingElementComparator(DjlCodecTest::roughly)
                                .containsExactly(expected.get(which).value());
                    }
                }));
            }
            for (Future<?> one : done) {
                one.get();
            }
        } finally {
            threads.shutdownNow();
        }
    }

    /** Answers with what it attached to the context when the input came, and the model's output. */
    private static class Attaching implements Translator<Integer, String> {

        @Override
        public NDList processInput(TranslatorContext context, Integer input) throws Exception {
            if (input == 13) {
                throw new IOException("no thirteen");
            }
            if (input == 14) {
                throw new IllegalArgumentException("nor fourteen");
            }
            context.setAttachment("input", input);
            return new NDList(context.getNDManager().create(new float[] {input}));
        }

        @Override
        public String processOutput(TranslatorContext context, NDList list) {
            return context.getAttachment("input") + "*2=" + list.get("output").toFloatArray()[0];
        }
    }

    private Engine twice() {
        return DjlEngine.torchScript(TorchScript.times(directory.resolve("m.pt"), 2), TensorSpec.of("x", FLOAT, -1, 1));
    }

    @Test
    void givesEachItemOfABatchAContextOfItsOwn() {
        try (Endpoint<Integer, String> endpoint =
                Endpoint.of(twice(), DjlCodec.of(new Attaching())).open()) {
            assertThat(endpoint.predictAll(List.of(1, 2, 3)))
                    .extracting(Prediction::value)
                    .containsExactly("1*2=2.0", "2*2=4.0", "3*2=6.0");
        }
    }

    @Test
    void failsOnlyTheInputThatTheTranslatorRefuses() {
        try (Endpoint<Integer, String> endpoint =
                Endpoint.of(twice(), DjlCodec.of(new Attaching())).open()) {
            List<CompletableFuture<Prediction<String>>> futures =
                    IntStream.range(10, 20).mapToObj(endpoint::predictAsync).toList();
            for (int i = 10; i < 20; i++) {
                CompletableFuture<Prediction<String>> future = futures.get(i - 10);
                if (i == 13) {
                    assertThatThrownBy(future::join)
                            .cause()
                            .isInstanceOf(PredictionException.class)
                            .hasMessage(
                                    "translator Attaching failed on an input: no thirteen. Fix: mend or leave out that "
                                            + "input.");
                } else if (i == 14) {
                    assertThatThrownBy(future::join)
                            .cause()
                            .isInstanceOf(IllegalArgumentException.class)
                            .hasMessage("nor fourteen");
                } else {
                    assertThat(future.join().value()).isEqualTo(i + "*2=" + (float) (2 * i));
                }
            }
        }
    }

    @Test
    void servesWhatWasWrittenForAPredictorOverAnOnnxModel() {
        Path model = TestModels.times(directory.resolve("m.onnx"), 2);
        Translator<Integer, String> translator = new Attaching() {
            @Override
            public String processOutput(TranslatorContext context, NDList list) {
                return "it is " + list.get("y").toFloatArray()[0];
            }
        };
        try (Endpoint<Integer, String> endpoint =
                Endpoint.onnx(model, DjlCodec.of(translator)).open()) {
            assertThat(endpoint.predict(4).value()).isEqualTo("it is 8.0");
        }
        Translator<Integer, String> computing = new Attaching() {
            @Override
            public String processOutput(TranslatorContext context, NDList list) {
                return "it is " + list.singletonOrThrow().add(1).toFloatArray()[0];
            }
        };
        try (Endpoint<Integer, String> endpoint =
                Endpoint.onnx(model, DjlCodec.of(computing)).open()) {
            assertThat(endpoint.predict(4).value()).isEqualTo("it is 9.0");
        }
        assertThatThrownBy(() -> Endpoint.onnx(model, DjlCodec.of(new Floats(false, false)))
                        .open())
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("there is no model of DJL here: the lane runs another engine. Fix: check");
    }

    @Test
    void takesArraysThatBringTheirBatchWhereThereIsNoBatchifier() {
        try (NDManager manager = NDManager.newBaseManager("PyTorch");
                Endpoint<NDList, NDList> endpoint =
                        Endpoint.of(twice(), DjlCodec.of(new NoopTranslator())).open()) {
            NDList input = new NDList(manager.create(new float[][] {{7}}));
            List<Prediction<NDList>> answers = endpoint.predictAll(List.of(input, input));
            assertThat(answers.get(1).value().singletonOrThrow().getShape()).isEqualTo(new Shape(1, 1));
            assertThat(answers.get(1).value().singletonOrThrow().toFloatArray()).containsExactly(14);
            assertThatThrownBy(() -> endpoint.predict(new NDList(manager.create(new float[] {7}))))
                    .isInstanceOf(PredictionException.class)
                    .hasMessage(
                            "translator NoopTranslator does not fit the model: it made float32 of shape (1) of an input, "
                                    + "but input \"x\" takes FLOAT of shape [-1, 1], and rows of [1, 1] now. Fix: let the translator "
                                    + "make what the model takes; where inputs differ in length, serve it with "
                                    + "DjlCodec.of(translator, length).");
        }
    }

    @Test
    void saysWhatTheTranslatorMakesThatTheModelDoesNotTake() {
        try (NDManager manager = NDManager.newBaseManager("PyTorch");
                Endpoint<NDList, NDList> endpoint = Endpoint.of(
                                twice(), DjlCodec.of(new NoopTranslator(Batchifier.STACK)))
                        .open()) {
            assertThatThrownBy(() -> endpoint.predict(new NDList(manager.create(new long[] {7}))))
                    .hasMessageContaining(
                            "it made int64 of shape (1) of an input, but input \"x\" takes FLOAT of shape "
                                    + "[-1, 1], where the first dimension is the batch. Fix:");
            assertThatThrownBy(() -> endpoint.predict(new NDList()))
                    .hasMessageContaining("it made 0 arrays of an input, but the model takes 1. Fix:");
            assertThatThrownBy(() -> endpoint.predict(new NDList(manager.create(new float[] {7, 8}))))
                    .hasMessageContaining("it made float32 of shape (2) of an input, but input \"x\" takes FLOAT");
        }
    }

    @Test
    void refusesBatchifiersOfTheirOwnUnlessInputsRunOneByOne() {
        NoopTranslator translator = new NoopTranslator(new SimplePaddingStackBatchifier());
        assertThatThrownBy(() -> Endpoint.of(twice(), DjlCodec.of(translator)).open())
                .isInstanceOf(ModelFormatException.class)
                .hasMessage(
                        "cannot serve with translator NoopTranslator: it makes batches by SimplePaddingStackBatchifier, "
                                + "which may pad or reorder them, expected Batchifier.STACK or none. Fix: let it stack, where inputs "
                                + "differ in length with DjlCodec.of(translator, length), or let the endpoint run one input at a "
                                + "time with maxBatch(1).");
        try (NDManager manager = NDManager.newBaseManager("PyTorch");
                Endpoint<NDList, NDList> endpoint = Endpoint.of(twice(), DjlCodec.of(translator))
                        .maxBatch(1)
                        .open()) {
            assertThat(endpoint.predict(new NDList(manager.create(new float[] {5})))
                            .value()
                            .singletonOrThrow()
                            .toFloatArray())
                    .containsExactly(10);
        }
    }

    @Test
    void saysWhyATranslatorCannotBePrepared() {
        Translator<Integer, String> translator = new Attaching() {
            @Override
            public void prepare(TranslatorContext context) throws IOException {
                throw new IOException("vocab.txt is not there");
            }
        };
        assertThatThrownBy(() -> Endpoint.of(twice(), DjlCodec.of(translator)).open())
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining(": vocab.txt is not there. Fix: check what it looks for in the model's files");
    }

    /** Tokens of the length of the text, twice the one and once the other way round. */
    private record Tokens() implements Translator<String, Long> {

        @Override
        public NDList processInput(TranslatorContext context, String input) {
            long[] ids = input.chars().asLongStream().toArray();
            float[] wide = new float[2 * ids.length];
            for (int i = 0; i < ids.length; i++) {
                wide[i] = 1;
                wide[ids.length + i] = 1000;
            }
            return new NDList(
                    context.getNDManager().create(ids), context.getNDManager().create(wide, new Shape(2, ids.length)));
        }

        @Override
        public Long processOutput(TranslatorContext context, NDList list) {
            return list.get(0).toLongArray()[0] + (long) list.get(1).toFloatArray()[0];
        }
    }

    @Test
    void fillsShorterInputsOfABatchUpWithZeros() {
        Path file = TorchScript.write(
                directory.resolve("m.pt"),
                "ids: Tensor, wide: Tensor",
                "Tuple[Tensor, Tensor]",
                "return (torch.sum(ids, [1]), torch.sum(wide, [1, 2]))");
        Engine engine = DjlEngine.torchScript(
                file, TensorSpec.of("ids", INT64, -1, -1), TensorSpec.of("wide", FLOAT, -1, 2, -1));
        try (Endpoint<String, Long> endpoint =
                Endpoint.of(engine, DjlCodec.of(new Tokens(), String::length)).open()) {
            for (int round = 0; round < 2; round++) {
                assertThat(endpoint.predictAll(List.of("abcdef", "a", "zz", "abc")))
                        .extracting(Prediction::value)
                        .containsExactly(597L + 6006, 97L + 1001, 244L + 2002, 294L + 3003);
            }
        }
    }

    @Test
    void givesModelsThatTakeNoRowsTheShapeOfEachInput() {
        Path file = TorchScript.write(
                directory.resolve("m.pt"), "x: Tensor, y: Tensor", "Tensor", "return torch.cat([x, y], 1)");
        Engine engine = DjlEngine.torchScript(
                file, TensorSpec.of("x", FLOAT, -1, -1, -1), TensorSpec.of("y", FLOAT, -1, -1, -1));
        try (NDManager manager = NDManager.newBaseManager("PyTorch");
                Endpoint<NDList, NDList> endpoint = Endpoint.of(
                                engine, DjlCodec.of(new NoopTranslator(Batchifier.STACK)))
                        .open()) {
            for (int length : new int[] {1, 4, 0, 2}) {
                NDArray answer = endpoint.predict(
                                new NDList(manager.ones(new Shape(3, 2)), manager.zeros(new Shape(length, 2))))
                        .value()
                        .singletonOrThrow();
                assertThat(answer.getShape()).isEqualTo(new Shape(3 + length, 2));
                assertThat(answer.toFloatArray()).startsWith(1, 1, 1, 1, 1, 1).hasSize(6 + 2 * length);
            }
        }
    }

    /** Two numbers. */
    private record Point(double a, double b) {}

    private static final class Points implements RowType<Point> {

        private static final long serialVersionUID = 1L;

        @Override
        public Schema schema() {
            return Schema.of(new Column("a", ColumnType.NUMBER, true), new Column("b", ColumnType.NUMBER, true));
        }

        @Override
        public void write(Point point, RowWriter out) {
            out.number(0, point.a());
            out.number(1, point.b());
        }

        @Override
        public Point read(RowReader in) {
            throw new UnsupportedOperationException();
        }
    }

    @Test
    void servesRecordsWhereTheSignatureNamesTheirColumns() {
        Path file = TorchScript.write(
                directory.resolve("m.pt"),
                "x: Tensor",
                "Tensor",
                "return torch.sub(torch.slice(x, 1, 0, 1), torch.slice(x, 1, 1, 2))");
        TensorSpec numbers = new TensorSpec(Signature.NUMBERS, FLOAT, List.of(-1L, 2L), List.of("b", "a"));
        try (Endpoint<Point, Double> endpoint = Endpoint.of(
                        DjlEngine.torchScript(file, numbers), Codec.<Point, Double>rows(new Points(), p -> p))
                .open()) {
            assertThat(endpoint.predictAll(List.of(new Point(1, 10), new Point(5, 2))))
                    .extracting(Prediction::value)
                    .containsExactly(9.0, -3.0);
        }
    }

    @Test
    void classifiesAsDjlDoes() {
        Translator<float[], Classifications> translator = new Translator<>() {
            @Override
            public NDList processInput(TranslatorContext context, float[] input) {
                return new NDList(context.getNDManager().create(input));
            }

            @Override
            public Classifications processOutput(TranslatorContext context, NDList list) {
                return new Classifications(
                        List.of("cat", "dog"), list.singletonOrThrow().softmax(0));
            }
        };
        Engine engine = DjlEngine.torchScript(
                TorchScript.times(directory.resolve("m.pt"), 1), TensorSpec.of("x", FLOAT, -1, 2));
        try (Endpoint<float[], Classifications> endpoint =
                Endpoint.of(engine, DjlCodec.of(translator)).open()) {
            Classifications answer = endpoint.predict(new float[] {0, 2}).value();
            assertThat(answer.best().getClassName()).isEqualTo("dog");
            assertThat(answer.best().getProbability()).isBetween(0.88, 0.881);
        }
    }
}
