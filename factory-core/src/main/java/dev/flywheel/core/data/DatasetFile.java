package dev.flywheel.core.data;

import dev.flywheel.core.DataException;
import dev.flywheel.core.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** A dataset file being written: gathers a batch, appends it, hashes as it goes. Not thread-safe. */
final class DatasetFile {

    /** Rows in a batch: 64 KiB a numeric column, so that a column of a batch stays in the second-level cache. */
    static final int BATCH_ROWS = 8_192;

    /** A batch ends early when its text exceeds this, so that no batch outgrows memory or a mapping. */
    private static final int BATCH_TEXT_BYTES = 64 << 20;

    /** Values in a batch of a very wide schema, by which its rows are cut. */
    private static final int BATCH_VALUES = 8 << 20;

    /** Floats in the vectors of a batch, 8 MiB, by which its rows are cut. */
    private static final int BATCH_FLOATS = 2 << 20;

    private final Path directory;
    private final Schema schema;
    private final int batchRows;
    private final ColumnBuffer[] columns;
    private final List<ArrowFormat.Place> places = new ArrayList<>();
    private final MessageDigest digest = sha256();
    private final Path temporary;
    private final FileChannel channel;
    private ByteBuffer body = ByteBuffer.allocateDirect(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
    private long position;
    private long written;
    private int row;
    private @Nullable State ended;

    private enum State {
        FINISHED,
        CLOSED
    }

    DatasetFile(Path directory, Schema schema) {
        this.directory = Objects.requireNonNull(directory, "directory");
        this.schema = Objects.requireNonNull(schema, "schema");
        this.batchRows = batchRows(schema);
        this.columns = schema.columns().stream()
                .map(c -> new ColumnBuffer(c, batchRows))
                .toArray(ColumnBuffer[]::new);
        try {
            Files.createDirectories(directory);
            this.temporary = directory.resolve("dataset-" + UUID.randomUUID() + ".tmp");
            this.channel = FileChannel.open(temporary, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
            append(ByteBuffer.allocate(ArrowFormat.FIRST_MESSAGE)
                    .put(ArrowFormat.MAGIC)
                    .rewind());
            message(ArrowFormat.schemaMessage(schema));
        } catch (IOException e) {
            throw refused(e);
        }
    }

    private static int batchRows(Schema schema) {
        int rows = Math.max(64, Math.min(BATCH_ROWS, BATCH_VALUES / Math.max(1, schema.size())));
        long floats = schema.columns().stream().mapToLong(Column::length).sum();
        return floats == 0 ? rows : (int) Math.max(1, Math.min(rows, BATCH_FLOATS / floats));
    }

    void number(int column, double value) {
        if (Double.isNaN(value)) {
            columns[column].missing(row);
        } else {
            fixed(column, ColumnType.NUMBER, Double.doubleToRawLongBits(value));
        }
    }

    void fixed(int column, ColumnType type, long bits) {
        columns[column].fixed(row, type, bits);
    }

    void bool(int column, boolean value) {
        columns[column].bool(row, value);
    }

    void text(int column, String value) {
        columns[column].text(row, value);
    }

    void vector(int column, float[] value) {
        columns[column].vector(row, value);
    }

    void missing(int column) {
        columns[column].missing(row);
    }

    void endRow() {
        requireOpen();
        for (ColumnBuffer column : columns) {
            if (!column.complete(row)) {
                dropRow();
                throw incomplete(column.column());
            }
        }
        long text = 0;
        for (ColumnBuffer column : columns) {
            column.endRow(row);
            text += column.textBytes(row + 1);
        }
        row++;
        if (row == batchRows || text > BATCH_TEXT_BYTES) {
            flush();
        }
    }

    void dropRow() {
        for (ColumnBuffer column : columns) {
            column.missing(row);
        }
    }

    Path finish() {
        requireOpen();
        dropRow();
        if (row > 0) {
            flush();
        }
        try {
            append(end());
            channel.force(true);
            channel.close();
            Path file = directory.resolve(HexFormat.of().formatHex(digest.digest()) + Dataset.EXTENSION);
            publish(file);
            ended = State.FINISHED;
            return file;
        } catch (IOException e) {
            throw refused(e);
        } finally {
            close();
        }
    }

    void close() {
        if (ended != null) {
            return;
        }
        ended = State.CLOSED;
        try {
            channel.close();
            Files.deleteIfExists(temporary);
        } catch (IOException e) {
            throw refused(e);
        }
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private void publish(Path file) throws IOException {
        if (Files.exists(file) && Files.size(file) == position) {
            Files.delete(temporary);
            return;
        }
        try {
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) {
            throw new IOException("the file system of " + directory + " cannot rename atomically", e);
        }
        try (FileChannel folder = FileChannel.open(directory, StandardOpenOption.READ)) {
            folder.force(true);
        } catch (IOException e) {
            // Windows cannot open a directory, and makes renames durable by itself.
        }
    }

    private void flush() {
        int[] nulls = new int[columns.length];
        int count = 0;
        for (int i = 0; i < columns.length; i++) {
            nulls[i] = columns[i].nulls();
            count += columns[i].buffers();
        }
        long[] buffers = new long[2 * count];
        long length = layout(buffers);
        try {
            long offset = position;
            int metadata = message(ArrowFormat.batchMessage(schema, row, nulls, buffers, length));
            append(fill(buffers, (int) length));
            places.add(new ArrowFormat.Place(offset, metadata, length));
        } catch (IOException e) {
            throw refused(e);
        }
        for (ColumnBuffer column : columns) {
            column.clear();
        }
        written += row;
        row = 0;
    }

    private long layout(long[] buffers) {
        long length = 0;
        int at = 0;
        for (ColumnBuffer column : columns) {
            for (int b = 0; b < column.buffers(); b++) {
                buffers[at++] = length;
                buffers[at++] = column.length(b, row);
                length += ArrowFormat.aligned(column.length(b, row));
            }
        }
        if (length > Integer.MAX_VALUE - ArrowFormat.ALIGNMENT) {
            throw new DataException(
                    "a batch of " + row + " rows cannot be written",
                    "it holds " + length + " bytes, more than 2 GiB",
                    "keep large documents in files, and their names in the dataset");
        }
        return length;
    }

    private ByteBuffer fill(long[] buffers, int length) {
        if (body.capacity() < length) {
            body = ByteBuffer.allocateDirect((int) Math.min(Integer.MAX_VALUE - 8, length * 5L / 4))
                    .order(ByteOrder.LITTLE_ENDIAN);
        }
        body.clear().limit(length);
        int at = 0;
        for (ColumnBuffer column : columns) {
            for (int b = 0; b < column.buffers(); b++, at += 2) {
                int end = (int) (buffers[at] + ArrowFormat.aligned(buffers[at + 1]));
                // The padding must be zero, or equal data would not be equal bytes.
                for (int i = Math.max((int) buffers[at], end - ArrowFormat.ALIGNMENT); i < end; i++) {
                    body.put(i, (byte) 0);
                }
                column.copy(b, row, body.position((int) buffers[at]));
            }
        }
        return body.rewind();
    }

    /** Appends a message with its prefix, padded so that its body is aligned; {@return the bytes written}. */
    private int message(ByteBuffer message) throws IOException {
        long bodyAt = ArrowFormat.aligned(position + ArrowFormat.PREFIX + message.remaining());
        int length = (int) (bodyAt - position);
        ByteBuffer framed = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        framed.putInt(ArrowFormat.CONTINUATION)
                .putInt(length - ArrowFormat.PREFIX)
                .put(message);
        append(framed.rewind());
        return length;
    }

    private ByteBuffer end() {
        ByteBuffer footer = ArrowFormat.footer(schema, places);
        int length = footer.remaining();
        return ByteBuffer.allocate(ArrowFormat.PREFIX + length + 4 + ArrowFormat.MAGIC.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(ArrowFormat.CONTINUATION)
                .putInt(0)
                .put(footer)
                .putInt(length)
                .put(ArrowFormat.MAGIC)
                .flip();
    }

    private void append(ByteBuffer bytes) throws IOException {
        digest.update(bytes.duplicate());
        position += bytes.remaining();
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private void requireOpen() {
        if (ended != null) {
            throw new IllegalStateException("this writer of " + schema + " is finished or closed");
        }
    }

    private DataException incomplete(Column column) {
        return new DataException(
                "row " + (written + row) + " of a dataset cannot be written",
                "column \"" + column.name() + "\" (" + column.type() + ") has no value and is not nullable",
                "give it a value, or declare it nullable (in a record: a boxed type instead of a primitive)");
    }

    private StoreException refused(IOException e) {
        return new StoreException(
                "a dataset in " + directory + " cannot be written",
                String.valueOf(e),
                "free disk space or make the directory writable, then write the dataset again",
                e);
    }
}
