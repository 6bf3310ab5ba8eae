package dev.flywheel.serving.stress;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Endpoints at random, one after the other, each under everything at once: {@code -Dflywheel.stress.seconds=600} says
 * for how long at least, {@code -Dflywheel.stress.seed=} repeats a run as far as the scheduler lets it.
 */
@Tag("alone")
class EndpointStressTest {

    private static final long SECONDS = Long.getLong("flywheel.stress.seconds", 20);
    private static final long SEED = Long.getLong("flywheel.stress.seed", System.nanoTime());

    /** In this time every kind of ending is seen; a shorter run goes on until it has seen them all. */
    private static final long ENOUGH_SECONDS = 60;

    @TempDir
    Path directory;

    @Test
    void everyRequestEndsOnceWithItsAnswerOrItsError() throws Exception {
        SplittableRandom random = new SplittableRandom(SEED);
        Map<Ending, Long> total = new EnumMap<>(Ending.class);
        long begin = System.nanoTime();
        int rounds = 0;
        int changes = 0;
        while (seconds(begin) < (sawAll(total) ? SECONDS : Math.max(SECONDS, ENOUGH_SECONDS))) {
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
        assertThat(sawAll(total)).as("every kind of ending in %s", total).isTrue();
    }

    private static long seconds(long begin) {
        return TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin);
    }

    /** Few runs are long enough to be cut off in their midst. */
    private static boolean sawAll(Map<Ending, Long> total) {
        return EnumSet.complementOf(EnumSet.of(Ending.CUT)).stream()
                .allMatch(ending -> total.getOrDefault(ending, 0L) > 0);
    }
}
