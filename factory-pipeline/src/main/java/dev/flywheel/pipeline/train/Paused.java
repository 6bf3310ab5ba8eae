package dev.flywheel.pipeline.train;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.zip.CRC32;

/**
 * A training by minibatches between two steps. Immutable by convention.
 *
 * @param epoch how many epochs are behind
 * @param steps how many steps of the next epoch are behind
 * @param parameters the parameters
 * @param means Adam's running means of the gradient
 * @param squares Adam's running means of the squared gradient
 * @param best with early stopping the best parameters so far, otherwise none
 * @param bestLoss their loss, or how bad they are by the metric that stops the training
 * @param worse for how many epochs there has been no better one
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Paused(
        int epoch,
        int steps,
        float[] parameters,
        float[] means,
        float[] squares,
        float[] best,
        double bestLoss,
        int worse) {

    private static final int FORMAT = 0x464C5002;
    private static final int HEAD = 7 * Integer.BYTES + Double.BYTES;

    /** As bytes, with a checksum at the end. */
    byte[] bytes() {
        int size = HEAD + Float.BYTES * (3 * parameters.length + best.length) + Long.BYTES;
        ByteBuffer bytes = ByteBuffer.allocate(size);
        bytes.putInt(FORMAT).putInt(epoch).putInt(steps).putInt(worse).putDouble(bestLoss);
        bytes.putInt(parameters.length).putInt(best.length).putInt(size);
        for (float[] values : new float[][] {parameters, means, squares, best}) {
            for (float value : values) {
                bytes.putFloat(value);
            }
        }
        return bytes.putLong(sum(bytes.array(), bytes.position())).array();
    }

    /** What the bytes hold; empty if they are damaged. */
    static Optional<Paused> read(byte[] content) {
        ByteBuffer bytes = ByteBuffer.wrap(content);
        try {
            int body = content.length - Long.BYTES;
            if (bytes.getInt() != FORMAT || bytes.getLong(body) != sum(content, body)) {
                return Optional.empty();
            }
            int epoch = bytes.getInt();
            int steps = bytes.getInt();
            int worse = bytes.getInt();
            double bestLoss = bytes.getDouble();
            int size = bytes.getInt();
            int bestSize = bytes.getInt();
            bytes.getInt();
            return Optional.of(new Paused(
                    epoch,
                    steps,
                    floats(bytes, size),
                    floats(bytes, size),
                    floats(bytes, size),
                    floats(bytes, bestSize),
                    bestLoss,
                    worse));
        } catch (BufferUnderflowException | IndexOutOfBoundsException e) {
            return Optional.empty();
        }
    }

    private static float[] floats(ByteBuffer bytes, int count) {
        float[] values = new float[count];
        bytes.asFloatBuffer().get(values);
        bytes.position(bytes.position() + Float.BYTES * count);
        return values;
    }

    private static long sum(byte[] content, int length) {
        CRC32 sum = new CRC32();
        sum.update(content, 0, length);
        return sum.getValue();
    }
}
