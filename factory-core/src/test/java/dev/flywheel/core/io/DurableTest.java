package dev.flywheel.core.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.flywheel.core.StoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DurableTest {

    @TempDir
    Path directory;

    @Test
    void replacesTheContentAndLeavesNothingElse() {
        Path file = directory.resolve("state.json");

        Durable.write(file, new byte[] {1});
        Durable.write(file, new byte[] {2, 3});

        assertThat(file).hasBinaryContent(new byte[] {2, 3});
        assertThat(directory)
                .isDirectoryContaining(file::equals)
                .satisfies(d -> assertThat(list(d)).containsExactly(file));
    }

    @Test
    void leavesNoTemporaryFileBehindWhenItFails() throws IOException {
        Path taken = directory.resolve("taken");
        Files.createDirectories(taken.resolve("full"));

        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> Durable.write(taken, new byte[] {1}))
                .withMessageStartingWith("writing " + taken + ": the file system says ");
        assertThat(list(directory)).containsExactly(taken);
    }

    @Test
    void refusesToRenameOverWhatExists() throws IOException {
        Path from = Files.createDirectory(directory.resolve("from"));
        Path to = Files.createDirectory(directory.resolve("to"));

        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> Durable.move(from, to))
                .withMessageContaining("FileAlreadyExistsException");
        assertThat(from).exists();
    }

    @Test
    void deletesATreeWithoutFollowingLinks(@TempDir Path elsewhere) throws IOException {
        Path kept = Files.writeString(elsewhere.resolve("kept"), "x");
        Path tree = Files.createDirectories(directory.resolve("tree/below"));
        Files.createSymbolicLink(tree.resolve("link"), elsewhere);

        Durable.delete(directory.resolve("tree"));
        Durable.delete(directory.resolve("tree"));

        assertThat(directory).isEmptyDirectory();
        assertThat(kept).exists();
    }

    @Test
    void createsMissingParentsAndAcceptsExistingOnes() {
        Path deep = directory.resolve("a/b/c");

        Durable.createDirectories(deep);
        Durable.createDirectories(deep);

        assertThat(deep).isEmptyDirectory();
    }

    private static List<Path> list(Path directory) {
        try (var files = Files.list(directory)) {
            return files.toList();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
