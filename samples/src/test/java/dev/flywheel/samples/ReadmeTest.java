package dev.flywheel.samples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Java in the README stands, line for line, in a sample that is compiled. */
class ReadmeTest {

    private static final Pattern JAVA_BLOCK = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    @Test
    void everyJavaBlockStandsInASample() throws IOException {
        String readme = Files.readString(Path.of("..", "README.md"));
        List<String> blocks = JAVA_BLOCK
                .matcher(readme)
                .results()
                .map(match -> match.group(1))
                .map(ReadmeTest::squeeze)
                .toList();
        assertThat(blocks).isNotEmpty();
        String sources = sources();
        for (String block : blocks) {
            assertThat(sources).contains(block);
        }
    }

    @Test
    void linksPointToFilesThatExist() throws IOException {
        String readme = Files.readString(Path.of("..", "README.md"));
        List<String> targets = Pattern.compile("\\]\\(([^)#:]+)\\)")
                .matcher(readme)
                .results()
                .map((MatchResult match) -> match.group(1))
                .toList();
        assertThat(targets)
                .isNotEmpty()
                .allSatisfy(target -> assertThat(Path.of("..", target)).exists());
    }

    private static String sources() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of("src", "main", "java"))) {
            return files.filter(file -> file.toString().endsWith(".java"))
                    .map(ReadmeTest::read)
                    .collect(Collectors.joining("\n"));
        }
    }

    private static String read(Path file) {
        try {
            return squeeze(Files.readString(file));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** Indentation and line breaks are the formatter's business. */
    private static String squeeze(String source) {
        return source.replaceAll("\\s+", " ").strip();
    }
}
