package dev.flywheel.pipeline.feature;

import dev.flywheel.core.data.Batch;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Count, mean and sum of squared differences at each place of a vector, over the finite numbers there (Welford 1962),
 * and of all places together (Chan et al. 1979). Not thread-safe.
 */
final class VectorMoments {

    private final long[] counts;
    private final double[] means;
    private final double[] squares;

    VectorMoments(int length) {
        this.counts = new long[length];
        this.means = new double[length];
        this.squares = new double[length];
    }

    void add(Batch batch, int column, int[] rows) {
        int length = counts.length;
        float[] values = new float[batch.rows() * length];
        batch.vectors(column, 0, batch.rows(), FloatBuffer.wrap(values));
        for (int row : rows) {
            for (int place = 0; place < length; place++) {
                float value = values[row * length + place];
                if (Float.isFinite(value)) {
                    double difference = value - means[place];
                    means[place] += difference / ++counts[place];
                    squares[place] += difference * (value - means[place]);
                }
            }
        }
    }

    /** {@return whether no number was there at all} */
    boolean empty() {
        for (long count : counts) {
            if (count > 0) {
                return false;
            }
        }
        return true;
    }

    /**
     * {@return the fitted feature, each place standardized by itself, and all together as long as one standardized
     * number is} So hundreds of numbers that tell of one text are held back like one: where each counts in full, a
     * linear model learns the training texts by heart.
     */
    VectorBlock.Slot encoded(String column) {
        VectorBlock.Slot full = vector(column);
        float shrink = (float) (1 / Math.sqrt(counts.length));
        List<Float> scale = full.scale().stream().map(each -> each * shrink).toList();
        return new VectorBlock.Slot(column, full.length(), full.image(), full.mean(), scale);
    }

    /** {@return the fitted feature, each place standardized by itself} */
    VectorBlock.Slot vector(String column) {
        List<Float> mean = new ArrayList<>();
        List<Float> scale = new ArrayList<>();
        for (int place = 0; place < counts.length; place++) {
            mean.add((float) means[place]);
            scale.add(scale(counts[place], means[place], squares[place]));
        }
        return new VectorBlock.Slot(column, counts.length, List.of(), mean, scale);
    }

    /** {@return the fitted feature, all places standardized alike} */
    VectorBlock.Slot image(Spec.Image spec) {
        long count = 0;
        double mean = 0;
        double sum = 0;
        for (int place = 0; place < counts.length; place++) {
            if (counts[place] > 0) {
                double difference = means[place] - mean;
                long both = count + counts[place];
                sum += squares[place] + difference * difference * count * counts[place] / both;
                mean += difference * counts[place] / both;
                count = both;
            }
        }
        return new VectorBlock.Slot(
                spec.column(),
                counts.length,
                List.of(spec.channels(), spec.height(), spec.width()),
                List.of((float) mean),
                List.of(scale(count, mean, sum)));
    }

    /** One over the standard deviation, or 0 for a constant: below a float's resolution there is only noise. */
    private static float scale(long count, double mean, double squares) {
        double deviation = count == 0 ? 0 : Math.sqrt(squares / count);
        return deviation <= Math.abs(mean) * 1e-7 ? 0 : (float) (1 / deviation);
    }
}
