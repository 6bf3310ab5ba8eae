package dev.flywheel.benchmarks;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a machine with a GPU was found to do, one check after the other, printed as they come. Not thread-safe. */
final class GpuFindings {

    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    /** How a check ended. */
    enum Outcome {
        PASS,
        FAIL,
        /** It could not be made, or not on a GPU. */
        SKIPPED
    }

    /**
     * A check.
     *
     * @param name its number, and what it looks at
     * @param threshold what it expects
     * @param why why it failed or was skipped
     * @param measured what was found, with units in the names
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Finding(
            String name, Outcome outcome, @Nullable String why, String threshold, Map<String, Object> measured) {}

    /** A file. */
    record Sheet(String command, String date, String commit, Map<String, Object> machine, List<Finding> checks) {}

    /** What a check may do. */
    @FunctionalInterface
    interface Check {
        void run(Notes notes) throws Exception;
    }

    /** The check cannot be made here. */
    static final class Skip extends Exception {
        private static final long serialVersionUID = 1L;

        Skip(String why) {
            super(why);
        }
    }

    /** What a check writes down. Not thread-safe. */
    static final class Notes {

        private final Map<String, Object> measured = new LinkedHashMap<>();
        private final List<String> wrong = new ArrayList<>();
        private @Nullable String elsewhere;

        /** Writes a figure down, and gives it back. */
        double put(String name, double value) {
            measured.put(name, Results.rounded(value) == 0 ? value : (Object) Results.rounded(value));
            return value;
        }

        void put(String name, Object value) {
            measured.put(name, value);
        }

        /** The check fails unless this is so. */
        void require(boolean so, String expected) {
            if (!so) {
                wrong.add("expected " + expected);
            }
        }

        /** What follows is not measured on a GPU: it can fail, but not pass. */
        void insteadOfGpu(String why) {
            elsewhere = why;
        }
    }

    private final List<Finding> findings = new ArrayList<>();
    private final List<String> only;

    /** @param only the numbers of the checks to make, as in G4; all if there are none */
    GpuFindings(List<String> only) {
        this.only = only;
    }

    /** Makes a check; one that throws has failed, and the next one is made all the same. */
    void check(String name, String threshold, Check check) {
        if (!only.isEmpty() && !only.contains(name.substring(0, name.indexOf(' ')))) {
            return;
        }
        Notes notes = new Notes();
        Outcome outcome;
        String why = null;
        try {
            check.run(notes);
            outcome = !notes.wrong.isEmpty() ? Outcome.FAIL : notes.elsewhere == null ? Outcome.PASS : Outcome.SKIPPED;
            why = outcome == Outcome.FAIL ? String.join("; ", notes.wrong) : notes.elsewhere;
        } catch (Skip e) {
            outcome = Outcome.SKIPPED;
            why = e.getMessage();
        } catch (Exception | LinkageError | OutOfMemoryError e) {
            outcome = Outcome.FAIL;
            why = e.toString();
        }
        if (why != null && outcome == Outcome.FAIL && notes.elsewhere != null) {
            why = "on the CPU: " + why;
        }
        Finding finding = new Finding(name, outcome, why, threshold, notes.measured);
        findings.add(finding);
        Console.line("%-8s %-44s %s%n           %s", outcome, name, threshold, notes.measured);
        if (why != null) {
            Console.line("           %s%s", outcome == Outcome.SKIPPED ? "skipped: " : "", why);
        }
    }

    List<Finding> all() {
        return List.copyOf(findings);
    }

    /** Writes the file. */
    void write(Path file, String command, String date, Map<String, Object> machine) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        Files.createDirectories(folder == null ? Path.of(".") : folder);
        JSON.writeValue(file.toFile(), new Sheet(command, date, Results.commit(), machine, findings));
        long failed = findings.stream().filter(f -> f.outcome() == Outcome.FAIL).count();
        long skipped =
                findings.stream().filter(f -> f.outcome() == Outcome.SKIPPED).count();
        Console.line(
                "%d checks passed, %d failed, %d skipped: %s",
                findings.size() - failed - skipped, failed, skipped, file);
    }
}
