package dev.flywheel.serving.text;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Tokenizers and models for tests. */
final class TextFiles {

    static final String MINILM = "all-minilm-l6-v2";
    static final String MINILM_INT8 = "all-minilm-l6-v2-q";
    static final String E5_INT8 = "e5-small-v2-q";

    private static final Path DIRECTORY = Path.of("target", "text-models");

    private TextFiles() {}

    static Path model(String name) {
        return extract(name + ".onnx");
    }

    static Path tokenizer(String name) {
        return extract(name + "-tokenizer.json");
    }

    private static synchronized Path extract(String resource) {
        Path file = DIRECTORY.resolve(resource);
        if (Files.exists(file)) {
            return file;
        }
        try (InputStream in = TextFiles.class.getResourceAsStream("/" + resource)) {
            if (in == null) {
                throw new IllegalStateException("no " + resource + " on the class path");
            }
            Files.createDirectories(DIRECTORY);
            // another test JVM may be extracting it too
            Path part = Files.createTempFile(DIRECTORY, resource, ".part");
            Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
            return Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * A tokenizer that knows a few words: [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, one 4, two 5, three 6, and an emoji 7.
     *
     * @param around the post-processor in JSON, or "null"
     */
    static Path small(Path directory, String around) {
        return write(directory, """
                {"version": "1.0", "truncation": null, "padding": null,
                 "added_tokens": [], "normalizer": null,
                 "pre_tokenizer": {"type": "WhitespaceSplit"},
                 "post_processor": %s, "decoder": null,
                 "model": {"type": "WordLevel", "unk_token": "[UNK]",
                   "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "one": 4, "two": 5, "three": 6,
                             "\\ud83d\\ude00": 7}}}
                """.formatted(around));
    }

    static Path small(Path directory) {
        return small(directory, around(0));
    }

    /** [CLS] text [SEP], where [SEP] has a type of its own. */
    static String around(int typeOfLast) {
        return """
                {"type": "TemplateProcessing",
                 "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                            {"SpecialToken": {"id": "[SEP]", "type_id": %d}}],
                 "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                 "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                                    "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}}
                """.formatted(typeOfLast);
    }

    static Path write(Path directory, String json) {
        try {
            return Files.writeString(directory.resolve("tokenizer.json"), json);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
