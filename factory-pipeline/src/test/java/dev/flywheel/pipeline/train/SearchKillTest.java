package dev.flywheel.pipeline.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.io.Json;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.flywheel.ChildJvm;
import dev.flywheel.pipeline.source.Target;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Kills searches at random instants and lets them go on: ten times one whose trials cost nothing, so that most kills
 * come while it decides and writes, and twice one of networks; more with {@code -Dsearch.kills=}. A failure prints the
 * seed, which {@code -Dtests.seed=} repeats as far as timing allows.
 */
class SearchKillTest {

    private static final Logger log = LoggerFactory.getLogger(SearchKillTest.class);
    private static final long SEED = Long.getLong("tests.seed", System.nanoTime());
    private static final Target<Double> NUMBER = Target.number("y");

    @TempDir
    Path folder;

    private static Search<?> search(String of, Path directory) {
        Search<?> search = of.equals("curves")
                ? SearchTest.curves()
                : Trainers.search(Trainers.mlp(8).epochs(9))
                        .vary(MlpTrainer::learningRate, Range.log(1e-3, 1e-1))
                        .vary(MlpTrainer::dropout, Range.of(0, 0.5));
        return search.trials(27).journal(directory);
    }

    /** A search that waits for a sign after each trial. */
    static final class Child {

        private Child() {}

        public static void main(String[] args) {
            Path folder = Path.of(args[0]);
            FeatureMatrix matrix = SearchTest.numbers(folder, 300);
            search(args[1], folder.resolve("killed")).train(matrix, NUMBER, 42, new TrainingListener() {
                @Override
                public void epochEnded(Epoch epoch) {}

                @Override
                public void tried(Tried tried) {
                    System.out.println("tried");
                    try {
                        int unused = System.in.read();
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }
            });
            System.out.println("done");
        }
    }

    private record Decision(int trial, int rung, String trainer, double value) {}

    private List<Decision> decisions(String directory) throws IOException {
        Path file = folder.resolve(directory).resolve(Search.JOURNAL);
        return Files.readAllLines(file).stream()
                .skip(1)
                .map(line -> Json.read(line.getBytes(StandardCharsets.UTF_8), SearchJournal.Entry.class, "the journal"))
                .filter(entry -> entry.what() == SearchJournal.What.TRIED)
                .map(entry -> new Decision(entry.trial(), entry.rung(), entry.trainer(), entry.value()))
                .toList();
    }

    @ParameterizedTest
    @CsvSource({"curves, 10", "networks, 2"})
    void theDecisionsAreThoseOfASearchThatWasNotKilled(String of, int least) throws Exception {
        int kills = Integer.getInteger("search.kills", least);
        log.info("seed {}", SEED);
        Random random = new Random(SEED);
        FeatureMatrix matrix = SearchTest.numbers(folder, 300);
        TrainedModel whole = search(of, folder.resolve("whole")).train(matrix, NUMBER, 42, epoch -> {});
        int signs = 0;
        for (int kill = 1; kill <= kills; kill++) {
            // replayed trials ask for a sign, too
            signs += random.nextInt(Math.max(2, 40 / kills));
            try (ChildJvm child = ChildJvm.start(Child.class, folder.toString(), of)) {
                for (int sign = 0; sign < signs && child.line().equals("tried"); sign++) {
                    child.write('.');
                }
                child.kill();
            }
        }
        log.info(
                "killed after {} of {} trials at last",
                signs,
                decisions("whole").size());
        TrainedModel resumed = search(of, folder.resolve("killed")).train(matrix, NUMBER, 42, epoch -> {});
        assertThat(decisions("killed")).as("seed %s", SEED).isEqualTo(decisions("whole"));
        assertThat(resumed.predict(matrix)).isEqualTo(whole.predict(matrix));
    }
}
