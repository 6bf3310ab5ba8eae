package dev.flywheel.core.log;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * The end of one segment, with a buffer before it. Not thread-safe, but for {@link #sync} and {@link #close}. It writes
 * through a plain stream: a channel would be closed for good when a caller's thread is interrupted.
 */
final class SegmentWriter {

    private static final int BUFFER_BYTES = 1 << 16;

    private final Segment segment;
    private final FileOutputStream out;
    private final byte[] bytes = new byte[BUFFER_BYTES];
    private final ByteBuffer buffer = ByteBuffer.wrap(bytes);
    private long written;
    private boolean closed;

    /** @param size the size of the file, all of which is on the disk */
    SegmentWriter(Segment segment, long size) throws IOException {
        this.segment = segment;
        this.out = new FileOutputStream(segment.file().toFile(), true);
        this.written = size;
    }

    Segment segment() {
        return segment;
    }

    /** {@return the size of the file once the buffer is written} */
    long size() {
        return written + buffer.position();
    }

    void append(long sequence, ByteBuffer payload) throws IOException {
        int length = payload.remaining();
        int frame = Frame.HEADER_BYTES + length;
        if (frame > buffer.remaining()) {
            writeOut();
        }
        if (frame > BUFFER_BYTES) {
            byte[] large = new byte[frame];
            encode(sequence, payload, ByteBuffer.wrap(large), large);
            out.write(large);
            written += frame;
        } else {
            encode(sequence, payload, buffer, bytes);
        }
    }

    private void encode(long sequence, ByteBuffer payload, ByteBuffer target, byte[] array) {
        int start = target.position();
        int length = payload.remaining();
        target.putInt(0).putInt(length).put(payload.duplicate());
        target.putInt(start, Frame.recordSum(segment, sequence, array, start + 4, 4 + length));
    }

    /** Says in the file that everything before an offset is on the disk. */
    void mark(long offset) throws IOException {
        if (Frame.MARK_BYTES > buffer.remaining()) {
            writeOut();
        }
        int start = buffer.position();
        buffer.putInt(0).putInt(Frame.MARK_LENGTH).putLong(Frame.MARK_MAGIC).putLong(offset);
        buffer.putInt(start, Frame.markSum(segment, bytes, start));
        writeOut();
    }

    void writeOut() throws IOException {
        if (buffer.position() > 0) {
            out.write(bytes, 0, buffer.position());
            written += buffer.position();
            buffer.clear();
        }
    }

    /** Puts what was written out on the disk; nothing is left to do for a closed one, which was synced. */
    synchronized void sync() throws IOException {
        if (!closed) {
            out.getFD().sync();
        }
    }

    synchronized void close() throws IOException {
        closed = true;
        out.close();
    }
}
