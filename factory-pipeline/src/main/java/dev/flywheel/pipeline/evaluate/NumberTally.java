package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Vectors;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;

/** Moments by Welford's recurrence (1962), and a uniform sample by Vitter's algorithm R (1985), with a fixed seed. */
final class NumberTally extends Profiles.Tally {

    private static final int SAMPLE = 8_192;
    private static final int BINS = 24;

    private final ColumnType type;
    private final double[] sample = new double[SAMPLE];
    private final SplittableRandom random = new SplittableRandom(17);
    private long count;
    private double min = Double.POSITIVE_INFINITY;
    private double max = Double.NEGATIVE_INFINITY;
    private double mean;
    private double squares;

    NumberTally(Column column) {
        super(column);
        this.type = column.type();
    }

    @Override
    void add(Batch batch, int index, int row) {
        double value = value(batch, index, row);
        if (Double.isNaN(value)) {
            return; // a vector of nothing but missing numbers
        }
        // An infinity has no place in a mean; it is seen as the minimum or maximum.
        min = Math.min(min, value);
        max = Math.max(max, value);
        if (Double.isInfinite(value)) {
            return;
        }
        count++;
        double delta = value - mean;
        mean += delta / count;
        squares += delta * (value - mean);
        long place = count <= SAMPLE ? count - 1 : random.nextLong(count);
        if (place < SAMPLE) {
            sample[(int) place] = value;
        }
    }

    /** {@return a number, a time in epoch seconds, or the mean of a vector} */
    static double value(Batch batch, int column, int row) {
        return switch (batch.schema().column(column).type()) {
            case TIME -> batch.time(column, row) / 1e6;
            case VECTOR -> Vectors.mean(batch.vector(column, row));
            default -> batch.number(column, row);
        };
    }

    @Override
    Profiles.ColumnProfile profile(Profiles.Shell shell) {
        if (count == 0) {
            return shell.with(null, null, null);
        }
        double[] values = Arrays.copyOf(sample, (int) Math.min(SAMPLE, count));
        Histogram histogram = Histogram.of(values, BINS);
        if (type == ColumnType.TIME) {
            return shell.with(null, null, new Profiles.Times(instant(min), instant(max), histogram));
        }
        Arrays.sort(values);
        List<Double> quantiles = DoubleStream.of(0.05, 0.25, 0.5, 0.75, 0.95)
                .map(share -> Histogram.quantile(values, share))
                .boxed()
                .toList();
        double deviation = count < 2 ? 0 : Math.sqrt(squares / (count - 1));
        return shell.with(null, new Profiles.Numeric(min, mean, deviation, max, quantiles, histogram), null);
    }

    private static Instant instant(double epochSeconds) {
        return Instant.ofEpochMilli(Math.round(epochSeconds * 1000));
    }
}
