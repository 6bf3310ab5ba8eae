package dev.flywheel.pipeline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.flywheel.pipeline.source.Target;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a step takes of native memory is given back at its end. */
class TrainingMemoryTest {

    private static final Path STATUS = Path.of("/proc/self/status");
    private static final int WARM_UP = 20;
    private static final int EPOCHS = 120;

    @TempDir
    Path folder;

    /** The memory that the process has touched, in MiB. */
    private static long resident() {
        try {
            return Files.readAllLines(STATUS).stream()
                            .filter(line -> line.startsWith("VmRSS:"))
                            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                            .findFirst()
                            .orElseThrow()
                    / 1024;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** One hidden layer of a step that were kept would be 1 MiB, so 200 MiB in all. */
    @Test
    void aLongTrainingTakesNoMoreMemoryThanAShortOne() {
        assumeTrue(Files.isReadable(STATUS), "this system does not tell how much memory a process has");
        long[] seen = new long[EPOCHS + 1];
        Trainers.mlp(1024)
                .epochs(EPOCHS)
                .batchSize(256)
                .dropout(0.1)
                .train(
                        SearchTest.numbers(folder, 512),
                        Target.number("y"),
                        42,
                        epoch -> seen[epoch.epoch()] = resident());
        assertThat(seen[EPOCHS] - seen[WARM_UP])
                .as("MiB more than after epoch %s", WARM_UP)
                .isLessThan(64);
    }
}
