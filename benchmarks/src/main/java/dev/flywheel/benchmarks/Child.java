package dev.flywheel.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A process of its own for a command: OMP_NUM_THREADS cannot be set from within Java, nor can JVM flags. */
final class Child {

    private static final String MARK = "flywheel.benchmarks.child";

    private Child() {}

    /** {@return whether this process was started by {@link #run}} */
    static boolean isOne() {
        return Boolean.getBoolean(MARK);
    }

    /** {@return the exit code of the command} */
    static int run(List<String> command) throws IOException, InterruptedException {
        Path recording = null;
        List<String> line = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-D" + MARK + "=true"));
        System.getProperties().stringPropertyNames().stream()
                .filter(name -> name.startsWith("flywheel."))
                .forEach(name -> line.add("-D" + name + "=" + System.getProperty(name)));
        if (command.contains("--profile")) {
            recording = Files.createTempFile("flywheel", ".jfr");
            line.add("-XX:StartFlightRecording:settings=profile,filename=" + recording);
            line.add("-Xlog:jfr+startup=error");
        }
        if (command.get(0).equals("steady")) {
            // A heap of a fixed size, touched at once, so that what grows is not the heap.
            line.addAll(List.of("-Xms256m", "-Xmx256m", "-XX:+AlwaysPreTouch"));
        }
        if (command.get(0).equals("log")) {
            // What is promised is that a join needs no more than the first; callers are measured in an ordinary one.
            int parts = command.indexOf("--parts");
            boolean joins = parts < 0 || command.get(parts + 1).contains("join");
            line.addAll(joins ? List.of("-Xmx256m") : List.of("-Xms512m", "-Xmx512m"));
        }
        line.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
        line.addAll(command);
        ProcessBuilder builder = new ProcessBuilder(line).inheritIO();
        builder.environment().put("OMP_NUM_THREADS", "1");
        if (command.get(0).equals("steady")) {
            // Otherwise the C library takes a new arena of some MiB whenever threads meet by chance.
            builder.environment().put("MALLOC_ARENA_MAX", "2");
        }
        int code = builder.start().waitFor();
        if (recording != null) {
            Arguments arguments = new Arguments(command.subList(1, command.size()));
            Profile.write(recording, arguments.out().resolve("profiles"), arguments.text("profile", "profile"));
            Files.delete(recording);
        }
        return code;
    }

    /** {@return 0 if everything went well} */
    static int all(List<String> options) throws IOException, InterruptedException {
        int worst = 0;
        for (List<String> command : List.of(
                List.of("micro"),
                List.of("load", "--workload", "mlp"),
                List.of("load", "--workload", "minilm"),
                List.of("load", "--workload", "minilm", "--precision", "int8"),
                List.of("score"),
                List.of("swap"),
                List.of("shadow"),
                List.of("log"),
                List.of("watch"),
                List.of("steady"))) {
            List<String> whole = new ArrayList<>(command);
            whole.addAll(options);
            int readme = whole.indexOf("--readme");
            if (readme >= 0) {
                whole.subList(readme, readme + 2).clear();
            }
            Console.line("%n== %s", String.join(" ", whole));
            worst = Math.max(worst, run(whole));
        }
        List<String> page = new ArrayList<>(List.of("page"));
        page.addAll(options);
        return Math.max(worst, run(page));
    }
}
