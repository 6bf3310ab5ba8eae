package dev.flywheel.core.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.ChildJvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HomeTest {

    private static final InstantSource CLOCK = InstantSource.fixed(Instant.parse("2026-01-31T12:00:00Z"));

    @TempDir
    Path root;

    @Test
    void createsTheDirectoryAndOpensItAgain() throws IOException {
        Path path = root.resolve("a/home");
        try (Home home = Home.open(path, CLOCK)) {
            assertThat(home.directory()).isEqualTo(path);
            assertThat(home.data()).isEmptyDirectory();
            assertThat(home.pipelines()).isEmpty();
            assertThat(home.pipeline("delays").path())
                    .isEqualTo(path.resolve("pipelines/delays"))
                    .isEmptyDirectory();
        }
        assertThat(Files.readString(path.resolve("factory.json")))
                .contains("\"format\" : 1", "\"createdBy\" : \"flywheel", "\"createdAt\" : \"2026-01-31T12:00:00Z\"");
        try (Home home = Home.open(path, CLOCK)) {
            assertThat(home.pipelines()).containsExactly("delays");
        }
    }

    @Test
    void refusesANewerFormatAndTellsBoth() throws IOException {
        Home.open(root, CLOCK).close();
        Path file = root.resolve("factory.json");
        Files.writeString(file, "{\"format\": 7, \"createdBy\": \"flywheel 9.1\", \"novelty\": true}");

        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> Home.open(root, CLOCK))
                .withMessage(
                        "opening " + root + ": its format is 7 (created by flywheel 9.1), this library (flywheel of"
                                + " unknown version) reads format 1. Fix: upgrade the library.");
        // and it holds no lock after that
        Files.writeString(file, "{\"format\": 1, \"createdBy\": \"flywheel 0.1\"}");
        Home.open(root, CLOCK).close();
    }

    @Test
    void refusesADirectoryOfSomethingElse() throws IOException {
        Files.writeString(root.resolve("thesis.txt"), "x");

        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> Home.open(root, CLOCK))
                .withMessage("opening " + root
                        + ": it is not a factory's home: it has no factory.json, but holds \"thesis.txt\". Fix: point to"
                        + " a new or empty directory, or to one that a factory has made.");
        assertThat(root.resolve("lock")).doesNotExist();
    }

    @Test
    void opensWhatACrashWhileCreatingHasLeft() throws IOException {
        Files.writeString(root.resolve("lock"), "12\n");
        Files.writeString(root.resolve("factory.json.5f.tmp"), "{");

        Home.open(root, CLOCK).close();

        assertThat(root.resolve("factory.json")).exists();
        assertThat(root.resolve("factory.json.5f.tmp")).doesNotExist();
    }

    @Test
    void deletesDatasetsThatACrashHasCutShort() throws IOException {
        Home.open(root, CLOCK).close();
        Files.writeString(root.resolve("data/dataset-5f.tmp"), "half");
        Files.writeString(root.resolve("data/5f.arrow"), "whole");

        Home.open(root, CLOCK).close();

        assertThat(root.resolve("data")).isDirectoryContaining("glob:**.arrow").isDirectoryNotContaining("glob:**.tmp");
    }

    @Test
    void refusesASecondOwnerInThisProcess() throws IOException {
        Path link = Files.createSymbolicLink(root.resolve("link"), root.resolve("home"));
        try (Home home = Home.open(root.resolve("home"), CLOCK)) {
            for (Path path : new Path[] {home.directory(), link}) {
                assertThatExceptionOfType(StoreException.class)
                        .isThrownBy(() -> Home.open(path, CLOCK))
                        .withMessage("opening " + path + ": this process (pid "
                                + ProcessHandle.current().pid()
                                + ") has it open already. Fix: use the open one, or close it first.");
            }
        }
        Home.open(link, CLOCK).close();
    }

    /** Opens a home and keeps it. */
    static final class Holder {
        public static void main(String[] arguments) throws IOException {
            try (Home home = Home.open(Path.of(arguments[0]), InstantSource.system())) {
                System.out.println(home.directory());
                System.out.println(System.in.read());
            } catch (StoreException e) {
                System.out.println(e.getMessage());
            }
        }
    }

    @Test
    void refusesASecondProcessUntilTheFirstIsKilled() throws Exception {
        try (ChildJvm child = ChildJvm.start(Holder.class, root.toString())) {
            assertThat(child.line()).isEqualTo(root.toString());
            assertThatExceptionOfType(StoreException.class)
                    .isThrownBy(() -> Home.open(root, CLOCK))
                    .withMessage("opening " + root + ": process " + child.pid()
                            + " has it open. Fix: stop that process or close its factory; one process at a time may"
                            + " write.");
            child.kill();
            child.await();
            Home.open(root, CLOCK).close();
        }
    }

    @Test
    void staysLockedForOthersAfterARefusedAttemptFromWithin() throws Exception {
        try (Home home = Home.open(root, CLOCK)) {
            assertThatExceptionOfType(StoreException.class).isThrownBy(() -> Home.open(root, CLOCK));

            try (ChildJvm child = ChildJvm.start(Holder.class, root.toString())) {
                assertThat(child.line())
                        .startsWith("opening " + home.directory() + ": process "
                                + ProcessHandle.current().pid() + " has it open");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "..", "../x", "a/b", ".hidden", "a b", "-x"})
    void refusesAPipelineNameThatIsNoPlainName(String name) {
        try (Home home = Home.open(root, CLOCK)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> home.pipeline(name))
                    .withMessage("the name of a pipeline has 1 to 100 letters, digits, dots, dashes and underscores and"
                            + " begins with a letter or digit, found \"" + name + "\"");
        }
    }
}
