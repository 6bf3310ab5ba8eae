package dev.flywheel.serving.stress;

import java.util.Map;

/** The stacks of all threads, for a test that hangs. */
final class Stacks {

    private Stacks() {}

    static String dump() {
        StringBuilder text = new StringBuilder();
        for (Map.Entry<Thread, StackTraceElement[]> entry :
                Thread.getAllStackTraces().entrySet()) {
            Thread thread = entry.getKey();
            text.append('"').append(thread.getName()).append("\" ").append(thread.getState());
            for (StackTraceElement element : entry.getValue()) {
                text.append("\n    at ").append(element);
            }
            text.append('\n');
        }
        return text.toString();
    }
}
