package dev.flywheel.serving;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A Java program that has run in a process of its own, on this test's Java and class path. Immutable.
 *
 * @param exit its exit code; -1 if it was ended because it took too long
 * @param output what it wrote
 */
public record ChildJvm(int exit, String output) {

    /**
     * Runs it until it ends.
     *
     * @param directory where it works
     * @param options for Java, before the class
     * @param arguments for the program
     */
    public static ChildJvm run(
            Path directory, Duration limit, List<String> options, Class<?> program, List<String> arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "-Xshare:auto"));
        command.addAll(options);
        command.add(program.getName());
        command.addAll(arguments);
        Path output = Files.createTempFile(directory, "child", ".log");
        Process process = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        boolean ended = process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
        process.destroyForcibly();
        return new ChildJvm(ended ? process.exitValue() : -1, Files.readString(output, StandardCharsets.UTF_8));
    }
}
