package dev.flywheel.pipeline.train;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.stat.Metric;
import java.io.ByteArrayOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a search has tried and what came of it: a file of JSON lines, each on the disk before the next is begun, and
 * beside it where each trial can go on. Decisions follow from what is in it, so reading it again repeats them. Not
 * thread-safe.
 */
final class SearchJournal implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(SearchJournal.class);
    private static final int FORMAT = 2;
    private static final String PAUSED = ".paused";
    private static final String NEWLINE = "\n";

    /** How often it is noted that there is work going on, in seconds. */
    private static final double NOTE_SECONDS = 1;

    enum What {
        /** A trial was trained up to the end of a rung, or failed. */
        TRIED,
        /** Nothing has ended, but time has passed. */
        AT_WORK,
        /** There was no time for more. */
        OUT_OF_TIME
    }

    /**
     * What a search is of; only a search for the same goes on.
     *
     * @param search the search as it describes itself
     * @param first what it begins with
     * @param data a hash of the rows
     */
    record Head(int format, String search, List<String> first, Metric metric, long seed, String data) {

        Head(String search, List<String> first, Metric metric, long seed, String data) {
            this(FORMAT, search, first, metric, seed, data);
        }
    }

    /**
     * One line.
     *
     * @param trainer the trial's trainer as it describes itself
     * @param value what it came to by the metric; NaN if it failed
     * @param problem why it failed; empty if it did not
     * @param seconds how long that took
     * @param elapsed how long the search had been at work then, in all processes together
     */
    record Entry(
            What what,
            int trial,
            int rung,
            String trainer,
            double value,
            String problem,
            double seconds,
            double elapsed) {}

    private final Path directory;
    private final byte[] head;
    private final List<Entry> known;
    private final double before;
    private long opened = System.nanoTime();
    private int next;
    private double noted;
    private @Nullable FileOutputStream out;

    private SearchJournal(Path directory, byte[] head, List<Entry> known) {
        this.directory = directory;
        this.head = head;
        this.known = new ArrayList<>(known);
        this.before = known.isEmpty() ? 0 : known.get(known.size() - 1).elapsed;
        this.known.removeIf(entry -> entry.what == What.AT_WORK);
    }

    /**
     * Opens a journal; one of another search, or that cannot be read, is begun anew. Touches no other files.
     *
     * @throws StoreException if it cannot be written
     */
    static SearchJournal open(Path directory, Head head) {
        Durable.createDirectories(directory);
        clear(directory, "*" + Durable.UNFINISHED);
        byte[] line = Json.writeLine(head);
        List<Entry> known = new ArrayList<>();
        Path file = directory.resolve(Search.JOURNAL);
        if (!Files.exists(file) || !read(file, line, known)) {
            clear(directory, "trial-*" + PAUSED);
        }
        SearchJournal journal = new SearchJournal(directory, line, known);
        journal.rewrite(known);
        return journal;
    }

    private static void clear(Path directory, String files) {
        try (DirectoryStream<Path> found = Files.newDirectoryStream(directory, files)) {
            found.forEach(Durable::delete);
        } catch (IOException e) {
            throw new StoreException(
                    "reading " + directory, "the file system says " + e, "check that this user may read there", e);
        }
    }

    /** Reads up to where a crash has cut the last line off; {@return whether it is a journal of the same search}. */
    private static boolean read(Path file, byte[] head, List<Entry> known) {
        try {
            String text = Files.readString(file);
            List<String> lines =
                    text.substring(0, text.lastIndexOf(NEWLINE) + 1).lines().toList();
            if (lines.isEmpty() || !Arrays.equals(lines.get(0).getBytes(StandardCharsets.UTF_8), head)) {
                return false;
            }
            for (String line : lines.subList(1, lines.size())) {
                known.add(Json.readKnown(line.getBytes(StandardCharsets.UTF_8), Entry.class, file.toString()));
            }
        } catch (IOException | StoreException e) {
            log.warn("the search's journal {} ends before what cannot be read: {}", file, e.getMessage());
        }
        return !known.isEmpty();
    }

    private void rewrite(List<Entry> entries) {
        close();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(head);
        bytes.writeBytes(NEWLINE.getBytes(StandardCharsets.UTF_8));
        for (Entry entry : entries) {
            bytes.writeBytes(line(entry));
        }
        Path file = directory.resolve(Search.JOURNAL);
        Durable.write(file, bytes.toByteArray());
        try {
            out = new FileOutputStream(file.toFile(), true);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private static byte[] line(Entry entry) {
        return (new String(Json.writeLine(entry), StandardCharsets.UTF_8) + NEWLINE).getBytes(StandardCharsets.UTF_8);
    }

    private StoreException failed(IOException e) {
        return new StoreException(
                "writing the journal of a search, " + directory.resolve(Search.JOURNAL),
                "the file system says " + e,
                "check that the disk is mounted and has space left",
                e);
    }

    /** How long the search has been at work, in seconds, in all processes together. */
    double elapsed() {
        return before + (System.nanoTime() - opened) / 1e9;
    }

    /** The search was held back for a while, which does not count. */
    void rested(long nanos) {
        opened += nanos;
    }

    /** Whether all that is in the journal has been gone through. */
    boolean isNew() {
        return next == known.size();
    }

    /** Whether the search had ended here for want of time. */
    boolean ranOut() {
        return !isNew() && known.get(next).what == What.OUT_OF_TIME;
    }

    /** What came of a trial on a rung, if the journal tells. */
    Optional<Entry> known(int trial, int rung, String trainer) {
        if (isNew()) {
            return Optional.empty();
        }
        Entry entry = known.get(next);
        if (entry.trial != trial || entry.rung != rung || !entry.trainer.equals(trainer)) {
            log.warn("the search's journal {} is of other decisions from line {} on", directory, next + 2);
            known.subList(next, known.size()).clear();
            rewrite(known);
            forget(); // a trial of the same number may have been another
            return Optional.empty();
        }
        next++;
        return Optional.of(entry);
    }

    void tried(Entry entry) {
        append(entry);
        sync();
    }

    void outOfTime() {
        append(new Entry(What.OUT_OF_TIME, 0, 0, "", Double.NaN, "", 0, elapsed()));
        sync();
    }

    /** Notes that time passes, so that a crash does not give it back. */
    void atWork() {
        if (elapsed() >= noted + NOTE_SECONDS) {
            append(new Entry(What.AT_WORK, 0, 0, "", Double.NaN, "", 0, elapsed()));
        }
    }

    private void append(Entry entry) {
        try {
            stream().write(line(entry));
        } catch (IOException e) {
            throw failed(e);
        }
        noted = entry.elapsed;
    }

    private void sync() {
        try {
            stream().getFD().sync();
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private FileOutputStream stream() {
        if (out == null) {
            throw new IllegalStateException("the journal " + directory + " is closed");
        }
        return out;
    }

    private Path place(int trial, int part) {
        return directory.resolve("trial-" + trial + "-" + part + PAUSED);
    }

    /** Keeps where a trial can go on, on one part of the rows. */
    void keep(int trial, int part, Paused paused) {
        Durable.write(place(trial, part), paused.bytes());
    }

    /** Where a trial can go on, at an epoch or before; null if it must begin. */
    @Nullable
    Paused kept(int trial, int part, int epoch) {
        try {
            return Files.exists(place(trial, part))
                    ? Paused.read(Files.readAllBytes(place(trial, part)))
                            .filter(paused -> paused.epoch() <= epoch)
                            .orElse(null)
                    : null;
        } catch (IOException e) {
            log.warn("trial {} of the search in {} begins anew", trial, directory, e);
            return null;
        }
    }

    /** Deletes where trials could go on. */
    void forget() {
        clear(directory, "trial-*" + PAUSED);
    }

    @Override
    public void close() {
        try {
            if (out != null) {
                out.close();
            }
        } catch (IOException e) {
            log.warn("the search's journal {} was not closed", directory, e);
        }
        out = null;
    }
}
