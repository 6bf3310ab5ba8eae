package dev.flywheel.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ReadmeTableTest {

    @Test
    void readmeShowsWhatTheKeptFilesSay() throws Exception {
        String readme = Files.readString(Path.of("..", "README.md"));
        assertThat(readme)
                .as("README against benchmarks/results; renew it with: java -jar benchmarks/target/benchmarks.jar page")
                .isEqualTo(ReadmeTable.renew(readme, Path.of("results")));
    }
}
