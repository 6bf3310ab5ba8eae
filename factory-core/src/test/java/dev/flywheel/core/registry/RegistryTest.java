package dev.flywheel.core.registry;

import static dev.flywheel.core.registry.Models.register;
import static dev.flywheel.core.registry.Models.staged;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.model.Cards;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.registry.AliasMove.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegistryTest {

    private static final Instant NOON = Instant.parse("2026-01-31T12:00:00Z");
    private static final List<Verdict> EVIDENCE =
            List.of(new Verdict("ROC_AUC at least 0.62", Verdict.Outcome.PASS, "0.71"));

    @TempDir
    Path root;

    private PipelineDirectory directory;
    private Registry registry;
    private Instant now = NOON;

    @BeforeEach
    void open() {
        directory = PipelineDirectory.in(root, "delays");
        registry = Registry.open(directory, () -> now);
    }

    @AfterEach
    void close() {
        registry.close();
    }

    private void reopen() {
        registry.close();
        registry = Registry.open(directory, () -> now);
    }

    @Test
    void aRegisteredVersionHasItsFilesAndCardAfterReopening() {
        ModelVersion version = register(registry, "one");
        reopen();

        assertThat(registry.versions()).containsExactly(version);
        assertThat(registry.version(1)).isEqualTo(version);
        assertThat(version.card()).isEqualTo(Cards.card("one"));
        assertThat(version.artifact().modelFile()).hasContent("one");
        assertThat(version.directory()).isEqualTo(directory.path().resolve("versions/1"));
    }

    @Test
    void movesAnAliasAndTellsEverythingAboutItAfterReopening() {
        register(registry, "one");
        register(registry, "two");
        AliasMove first = registry.move("champion", 1, "run r1", "first version", List.of());
        now = NOON.plusSeconds(5);
        AliasMove second = registry.move("champion", 2, "ann", "better", EVIDENCE);
        reopen();

        assertThat(first)
                .isEqualTo(new AliasMove(
                        NOON,
                        "champion",
                        Kind.MOVED,
                        OptionalInt.empty(),
                        OptionalInt.of(1),
                        "run r1",
                        "first version",
                        List.of()));
        assertThat(second)
                .isEqualTo(new AliasMove(
                        now, "champion", Kind.MOVED, OptionalInt.of(1), OptionalInt.of(2), "ann", "better", EVIDENCE));
        assertThat(registry.history("champion")).containsExactly(first, second);
        assertThat(registry.alias("champion")).contains(registry.version(2));
        assertThat(registry.aliases()).containsOnlyKeys("champion");
        assertThat(registry.alias("shadow")).isEmpty();
        assertThat(registry.history("shadow")).isEmpty();
    }

    @Test
    void rollsBackLikeAnUndoStack() {
        for (String content : List.of("one", "two", "three", "four")) {
            register(registry, content);
        }
        for (int version : new int[] {1, 2, 3}) {
            registry.move("champion", version, "ann", "", List.of());
        }
        assertThat(registry.rollback("champion", "bob", "errors").to()).hasValue(2);
        registry.move("champion", 4, "ann", "", List.of());
        reopen();

        assertThat(registry.rollbackPath("champion")).containsExactly(registry.version(2), registry.version(1));
        AliasMove back = registry.rollback("champion", "bob", "slow");

        assertThat(back.from()).hasValue(4);
        assertThat(back.to()).hasValue(2);
        assertThat(back.kind()).isEqualTo(Kind.ROLLED_BACK);
        assertThat(back.who()).isEqualTo("bob");
        assertThat(registry.rollback("champion", "bob", "").to()).hasValue(1);
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> registry.rollback("champion", "bob", ""))
                .withMessage("rolling back alias \"champion\" of pipeline delays: it names version 1 and named no other"
                        + " before. Fix: move it to one of the versions [1, 2, 3, 4].");
        assertThat(registry.rollbackPath("champion")).isEmpty();
        assertThat(registry.rollbackPath("shadow")).isEmpty();
        assertThat(registry.history("champion")).hasSize(7);
    }

    @Test
    void aMoveToTheSameVersionIsKeptInHistoryButIsNoStepBack() {
        register(registry, "one");
        register(registry, "two");
        registry.move("champion", 1, "ann", "", List.of());
        registry.move("champion", 2, "ann", "", List.of());
        registry.move("champion", 2, "ann", "again", List.of());

        assertThat(registry.history("champion")).hasSize(3);
        assertThat(registry.rollback("champion", "ann", "").to()).hasValue(1);
    }

    @Test
    void passesOverDeletedVersionsWhenRollingBack() {
        for (String content : List.of("one", "two", "three")) {
            register(registry, content);
        }
        for (int version : new int[] {1, 2, 1, 3}) {
            registry.move("champion", version, "ann", "", List.of());
        }
        registry.delete(2, "ann", "");

        assertThat(registry.rollback("champion", "ann", "").to()).hasValue(1);
        assertThatExceptionOfType(StoreException.class).isThrownBy(() -> registry.rollback("champion", "ann", ""));
    }

    @Test
    void rollsBackAnAliasThatWasRemovedOrLostItsVersion() {
        register(registry, "one");
        register(registry, "two");
        registry.move("champion", 1, "ann", "", List.of());
        registry.move("champion", 2, "ann", "", List.of());

        registry.remove("champion", "ann", "");
        assertThat(registry.rollback("champion", "ann", "").to()).hasValue(2);
        registry.delete(2, "ann", "");
        assertThat(registry.alias("champion")).isEmpty();
        assertThat(registry.rollback("champion", "ann", "").to()).hasValue(1);
    }

    @Test
    void tellsWhichVersionAnAliasNamedAtAnInstant() {
        register(registry, "one");
        register(registry, "two");
        registry.move("champion", 1, "ann", "", List.of());
        now = NOON.plusSeconds(10);
        registry.move("champion", 2, "ann", "", List.of());
        now = NOON.plusSeconds(20);
        registry.delete(2, "ann", "");
        reopen();

        assertThat(registry.versionAt("champion", NOON.minusNanos(1))).isEmpty();
        assertThat(registry.versionAt("champion", NOON)).hasValue(1);
        assertThat(registry.versionAt("champion", NOON.plusMillis(9_999))).hasValue(1);
        assertThat(registry.versionAt("champion", NOON.plusSeconds(10))).hasValue(2);
        assertThat(registry.versionAt("champion", NOON.plusSeconds(20))).isEmpty();
    }

    @Test
    void historyStaysInOrderWhenTheClockIsSetBack() {
        register(registry, "one");
        register(registry, "two");
        registry.move("champion", 1, "ann", "", List.of());
        now = NOON.minus(Duration.ofDays(1));
        registry.move("champion", 2, "ann", "", List.of());
        reopen();

        assertThat(registry.history("champion")).extracting(AliasMove::at).containsExactly(NOON, NOON);
        assertThat(registry.versionAt("champion", NOON)).hasValue(2);
    }

    @Test
    void neverGivesANumberAwayTwice() {
        register(registry, "one");
        register(registry, "two");
        registry.delete(2, "ann", "");
        assertThat(register(registry, "three").number()).isEqualTo(3);
        registry.delete(3, "ann", "");
        registry.delete(1, "ann", "");
        reopen();

        assertThat(registry.versions()).isEmpty();
        assertThat(register(registry, "four").number()).isEqualTo(4);
    }

    @Test
    void listsADamagedVersionButRefusesToLoadIt() throws IOException {
        register(registry, "one");
        ModelVersion damaged = register(registry, "two");
        Files.writeString(damaged.directory().resolve("model.onnx"), "twp");
        reopen();

        assertThat(registry.versions()).extracting(ModelVersion::number).containsExactly(1, 2);
        assertThat(registry.version(2).card()).isEqualTo(Cards.card("two"));
        assertThatExceptionOfType(ModelFormatException.class)
                .isThrownBy(() -> registry.version(2).artifact())
                .withMessageContaining("file \"model.onnx\" is damaged: expected 3 bytes with SHA-256");
        assertThat(registry.version(1).artifact().modelFile()).hasContent("one");
    }

    @Test
    void listsAVersionWhoseCardIsDamaged() throws IOException {
        ModelVersion version = register(registry, "one");
        Files.writeString(version.directory().resolve("card.json"), "{");
        reopen();

        assertThat(registry.versions()).containsExactly(version);
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> registry.version(1).card())
                .withMessageStartingWith(
                        "reading " + version.directory().resolve("card.json") + ": it is not the JSON expected there");
    }

    @Test
    void removesWhatACrashLeftInStaging() throws IOException {
        Path half = registry.stage();
        Files.writeString(half.resolve("model.onnx"), "half");
        Path sealed = staged(registry, "sealed");
        ModelVersion.describe(sealed, 1, Cards.card("sealed"));
        reopen();

        assertThat(half).doesNotExist();
        assertThat(sealed).doesNotExist();
        assertThat(registry.versions()).isEmpty();
        assertThat(register(registry, "one").number()).isEqualTo(1);
    }

    @Test
    void finishesADeletionThatACrashCutShort() throws IOException {
        ModelVersion version = register(registry, "one");
        Path saved = root.resolve("saved");
        Files.createDirectory(saved);
        Files.copy(version.directory().resolve("model.onnx"), saved.resolve("model.onnx"));
        registry.delete(1, "ann", "");
        registry.close();
        Files.move(saved, version.directory());

        registry = Registry.open(directory, () -> now);

        assertThat(version.directory()).doesNotExist();
        assertThat(registry.versions()).isEmpty();
    }

    @Test
    void refusesToRegisterWhatIsNotSealedAndGivesNoNumberAway() throws IOException {
        Path staging = registry.stage();
        Files.writeString(staging.resolve("model.onnx"), "open");

        assertThatExceptionOfType(ModelFormatException.class)
                .isThrownBy(() -> registry.register(staging, Cards.card("open")))
                .withMessageContaining("it has no manifest.json");
        assertThat(registry.versions()).isEmpty();
        assertThat(register(registry, "one").number()).isEqualTo(1);
    }

    @Test
    void refusesAVersionThatDoesNotExistAndTellsThoseThatDo() {
        register(registry, "one");
        register(registry, "two");

        String message = "pipeline delays: it has no version 7, but [1, 2]. Fix: name one of these.";
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> registry.version(7))
                .withMessage(message);
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> registry.move("champion", 7, "ann", "", List.of()))
                .withMessage(message);
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> registry.delete(7, "ann", ""))
                .withMessage(message);
        assertThat(registry.history("champion")).isEmpty();
    }

    @Test
    void refusesToRollBackAnAliasThatNeverWas() {
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> registry.rollback("champion", "ann", ""))
                .withMessage("rolling back alias \"champion\" of pipeline delays: it names no version. Fix: move it to"
                        + " one of the versions [].");
    }

    @Test
    void refusesAnAliasThatIsNoPlainName() {
        register(registry, "one");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> registry.move("cham pion", 1, "ann", "", List.of()))
                .withMessageStartingWith("the name of an alias has 1 to 100 letters");
    }

    @Test
    void aViewFollowsWhatTheWriterDoesAndChangesNothing() {
        try (Registry view = Registry.view(directory)) {
            assertThat(view.versions()).isEmpty();
            assertThat(view.alias("champion")).isEmpty();

            register(registry, "one");
            registry.move("champion", 1, "ann", "", List.of());
            assertThat(view.alias("champion")).contains(registry.version(1));
            register(registry, "two");
            registry.move("champion", 2, "ann", "", List.of());
            assertThat(view.alias("champion")).contains(registry.version(2));
            assertThat(view.history("champion")).isEqualTo(registry.history("champion"));
            registry.delete(2, "ann", "");
            assertThat(view.alias("champion")).isEmpty();
            assertThat(view.versions()).hasSize(1);

            assertThatExceptionOfType(UnsupportedOperationException.class)
                    .isThrownBy(() -> view.move("champion", 1, "ann", "", List.of()))
                    .withMessage("the registry of pipeline delays is a view: change it through Registry.open");
        }
    }

    @Test
    void aViewOfAPipelineThatHasNoRegistryYetIsEmpty() {
        try (Registry view = Registry.view(PipelineDirectory.in(root, "other"))) {
            assertThat(view.versions()).isEmpty();
            assertThat(view.aliases()).isEmpty();
        }
    }

    @Test
    void refusesASecondWriterAndUseAfterClosing() {
        register(registry, "one");
        assertThatExceptionOfType(StoreException.class).isThrownBy(() -> Registry.open(directory, () -> now));
        registry.close();
        assertThatExceptionOfType(ClosedException.class)
                .isThrownBy(() -> registry.move("champion", 1, "ann", "", List.of()));
    }

    @Test
    void refusesALogOfANewerFormat() throws IOException {
        register(registry, "one");
        registry.close();
        try (var log = dev.flywheel.core.log.SegmentLog.open(directory.aliases())) {
            log.append("{\"format\":2,\"novelty\":true}".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        }
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> Registry.open(directory, () -> now))
                .withMessage("reading record 1 of " + directory.aliases()
                        + ": its format is 2, this library reads format 1. Fix: upgrade the library.");
    }
}
