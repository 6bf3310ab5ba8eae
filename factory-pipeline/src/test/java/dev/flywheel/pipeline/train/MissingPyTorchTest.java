package dev.flywheel.pipeline.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.MissingEngineException;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Without PyTorch's native library, the first training says what to add; nothing is downloaded. */
class MissingPyTorchTest {

    @TempDir
    Path cache;

    /** What the other JVM runs. */
    public static final class Main {
        /** Opens PyTorch and prints how that failed. */
        public static void main(String[] arguments) {
            try {
                PyTorch.open().close();
            } catch (MissingEngineException e) {
                System.out.println("MISSING " + e.getMessage());
                System.out.println("TRACKING " + System.getProperty("OPT_OUT_TRACKING"));
            }
        }
    }

    @Test
    void namesTheCoordinateToAdd() throws Exception {
        String classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !entry.contains("pytorch-native"))
                .collect(Collectors.joining(File.pathSeparator));
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-DDJL_CACHE_DIR=" + cache,
                "-DENGINE_CACHE_DIR=" + cache,
                Main.class.getName());
        builder.environment().put("CLASSPATH", classPath);
        Process process = builder.redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(output)
                .contains("MISSING PyTorch, which trains models, cannot be used: its native library is absent")
                .contains("Fix: add ai.djl.pytorch:pytorch-native-cpu:2.7.1 with the classifier linux-x86_64")
                .contains("TRACKING true");
    }
}
