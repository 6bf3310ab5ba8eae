package dev.flywheel.core.log;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Durable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One file of a log: a header of 32 bytes (magic and format version, first sequence, salt, checksum), then frames.
 *
 * @param file where it is; the name is the first sequence in 20 digits
 * @param first the sequence of its first record
 * @param salt a random number that goes into every checksum of the file, so that bytes of another file, or of a record
 *     that happens to hold frames, are never taken for frames of this one
 */
record Segment(Path file, long first, long salt) {

    static final int HEADER_BYTES = 32;

    // "FWLOG" and the version of the format in the last byte
    private static final long MAGIC = 0x46574C4F47000001L;
    private static final long MAGIC_MASK = 0xFFFFFFFFFF000000L;
    private static final Pattern NAME = Pattern.compile("(\\d{20})\\.log");
    private static final SecureRandom RANDOM = new SecureRandom();

    /** Makes an empty segment; when this returns it is on the disk under its name. */
    static Segment create(Path directory, long first) {
        Segment segment = new Segment(directory.resolve(name(first)), first, RANDOM.nextLong());
        ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
        header.putLong(MAGIC).putLong(first).putLong(segment.salt);
        header.putInt(Frame.crc(header.array(), 0, header.position()));
        Durable.write(segment.file, header.array());
        return segment;
    }

    /** Reads the header of a segment. */
    static Segment open(Path file) throws IOException {
        byte[] bytes = new byte[HEADER_BYTES];
        try (RandomAccessFile in = new RandomAccessFile(file.toFile(), "r")) {
            if (in.length() < HEADER_BYTES) {
                throw damaged(file, "its header is cut off at " + in.length() + " of " + HEADER_BYTES + " bytes");
            }
            in.readFully(bytes);
        }
        ByteBuffer header = ByteBuffer.wrap(bytes);
        long magic = header.getLong();
        long first = header.getLong();
        long salt = header.getLong();
        if ((magic & MAGIC_MASK) != (MAGIC & MAGIC_MASK)) {
            throw damaged(file, "its header at offset 0 is not that of a log segment");
        }
        if (Frame.crc(bytes, 0, HEADER_BYTES - 8) != header.getInt()
                || !String.valueOf(file.getFileName()).equals(name(first))) {
            throw damaged(file, "its header at offset 0 has a wrong checksum or belongs to another segment");
        }
        if (magic != MAGIC) {
            throw new StoreException(
                    "reading log segment " + file,
                    "its format is " + (magic & ~MAGIC_MASK) + ", this library reads format " + (MAGIC & ~MAGIC_MASK),
                    "upgrade the library");
        }
        return new Segment(file, first, salt);
    }

    /** {@return the segments' files by their first sequence} */
    static NavigableMap<Long, Path> list(Path directory) throws IOException {
        TreeMap<Long, Path> segments = new TreeMap<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                Matcher name = NAME.matcher(String.valueOf(file.getFileName()));
                if (name.matches()) {
                    segments.put(Long.parseLong(name.group(1)), file);
                }
            }
        } catch (java.nio.file.NotDirectoryException | NoSuchFileException e) {
            throw new StoreException(
                    "opening log " + directory, "there is no such directory", "check the path; a writer creates it", e);
        }
        return segments;
    }

    static String name(long first) {
        return String.format(java.util.Locale.ROOT, "%020d.log", first);
    }

    private static StoreException damaged(Path file, String why) {
        return new StoreException("reading log segment " + file, why, "restore the file from a backup");
    }
}
