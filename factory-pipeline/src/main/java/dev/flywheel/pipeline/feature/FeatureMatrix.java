package dev.flywheel.pipeline.feature;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.TrainingException;
import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.device.DeviceRequest;
import dev.flywheel.core.io.Json;
import dev.flywheel.serving.BatchPacker;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.OnnxEngine;
import dev.flywheel.serving.engine.OnnxOptions;
import dev.flywheel.serving.engine.TensorBuffer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The features of a dataset's rows and their labels, off the heap in native byte order, as a trainer takes them. Made
 * by running the fitted feature graph. Immutable and thread-safe; freed with the last reference to it.
 */
public final class FeatureMatrix {

    /** The column of a dataset of examples that holds what is to be learned. */
    public static final String LABEL = "$label";

    private static final String TIME = "$time";

    private static final int CHUNK_ROWS = 4096;

    private final FittedFeatures features;
    private final int rows;
    private final ByteBuffer numbers;
    private final ByteBuffer ids;
    private final double @Nullable [] labels;
    private final long @Nullable [] times;
    private final double @Nullable [] weights;
    private final @Nullable Dataset source;
    /** Where the rows are in the source; null if they are all of it. */
    private final int @Nullable [] places;

    private FeatureMatrix(FittedFeatures features, int rows, Dataset source) {
        Schema schema = source.schema();
        this.features = features;
        this.rows = rows;
        this.source = source;
        this.places = null;
        this.numbers = allocate(rows, numberCount(), Float.BYTES);
        this.ids = allocate(rows, idCount(), Long.BYTES);
        this.labels = schema.contains(LABEL) ? new double[rows] : null;
        this.times = schema.contains(TIME) ? new long[rows] : null;
        this.weights = null;
    }

    private FeatureMatrix(FeatureMatrix other, double[] weights) {
        this.features = other.features;
        this.rows = other.rows;
        this.numbers = other.numbers;
        this.ids = other.ids;
        this.labels = other.labels;
        this.times = other.times;
        this.weights = weights;
        this.source = other.source;
        this.places = other.places;
    }

    private FeatureMatrix(FeatureMatrix other, ByteBuffer numbers) {
        this.features = other.features;
        this.rows = other.rows;
        this.numbers = numbers;
        this.ids = other.ids;
        this.labels = other.labels;
        this.times = other.times;
        this.weights = other.weights;
        this.source = null; // features made anew would not be these
        this.places = null;
    }

    private FeatureMatrix(FeatureMatrix other, int[] order) {
        this.features = other.features;
        this.rows = order.length;
        this.numbers = picked(other.numbers, order, numberCount() * Float.BYTES);
        this.ids = picked(other.ids, order, idCount() * Long.BYTES);
        double[] all = other.labels;
        this.labels = all == null
                ? null
                : Arrays.stream(order).mapToDouble(row -> all[row]).toArray();
        long[] when = other.times;
        this.times = when == null
                ? null
                : Arrays.stream(order).mapToLong(row -> when[row]).toArray();
        double[] heavy = other.weights;
        this.weights = heavy == null
                ? null
                : Arrays.stream(order).mapToDouble(row -> heavy[row]).toArray();
        int[] from = other.places;
        this.source = other.source;
        this.places = from == null
                ? order.clone()
                : Arrays.stream(order).map(row -> from[row]).toArray();
    }

    private static ByteBuffer picked(ByteBuffer from, int[] order, int rowBytes) {
        ByteBuffer picked = allocate(order.length, 1, rowBytes);
        for (int row = 0; row < order.length; row++) {
            picked.put(row * rowBytes, from, order[row] * rowBytes, rowBytes);
        }
        return picked;
    }

    private static ByteBuffer allocate(long rows, int columns, int bytes) {
        long size = rows * columns * bytes;
        if (size > Integer.MAX_VALUE) {
            throw new TrainingException(
                    "the training matrix was not made",
                    rows + " rows of " + columns + " features take " + (size >> 20) + " MiB, at most 2047 MiB fit",
                    "train on fewer rows, such as the newest ones, or on fewer features");
        }
        return ByteBuffer.allocateDirect((int) size).order(ByteOrder.nativeOrder());
    }

    static FeatureMatrix of(FittedFeatures features, Dataset data) {
        int rows = (int) Math.min(data.rows(), Integer.MAX_VALUE);
        FeatureMatrix matrix = new FeatureMatrix(features, rows, data);
        try {
            Path file = Files.createTempFile("features", ".onnx");
            try {
                Files.write(file, features.graph());
                // Looking up texts, which features mostly do, is what a GPU cannot.
                OnnxOptions options = OnnxOptions.defaults().device(DeviceRequest.CPU);
                try (OnnxEngine engine = OnnxEngine.open(file, options);
                        Lane lane = engine.newLane(Math.max(1, Math.min(rows, CHUNK_ROWS)));
                        Scan scan = data.scan()) {
                    matrix.fill(lane, BatchPacker.of(lane, data.schema()), scan);
                }
            } finally {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new StoreException(
                    "the feature graph was not written to the folder for temporary files",
                    String.valueOf(e.getMessage()),
                    "make room there, or name another folder with -Djava.io.tmpdir",
                    e);
        }
        return matrix;
    }

    private void fill(Lane lane, BatchPacker packer, Scan scan) {
        int row = 0;
        for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
            for (int from = 0; from < batch.rows(); from += lane.maxRows()) {
                int count = Math.min(lane.maxRows(), batch.rows() - from);
                packer.pack(batch, from, count);
                lane.run(count);
                for (int output = 0; output < lane.signature().outputs().size(); output++) {
                    copy(lane.output(output), row + from, count);
                }
            }
            if (labels != null) {
                readLabels(batch, row, labels);
            }
            if (times != null) {
                readTimes(batch, row, times);
            }
            row += batch.rows();
        }
    }

    private void copy(TensorBuffer from, int row, int count) {
        ByteBuffer target = from.spec().name().equals(FittedFeatures.IDS) ? ids : numbers;
        int rowBytes = target.capacity() / rows;
        target.put(row * rowBytes, from.bytes(), 0, count * rowBytes);
    }

    private static void readLabels(Batch batch, int from, double[] labels) {
        int column = batch.schema().indexOf(LABEL);
        for (int row = 0; row < batch.rows(); row++) {
            double label = batch.missing(column, row) ? Double.NaN : batch.number(column, row);
            if (!Double.isFinite(label)) {
                throw new TrainingException(
                        "the training matrix was not made",
                        "row " + (from + row) + " has the label " + label + ", expected a finite number",
                        "drop rows without a label at the source, or by a check");
            }
            labels[from + row] = label;
        }
    }

    private static void readTimes(Batch batch, int from, long[] times) {
        int column = batch.schema().indexOf(TIME);
        for (int row = 0; row < batch.rows(); row++) {
            times[from + row] = batch.missing(column, row) ? Long.MIN_VALUE : batch.time(column, row);
        }
    }

    /**
     * {@return some of the rows, in some order, as a matrix of their own}
     *
     * @param order the rows, from 0
     * @throws IndexOutOfBoundsException if there is no such row
     */
    public FeatureMatrix select(int... order) {
        return new FeatureMatrix(this, order);
    }

    /**
     * {@return the same rows with features that have learned from some of them alone} The others are then as new to a
     * model as rows that come later. Features that were read from a file, or given with {@link #withNumbers}, learned
     * from none of the rows and stay.
     *
     * @param learned the rows to learn from, from 0
     * @throws IndexOutOfBoundsException if there is no such row
     * @throws TrainingException if there is nothing to learn from them
     * @throws StoreException if the dataset that the rows are from cannot be read any more
     */
    public FeatureMatrix refitted(int... learned) {
        if (source == null) {
            return this;
        }
        BitSet chosen = new BitSet();
        for (int row : learned) {
            chosen.set(places == null ? Objects.checkIndex(row, rows) : places[row]);
        }
        FeatureMatrix all = of(features.refitted(source, chosen), source);
        FeatureMatrix same = places == null ? all : all.select(places);
        return weights == null ? same : same.weighted(weights);
    }

    /**
     * {@return the same rows with other numeric features}
     *
     * @param values as {@link #numbers} gives them; not to be changed afterwards
     * @throws IllegalArgumentException if they are of another size
     */
    public FeatureMatrix withNumbers(ByteBuffer values) {
        if (values.capacity() != numbers.capacity() || !values.isDirect()) {
            throw new IllegalArgumentException("the numbers of " + rows + " rows take " + numbers.capacity()
                    + " bytes outside of the heap, found " + values.capacity());
        }
        return new FeatureMatrix(this, values);
    }

    /** {@return whether the rows have event times} */
    public boolean hasTimes() {
        return times != null;
    }

    /**
     * {@return a copy of the event times, in microseconds since the epoch; {@link Long#MIN_VALUE} for a missing one}
     *
     * @throws IllegalStateException if the dataset has none
     */
    public long[] times() {
        if (times == null) {
            throw new IllegalStateException("the dataset has no column " + TIME);
        }
        return times.clone();
    }

    /**
     * {@return the same rows, each of which counts as so many}
     *
     * @param weights one for each row, at least 0; a weight of 2 is as good as having the row twice
     * @throws IllegalArgumentException if their number is not that of the rows, one is negative or not finite, or all
     *     are 0
     */
    public FeatureMatrix weighted(double[] weights) {
        if (weights.length != rows) {
            throw new IllegalArgumentException("found " + weights.length + " weights for " + rows + " rows");
        }
        double sum = 0;
        for (double weight : weights) {
            if (!(weight >= 0) || Double.isInfinite(weight)) {
                throw new IllegalArgumentException("a weight is a number of at least 0, found " + weight);
            }
            sum += weight;
        }
        if (!(sum > 0)) {
            throw new IllegalArgumentException(
                    "all " + rows + " weights are 0, so that there is nothing to learn from");
        }
        return new FeatureMatrix(this, weights.clone());
    }

    /** {@return whether rows count for more or less than one} */
    public boolean isWeighted() {
        return weights != null;
    }

    /** {@return a copy of the weights, one for each row: how many rows it counts as, 1 where nothing else was said} */
    public double[] weights() {
        if (weights != null) {
            return weights.clone();
        }
        double[] ones = new double[rows];
        Arrays.fill(ones, 1);
        return ones;
    }

    /** {@return the features that made it} */
    public FittedFeatures features() {
        return features;
    }

    /** {@return the number of rows} */
    public int rows() {
        return rows;
    }

    /** {@return the number of numeric features} */
    public int numberCount() {
        return features.numberNames().size();
    }

    /** {@return the number of features that are ids} */
    public int idCount() {
        return features.idColumns().size();
    }

    /** {@return the numeric features: float32 [rows, numberCount], row-major, direct, native order, read-only} */
    public ByteBuffer numbers() {
        return numbers.asReadOnlyBuffer().order(ByteOrder.nativeOrder());
    }

    /** {@return the ids: int64 [rows, idCount], row-major, direct, native order, read-only} */
    public ByteBuffer ids() {
        return ids.asReadOnlyBuffer().order(ByteOrder.nativeOrder());
    }

    /**
     * {@return a copy of the labels, in the unit of the dataset}
     *
     * @throws IllegalStateException if the dataset has none
     */
    public double[] labels() {
        if (labels == null) {
            throw new IllegalStateException("the dataset has no column " + LABEL);
        }
        return labels.clone();
    }

    /** {@return the SHA-256 of the features, labels, weights and times of all rows, in hexadecimal} */
    public String fingerprint() {
        MessageDigest sum = Json.sha256();
        sum.update(features.describe().getBytes(StandardCharsets.UTF_8));
        sum.update(numbers());
        sum.update(ids());
        add(sum, labels);
        add(sum, weights);
        if (times != null) {
            ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES * rows);
            bytes.asLongBuffer().put(times);
            sum.update(bytes);
        }
        return HexFormat.of().formatHex(sum.digest());
    }

    private void add(MessageDigest sum, double @Nullable [] values) {
        if (values != null) {
            ByteBuffer bytes = ByteBuffer.allocate(Double.BYTES * rows);
            bytes.asDoubleBuffer().put(values);
            sum.update(bytes);
        }
    }
}
