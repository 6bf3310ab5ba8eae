package dev.flywheel.benchmarks;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;

/**
 * Writes bytes at a pace to a plain file and puts them on the disk five times a second, on a thread of its own: the
 * least that a log does. Whoever made it closes it.
 */
final class PlainFile {

    private static final long NAP_NANOS = 5_000_000;
    private static final long SYNC_NANOS = 200_000_000;

    private final byte[] bytes = new byte[1 << 16];
    private final double perSecond;
    private final CompletableFuture<Void> written;
    private volatile boolean closing;

    /** @param perSecond so many bytes */
    PlainFile(Path file, double perSecond) {
        this.perSecond = perSecond;
        this.written = CompletableFuture.runAsync(() -> write(file), work -> new Thread(work, "plain file").start());
    }

    private void write(Path file) {
        try (FileOutputStream out = new FileOutputStream(file.toFile())) {
            long started = System.nanoTime();
            long synced = started;
            long sent = 0;
            while (!closing) {
                LockSupport.parkNanos(NAP_NANOS);
                long now = System.nanoTime();
                long due = (long) ((now - started) * perSecond / 1e9);
                while (sent < due) {
                    int length = (int) Math.min(due - sent, bytes.length);
                    out.write(bytes, 0, length);
                    sent += length;
                }
                if (now - synced > SYNC_NANOS) {
                    synced = now;
                    out.getFD().sync();
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends the thread, and throws what it has thrown. */
    void close() {
        closing = true;
        written.join();
    }
}
