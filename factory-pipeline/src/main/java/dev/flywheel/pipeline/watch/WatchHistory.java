package dev.flywheel.pipeline.watch;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.registry.PipelineDirectory;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The results of the last windows of a pipeline, one JSON line each in {@code watch.jsonl}. Anybody may read while one
 * writes. Not thread-safe; only the pipeline's deployment writes.
 *
 * <p>A line is on the disk when {@link #add} returns. A crash may leave a part of a line at the end, which readers pass
 * over and the next writer cuts off.
 */
public final class WatchHistory {

    /** The results that are kept at least; there may be twice as many before the oldest are dropped. */
    public static final int KEPT = 1_000;

    private final Path file;
    private int lines;

    private WatchHistory(Path file, int lines) {
        this.file = file;
        this.lines = lines;
    }

    /**
     * {@return the results of the last windows, the oldest first; empty where nothing was watched}
     *
     * @throws StoreException if the file is damaged or cannot be read
     */
    public static List<WindowResult> read(PipelineDirectory directory) {
        List<WindowResult> results = new ArrayList<>();
        int number = 0;
        for (String line : lines(file(directory))) {
            number++;
            String source = "line " + number + " of " + file(directory);
            results.add(Json.readKnown(line.getBytes(StandardCharsets.UTF_8), WindowResult.class, source));
        }
        return List.copyOf(results);
    }

    /**
     * Opens the history to write to it.
     *
     * @throws StoreException if the file cannot be read or mended
     */
    public static WatchHistory open(PipelineDirectory directory) {
        Path file = file(directory);
        List<String> lines = lines(file);
        WatchHistory history = new WatchHistory(file, lines.size());
        if (Files.exists(file) && bytes(lines).length != size(file)) {
            Durable.write(file, bytes(lines));
        }
        return history;
    }

    /**
     * Adds a result; when this returns it is on the disk.
     *
     * @throws StoreException if it cannot be written; it may then be added again
     */
    public void add(WindowResult result) {
        if (lines >= 2 * KEPT) {
            List<String> all = lines(file);
            List<String> last = all.subList(all.size() - KEPT, all.size());
            Durable.write(file, bytes(last));
            lines = last.size();
        }
        ByteBuffer line = ByteBuffer.wrap(concat(Json.writeLine(result)));
        boolean first = !Files.exists(file);
        try (FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            long end = out.size();
            try {
                for (long at = end; line.hasRemaining(); ) {
                    at += out.write(line, at);
                }
                out.force(true);
            } catch (IOException e) {
                cut(out, end, e);
                throw e;
            }
        } catch (IOException e) {
            throw failed("writing " + file, e);
        }
        if (first) {
            Durable.syncDirectory(directory(file));
        }
        lines++;
    }

    private static void cut(FileChannel out, long end, IOException cause) {
        try {
            out.truncate(end);
        } catch (IOException e) {
            cause.addSuppressed(e);
        }
    }

    private static Path file(PipelineDirectory directory) {
        return directory.path().resolve("watch.jsonl");
    }

    private static Path directory(Path file) {
        @Nullable Path parent = file.getParent();
        return parent == null ? file : parent;
    }

    /** {@return the whole lines; what comes after the last line's end was never acknowledged} */
    private static List<String> lines(Path file) {
        if (!Files.exists(file)) {
            return List.of();
        }
        try {
            String text = Files.readString(file, StandardCharsets.UTF_8);
            int end = text.lastIndexOf('\n');
            return end < 0 ? List.of() : text.substring(0, end).lines().toList();
        } catch (IOException e) {
            throw failed("reading " + file, e);
        }
    }

    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            throw failed("reading " + file, e);
        }
    }

    private static byte[] bytes(List<String> lines) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        lines.forEach(line -> out.writeBytes(concat(line.getBytes(StandardCharsets.UTF_8))));
        return out.toByteArray();
    }

    private static byte[] concat(byte[] line) {
        return ByteBuffer.allocate(line.length + 1).put(line).put((byte) '\n').array();
    }

    private static StoreException failed(String what, IOException e) {
        return new StoreException(
                what,
                "the file system says " + e,
                "check that the disk is mounted, has space left and that this user may write there",
                e);
    }
}
