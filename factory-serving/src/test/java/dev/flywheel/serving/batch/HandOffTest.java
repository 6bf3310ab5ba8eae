package dev.flywheel.serving.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.flywheel.serving.ChildJvm;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openjdk.jcstress.Main;

/**
 * Runs the {@code *Stress} classes of the class path with jcstress, which runs each of them some million times on bare
 * threads and complains of any result that they forbid. {@code -Dflywheel.jcstress=-m,default} gives jcstress other
 * options, for hours rather than seconds.
 */
@Tag("alone")
class HandOffTest {

    private static final String QUICK = "-m,quick,-pth,false,-sc,false,-af,NONE,-iters,1,-time,300,-strideCount,10";
    private static final Pattern PASSED =
            Pattern.compile("(\\d+) passed, (\\d+) failed, (\\d+) soft errs, (\\d+) hard");
    private static final Duration HANG = Duration.ofMinutes(Long.getLong("flywheel.jcstress.minutes", 10));

    @TempDir
    Path directory;

    @Test
    void noOrderOfTheProcessorGivesAForbiddenResult() throws Exception {
        assumeTrue(Runtime.getRuntime().availableProcessors() > 1, "jcstress needs a processor for each of two actors");
        List<String> options = new ArrayList<>(List.of("-jvmArgs", "-Xmx256m", "-r", directory.toString()));
        options.addAll(
                Arrays.asList(System.getProperty("flywheel.jcstress", QUICK).split(",")));
        ChildJvm child = ChildJvm.run(directory, HANG, List.of(), Main.class, options);
        String text = child.output();
        assertThat(child.exit()).as(text).isZero();
        Matcher results = PASSED.matcher(text);
        String[] last = {"0", "0", "0", "0"};
        while (results.find()) {
            for (int i = 0; i < last.length; i++) {
                last[i] = results.group(i + 1);
            }
        }
        assertThat(Integer.parseInt(last[0])).as(text).isGreaterThanOrEqualTo(tests());
        assertThat(List.of(last).subList(1, 4)).as(text).containsOnly("0");
    }

    /** {@return how many tests jcstress must have found} */
    private static int tests() throws IOException {
        try (var list = HandOffTest.class.getResourceAsStream("/META-INF/TestList")) {
            return (int) new String(Objects.requireNonNull(list).readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank())
                    .count();
        }
    }
}
