package dev.flywheel.pipeline.flywheel;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A main class of the tests in a JVM of its own, which can be killed as kill -9 does. */
public final class ChildJvm implements AutoCloseable {

    private final Process process;
    private final BufferedReader out;

    private ChildJvm(List<String> command) throws IOException {
        this.process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        this.out = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    public static ChildJvm start(Class<?> main, String... arguments) throws IOException {
        return new ChildJvm(command(main, arguments));
    }

    /** Starts a JVM whose heap is small. */
    static ChildJvm startWithHeap(int mebibytes, Class<?> main, String... arguments) throws IOException {
        List<String> command = command(main, arguments);
        command.add(1, "-Xmx" + mebibytes + "m");
        return new ChildJvm(command);
    }

    /** Starts a JVM that may not write a file beyond a size: to it, the disk is full there. */
    static ChildJvm startWithFileLimit(int kibibytes, Class<?> main, String... arguments) throws IOException {
        List<String> command =
                new ArrayList<>(List.of("bash", "-c", "ulimit -S -f " + kibibytes + " && exec \"$@\"", "-"));
        command.addAll(command(main, arguments));
        return new ChildJvm(command);
    }

    private static List<String> command(Class<?> main, String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-XX:-UsePerfData",
                "-Xshare:auto",
                "-cp",
                System.getProperty("java.class.path"),
                main.getName()));
        command.addAll(List.of(arguments));
        return command;
    }

    /** {@return the next line that the child printed, or "" when it has ended} */
    public String line() throws IOException {
        String line = out.readLine();
        return line == null ? "" : line;
    }

    public void write(int character) throws IOException {
        process.getOutputStream().write(character);
        process.getOutputStream().flush();
    }

    /** As kill -9 does; what the child has printed can still be read. */
    public void kill() {
        process.toHandle().destroyForcibly();
    }

    public int await() throws InterruptedException {
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            throw new IllegalStateException("the child did not end");
        }
        return process.exitValue();
    }

    long pid() {
        return process.pid();
    }

    @Override
    public void close() throws IOException {
        process.destroyForcibly();
        out.close();
    }
}
