package dev.flywheel.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelVersionTest {

    @TempDir
    Path directory;

    @BeforeEach
    void sealModel() throws IOException {
        Files.writeString(directory.resolve("model.onnx"), "graph");
        Artifact.seal(directory, "model.onnx", Cards.signature());
    }

    @Test
    void cardReadsBackEqual() {
        ModelVersion.describe(directory, 4, Cards.card("r1"));

        ModelVersion version = ModelVersion.at(directory, 4);

        assertThat(version.card()).isEqualTo(Cards.card("r1"));
        assertThat(version.artifact()).isEqualTo(Artifact.open(directory));
        assertThat(version.number()).isEqualTo(4);
    }

    @Test
    void readsACardWithPropertiesFromTheFuture() throws IOException {
        ModelVersion version = ModelVersion.describe(directory, 4, Cards.card("r1"));
        Path file = directory.resolve("card.json");
        byte[] json = Files.readString(file)
                .replace("\"runId\"", "\"carbon\" : 1.50, \"runId\"")
                .getBytes(java.nio.charset.StandardCharsets.UTF_8);
        String sum = Json.fingerprint(json, "sha256", "test");
        String text = new String(json, java.nio.charset.StandardCharsets.UTF_8);
        Files.writeString(file, text.replaceAll("\"sha256\" : \"[0-9a-f]*\"", "\"sha256\" : \"" + sum + "\""));

        assertThat(version.card()).isEqualTo(Cards.card("r1"));
    }

    @Test
    void refusesAChangedCardAndStillTellsItsNumber() throws IOException {
        ModelVersion version = ModelVersion.describe(directory, 4, Cards.card("r1"));
        Path file = directory.resolve("card.json");
        Files.writeString(file, Files.readString(file).replace("0.71", "0.91"));

        assertThat(version.number()).isEqualTo(4);
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(version::card)
                .withMessageContaining("the card is damaged: expected version 4 and SHA-256")
                .withMessageContaining("Fix: restore the file from a backup, or train and register the model again.");
        assertThatExceptionOfType(StoreException.class).isThrownBy(version::artifact);
    }

    @Test
    void refusesACardCutOffAnywhere() throws IOException {
        ModelVersion version = ModelVersion.describe(directory, 4, Cards.card("r1"));
        Path file = directory.resolve("card.json");
        byte[] whole = Files.readAllBytes(file);
        for (int length = 0; length < whole.length; length++) {
            Files.write(file, java.util.Arrays.copyOf(whole, length));
            assertThatExceptionOfType(StoreException.class).isThrownBy(version::card);
        }
    }

    @Test
    void refusesAnotherArtifactUnderTheSameCard() throws IOException {
        ModelVersion version = ModelVersion.describe(directory, 4, Cards.card("r1"));
        Files.writeString(directory.resolve("model.onnx"), "swapped");
        Artifact.seal(directory, "model.onnx", Cards.signature());

        assertThatExceptionOfType(ModelFormatException.class)
                .isThrownBy(version::artifact)
                .withMessageContaining("its artifact has SHA-256")
                .withMessageContaining("was registered");
    }

    @Test
    void refusesACardOfANewerFormat() throws IOException {
        ModelVersion version = ModelVersion.describe(directory, 4, Cards.card("r1"));
        Path file = directory.resolve("card.json");
        Files.writeString(file, Files.readString(file).replace("\"format\" : 1", "\"format\" : 9"));

        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(version::card)
                .withMessage("reading " + file
                        + ": its format is 9, this library reads format 1. Fix: upgrade the library.");
    }

    @Test
    void refusesToDescribeADamagedArtifact() throws IOException {
        Files.writeString(directory.resolve("model.onnx"), "grapi");

        assertThatExceptionOfType(ModelFormatException.class)
                .isThrownBy(() -> ModelVersion.describe(directory, 4, Cards.card("r1")));
        assertThat(directory.resolve("card.json")).doesNotExist();
    }

    @Test
    void numbersStartAtOne() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ModelVersion.at(directory, 0))
                .withMessage("a version's number starts at 1, found 0");
    }
}
