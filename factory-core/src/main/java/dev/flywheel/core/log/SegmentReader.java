package dev.flywheel.core.log;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;

/**
 * Reads the frames of one segment in order, also while a writer appends to it. Not thread-safe. It reads through a
 * plain file: a channel would be closed for good when a caller's thread is interrupted.
 */
final class SegmentReader implements AutoCloseable {

    private static final int BUFFER_BYTES = 1 << 16;

    private final Segment segment;
    private final RandomAccessFile file;
    private byte[] bytes = new byte[BUFFER_BYTES];
    private int limit;
    private int position;
    private long bufferOffset;
    private long sequence;
    private long vouched = Segment.HEADER_BYTES;
    private long recordsEnd = Segment.HEADER_BYTES;
    private ByteBuffer record = ByteBuffer.allocate(0);

    SegmentReader(Segment segment) throws IOException {
        this.segment = segment;
        this.file = new RandomAccessFile(segment.file().toFile(), "r");
        this.bufferOffset = Segment.HEADER_BYTES;
        this.sequence = segment.first() - 1;
    }

    Segment segment() {
        return segment;
    }

    /**
     * Goes to the next whole record.
     *
     * @return false if there is none at {@link #offset}: the file ends there, or what stands there is not (yet) whole.
     *     Another call looks at the file again
     */
    boolean next() throws IOException {
        return tryNext() || (reload() && tryNext());
    }

    /** {@return the sequence of the record that the last successful {@link #next} went to} */
    long sequence() {
        return sequence;
    }

    /** {@return the payload of that record, valid until the next call of {@link #next}} */
    ByteBuffer record() {
        return record;
    }

    /** {@return where the frame that comes next begins} */
    long offset() {
        return bufferOffset + position;
    }

    /** {@return the size of the file now} */
    long size() throws IOException {
        return file.length();
    }

    /** {@return whether marks that were passed say that every record that was passed is on the disk} */
    boolean allVouchedFor() {
        return vouched >= recordsEnd;
    }

    /** {@return whether a mark after {@link #offset} says that the frame at this offset was on the disk} */
    boolean vouchedFor() throws IOException {
        long broken = offset();
        byte[] window = new byte[BUFFER_BYTES];
        long at = broken;
        while (true) {
            int read = readFully(at, window, 0);
            for (int i = 0; i + Frame.MARK_BYTES <= read; i++) {
                if (isMark(window, i) && ByteBuffer.wrap(window).getLong(i + 16) > broken) {
                    return true;
                }
            }
            if (read < window.length) {
                return false;
            }
            at += read - Frame.MARK_BYTES + 1;
        }
    }

    private boolean tryNext() throws IOException {
        while (fill(Frame.HEADER_BYTES)) {
            ByteBuffer view = ByteBuffer.wrap(bytes);
            int sum = view.getInt(position);
            int length = view.getInt(position + 4);
            if (length == Frame.MARK_LENGTH) {
                if (!fill(Frame.MARK_BYTES) || !isMark(bytes, position)) {
                    return false;
                }
                vouched = Math.max(vouched, ByteBuffer.wrap(bytes).getLong(position + 16));
                position += Frame.MARK_BYTES;
                continue;
            }
            if (length < 0 || length > Frame.RECORD_BYTES_LIMIT || !fill(Frame.HEADER_BYTES + length)) {
                return false;
            }
            if (sum != Frame.recordSum(segment, sequence + 1, bytes, position + 4, 4 + length)) {
                return false;
            }
            record = ByteBuffer.wrap(bytes, position + Frame.HEADER_BYTES, length)
                    .slice()
                    .asReadOnlyBuffer();
            sequence++;
            position += Frame.HEADER_BYTES + length;
            recordsEnd = offset();
            return true;
        }
        return false;
    }

    private boolean isMark(byte[] array, int at) {
        if (array[at + 4] != (byte) Frame.MARK_LENGTH) {
            return false;
        }
        ByteBuffer view = ByteBuffer.wrap(array);
        return view.getInt(at + 4) == Frame.MARK_LENGTH
                && view.getLong(at + 8) == Frame.MARK_MAGIC
                && view.getInt(at) == Frame.markSum(segment, array, at);
    }

    /** Makes at least so many bytes available from the position, if the file has them. */
    private boolean fill(int needed) throws IOException {
        if (limit - position >= needed) {
            return true;
        }
        if (bufferOffset + position + needed > file.length()) {
            return false;
        }
        load(needed);
        return limit >= needed;
    }

    /** Drops what was buffered: a frame may have been written only in part when it was read. */
    private boolean reload() throws IOException {
        limit = position;
        if (offset() >= file.length()) {
            return false;
        }
        load(1);
        return limit > 0;
    }

    private void load(int needed) throws IOException {
        // a record handed out is a view of the old array, so it may be overwritten only when it is of no more use
        byte[] target = needed > bytes.length ? new byte[needed] : bytes;
        int kept = limit - position;
        System.arraycopy(bytes, position, target, 0, kept);
        bufferOffset += position;
        position = 0;
        bytes = target;
        limit = kept + readFully(bufferOffset + kept, target, kept);
    }

    private int readFully(long from, byte[] target, int at) throws IOException {
        file.seek(from);
        int filled = at;
        while (filled < target.length) {
            int read = file.read(target, filled, target.length - filled);
            if (read < 0) {
                break;
            }
            filled += read;
        }
        return filled - at;
    }

    @Override
    public void close() throws IOException {
        bytes = new byte[0];
        limit = 0;
        position = 0;
        file.close();
    }
}
