package dev.flywheel.pipeline;

import dev.flywheel.pipeline.CrashChild.Point;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Kills a working factory at random instants and looks at what is left. Thirty times in the normal suite; more with
 * {@code -Dcrash.kills=300}. A failure prints the seed, which {@code -Dtests.seed=} repeats as far as timing allows.
 */
class CrashTest {

    private static final Logger log = LoggerFactory.getLogger(CrashTest.class);
    private static final int KILLS = Integer.getInteger("crash.kills", 30);
    private static final long SEED = Long.getLong("tests.seed", System.nanoTime());
    /** Lives in one home: each reopening reads all that the lives before have left. */
    private static final int LIVES = 10;

    @TempDir
    Path directory;

    @Test
    void everyReopenFindsEveryAcknowledgedFactOnceAWholeChampionAndItsTrial() throws Exception {
        log.info("seed {}", SEED);
        Random random = new Random(SEED);
        CrashedTrials trials = new CrashedTrials();
        Path csv = writePoints(directory.resolve("points.csv"), 200);
        for (int kill = 0; kill < KILLS; ) {
            CrashedHome home = new CrashedHome(directory.resolve("home-" + kill), csv, random, trials);
            int lives = Math.min(LIVES, KILLS - kill);
            for (int life = 1; life <= lives; life++, kill++) {
                try {
                    home.liveAndDie(life == lives);
                    home.reopen();
                } catch (RuntimeException | AssertionError e) {
                    throw new AssertionError("kill " + kill + ", life " + life + " of its home, seed " + SEED, e);
                }
            }
            log.info("{} kills; {}; in the last home {}", kill, trials, home.summary());
        }
        if (KILLS >= 300) {
            trials.assertMet();
        }
    }

    static Path writePoints(Path file, int rows) throws IOException {
        Random random = new Random(7);
        StringBuilder csv = new StringBuilder("x,y,colour,inside\n");
        for (int row = 0; row < rows; row++) {
            Point point = CrashChild.point(random);
            csv.append(point.x()).append(',').append(point.y()).append(',').append(point.colour());
            csv.append(',').append(CrashChild.inside(point)).append('\n');
        }
        return Files.writeString(file, csv);
    }
}
