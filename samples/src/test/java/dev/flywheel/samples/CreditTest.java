package dev.flywheel.samples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.flywheel.core.model.Verdict;
import dev.flywheel.pipeline.Factory;
import dev.flywheel.pipeline.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CreditTest {

    @TempDir
    Path home;

    @Test
    void aModelThatDecidesAboutPeopleIsJudgedByAllGates() throws IOException {
        Path examples = examples();
        try (Factory factory = Factory.open(home)) {
            Run run = factory.run(Credit.pipeline(examples));
            assertThat(run.verdicts()).hasSize(7);
            assertThat(run.verdicts())
                    .filteredOn(verdict -> !verdict.gate().contains("p99")) // the machine's
                    .allSatisfy(verdict ->
                            assertThat(verdict.outcome()).as(verdict.toString()).isEqualTo(Verdict.Outcome.PASS));
            String readme = Files.readString(Path.of("..", "README.md"));
            assertThat(run.verdicts())
                    .filteredOn(verdict -> readme.contains("\n" + verdict.gate() + ": "))
                    .hasSize(3)
                    .allSatisfy(verdict -> assertThat(readme)
                            .contains("\n" + verdict.gate() + ": " + verdict.outcome() + ", " + verdict.evidence()
                                    + "\n"));
            assertThat(run.report().resolveSibling("card.html")).content().contains("equal opportunity");
        }
    }

    private static Path examples() {
        Path folder = Path.of("").toAbsolutePath();
        while (folder != null && !Files.exists(folder.resolve("shared/data/credit_data.csv.gz"))) {
            folder = folder.getParent();
        }
        assumeTrue(folder != null, "no shared/data/credit_data.csv.gz was found beside the checkout");
        return folder.resolve("shared/data/credit_data.csv.gz");
    }
}
