package dev.flywheel.benchmarks;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Ingestion;
import dev.flywheel.pipeline.source.Target;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * A network and the rows that it learns; all contenders get the same numbers. Immutable.
 *
 * @param kind small: 16-64-1 on made-up rows; spambase: 57-64-1 on mails; mlp: 784-128-10 on Fashion-MNIST; cnn:
 *     convolutions of 8 and 16 filters, 784-64-10; large: 256-4096-1 on made-up rows, for GPUs
 * @param train what is learned from
 * @param test what accuracy is measured on
 */
record TrainingWork(String kind, Target<?> target, FeatureMatrix train, FeatureMatrix test) {

    private static final int SMALL_INPUTS = 16;
    private static final int LARGE_INPUTS = 256;
    private static final int MADE_UP_ROWS = 20_000;

    /** Writes one row. */
    private interface Filler {

        /** {@return the label} */
        double fill(int row, float[] numbers);
    }

    static TrainingWork of(String kind, Path data, Path fashion, Path folder) throws IOException {
        return switch (kind) {
            case "small" -> madeUp(kind, SMALL_INPUTS, folder);
            case "large" -> madeUp(kind, LARGE_INPUTS, folder);
            case "spambase" -> mails(data, folder);
            default -> images(kind, fashion, folder);
        };
    }

    String name() {
        return switch (kind) {
            case "small" -> "MLP 16-64-1";
            case "spambase" -> "MLP 57-64-1 on spambase";
            case "mlp" -> "MLP 784-128-10";
            case "cnn" -> "CNN 8-16-64-10";
            case "large" -> "MLP 256-4096-1";
            default ->
                throw new IllegalArgumentException(
                        "--work takes small, spambase, mlp, cnn and large, found \"" + kind + "\"");
        };
    }

    /** The sizes of the hidden layers. */
    int hidden() {
        return switch (kind) {
            case "mlp" -> 128;
            case "large" -> 4_096;
            default -> 64;
        };
    }

    int outputs() {
        return target.task() == Task.BINARY ? 1 : Fashion.CLASSES;
    }

    /** The share of the test rows that is to be right; 0 if nothing can be learned beyond the training rows. */
    double goal() {
        return switch (kind) {
            case "small", "large" -> 0;
            case "spambase" -> 0.93;
            default -> 0.87;
        };
    }

    /** Whether steps of it are timed; else another work is as large. */
    boolean timed() {
        return !kind.equals("spambase");
    }

    /** How many rows a step has on the way to the goal. */
    int batch() {
        return kind.equals("mlp") ? 256 : 64;
    }

    private static TrainingWork madeUp(String kind, int inputs, Path folder) {
        SplittableRandom random = new SplittableRandom(1);
        FeatureMatrix all = matrix(folder, inputs, MADE_UP_ROWS, (row, numbers) -> {
            double sum = 0;
            for (int column = 0; column < inputs; column++) {
                double value = random.nextGaussian();
                sum += column % 2 == 0 ? value : value * value - 1;
                numbers[column] = (float) value;
            }
            return sum + random.nextGaussian() > 0 ? 1 : 0;
        });
        return new TrainingWork(kind, Target.isTrue("yes"), all, all);
    }

    private static TrainingWork mails(Path data, Path folder) throws IOException {
        Target<Boolean> spam = Target.equal("type", "spam");
        Dataset all = Csv.files(data.resolve("spambase.csv.gz"))
                .rows(spam)
                .ingest(Ingestion.into(folder))
                .dataset();
        int count = (int) all.rows();
        int[] train = IntStream.range(0, count).filter(row -> row % 5 != 4).toArray();
        int[] test = IntStream.range(0, count).filter(row -> row % 5 == 4).toArray();
        FeatureMatrix rows = Features.auto().fit(all).matrix(all).refitted(train);
        return new TrainingWork("spambase", spam, rows.select(train), rows.select(test));
    }

    private static TrainingWork images(String kind, Path fashion, Path folder) throws IOException {
        String[] classes =
                IntStream.range(0, Fashion.CLASSES).mapToObj(i -> "kind" + i).toArray(String[]::new);
        Fashion train = Fashion.read(fashion, "train");
        Fashion test = Fashion.read(fashion, "t10k");
        byte[] pixels = ByteBuffer.allocate(train.pixels().length + test.pixels().length)
                .put(train.pixels())
                .put(test.pixels())
                .array();
        FeatureMatrix all = matrix(folder, Fashion.PIXELS, train.rows() + test.rows(), (row, numbers) -> {
            for (int pixel = 0; pixel < Fashion.PIXELS; pixel++) {
                numbers[pixel] = pixels[row * Fashion.PIXELS + pixel] & 0xFF;
            }
            return row < train.rows() ? train.labels()[row] : test.labels()[row - train.rows()];
        });
        return new TrainingWork(
                kind,
                Target.oneOf("kind", classes),
                all.select(IntStream.range(0, train.rows()).toArray()),
                all.select(IntStream.range(train.rows(), all.rows()).toArray()));
    }

    private static FeatureMatrix matrix(Path folder, int width, int rows, Filler filler) {
        Schema schema = Schema.of(Column.vector("x", width), new Column(FeatureMatrix.LABEL, ColumnType.NUMBER, false));
        float[] numbers = new float[width];
        try (Dataset.Writer writer = Dataset.writer(folder, schema)) {
            for (int row = 0; row < rows; row++) {
                double label = filler.fill(row, numbers);
                writer.vector(0, numbers);
                writer.number(1, label);
                writer.endRow();
            }
            Dataset data = writer.finish();
            int side = (int) Math.sqrt(width);
            return Features.rows().image("x", 1, side, side).fit(data).matrix(data);
        }
    }

    /** The first rows of those that are learned from. */
    TrainingWork first(int rows) {
        int count = Math.min(rows, train.rows());
        return new TrainingWork(
                kind, target, train.select(IntStream.range(0, count).toArray()), test);
    }

    /** Writes numbers and labels as 32-bit floats. */
    static void write(FeatureMatrix matrix, Path file) throws IOException {
        double[] labels = matrix.labels();
        ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * labels.length).order(ByteOrder.nativeOrder());
        for (double label : labels) {
            bytes.putFloat((float) label);
        }
        try (FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            writeFully(out, matrix.numbers());
            writeFully(out, bytes.flip());
        }
    }

    private static void writeFully(FileChannel out, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }
}
