package dev.flywheel.benchmarks;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** The options of a subcommand: {@code --name value}. Not thread-safe. */
final class Arguments {

    private final Map<String, String> given = new HashMap<>();
    /** Those that every command takes, though not all have a use for each. */
    private final Set<String> known = new TreeSet<>(Set.of("out", "profile", "rounds", "seconds"));

    /** @throws IllegalArgumentException if they do not come in pairs of a name and a value */
    Arguments(List<String> arguments) {
        for (int i = 0; i < arguments.size(); i += 2) {
            String name = arguments.get(i);
            if (!name.startsWith("--") || i + 1 == arguments.size()) {
                throw new IllegalArgumentException("expected --option value, found \"" + name
                        + (i + 1 == arguments.size() ? "\" without a value" : "\"") + "; see --help");
            }
            given.put(name.substring(2), arguments.get(i + 1));
        }
    }

    String text(String name, String otherwise) {
        known.add(name);
        return given.getOrDefault(name, otherwise);
    }

    int number(String name, int otherwise) {
        String text = text(name, Integer.toString(otherwise));
        try {
            return Integer.parseInt(text.replace("_", ""));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("--" + name + " takes a whole number, found \"" + text + "\"", e);
        }
    }

    int[] numbers(String name, String otherwise) {
        String text = text(name, otherwise);
        if (text.isEmpty()) {
            return new int[0];
        }
        try {
            return Arrays.stream(text.split(",")).mapToInt(Integer::parseInt).toArray();
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "--" + name + " takes whole numbers with commas between them, found \"" + text + "\"", e);
        }
    }

    /** {@return words that were given with commas between them} */
    List<String> words(String name, String otherwise) {
        String text = text(name, otherwise);
        return text.isEmpty() ? List.of() : List.of(text.split(","));
    }

    /** {@return a time that was given in seconds, in nanoseconds} */
    long nanos(String name, double seconds) {
        String text = text(name, Double.toString(seconds));
        try {
            return (long) (Double.parseDouble(text) * 1e9);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("--" + name + " takes seconds, found \"" + text + "\"", e);
        }
    }

    /** {@return the folder of the results} */
    Path out() {
        return Path.of(text("out", "benchmarks/results"));
    }

    /** @throws IllegalArgumentException if an option was given that nobody asked for */
    void refuseOthers() {
        for (String name : given.keySet()) {
            if (!known.contains(name)) {
                throw new IllegalArgumentException(
                        "there is no option --" + name + " here, only --" + String.join(", --", known));
            }
        }
    }
}
