package dev.flywheel.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.flywheel.core.ModelFormatException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ArtifactTest {

    @TempDir
    Path directory;

    @BeforeEach
    void writeModel() throws IOException {
        Files.writeString(directory.resolve("model.onnx"), "graph");
        Files.createDirectories(directory.resolve("assets/words"));
        Files.writeString(directory.resolve("assets/words/vocabulary.txt"), "a b c");
    }

    @Test
    void opensWhatWasSealed() {
        Artifact sealed = Artifact.seal(directory, "model.onnx", Cards.signature(), Map.of("producer", "test"));

        Artifact opened = Artifact.open(directory);

        assertThat(opened).isEqualTo(sealed).hasSameHashCodeAs(sealed);
        assertThat(opened.hash()).isEqualTo(sealed.hash()).hasSize(64);
        assertThat(opened.modelFile())
                .isEqualTo(directory.resolve("model.onnx"))
                .hasContent("graph");
        assertThat(opened.signature()).isEqualTo(Cards.signature());
        assertThat(opened.attributes()).containsExactly(Map.entry("producer", "test"));
        assertThat(opened.bytes()).isEqualTo(10);
        assertThat(opened.directory()).isEqualTo(directory);
    }

    @Test
    void hashDependsOnContentAndNotOnPlace(@TempDir Path other) throws IOException {
        String here = Artifact.seal(directory, "model.onnx", Cards.signature()).hash();
        copyTree(directory, other);
        assertThat(Artifact.open(other).hash()).isEqualTo(here);

        Files.writeString(other.resolve("model.onnx"), "grapH");
        assertThat(Artifact.seal(other, "model.onnx", Cards.signature()).hash()).isNotEqualTo(here);
    }

    @Test
    void hashStaysTheSameForEver() {
        assertThat(Artifact.seal(directory, "model.onnx", Cards.signature()).hash())
                .isEqualTo("0a4eb053c810243e6cde6778d7140d19163c9d9633ffd7fbb33e4fdb87431c24");
    }

    @Test
    void namesTheFileThatOneFlippedBitDamages() throws IOException {
        Artifact.seal(directory, "model.onnx", Cards.signature());
        Files.writeString(directory.resolve("model.onnx"), "grapi");

        assertRefused()
                .withMessage(
                        "artifact " + directory + ": file \"model.onnx\" is damaged: expected 5 bytes with SHA-256 "
                                + "eef93e1d14482804277fca0172464032d1a4fdbcc338524059fa1e861454ad4d, found 5 bytes with SHA-256 "
                                + "4fad0b397fb705ca87f3f79f2176cee259cd659d980a80b7ff990ef8ba0b9aa3."
                                + " Fix: restore the directory from a backup, or train and register the model again.");
    }

    @Test
    void refusesATruncatedFile() throws IOException {
        Artifact.seal(directory, "model.onnx", Cards.signature());
        Files.writeString(directory.resolve("assets/words/vocabulary.txt"), "a b");

        assertRefused()
                .withMessageContaining("file \"assets/words/vocabulary.txt\" is damaged: expected 5 bytes")
                .withMessageContaining("found 3 bytes")
                .withMessageContaining("Fix: restore the directory from a backup");
    }

    @Test
    void refusesAMissingFile() throws IOException {
        Artifact.seal(directory, "model.onnx", Cards.signature());
        Files.delete(directory.resolve("model.onnx"));

        assertRefused().withMessageContaining("file \"model.onnx\" of 5 bytes");
    }

    @Test
    void refusesAnExtraFile() throws IOException {
        Artifact.seal(directory, "model.onnx", Cards.signature());
        Files.writeString(directory.resolve("assets/evil.so"), "");

        assertRefused().withMessageContaining("file \"assets/evil.so\" is not in its manifest");
    }

    @Test
    void refusesASymbolicLinkEvenToAnEqualFile(@TempDir Path elsewhere) throws IOException {
        Artifact.seal(directory, "model.onnx", Cards.signature());
        Path copy = elsewhere.resolve("model.onnx");
        Files.move(directory.resolve("model.onnx"), copy);
        Files.createSymbolicLink(directory.resolve("model.onnx"), copy);

        assertRefused().withMessageContaining("\"model.onnx\" is a symbolic link or a special file");
        assertThatExceptionOfType(ModelFormatException.class)
                .isThrownBy(() -> Artifact.seal(directory, "model.onnx", Cards.signature()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"../model.onnx", "/etc/passwd", "a//b", "a/./b", "a\\\\b", "", "C:x"})
    void refusesAManifestThatNamesAPlaceOutside(String name) throws IOException {
        Artifact.seal(directory, "model.onnx", Cards.signature());
        Files.delete(directory.resolve("model.onnx"));
        rewriteManifest("\"model.onnx\"", "\"" + name + "\"");

        assertRefused().withMessageContaining("is not a plain relative path");
    }

    @Test
    void refusesANewerFormatAndTellsBoth() throws IOException {
        Artifact.seal(directory, "model.onnx", Cards.signature());
        rewriteManifest("\"format\" : 1", "\"format\" : 2, \"novelty\" : true");

        assertRefused()
                .withMessage("artifact " + directory + ": its format is 2, this library reads format 1."
                        + " Fix: upgrade the library, or export the model again with this one.");
    }

    @Test
    void refusesAChangedManifest() throws IOException {
        Artifact.seal(directory, "model.onnx", Cards.signature());
        Path manifest = directory.resolve("manifest.json");
        Files.writeString(manifest, Files.readString(manifest).replace("distance", "duration"));

        assertRefused().withMessageContaining("manifest.json is damaged: expected SHA-256");
    }

    @Test
    void refusesAManifestCutOffAnywhere() throws IOException {
        Artifact.seal(directory, "model.onnx", Cards.signature());
        Path manifest = directory.resolve("manifest.json");
        byte[] whole = Files.readAllBytes(manifest);
        for (int length = 0; length < whole.length; length++) {
            Files.write(manifest, java.util.Arrays.copyOf(whole, length));
            assertRefused().withMessageContaining("manifest.json is damaged");
        }
    }

    @Test
    void refusesAnUnknownPropertyInTheManifest() throws IOException {
        Artifact.seal(directory, "model.onnx", Cards.signature());
        rewriteManifest("\"format\" : 1", "\"format\" : 1, \"@class\" : \"java.lang.Runtime\"");

        assertRefused().withMessageContaining("Unrecognized field \"@class\"");
    }

    @Test
    void refusesADirectoryWithoutManifest() {
        assertRefused()
                .withMessage("artifact " + directory + ": it has no manifest.json."
                        + " Fix: point to a directory made by Artifact.seal, or seal this one.");
    }

    @Test
    void refusesToSealWithoutTheModelFile() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Artifact.seal(directory, "other.onnx", Cards.signature()))
                .withMessage("the model file \"other.onnx\" is not in " + directory
                        + ", which holds [assets/words/vocabulary.txt, model.onnx]");
    }

    private org.assertj.core.api.ThrowableAssertAlternative<ModelFormatException> assertRefused() {
        return assertThatExceptionOfType(ModelFormatException.class).isThrownBy(() -> Artifact.open(directory));
    }

    /** Changes the manifest and mends its sum, as an attacker or a newer library would. */
    private void rewriteManifest(String from, String to) throws IOException {
        Path manifest = directory.resolve("manifest.json");
        String text = Files.readString(manifest);
        String changed = text.replace(from, to);
        assertThat(changed).isNotEqualTo(text);
        String sum = dev.flywheel.core.io.Json.fingerprint(changed.getBytes(StandardCharsets.UTF_8), "hash", "test");
        Files.writeString(manifest, changed.replaceAll("\"hash\" : \"[0-9a-f]*\"", "\"hash\" : \"" + sum + "\""));
    }

    private static void copyTree(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Path target = to.resolve(from.relativize(file).toString());
                if (Files.isDirectory(file)) {
                    Files.createDirectories(target);
                } else {
                    Files.copy(file, target);
                }
            }
        }
    }
}
