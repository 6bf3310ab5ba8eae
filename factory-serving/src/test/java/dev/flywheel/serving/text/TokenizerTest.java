package dev.flywheel.serving.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.PredictionException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerTest {

    @TempDir
    Path directory;

    private static Tokenizer minilm() {
        return Tokenizer.open(TextFiles.tokenizer(TextFiles.MINILM), null);
    }

    private static HuggingFaceTokenizer djl(int maxTokens) throws IOException {
        return HuggingFaceTokenizer.newInstance(
                TextFiles.tokenizer(TextFiles.MINILM),
                Map.of("padding", "false", "truncation", "true", "maxLength", Integer.toString(maxTokens)));
    }

    @Test
    void givesTheIdsOfTheModelsVocabulary() {
        assertThat(minilm().encode("Hello, world!").ids).containsExactly(101, 7592, 1010, 2088, 999, 102);
        assertThat(minilm().encode("Hello, world!").types).isNull();
        assertThat(minilm().pad()).isZero();
    }

    @Test
    void cutsAtTheLimitOfItsFileAtAGivenOneOrAt512() throws IOException {
        String text = "word ".repeat(1000);
        Path file = TextFiles.tokenizer(TextFiles.MINILM);
        assertThat(minilm().encode(text).count()).isEqualTo(128).isEqualTo(minilm().maxTokens());
        assertThat(Tokenizer.open(file, 20).encode(text).ids).hasSize(20).endsWith(102);
        String unlimited = Files.readString(file)
                .replaceFirst("(?s)\"truncation\": \\{.*?\\}", "\"truncation\": null")
                .replaceFirst("\"Fixed\": 128", "\"Fixed\": 300");
        assertThat(Tokenizer.open(TextFiles.write(directory, unlimited), null)
                        .encode(text)
                        .count())
                .isEqualTo(300);
        assertThat(Tokenizer.open(TextFiles.small(directory), null).encode(text).count())
                .isEqualTo(512);
    }

    @Test
    void refusesALimitThatLeavesNoRoom() {
        Path file = TextFiles.tokenizer(TextFiles.MINILM);
        assertThat(Tokenizer.open(file, 3).encode("some words").ids).hasSize(3);
        assertThatThrownBy(() -> Tokenizer.open(file, 2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("maxTokens must be more than the 2 tokens that every text gets from tokenizer " + file
                        + ", found 2");
    }

    @Test
    void agreesWithDjlOnTextsOfAnyLengthAndScript() throws IOException {
        Random random = new Random(7);
        Tokenizer tokenizer = Tokenizer.open(TextFiles.tokenizer(TextFiles.MINILM), 50);
        try (HuggingFaceTokenizer reference = djl(50)) {
            for (int i = 0; i < 300; i++) {
                String text = randomText(random, 1 << random.nextInt(14));
                assertThat(tokenizer.encode(text).ids)
                        .as(text)
                        .containsExactly(reference.encode(text).getIds());
            }
        }
    }

    private static String randomText(Random random, int length) {
        String[] pieces = {
            "the",
            "unbelievable",
            "straße",
            "Ünïcode",
            "中文",
            "日本",
            "привет",
            "😀",
            "👩‍🚀",
            "\t",
            "\n",
            "\u0000",
            "\u00a0",
            "   ",
            ".",
            "--",
            "[SEP]",
            "x".repeat(120),
            "ab",
            "1999",
            "e\u0301"
        };
        StringBuilder text = new StringBuilder();
        while (text.length() < length) {
            text.append(pieces[random.nextInt(pieces.length)]).append(random.nextInt(3) == 0 ? "" : " ");
        }
        return text.toString();
    }

    @Test
    void aTextOfAMegabyteCostsAsMuchAsItsBeginning() {
        Tokenizer tokenizer = minilm();
        String words = "the cat sat on the mat and looked ".repeat(100);
        long[] expected = tokenizer.encode(words).ids;
        assertThat(tokenizer.encode(words.repeat(300)).ids).containsExactly(expected);
        assertThat(tokenizer.encode("x".repeat(1_000_000)).ids).containsExactly(101, 100, 102);
        assertThat(tokenizer.encode(" ".repeat(1_000_000) + "cat").ids).containsExactly(101, 4937, 102);
        assertThat(tokenizer.encode("😀".repeat(500_000)).ids).containsExactly(101, 100, 102);
    }

    @Test
    void emptyAndUnknownTextsAreTexts() {
        Tokenizer tokenizer = minilm();
        assertThat(tokenizer.encode("").ids).containsExactly(101, 102);
        assertThat(tokenizer.encode(" \t\n\u0000").ids).containsExactly(101, 102);
        assertThat(tokenizer.encode("😀 𓀀 \uD83D\uDC69\u200D\uD83D\uDE80").ids).startsWith(101, 100, 100);
    }

    @Test
    void aLoneSurrogateHarmsNoOtherCharacter() {
        Tokenizer tokenizer = Tokenizer.open(TextFiles.small(directory), null);
        assertThat(tokenizer.encode("one \uD83D\uDE00 two").ids).containsExactly(2, 4, 7, 5, 3);
        assertThat(tokenizer.encode("one \uD83D \uD83D\uDE00 \uDE00 two").ids).containsExactly(2, 4, 1, 7, 1, 5, 3);
        assertThat(Surrogates.repaired("a\uD83D")).isEqualTo("a\uFFFD");
        assertThat(Surrogates.repaired("\uDE00\uD83D\uD83D\uDE00")).isEqualTo("\uFFFD\uFFFD\uD83D\uDE00");
        String whole = "a\uD83D\uDE00";
        assertThat(Surrogates.repaired(whole)).isSameAs(whole);
    }

    @Test
    void keepsTheTypesOfATemplateThatHasSome() {
        Tokens tokens = Tokenizer.open(TextFiles.small(directory, TextFiles.around(2)), null)
                .encode("one two");
        assertThat(tokens.ids).containsExactly(2, 4, 5, 3);
        assertThat(tokens.types).containsExactly(0, 0, 0, 2);
    }

    @Test
    void refusesATextWithoutTokens() {
        Tokenizer bare = Tokenizer.open(TextFiles.small(directory, "null"), null);
        assertThat(bare.encode("one").ids).containsExactly(4);
        assertThatThrownBy(() -> bare.encode(" "))
                .isInstanceOf(PredictionException.class)
                .hasMessage("cannot tokenize a text: it has no tokens. Fix: leave it out, or use the tokenizer.json "
                        + "that was made with the model.");
    }

    @Test
    void refusesATextThatTheTokenizerHasNoIdFor() throws IOException {
        Path file = TextFiles.small(directory);
        TextFiles.write(directory, Files.readString(file).replace("\"unk_token\": \"[UNK]\"", "\"unk_token\": \"?\""));
        Tokenizer strict = Tokenizer.open(file, null);
        assertThat(strict.encode("two").ids).containsExactly(2, 5, 3);
        assertThatThrownBy(() -> strict.encode("four"))
                .isInstanceOf(PredictionException.class)
                .hasMessageStartingWith("cannot tokenize a text: WordLevel error: Missing [UNK] token");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "nonsense", "{}", "[1, 2]", "{\"model\": {\"type\": \"WordPiece\"}}"})
    void refusesAFileThatIsNoTokenizer(String content) {
        Path file = TextFiles.write(directory, content);
        assertThatThrownBy(() -> Tokenizer.open(file, null))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageStartingWith("cannot load tokenizer " + file + ": ")
                .hasMessageEndingWith(". Fix: give the tokenizer.json that was made with the model.");
    }

    @Test
    void refusesAFileThatIsHalfThere() throws IOException {
        String whole = Files.readString(TextFiles.tokenizer(TextFiles.MINILM));
        Path file = TextFiles.write(directory, whole.substring(0, whole.length() / 2));
        assertThatThrownBy(() -> Tokenizer.open(file, null))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("EOF while parsing");
    }

    @Test
    void refusesAFileThatIsNotText() throws IOException {
        Path file = Files.write(directory.resolve("tokenizer.json"), new byte[] {(byte) 0xff, (byte) 0xfe, 0, 1});
        assertThatThrownBy(() -> Tokenizer.open(file, null))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("MalformedInputException");
    }

    @Test
    void refusesAFileThatIsNotThere() {
        Path file = directory.resolve("nowhere.json");
        assertThatThrownBy(() -> Tokenizer.open(file, null))
                .isInstanceOf(ModelFormatException.class)
                .hasMessage("cannot load tokenizer " + file + ": there is no such file. Fix: check the path.");
    }

    @Test
    void manyThreadsGetWhatOneGets() throws Exception {
        Tokenizer tokenizer = minilm();
        Random random = new Random(3);
        List<String> texts = new ArrayList<>();
        List<long[]> expected = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            texts.add(randomText(random, 1 + random.nextInt(400)));
            expected.add(tokenizer.encode(texts.get(i)).ids);
        }
        ExecutorService threads = Executors.newFixedThreadPool(16);
        try {
            List<Callable<Void>> work = new ArrayList<>();
            for (int t = 0; t < 16; t++) {
                int first = t * 13;
                work.add(() -> {
                    for (int i = 0; i < 1000; i++) {
                        int text = (first + i) % texts.size();
                        assertThat(tokenizer.encode(texts.get(text)).ids).containsExactly(expected.get(text));
                    }
                    return null;
                });
            }
            for (Future<Void> done : threads.invokeAll(work)) {
                done.get();
            }
        } finally {
            threads.shutdown();
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 8, 100000", "40, 128, 2500"})
    void encodingLeaksNoNativeMemory(int repetitions, int tokens, int times) throws IOException {
        Tokenizer tokenizer = minilm();
        String text = "one of these bags every day ".repeat(repetitions);
        encode(tokenizer, text, tokens, 1_000);
        System.gc();
        long before = residentKilobytes();
        encode(tokenizer, text, tokens, times);
        System.gc();
        // Leaked encodings would take more than 130 MB: 3 kB each, or 55 kB with what was cut off.
        assertThat(residentKilobytes() - before).isLessThan(100 * 1024);
    }

    private static void encode(Tokenizer tokenizer, String text, int tokens, int times) {
        for (int i = 0; i < times; i++) {
            if (tokenizer.encode(text).count() != tokens) {
                throw new AssertionError("not " + tokens + " tokens in encoding " + i);
            }
        }
    }

    @Test
    void theNativeTokenizerGoesWithTheJavaObject() throws IOException {
        Path file = TextFiles.tokenizer(TextFiles.MINILM);
        long before = residentKilobytes();
        for (int i = 0; i < 60; i++) {
            assertThat(Tokenizer.open(file, null).encode("one").ids).hasSize(3);
            System.gc();
        }
        // Each takes about 10 MB.
        assertThat(residentKilobytes() - before).isLessThan(300 * 1024);
    }

    private static long residentKilobytes() throws IOException {
        Path status = Path.of("/proc/self/status");
        Assumptions.assumeTrue(Files.isReadable(status), "this system does not tell a process's memory in /proc");
        for (String line : Files.readAllLines(status)) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        throw new IllegalStateException("no VmRSS in " + status);
    }
}
