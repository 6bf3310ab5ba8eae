package dev.flywheel.serving.stress;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Endpoints at random, one after the other, each under everything at once: {@code -Dflywheel.stress.seconds=60} says
 * for how long, {@code -Dflywheel.stress.seed=} repeats a run as far as the scheduler lets it.
 */
@Tag("alone")
class EndpointStressTest {

    private static final long SECONDS = Long.getLong("flywheel.stress.seconds", 60);
    private static final long SEED = Long.getLong("flywheel.stress.seed", System.nanoTime());

    /** In this time every kind of ending is seen. */
    private static final long ENOUGH_SECONDS = 30;

    @TempDir
    Path directory;

    @Test
    void everyRequestEndsOnceWithItsAnswerOrItsError() throws Exception {
        SplittableRandom random = new SplittableRandom(SEED);
        Map<Ending, Long> total = new EnumMap<>(Ending.class);
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
        int rounds = 0;
        int changes = 0;
        while (System.nanoTime() < end) {
            Setup setup = Setup.random(random);
            StressRound round = new StressRound(directory, setup, random.split());
            try {
                Ledger ledger = round.run();
                for (Ending ending : Ending.values()) {
                    total.merge(ending, ledger.count(ending), Long::sum);
                }
            } catch (Throwable e) {
                throw new AssertionError("round " + rounds + " failed: " + setup + ", flywheel.stress.seed=" + SEED, e);
            }
            rounds++;
            changes += round.changed();
        }
        System.out.println(
                "stress, seed " + SEED + ": " + rounds + " endpoints, " + changes + " changes of versions, " + total);
        if (SECONDS >= ENOUGH_SECONDS) {
            // Few runs are long enough to be cut off in their midst.
            total.remove(Ending.CUT);
            assertThat(total).allSatisfy((ending, count) -> assertThat(count).isPositive());
        }
    }
}
