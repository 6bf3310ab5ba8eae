package dev.flywheel.serving.stress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.flywheel.serving.ChildJvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SoakTest {

    /** A version that stays takes at least 500 KiB, 100 bytes that stay of each prediction 30 MiB. */
    private static final long MOST_KIB = 24 << 10;

    /** The buffers of a version that stays take 34 KiB, and a hundred are swapped in a part. */
    private static final long MOST_DIRECT = 128 << 10;

    private static final Pattern PART = Pattern.compile("part \\d: (\\d+) KiB resident, (\\d+) bytes direct");

    @TempDir
    Path directory;

    @Test
    void swapsAndPredictionsLeaveNoMemoryBehind() throws Exception {
        assumeTrue(Files.isReadable(Path.of("/proc/self/status")), "resident memory is read from /proc");
        ChildJvm soak = ChildJvm.run(
                directory,
                Duration.ofMinutes(2),
                // the JDK would keep a buffer of the size of the largest file for each thread that has read one
                List.of(
                        "-Xms64m",
                        "-Xmx64m",
                        "-XX:+AlwaysPreTouch",
                        "-XX:+UseSerialGC",
                        "-Djdk.nio.maxCachedBufferSize=0"),
                Soak.class,
                List.of(directory.toString(), "100", "333000"));
        assertThat(soak.exit()).as(soak.output()).isZero();
        List<Long> resident = new ArrayList<>();
        List<Long> direct = new ArrayList<>();
        Matcher parts = PART.matcher(soak.output());
        while (parts.find()) {
            resident.add(Long.parseLong(parts.group(1)));
            direct.add(Long.parseLong(parts.group(2)));
        }
        assertThat(resident).as(soak.output()).hasSize(3);
        assertThat(resident.get(2) - resident.get(1)).as(soak.output()).isLessThan(MOST_KIB);
        assertThat(direct.get(2) - direct.get(1)).as(soak.output()).isLessThan(MOST_DIRECT);
    }
}
