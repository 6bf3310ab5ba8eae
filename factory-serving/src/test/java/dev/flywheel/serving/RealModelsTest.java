package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Models as other people publish them, each as bare ONNX Runtime answers it. Skipped where the files are not there. */
class RealModelsTest {

    /** The silero voice activity detectors, out of the npm package {@code @ricky0123/vad-web} 0.0.31. */
    @ParameterizedTest
    @ValueSource(strings = {"silero_vad_v5.onnx", "silero_vad_v6.onnx"})
    void aVoiceDetectorKeepsItsStateFromCallToCall(String name) throws Exception {
        Path model = find(".models/" + name);
        try (Endpoint<Map<String, Tensor>, Map<String, Tensor>> endpoint =
                        Endpoint.onnx(model, Tensors.named()).open();
                BareSession bare = new BareSession(model)) {
            Tensor rate = Tensor.of(new long[] {16_000});
            Tensor state = Tensor.of(new float[2 * 128], 2, 1, 128);
            double least = 1;
            double most = 0;
            for (int frame = 0; frame < 60; frame++) {
                Map<String, Tensor> request =
                        Map.of("input", Tensor.of(sound(frame, 512), 1, 512), "state", state, "sr", rate);
                Map<String, Tensor> answer = endpoint.predict(request).value();
                assertThat(answer).isEqualTo(bare.run(request));
                state = get(answer, "stateN");
                least = Math.min(least, get(answer, "output").number(0));
                most = Math.max(most, get(answer, "output").number(0));
            }
            // hum and noise take turns, and the detector tells them apart
            assertThat(least).isLessThan(0.1);
            assertThat(most).isGreaterThan(2 * least);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"silero_vad_v5.onnx", "silero_vad_v6.onnx"})
    void manyVoicesAreHeardAtATimeAndDoNotMix(String name) throws Exception {
        Path model = find(".models/" + name);
        int voices = 12;
        try (Endpoint<Map<String, Tensor>, Map<String, Tensor>> endpoint =
                        Endpoint.onnx(model, Tensors.named()).lanes(3).open();
                BareSession bare = new BareSession(model)) {
            List<Tensor> states = new ArrayList<>();
            for (int voice = 0; voice < voices; voice++) {
                states.add(Tensor.of(new float[2 * 128], 2, 1, 128));
            }
            for (int frame = 0; frame < 5; frame++) {
                List<Map<String, Tensor>> requests = new ArrayList<>();
                for (int voice = 0; voice < voices; voice++) {
                    // voices differ in their sampling rate, so in the lengths of their frames
                    int rate = voice % 2 == 0 ? 16_000 : 8_000;
                    int length = rate / 1_000 * 32;
                    requests.add(Map.of(
                            "input",
                            Tensor.of(sound(frame * 7 + voice, length), 1, length),
                            "state",
                            states.get(voice),
                            "sr",
                            Tensor.of(new long[] {rate})));
                }
                List<CompletableFuture<Map<String, Tensor>>> answers = requests.stream()
                        .map(r -> endpoint.predictAsync(r).thenApply(p -> p.value()))
                        .toList();
                for (int voice = 0; voice < voices; voice++) {
                    Map<String, Tensor> answer = answers.get(voice).join();
                    assertThat(answer).isEqualTo(bare.run(requests.get(voice)));
                    states.set(voice, get(answer, "stateN"));
                }
            }
        }
    }

    @Test
    void aLanguageModelWritesWithAGrowingCache() throws Exception {
        Path model = find("shared/models/austen-lm/austen-lm.onnx");
        String chars = text(model.resolveSibling("vocab.json"), "chars");
        String expected = text(model.resolveSibling("expected.json"), "greedy_60");
        String prompt = text(model.resolveSibling("expected.json"), "prompt");
        try (Endpoint<Map<String, Tensor>, Map<String, Tensor>> endpoint =
                        Endpoint.onnx(model, Tensors.named()).open();
                BareSession bare = new BareSession(model)) {
            StringBuilder written = new StringBuilder(prompt);
            long[] next = prompt.chars().mapToLong(chars::indexOf).toArray();
            Tensor past = Tensor.of(new float[0], 2, 2, 1, 4, 0, 24);
            while (written.length() < expected.length()) {
                Map<String, Tensor> request = Map.of("input_ids", Tensor.of(next, 1, next.length), "past", past);
                Map<String, Tensor> answer = endpoint.predict(request).value();
                assertThat(answer).isEqualTo(bare.run(request));
                past = get(answer, "present");
                next = new long[] {last(get(answer, "logits"))};
                written.append(chars.charAt((int) next[0]));
            }
            assertThat(written).hasToString(expected);
            assertThat(past.shape()).containsExactly(2, 2, 1, 4, expected.length() - 1, 24);
        }
    }

    /** {@return the likeliest character after the last one} */
    private static long last(Tensor logits) {
        long[] shape = logits.shape();
        int vocabulary = (int) shape[2];
        int from = logits.size() - vocabulary;
        int best = 0;
        for (int i = 1; i < vocabulary; i++) {
            if (logits.number(from + i) > logits.number(from + best)) {
                best = i;
            }
        }
        return best;
    }

    /** {@return some sound: by turns a hum with the overtones of a voice, and faint noise} */
    private static float[] sound(int frame, int length) {
        Random random = new Random(frame);
        float[] samples = new float[length];
        boolean voice = frame / 10 % 2 == 1;
        for (int i = 0; i < length; i++) {
            double t = (frame * (double) length + i) / (length / 0.032);
            double value = 0.001 * random.nextGaussian();
            for (int overtone = 1; voice && overtone < 20; overtone++) {
                double formant = Math.exp(-Math.pow((overtone * 120 - 700) / 300.0, 2))
                        + 0.5 * Math.exp(-Math.pow((overtone * 120 - 1_200) / 300.0, 2));
                value += 0.2 * formant * Math.sin(2 * Math.PI * 120 * overtone * t);
            }
            samples[i] = (float) value;
        }
        return samples;
    }

    private static Tensor get(Map<String, Tensor> answer, String name) {
        return Objects.requireNonNull(answer.get(name), name);
    }

    /** {@return the text under a key of a JSON file that escapes little} */
    private static String text(Path file, String key) throws IOException {
        Matcher matcher =
                Pattern.compile("\"" + key + "\": \"((?:[^\"\\\\]|\\\\.)*)\"").matcher(Files.readString(file));
        assertThat(matcher.find()).as(key).isTrue();
        return matcher.group(1).replace("\\n", "\n").replace("\\\"", "\"");
    }

    private static Path find(String name) {
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            if (Files.exists(at.resolve(name))) {
                return at.resolve(name);
            }
        }
        assumeTrue(false, name + " is not in this directory or above");
        throw new AssertionError();
    }
}
