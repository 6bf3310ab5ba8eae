package dev.flywheel.core.registry;

import dev.flywheel.core.io.Durable;
import dev.flywheel.core.model.ModelVersion;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;

/** The directories of a pipeline's versions. */
final class VersionFiles {

    private static final Pattern NUMBER = Pattern.compile("[1-9][0-9]{0,8}");

    private final PipelineDirectory directory;

    VersionFiles(PipelineDirectory directory) {
        this.directory = directory;
    }

    ModelVersion at(int number) {
        return ModelVersion.at(path(number), number);
    }

    boolean exists(int number) {
        return number > 0 && Files.isDirectory(path(number), LinkOption.NOFOLLOW_LINKS);
    }

    int highest() {
        List<Integer> numbers = numbers();
        return numbers.isEmpty() ? 0 : numbers.get(numbers.size() - 1);
    }

    /** {@return the numbers of all versions that have a directory, in order} */
    List<Integer> numbers() {
        List<Integer> numbers = new ArrayList<>();
        if (!Files.isDirectory(directory.versions())) {
            return numbers;
        }
        try (DirectoryStream<Path> found = Files.newDirectoryStream(directory.versions())) {
            for (Path path : found) {
                String name = String.valueOf(path.getFileName());
                if (NUMBER.matcher(name).matches()) {
                    numbers.add(Integer.parseInt(name));
                }
            }
        } catch (IOException e) {
            throw Home.unreadable(directory.versions(), e);
        }
        numbers.sort(null);
        return numbers;
    }

    /** Deletes a version's directory if it exists; a reader sees the whole of it or none. */
    void discard(int number) {
        if (exists(number)) {
            Path doomed = directory.staging().resolve("deleted-" + number + "-" + UUID.randomUUID());
            Durable.createDirectories(directory.staging());
            Durable.move(path(number), doomed);
            Durable.delete(doomed);
        }
    }

    private Path path(int number) {
        return directory.versions().resolve(Integer.toString(number));
    }
}
