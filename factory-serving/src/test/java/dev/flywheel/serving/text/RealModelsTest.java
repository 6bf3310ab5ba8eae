package dev.flywheel.serving.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.Codec;
import dev.flywheel.serving.Endpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Published models, beside ONNX Runtime and DJL's tokenizer used by hand. */
class RealModelsTest {

    private static final List<String> TEXTS = List.of(
            "The weather is lovely today.",
            "It's so sunny outside!",
            "He drove to the stadium.",
            "",
            "😀",
            "A wizard's job is to vex chumps quickly in fog.",
            "Our vet suggested it, and after two weeks of mixing it with the old food our dogs came running when they "
                    + "heard the bag; the smaller one, who has always been picky, now leaves an empty bowl twice a day.",
            "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.");

    /** The shortest way: the two files, and that is all. */
    @Test
    void servesSentenceEmbeddings() {
        Path model = TextFiles.model(TextFiles.MINILM);
        Path tokenizer = TextFiles.tokenizer(TextFiles.MINILM);
        try (Endpoint<String, float[]> minilm =
                Endpoint.onnx(model, Texts.embeddings(tokenizer)).open()) {
            float[] lovely = minilm.predict("The weather is lovely today.").value();
            float[] sunny = minilm.predict("It's so sunny outside!").value();
            float[] stadium = minilm.predict("He drove to the stadium.").value();
            // https://sbert.net/docs/quickstart.html
            assertThat(cosine(lovely, sunny)).isEqualTo(0.6660, within(0.00006));
            assertThat(cosine(lovely, stadium)).isEqualTo(0.1046, within(0.00006));
            assertThat(cosine(sunny, stadium)).isEqualTo(0.1411, within(0.00006));
        }
    }

    @Test
    void aBatchWithPaddingGivesWhatBareOnnxRuntimeGivesForEachTextAlone() throws Exception {
        Path tokenizer = TextFiles.tokenizer(TextFiles.MINILM);
        try (Bare bare = new Bare(TextFiles.MINILM);
                Endpoint<String, float[]> minilm = Endpoint.onnx(
                                TextFiles.model(TextFiles.MINILM), Texts.embeddings(tokenizer))
                        .maxBatch(TEXTS.size())
                        .open()) {
            List<Prediction<float[]>> together = minilm.predictAll(TEXTS);
            for (int i = 0; i < TEXTS.size(); i++) {
                float[] expected = bare.embedding(TEXTS.get(i));
                assertThat(together.get(i).value()).as(TEXTS.get(i)).containsExactly(expected, within(1e-5f));
                assertThat(minilm.predict(TEXTS.get(i)).value()).containsExactly(expected);
            }
        }
    }

    @Test
    void textsThatMeetInBatchesGetWhatTheyGetAlone() {
        try (Endpoint<String, float[]> minilm = Endpoint.onnx(
                        TextFiles.model(TextFiles.MINILM), Texts.embeddings(TextFiles.tokenizer(TextFiles.MINILM)))
                .open()) {
            List<CompletableFuture<Prediction<float[]>>> crowd = new ArrayList<>();
            for (int i = 0; i < 120; i++) {
                crowd.add(minilm.predictAsync(TEXTS.get(i * 5 % TEXTS.size())));
            }
            for (int i = 0; i < crowd.size(); i++) {
                float[] alone = minilm.predict(TEXTS.get(i * 5 % TEXTS.size())).value();
                assertThat(crowd.get(i).join().value()).containsExactly(alone, within(1e-5f));
            }
            assertThat(minilm.snapshot().total().batches()).isLessThan(240);
        }
    }

    @Test
    void aTextOfAnyLengthIsCutToWhatTheModelTakes() {
        Path tokenizer = TextFiles.tokenizer(TextFiles.E5_INT8);
        Path model = TextFiles.model(TextFiles.E5_INT8);
        String text = "No word of this is too much. ".repeat(1000);
        try (Endpoint<String, float[]> endpoint =
                Endpoint.onnx(model, Texts.embeddings(tokenizer)).maxBatch(1).open()) {
            float[] cut = endpoint.predict(text).value();
            assertThat(cosine(cut, cut)).isEqualTo(1, within(1e-6));
            assertThat(endpoint.predict(text.concat("And this?")).value()).containsExactly(cut);
        }
        TextOptions tooMany = Texts.options().maxTokens(513);
        try (Endpoint<String, float[]> endpoint = Endpoint.onnx(model, Texts.embeddings(tokenizer, tooMany))
                .maxBatch(1)
                .open()) {
            assertThatThrownBy(() -> endpoint.predict(text))
                    .isInstanceOf(PredictionException.class)
                    .hasMessageStartingWith("model " + model + " failed on 1 row: ONNX Runtime says: ");
        }
    }

    @ParameterizedTest
    @CsvSource({"all-minilm-l6-v2-q,''", "e5-small-v2-q,'query: '"})
    void aQuantizedModelRowByRowGivesBitForBitWhatBareOnnxRuntimeGives(String name, String prefix) throws Exception {
        TextOptions options = Texts.options().prefix(prefix);
        try (Bare bare = new Bare(name);
                Endpoint<String, float[]> endpoint = Endpoint.onnx(
                                TextFiles.model(name), Texts.embeddings(TextFiles.tokenizer(name), options))
                        .maxBatch(1)
                        .open()) {
            List<Prediction<float[]>> all = endpoint.predictAll(TEXTS);
            for (int i = 0; i < TEXTS.size(); i++) {
                float[] expected = bare.embedding(prefix + TEXTS.get(i));
                assertThat(all.get(i).value()).as(TEXTS.get(i)).containsExactly(expected);
                assertThat(endpoint.predict(TEXTS.get(i)).value()).containsExactly(expected);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {TextFiles.MINILM_INT8, TextFiles.E5_INT8})
    void aQuantizedModelIsFoundOutWhenItIsLoadedAndServedRowByRow(String name) {
        Path model = TextFiles.model(name);
        Codec<String, float[]> codec = Texts.embeddings(TextFiles.tokenizer(name));
        try (Endpoint<String, float[]> byDefault = Endpoint.onnx(model, codec).open();
                Endpoint<String, float[]> alone =
                        Endpoint.onnx(model, codec).maxBatch(1).open()) {
            List<Prediction<float[]>> all = byDefault.predictAll(TEXTS);
            for (int i = 0; i < TEXTS.size(); i++) {
                assertThat(all.get(i).value())
                        .containsExactly(alone.predict(TEXTS.get(i)).value());
            }
        }
    }

    @Test
    void e5FindsTheAnswerToAQuestion() {
        Path model = TextFiles.model(TextFiles.E5_INT8);
        Path tokenizer = TextFiles.tokenizer(TextFiles.E5_INT8);
        try (Endpoint<String, float[]> questions = Endpoint.onnx(
                                model,
                                Texts.embeddings(tokenizer, Texts.options().prefix("query: ")))
                        .maxBatch(1)
                        .open();
                Endpoint<String, float[]> passages = Endpoint.onnx(
                                model,
                                Texts.embeddings(tokenizer, Texts.options().prefix("passage: ")))
                        .maxBatch(1)
                        .open()) {
            float[] question =
                    questions.predict("how much protein should a female eat").value();
            float[] answer = passages.predict("The average requirement of protein for women is 46 grams a day.")
                    .value();
            float[] other = passages.predict("A summit is the highest point of a mountain.")
                    .value();
            assertThat(cosine(question, answer)).isGreaterThan(cosine(question, other) + 0.05);
        }
    }

    private static double cosine(float[] a, float[] b) {
        assertThat(a).hasSize(384).hasSameSizeAs(b);
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }

    /** A session as its makers' documentation shows it. */
    private static final class Bare implements AutoCloseable {

        private final HuggingFaceTokenizer tokenizer;
        private final OrtSession session;
        private final OrtEnvironment environment = OrtEnvironment.getEnvironment();

        Bare(String name) throws OrtException, IOException {
            tokenizer = HuggingFaceTokenizer.newInstance(TextFiles.tokenizer(name), Map.of("padding", "false"));
            try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
                options.setIntraOpNumThreads(1);
                session = environment.createSession(TextFiles.model(name).toString(), options);
            }
        }

        float[] embedding(String text) throws OrtException {
            long[] ids = tokenizer.encode(text).getIds();
            long[] ones = new long[ids.length];
            Arrays.fill(ones, 1);
            try (OnnxTensor input = OnnxTensor.createTensor(environment, new long[][] {ids});
                    OnnxTensor mask = OnnxTensor.createTensor(environment, new long[][] {ones});
                    OnnxTensor types = OnnxTensor.createTensor(environment, new long[][] {new long[ids.length]});
                    OrtSession.Result result =
                            session.run(Map.of("input_ids", input, "attention_mask", mask, "token_type_ids", types))) {
                return pooled(((float[][][]) result.get(0).getValue())[0]);
            }
        }

        private static float[] pooled(float[][] tokens) {
            float[] mean = new float[tokens[0].length];
            for (float[] token : tokens) {
                for (int i = 0; i < mean.length; i++) {
                    mean[i] += token[i];
                }
            }
            double squares = 0;
            for (int i = 0; i < mean.length; i++) {
                mean[i] /= tokens.length;
                squares += (double) mean[i] * mean[i];
            }
            for (int i = 0; i < mean.length; i++) {
                mean[i] /= (float) Math.sqrt(squares);
            }
            return mean;
        }

        @Override
        public void close() throws OrtException {
            session.close();
            tokenizer.close();
        }
    }
}
