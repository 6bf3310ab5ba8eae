package dev.flywheel.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedFrame;
import jdk.jfr.consumer.RecordedStackTrace;
import jdk.jfr.consumer.RecordingFile;

/** The summary of a JDK Flight Recorder recording: where threads were seen at work. */
final class Profile {

    private static final int LINES = 30;
    private static final int DEPTH = 12;

    private final Map<String, Integer> tops = new HashMap<>();
    private final Map<String, Integer> anywhere = new HashMap<>();
    private final Map<String, Integer> stacks = new HashMap<>();
    private final Map<String, Integer> allocations = new HashMap<>();
    private int samples;

    private Profile() {}

    static void write(Path recording, Path folder, String name) throws IOException {
        Profile profile = new Profile();
        try (RecordingFile file = new RecordingFile(recording)) {
            while (file.hasMoreEvents()) {
                profile.add(file.readEvent());
            }
        }
        Files.createDirectories(folder);
        Path text = folder.resolve(name + ".txt");
        Files.writeString(text, profile.text());
        Console.line("profile in %s", text);
    }

    private void add(RecordedEvent event) {
        String type = event.getEventType().getName();
        RecordedStackTrace trace = event.getStackTrace();
        if (trace == null) {
            return;
        }
        List<RecordedFrame> frames = trace.getFrames();
        if (type.equals("jdk.ExecutionSample") || (type.equals("jdk.NativeMethodSample") && working(frames))) {
            samples++;
            tops.merge(method(frames.get(0)), 1, Integer::sum);
            frames.stream()
                    .map(Profile::method)
                    .filter(m -> !m.contains("$$Lambda"))
                    .distinct()
                    .forEach(m -> anywhere.merge(m, 1, Integer::sum));
            StringBuilder stack = new StringBuilder();
            frames.stream()
                    .limit(DEPTH)
                    .forEach(f -> stack.append("\n            ")
                            .append(method(f))
                            .append(':')
                            .append(f.getLineNumber()));
            stacks.merge(stack.toString(), 1, Integer::sum);
        } else if (type.equals("jdk.ObjectAllocationSample")) {
            String site = event.getClass("objectClass").getName() + " in "
                    + frames.stream()
                            .map(Profile::method)
                            .filter(m -> m.startsWith("dev.flywheel"))
                            .findFirst()
                            .orElse(method(frames.get(0)));
            allocations.merge(site, (int) Math.min(1 << 20, event.getLong("weight") >> 10), Integer::sum);
        }
    }

    /** Threads that wait in native code are no news. */
    private static boolean working(List<RecordedFrame> frames) {
        return method(frames.get(0)).startsWith("ai.");
    }

    private static String method(RecordedFrame frame) {
        return frame.getMethod().getType().getName() + "." + frame.getMethod().getName();
    }

    private String text() {
        return samples + " samples of threads at work (JDK Flight Recorder, settings \"profile\")\n"
                + section("on top of the stack", tops, samples, LINES)
                + section("anywhere on the stack", anywhere, samples, LINES)
                + section("whole stacks", stacks, samples, 8)
                + section(
                        "allocated",
                        allocations,
                        allocations.values().stream().mapToInt(i -> i).sum(),
                        LINES);
    }

    private static String section(String title, Map<String, Integer> counts, int total, int lines) {
        StringBuilder text = new StringBuilder("\n").append(title).append('\n');
        counts.entrySet().stream()
                .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
                .limit(lines)
                .forEach(e -> text.append(
                        String.format(Locale.ROOT, "  %5.1f %%  %s%n", 100.0 * e.getValue() / total, e.getKey())));
        return text.toString();
    }
}
