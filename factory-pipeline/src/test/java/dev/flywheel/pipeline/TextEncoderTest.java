package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.common.hash.Hashing;
import com.google.common.io.MoreFiles;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.explain.Explanation;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.feature.TextEncoder;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import dev.flywheel.pipeline.source.Rows;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import dev.flywheel.pipeline.watch.Watch;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Texts that an encoder makes into vectors, through the whole loop. */
class TextEncoderTest {

    record Review(@Nullable String text, double price) {}

    private static final int WIDTH = 4;

    @TempDir
    Path directory;

    private Path home;
    private Path model;
    private Path tokenizer;

    @BeforeEach
    void writeEncoder() throws IOException {
        home = directory.resolve("home");
        model = writeModel(directory.resolve("encoder.onnx"), 1);
        tokenizer = Files.writeString(directory.resolve("tokenizer.json"), """
                {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
                 "pre_tokenizer": {"type": "WhitespaceSplit"},
                 "post_processor": {"type": "TemplateProcessing",
                   "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                   "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                   "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}}},
                 "decoder": null,
                 "model": {"type": "WordLevel", "unk_token": "[UNK]",
                   "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "tasty": 3, "stale": 4, "tea": 5, "box": 6}}}
                """);
    }

    /** The sum of the vectors of the tokens. */
    private static Path writeModel(Path file, float tea) {
        OnnxGraph graph = new OnnxGraph("encoder");
        String ids = graph.input("input_ids", ElementType.INT64, -1);
        String mask = graph.input("attention_mask", ElementType.INT64, -1);
        float[] table = {
            0, 0, 0, 0, 0, 0, 0, 0.1f, 0, 0, 0.5f, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, tea, 0, 0, 0, 0, 0.7f,
        };
        String tokens = graph.node("Gather", graph.floats(table, 7, WIDTH), ids);
        String last = graph.longs(new long[] {2}, 1);
        String counted = graph.node(OnnxGraph.ONNX, "Cast", Map.of("to", 1L), graph.node("Unsqueeze", mask, last));
        Map<String, Object> flat = Map.of("keepdims", 0L);
        String sum = graph.node(
                OnnxGraph.ONNX, "ReduceSum", flat, graph.node("Mul", tokens, counted), graph.longs(new long[] {1}, 1));
        graph.output("sentence_embedding", sum, ElementType.FLOAT, WIDTH);
        graph.write(file);
        return file;
    }

    private static List<Rows.Example<Review, Boolean>> examples() {
        Random random = new Random(5);
        return IntStream.range(0, 240)
                .mapToObj(i -> Rows.Example.of(review(random, i % 2 == 0), i % 2 == 0))
                .toList();
    }

    private static Review review(Random random, boolean great) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 6; i++) {
            String opinion = great == random.nextInt(10) > 0 ? "tasty" : "stale";
            text.append(random.nextInt(3) == 0 ? opinion : random.nextBoolean() ? "tea" : "box")
                    .append(' ');
        }
        return new Review(random.nextInt(20) == 0 ? null : text.toString(), random.nextInt(9));
    }

    private static List<Review> asked() {
        Random random = new Random(6);
        return IntStream.range(0, 40).mapToObj(i -> review(random, i % 2 == 0)).toList();
    }

    private static Pipeline<Review, Boolean, Double> pipeline(TextEncoder encoder) {
        return Pipeline.named("reviews")
                .from(Rows.of("reviews", Review.class, Target.isTrue("great"), () -> examples().stream()))
                .features(Features.of(Review.class).text(Review::text, encoder).number(Review::price))
                .train(Trainers.logistic())
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.6))
                .respond(p -> p)
                .watch(Watch.defaults())
                .build();
    }

    private Pipeline<Review, Boolean, Double> pipeline() {
        return pipeline(TextEncoder.of(model, tokenizer));
    }

    private static double[] values(List<Prediction<Double>> predictions) {
        return predictions.stream().mapToDouble(Prediction::value).toArray();
    }

    private static String sha256(Path file) throws IOException {
        return MoreFiles.asByteSource(file).hash(Hashing.sha256()).toString();
    }

    private static void append(Path file) throws IOException {
        Files.write(file, new byte[] {0}, StandardOpenOption.APPEND);
    }

    @Test
    void textsGoThroughTheWholeLoop() throws IOException {
        List<Review> asked = asked();
        try (Factory factory = Factory.open(home);
                Deployment<Review, Boolean, Double> live = factory.start(pipeline())) {
            List<Prediction<Double>> all = live.predictAll(asked);
            double[] one = asked.stream()
                    .mapToDouble(review -> live.predict(review).value())
                    .toArray();
            assertThat(values(all)).containsExactly(one, within(1e-6));
            assertThat(Arrays.stream(one)).anyMatch(p -> p > 0.7).anyMatch(p -> p < 0.3);
            assertThat(live.watched().orElseThrow().rows()).isEqualTo(80);

            Map<String, String> card = factory.versions("reviews").get(0).card().environment();
            assertThat(card.get("encoder of text"))
                    .contains(sha256(model), sha256(tokenizer), "4 numbers of each text, before the graph");
            assertKeptRaw();
            Dataset kept = keptDataset();
            assertThat(live.score(kept)).hasSize(240);

            Explanation explanation = live.explain(asked.get(0));
            assertThat(explanation.contributions()).hasSize(2);
            assertThat(explanation.prediction()).isCloseTo(one[0], within(1e-6));

            Map<UUID, Boolean> outcomes = new LinkedHashMap<>();
            for (int i = 0; i < all.size(); i++) {
                outcomes.put(all.get(i).id(), i % 2 == 0);
            }
            live.feedback(outcomes);
            Run run = live.retrain().join();
            assertThat(run.outcome()).as(run.reason()).isEqualTo(Run.Outcome.PROMOTED);
            assertThat(factory.versions("reviews").get(1).card().trainRows()).isGreaterThan(200);
            assertThat(run.report()).content().contains("280", sha256(model));
            assertThat(live.predict(asked.get(1)).version()).isEqualTo(2);
        }
    }

    private Dataset keptDataset() throws IOException {
        try (Stream<Path> files = Files.list(home.resolve("data"))) {
            return Dataset.open(files.findFirst().orElseThrow());
        }
    }

    /** Vectors are for models alone. */
    private void assertKeptRaw() throws IOException {
        Schema schema = keptDataset().schema();
        assertThat(schema.columns().stream().map(Column::name)).containsExactly("text", "price", "$label");
    }

    @Test
    void aRestartNeedsTheCopiesAlone() throws IOException {
        double before;
        try (Factory factory = Factory.open(home);
                Deployment<Review, Boolean, Double> live = factory.start(pipeline())) {
            before = live.predict(asked().get(0)).value();
        }
        assertThat(home.resolve("encoders").resolve(sha256(model) + ".onnx")).hasSameBinaryContentAs(model);
        Files.delete(model);
        Files.delete(tokenizer);
        try (Factory factory = Factory.open(home);
                Deployment<Review, Boolean, Double> live = factory.start(pipeline())) {
            assertThat(live.predict(asked().get(0)).value()).isEqualTo(before);
            assertThat(live.retrain().join().outcome()).isEqualTo(Run.Outcome.PROMOTED);
            assertThat(live.predict(asked().get(0)).version()).isEqualTo(2);
        }
    }

    @Test
    void aChangedFileFailsTheRunAndTheChampionServesOn() throws IOException {
        try (Factory factory = Factory.open(home);
                Deployment<Review, Boolean, Double> live = factory.start(pipeline())) {
            String old = sha256(model);
            append(model);
            Run run = live.retrain().join();
            assertThat(run.outcome()).isEqualTo(Run.Outcome.FAILED);
            assertThat(run.reason())
                    .isEqualTo("the encoder's file " + model + " is not the one that the champion was trained with: its"
                            + " SHA-256 is " + sha256(model) + ", expected " + old
                            + ". Fix: put the old file back; name another encoder by other paths in the definition.");
            assertThat(live.predict(asked().get(0)).version()).isEqualTo(1);
        }
        try (Factory factory = Factory.open(home);
                Deployment<Review, Boolean, Double> live = factory.start(pipeline())) {
            assertThat(live.predict(asked().get(0)).version()).isEqualTo(1);
        }
    }

    @Test
    void aCopyThatIsGoneOrDamagedIsTakenFromTheOriginalOrSaidSo() throws IOException {
        try (Factory factory = Factory.open(home)) {
            assertThat(factory.run(pipeline()).outcome()).isEqualTo(Run.Outcome.PROMOTED);
        }
        Path copy = home.resolve("encoders").resolve(sha256(model) + ".onnx");
        append(copy);
        try (Factory factory = Factory.open(home)) {
            factory.start(pipeline()).close();
        }
        assertThat(copy).hasSameBinaryContentAs(model);

        append(copy);
        Path away = Files.move(model, directory.resolve("away.onnx"));
        try (Factory factory = Factory.open(home)) {
            assertThatThrownBy(() -> factory.start(pipeline()))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining("the encoder of column \"text\" cannot be loaded: " + copy
                            + " is damaged: its SHA-256 is " + sha256(copy));
            Files.delete(copy);
            assertThatThrownBy(() -> factory.start(pipeline()))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessage("the encoder of column \"text\" cannot be loaded: the file " + copy
                            + " is missing. Fix: restore it from a backup, or put the file of that SHA-256 back to"
                            + " where the definition names it (encoder " + model + " with " + tokenizer + ").");
            Files.move(away, model);
            factory.start(pipeline()).close();
        }
    }

    @Test
    void anEncoderThatIsNotThereFailsTheFirstRun() throws IOException {
        Files.delete(tokenizer);
        try (Factory factory = Factory.open(home)) {
            Run run = factory.run(pipeline());
            assertThat(run.outcome()).isEqualTo(Run.Outcome.FAILED);
            assertThat(run.reason())
                    .isEqualTo("cannot read the encoder's file " + tokenizer
                            + ": there is no such file. Fix: check the path in the definition.");
        }
    }

    @Test
    void anotherEncoderIsAnotherColumnAndIsComparedWithTheFirst() {
        Path other = writeModel(directory.resolve("other.onnx"), 3);
        double first;
        try (Factory factory = Factory.open(home);
                Deployment<Review, Boolean, Double> live = factory.start(pipeline())) {
            first = live.predict(asked().get(0)).value();
        }
        try (Factory factory = Factory.open(home);
                Deployment<Review, Boolean, Double> live = factory.start(pipeline(TextEncoder.of(other, tokenizer)))) {
            assertThat(live.predict(asked().get(0)).value()).isEqualTo(first);
            Run run = live.retrain().join();
            assertThat(run.outcome()).as(run.reason()).isEqualTo(Run.Outcome.PROMOTED);
            assertThat(run.report()).content().contains("version 1").doesNotContain("could not be scored");
            assertThat(live.predict(asked().get(0)).version()).isEqualTo(2);
            assertThat(live.rollback()).isEqualTo(1);
            assertThat(live.predict(asked().get(0)).value()).isEqualTo(first);
        }
    }

    @Test
    void aRealEncoderTellsWhatATextIsAbout() throws IOException {
        List<String> animals = List.of("dog", "cat", "horse", "rabbit", "sheep", "goose", "pony", "hamster");
        List<String> metals = List.of("steel", "copper", "iron", "brass", "zinc", "aluminium", "tin", "nickel");
        List<String> frames = List.of("the %s by the door", "they sold a %s", "a note on %s", "look at this %s");
        List<Rows.Example<Review, Boolean>> examples = new ArrayList<>();
        for (int i = 0; i < 28; i++) {
            String frame = frames.get(i % 4);
            examples.add(Rows.Example.of(new Review(String.format(frame, animals.get(i / 4)), 1), true));
            examples.add(Rows.Example.of(new Review(String.format(frame, metals.get(i / 4)), 1), false));
        }
        TextEncoder minilm =
                TextEncoder.of(extract("all-minilm-l6-v2-q.onnx"), extract("all-minilm-l6-v2-q-tokenizer.json"));
        Pipeline<Review, Boolean, Double> pipeline = Pipeline.named("subjects")
                .from(Rows.of("subjects", Review.class, Target.isTrue("animal"), examples::stream))
                .features(Features.of(Review.class).text(Review::text, minilm))
                .train(Trainers.logistic())
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.5))
                .respond(p -> p)
                .build();
        try (Factory factory = Factory.open(home);
                Deployment<Review, Boolean, Double> live = factory.start(pipeline)) {
            // neither word was learned from
            assertThat(live.predict(new Review("my hamster", 1)).value()).isGreaterThan(0.5);
            assertThat(live.predict(new Review("nickel", 1)).value()).isLessThan(0.5);
            List<Review> asked =
                    examples.stream().map(Rows.Example::input).limit(12).toList();
            assertThat(values(live.predictAll(asked)))
                    .containsExactly(asked.stream()
                            .mapToDouble(review -> live.predict(review).value())
                            .toArray());
        }
    }

    private Path extract(String resource) throws IOException {
        try (InputStream in = TextEncoderTest.class.getResourceAsStream("/" + resource)) {
            Assumptions.assumeTrue(in != null, "needs " + resource + " on the class path");
            Path file = directory.resolve(resource);
            Files.copy(in, file);
            return file;
        }
    }
}
