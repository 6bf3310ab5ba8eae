package dev.flywheel.pipeline.source;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.core.StoreException;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The rows refused by one ingestion: counted, and written to a file of JSON lines. Not thread-safe. */
final class Quarantine implements AutoCloseable {

    /** Characters kept of a value and of a row: enough to find it in its file. */
    static final int VALUE_LIMIT = 200;

    static final int ROW_LIMIT = 1_000;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path directory;
    private final Map<String, Reason> reasons = new LinkedHashMap<>();
    private @Nullable Path file;
    private @Nullable BufferedWriter out;
    private long total;

    /** A reason, how often it was met, and where first. */
    static final class Reason {

        private final String text;
        private final String first;
        private long count;

        private Reason(String text, String first) {
            this.text = text;
            this.first = first;
        }

        @Override
        public String toString() {
            return text + " (" + count + " times, first " + first + ")";
        }
    }

    Quarantine(Path directory) {
        this.directory = directory;
    }

    void add(String source, long line, Supplier<String> raw, Refusal refusal) {
        total++;
        String value = cut(refusal.value(), VALUE_LIMIT);
        Reason reason = reasons.computeIfAbsent(
                refusal.key(), key -> new Reason(key, "in line " + line + " of " + source + ": \"" + value + "\""));
        reason.count++;
        Map<String, @Nullable Object> entry = new LinkedHashMap<>();
        entry.put("file", source);
        entry.put("line", line);
        entry.put("column", refusal.column());
        entry.put("reason", refusal.reason());
        entry.put("value", value);
        entry.put("row", cut(raw.get(), ROW_LIMIT));
        try {
            BufferedWriter writer = out();
            writer.write(JSON.writeValueAsString(entry));
            writer.newLine();
        } catch (IOException e) {
            throw refused(e);
        }
    }

    /** {@return the number of refused rows} */
    long total() {
        return total;
    }

    /** {@return the refused rows by reason, most frequent first} */
    Map<String, Long> counts() {
        Map<String, Long> counts = new LinkedHashMap<>();
        reasons.values().stream()
                .sorted(Comparator.comparingLong((Reason reason) -> -reason.count))
                .forEach(reason -> counts.put(reason.text, reason.count));
        return counts;
    }

    /** {@return the most frequent reason} */
    Reason worst() {
        return reasons.values().stream()
                .max(Comparator.comparingLong(reason -> reason.count))
                .orElseThrow();
    }

    /** {@return the file, or null if no row was refused} */
    @Nullable
    Path file() {
        return file;
    }

    @Override
    public void close() {
        if (out != null) {
            try {
                out.close();
            } catch (IOException e) {
                throw refused(e);
            }
        }
    }

    private BufferedWriter out() throws IOException {
        if (out == null) {
            Files.createDirectories(directory);
            for (int n = 1; out == null; n++) {
                file = directory.resolve(n == 1 ? "quarantine.jsonl" : "quarantine-" + n + ".jsonl");
                try {
                    out = Files.newBufferedWriter(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                } catch (FileAlreadyExistsException e) {
                    // of an earlier ingestion: try the next number
                }
            }
        }
        return out;
    }

    private static String cut(String text, int limit) {
        if (text.length() <= limit) {
            return text;
        }
        int end = Character.isHighSurrogate(text.charAt(limit - 1)) ? limit - 1 : limit;
        return text.substring(0, end);
    }

    private StoreException refused(IOException e) {
        return new StoreException(
                "refused rows cannot be written to " + directory,
                String.valueOf(e),
                "free disk space or make the directory writable",
                e);
    }
}
