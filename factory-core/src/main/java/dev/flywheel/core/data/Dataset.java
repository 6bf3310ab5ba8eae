package dev.flywheel.core.data;

import dev.flywheel.core.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * An immutable snapshot of rows: an Arrow IPC file, named by the SHA-256 of its bytes and read through memory mapping.
 * Equal content, written in the same order, is the same file. Any Arrow implementation can read it. Immutable and
 * thread-safe; needs no closing, because the mapping goes when the dataset and its batches are no longer used.
 */
public final class Dataset {

    static final String EXTENSION = ".arrow";

    private static final Pattern NAME = Pattern.compile("([0-9a-f]{64})\\.arrow");
    private static final int TAIL = 4 + ArrowFormat.MAGIC.length;

    /** Bytes mapped at once; a mapping cannot exceed 2 GiB, and a batch must lie within one. */
    private static final long WINDOW = 1L << 30;

    private final Path file;
    private final String hash;
    private final Schema schema;
    private final long rows;
    private final List<Stored> batches;

    private Dataset(Path file, String hash, Schema schema, List<Stored> batches) {
        this.file = file;
        this.hash = hash;
        this.schema = schema;
        this.batches = List.copyOf(batches);
        this.rows = batches.stream().mapToLong(Stored::rows).sum();
    }

    private record Stored(int rows, ByteBuffer message, ByteBuffer body) {}

    /**
     * {@return a writer of a new dataset}
     *
     * @param directory where the file goes; made if it does not exist
     * @param schema the columns
     * @throws StoreException if the directory cannot be written
     */
    public static Writer writer(Path directory, Schema schema) {
        return new Writer(directory, schema);
    }

    /**
     * {@return the dataset in a file}
     *
     * @param file a file made by a {@link Writer}, under its own name
     * @throws StoreException if the file is missing, truncated or not a dataset; damage inside a batch is found by
     *     {@link #verify}
     */
    public static Dataset open(Path file) {
        var name =
                NAME.matcher(Objects.requireNonNull(file, "file").getFileName().toString());
        if (!name.matches()) {
            throw unusable(file, "its name is not the SHA-256 of its content followed by " + EXTENSION, null);
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ArrowFormat.Contents contents = ArrowFormat.contents(footer(channel));
            return new Dataset(file, name.group(1), contents.schema(), map(channel, contents.batches()));
        } catch (NoSuchFileException e) {
            throw unusable(file, "there is no such file", e);
        } catch (IOException e) {
            throw unusable(file, "reading it failed (" + e.getMessage() + ")", e);
        } catch (IllegalArgumentException e) {
            throw unusable(file, String.valueOf(e.getMessage()), e);
        } catch (RuntimeException e) {
            // Flatbuffers reports whatever an offset out of bounds leads to.
            throw unusable(file, "its metadata is damaged (" + e + ")", e);
        }
    }

    /** {@return the columns} */
    public Schema schema() {
        return schema;
    }

    /** {@return the number of rows} */
    public long rows() {
        return rows;
    }

    /** {@return the SHA-256 of the file, 64 hexadecimal digits in lower case} */
    public String hash() {
        return hash;
    }

    /** {@return the file} */
    public Path file() {
        return file;
    }

    /** {@return a new walk over all rows} */
    public Scan scan() {
        return new Scan(this);
    }

    /**
     * Reads the whole file and compares it with its name.
     *
     * @throws StoreException if they differ
     */
    public void verify() {
        MessageDigest digest = DatasetFile.sha256();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer chunk = ByteBuffer.allocate(1 << 16);
            while (channel.read(chunk.clear()) >= 0) {
                digest.update(chunk.flip());
            }
        } catch (IOException e) {
            throw unusable(file, "reading it failed (" + e.getMessage() + ")", e);
        }
        String found = HexFormat.of().formatHex(digest.digest());
        if (!found.equals(hash)) {
            throw unusable(file, "its content has the SHA-256 " + found, null);
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Dataset that && hash.equals(that.hash);
    }

    @Override
    public int hashCode() {
        return hash.hashCode();
    }

    @Override
    public String toString() {
        return "Dataset[" + rows + " rows of " + schema + " in " + file + "]";
    }

    int batches() {
        return batches.size();
    }

    Batch batch(int index) {
        Stored stored = batches.get(index);
        try {
            return new Batch(schema, stored.rows(), stored.message(), stored.body());
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
            throw unusable(file, "batch " + index + " is damaged (" + e.getMessage() + ")", e);
        }
    }

    private static ByteBuffer footer(FileChannel channel) throws IOException {
        long size = channel.size();
        if (size < ArrowFormat.FIRST_MESSAGE + TAIL
                || !magic(read(channel, 0, ArrowFormat.MAGIC.length))
                || !magic(read(channel, size - ArrowFormat.MAGIC.length, ArrowFormat.MAGIC.length))) {
            throw new IllegalArgumentException("it is truncated or not an Arrow file (" + size + " bytes)");
        }
        long length = read(channel, size - TAIL, 4).getInt(0);
        if (length <= 0 || length > size - TAIL - ArrowFormat.FIRST_MESSAGE) {
            throw new IllegalArgumentException("it announces a footer of " + length + " bytes in " + size);
        }
        return read(channel, size - TAIL - length, (int) length);
    }

    private static boolean magic(ByteBuffer bytes) {
        return bytes.equals(ByteBuffer.wrap(ArrowFormat.MAGIC));
    }

    private static ByteBuffer read(FileChannel channel, long position, int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining() && channel.read(bytes, position + bytes.position()) >= 0) {
            // a read may return less than was asked for
        }
        return bytes.flip();
    }

    private static List<Stored> map(FileChannel channel, List<ArrowFormat.Place> places) throws IOException {
        List<Stored> stored = new ArrayList<>(places.size());
        long size = channel.size();
        int first = 0;
        while (first < places.size()) {
            long start = places.get(first).offset();
            int end = first;
            while (end < places.size() && (end == first || end(places.get(end)) - start <= WINDOW)) {
                end++;
            }
            long length = end(places.get(end - 1)) - start;
            ArrowFormat.require(start >= 0 && length > 0 && length <= Integer.MAX_VALUE && start + length <= size);
            ByteBuffer window = channel.map(FileChannel.MapMode.READ_ONLY, start, length);
            for (ArrowFormat.Place place : places.subList(first, end)) {
                stored.add(stored(window, (int) (place.offset() - start), place));
            }
            first = end;
        }
        return stored;
    }

    private static long end(ArrowFormat.Place place) {
        return place.offset() + place.metadata() + place.body();
    }

    private static Stored stored(ByteBuffer window, int at, ArrowFormat.Place place) {
        ArrowFormat.require(place.metadata() > ArrowFormat.PREFIX && place.body() >= 0);
        ByteBuffer message = window.slice(at + ArrowFormat.PREFIX, place.metadata() - ArrowFormat.PREFIX);
        ByteBuffer body =
                window.slice(at + place.metadata(), (int) place.body()).order(ByteOrder.LITTLE_ENDIAN);
        return new Stored((int) ArrowFormat.rows(message), message, body);
    }

    private static StoreException unusable(Path file, String why, @Nullable Throwable cause) {
        return new StoreException(
                "dataset " + file + " cannot be used",
                why,
                "restore the file from a backup, or make the dataset again from its source",
                cause);
    }

    /**
     * Writes rows into a new dataset: the columns of a row in any order, then {@link #endRow}; at last {@link #finish}.
     * NaN is written as missing. Nothing is visible under the final name before it is complete and on disk. Not
     * thread-safe; closed by whoever made it.
     */
    public static final class Writer implements RowWriter, AutoCloseable {

        private final DatasetFile file;

        private Writer(Path directory, Schema schema) {
            this.file = new DatasetFile(directory, schema);
        }

        @Override
        public void number(int column, double value) {
            file.number(column, value);
        }

        @Override
        public void integer(int column, long value) {
            file.fixed(column, ColumnType.INTEGER, value);
        }

        @Override
        public void bool(int column, boolean value) {
            file.bool(column, value);
        }

        @Override
        public void text(int column, String value) {
            file.text(column, value);
        }

        @Override
        public void time(int column, long epochMicros) {
            file.fixed(column, ColumnType.TIME, epochMicros);
        }

        @Override
        public void vector(int column, float[] value) {
            file.vector(column, value);
        }

        @Override
        public void missing(int column) {
            file.missing(column);
        }

        /**
         * Ends a row; columns not written are missing.
         *
         * @throws dev.flywheel.core.DataException if a column that is not nullable has no value; the row is dropped
         * @throws StoreException if the disk refuses
         */
        public void endRow() {
            file.endRow();
        }

        /** Forgets what was written since the last {@link #endRow}. */
        public void dropRow() {
            file.dropRow();
        }

        /**
         * {@return the finished dataset; a row that was not ended is not part of it}
         *
         * @throws StoreException if the disk refuses
         */
        public Dataset finish() {
            return Dataset.open(file.finish());
        }

        /** Discards what was written unless {@link #finish} was called; a second call does nothing. */
        @Override
        public void close() {
            file.close();
        }
    }
}
