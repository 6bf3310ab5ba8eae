package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Durable;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The temporary files of a join, by part. Not thread-safe. Closing deletes them. No file is kept open, so there may be
 * many parts.
 */
final class Spill implements AutoCloseable {

    private static final int BUFFER_BYTES = 1 << 15;

    private final Path directory;
    private final int parts;

    private Spill(Path directory, int parts) {
        this.directory = directory;
        this.parts = parts;
    }

    /** @param scratch where the files go; null for the JVM's directory of temporary files */
    static Spill open(@Nullable Path scratch, int parts) {
        try {
            String prefix = "flywheel-join";
            return new Spill(
                    scratch == null ? Files.createTempDirectory(prefix) : Files.createTempDirectory(scratch, prefix),
                    parts);
        } catch (IOException e) {
            throw failed(String.valueOf(scratch), e);
        }
    }

    /** {@return files of records of a size, the first 8 bytes of which are a number that they are sorted by} */
    Records records(String name, int bytes) {
        return new Records(name, bytes);
    }

    @Override
    public void close() {
        Durable.delete(directory);
    }

    /** Bytes on their way to a file. */
    private static final class Chunk {
        final byte[] bytes;
        final ByteBuffer view;

        Chunk(byte[] bytes) {
            this.bytes = bytes;
            this.view = ByteBuffer.wrap(bytes);
        }
    }

    /** Records of one kind, by part. */
    final class Records {
        private final String name;
        private final int bytes;
        private final @Nullable Chunk[] chunks = new Chunk[parts];
        private final long[] counts = new long[parts];

        Records(String name, int bytes) {
            this.name = name;
            this.bytes = bytes;
        }

        /** {@return where to put one more record of a part} */
        ByteBuffer add(int part) {
            Chunk chunk = chunks[part];
            if (chunk == null) {
                chunk = new Chunk(new byte[BUFFER_BYTES / bytes * bytes]);
                chunks[part] = chunk;
            } else if (!chunk.view.hasRemaining()) {
                write(part, chunk);
            }
            counts[part]++;
            return chunk.view;
        }

        /** Frees the memory of what was added so far; it can be read now. */
        void written() {
            for (int part = 0; part < parts; part++) {
                Chunk chunk = chunks[part];
                if (chunk != null) {
                    write(part, chunk);
                    chunks[part] = null;
                }
            }
        }

        long count(int part) {
            return counts[part];
        }

        /** Hands out the records of a part in order; each is valid during the call. */
        void each(int part, Consumer<ByteBuffer> visitor) {
            Reader reader = new Reader(part);
            while (reader.next()) {
                visitor.accept(reader.record());
            }
        }

        /** {@return the records of all parts in the order of their first number} */
        Merge merge() {
            List<Reader> readers = new ArrayList<>();
            for (int part = 0; part < parts; part++) {
                readers.add(new Reader(part));
            }
            return new Merge(readers);
        }

        void delete(int part) {
            try {
                Files.deleteIfExists(file(part));
            } catch (IOException e) {
                throw failed(directory.toString(), e);
            }
        }

        private void write(int part, Chunk chunk) {
            try (FileOutputStream out = new FileOutputStream(file(part).toFile(), true)) {
                out.write(chunk.bytes, 0, chunk.view.position());
                chunk.view.clear();
            } catch (IOException e) {
                throw failed(directory.toString(), e);
            }
        }

        private Path file(int part) {
            return directory.resolve(name + "-" + part);
        }

        /** Reads one part. */
        private final class Reader {
            private final int part;
            private final byte[] chunk = new byte[BUFFER_BYTES / bytes * bytes];
            private final ByteBuffer view = ByteBuffer.wrap(chunk);
            private long read;
            private int limit;
            private int at = -bytes;

            Reader(int part) {
                this.part = part;
            }

            boolean next() {
                at += bytes;
                if (at >= limit) {
                    fill();
                    at = 0;
                }
                return at < limit;
            }

            private void fill() {
                limit = (int) Math.min(chunk.length, counts[part] * bytes - read);
                if (limit == 0) {
                    return;
                }
                try (RandomAccessFile in = new RandomAccessFile(file(part).toFile(), "r")) {
                    in.seek(read);
                    in.readFully(chunk, 0, limit);
                    read += limit;
                } catch (IOException e) {
                    throw failed(directory.toString(), e);
                }
            }

            ByteBuffer record() {
                return view.slice(at, bytes);
            }

            long first() {
                return view.getLong(at);
            }
        }
    }

    /** Reads all parts in the order of the records' first number. */
    static final class Merge {
        private final PriorityQueue<Records.Reader> readers =
                new PriorityQueue<>(Comparator.comparingLong(Records.Reader::first));
        private boolean started;

        private Merge(List<Records.Reader> all) {
            all.removeIf(reader -> !reader.next());
            readers.addAll(all);
        }

        /** {@return the next record, valid until the next call, or null if there is none} */
        @Nullable
        ByteBuffer next() {
            if (started) {
                Records.Reader last = readers.poll();
                if (last != null && last.next()) {
                    readers.add(last);
                }
            }
            started = true;
            Records.Reader head = readers.peek();
            return head == null ? null : head.record();
        }

        /** {@return the record of a number, or null if there is none; numbers are asked for in order} */
        @Nullable
        ByteBuffer at(long number) {
            Records.Reader head = readers.peek();
            while (head != null && head.first() < number) {
                readers.poll();
                if (head.next()) {
                    readers.add(head);
                }
                head = readers.peek();
            }
            return head == null || head.first() != number ? null : head.record();
        }
    }

    private static StoreException failed(String where, IOException e) {
        return new StoreException(
                "joining feedback through temporary files in " + where,
                "the file system says " + e,
                "free space there, or choose another place with FeedbackJoin.spillingTo",
                e);
    }
}
