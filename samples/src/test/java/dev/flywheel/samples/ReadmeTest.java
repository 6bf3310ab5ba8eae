package dev.flywheel.samples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.io.MoreFiles;
import com.google.common.io.RecursiveDeleteOption;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
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
    void churnPrintsWhatTheReadmeShows() throws IOException {
        Path home = Path.of("target", "churn-factory");
        if (Files.exists(home)) {
            MoreFiles.deleteRecursively(home, RecursiveDeleteOption.ALLOW_INSECURE);
        }
        assertThat(Files.readString(Path.of("..", "README.md")))
                .contains("```\n" + printed(() -> Churn.main(new String[0])).strip() + "\n```");
    }

    @Test
    void wheelPrintsWhatTheReadmeShows() throws IOException {
        String shown = Pattern.compile("```\n(retrains: [^`]*)```")
                .matcher(Files.readString(Path.of("..", "README.md")))
                .results()
                .map(match -> match.group(1))
                .collect(Collectors.joining());
        assertThat(shown.lines()).hasSize(4);
        assertThat(printed(() -> Wheel.main(new String[0])).lines())
                .containsAll(shown.lines().toList());
    }

    @Test
    void powerPrintsWhatTheReadmeShows() throws IOException {
        String shown = Pattern.compile("```\n(2026-01-31T18[^`]*)```")
                .matcher(Files.readString(Path.of("..", "README.md")))
                .results()
                .map(match -> match.group(1))
                .collect(Collectors.joining());
        assertThat(shown.lines()).hasSize(2);
        assertThat(printed(() -> Power.main(new String[0])).lines())
                .containsAll(shown.lines().toList())
                .contains("version 2 serves");
    }

    private interface Command {

        void run() throws IOException;
    }

    private static String printed(Command command) throws IOException {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream console = System.out;
        System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
        try {
            command.run();
        } finally {
            System.setOut(console);
        }
        return printed.toString(StandardCharsets.UTF_8);
    }

    @Test
    void numbersAreThoseOfTheKeptResult() throws IOException {
        JsonNode result = new ObjectMapper()
                .readTree(Path.of("..", "benchmarks", "results", "flights.json").toFile());
        String readme = Files.readString(Path.of("..", "README.md"));
        JsonNode weeks = result.get("weeks");
        assertThat(weeks)
                .hasSize(21)
                .allSatisfy(week -> assertThat(readme)
                        .contains(row(
                                week.get("week").asText(),
                                week.at("/frozen/auc"),
                                week.at("/always/auc"),
                                week.at("/factory/auc"),
                                week.at("/regret/auc"),
                                week.at("/frozen/logLoss"),
                                week.at("/always/logLoss"),
                                week.at("/factory/logLoss"),
                                week.at("/regret/logLoss"))));
        assertThat(readme)
                .contains(row(
                        "mean",
                        result.get("meanAucFrozen"),
                        result.get("meanAucAlways"),
                        result.get("meanAucFactory"),
                        result.get("meanAucRegret"),
                        result.get("meanLogLossFrozen"),
                        result.get("meanLogLossAlways"),
                        result.get("meanLogLossFactory"),
                        result.get("meanLogLossRegret")));
    }

    @Test
    void sentencesAreThoseOfTheKeptResult() throws IOException {
        JsonNode result = new ObjectMapper()
                .readTree(Path.of("..", "benchmarks", "results", "flights.json").toFile());
        long promoted = 0;
        for (JsonNode decision : result.get("decisions")) {
            promoted += decision.get("promoted").asBoolean() ? 1 : 0;
        }
        int all = result.get("decisions").size();
        assertThat(Files.readString(Path.of("..", "README.md")))
                .contains(String.format(
                        Locale.ROOT,
                        "Of %d weekly candidates %d were promoted and %d refused",
                        all,
                        promoted,
                        all - promoted))
                .contains(String.format(
                        Locale.ROOT,
                        "%,.0f predictions a second, p99 %.0f \u00b5s",
                        result.get("requestsPerSecond").asDouble(),
                        result.get("p99Micros").asDouble()));
    }

    private static String row(String name, JsonNode... figures) {
        Object[] cells = Stream.concat(Stream.of(name), Stream.of(figures).map(JsonNode::asDouble))
                .toArray();
        return String.format(Locale.ROOT, "| %s | %.4f | %.4f | %.4f | %+.4f | %.4f | %.4f | %.4f | %+.4f |", cells);
    }

    @Test
    void theShownSourceIsShort() throws IOException {
        Path churn = Path.of("src", "main", "java", "dev", "flywheel", "samples", "Churn.java");
        assertThat(Files.readAllLines(churn)).hasSizeLessThan(40);
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
