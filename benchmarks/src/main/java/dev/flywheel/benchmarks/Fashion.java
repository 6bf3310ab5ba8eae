package dev.flywheel.benchmarks;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;

/**
 * Fashion-MNIST (Xiao et al. 2017): images of 28 x 28 grey pixels, of ten kinds of clothes. Immutable by convention.
 *
 * @param pixels an image after the other, 0 to 255
 * @param labels 0 to 9
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Fashion(byte[] pixels, byte[] labels) {

    static final int PIXELS = 28 * 28;
    static final int CLASSES = 10;

    /** Reads the files with a prefix: train or t10k. */
    static Fashion read(Path folder, String prefix) throws IOException {
        return new Fashion(
                content(folder.resolve(prefix + "-images-idx3-ubyte.gz")),
                content(folder.resolve(prefix + "-labels-idx1-ubyte.gz")));
    }

    /** The bytes of an idx file: its type and number of dimensions, the dimensions, then the values. */
    private static byte[] content(Path file) throws IOException {
        try (DataInputStream in = new DataInputStream(new GZIPInputStream(Files.newInputStream(file)))) {
            int magic = in.readInt();
            if (magic >> Byte.SIZE != 8) {
                throw new IOException(file + " holds no idx file of bytes");
            }
            int size = 1;
            for (int dimension = 0; dimension < (magic & 0xFF); dimension++) {
                size = Math.multiplyExact(size, in.readInt());
            }
            return in.readNBytes(size);
        }
    }

    int rows() {
        return labels.length;
    }
}
