package dev.flywheel.pipeline.train;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.device.DeviceRequest;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.feature.TestData;
import dev.flywheel.pipeline.source.Target;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * The losses of a training, epoch by epoch, on a device and in numbers that are asked for by system properties.
 *
 * @param model what came of it
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Losses(double[] values, TrainedModel model) {

    static final Target<Boolean> YES = Target.isTrue("y");

    private static final int SIDE = 8;

    /** Rows with an image, two numbers and a category, all of which tell something. */
    static Dataset data(Path folder, int count) {
        SplittableRandom random = new SplittableRandom(5);
        List<@Nullable Object[]> rows = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            float[] pixels = new float[SIDE * SIDE];
            int bar = random.nextInt(2);
            for (int at = 0; at < pixels.length; at++) {
                pixels[at] = (float) (random.nextDouble() + (bar == 1 && at % SIDE == i % SIDE ? 1 : 0));
            }
            double x = random.nextDouble(-1, 1);
            double z = random.nextDouble(-1, 1);
            int c = random.nextInt(3);
            boolean yes = x * z + 0.3 * c + bar + 0.3 * random.nextGaussian() > 0.8;
            rows.add(new @Nullable Object[] {pixels, x, z, "c" + c, yes ? 1.0 : 0.0});
        }
        Schema schema = Schema.of(
                Column.vector("pixels", SIDE * SIDE),
                TestData.number("x"),
                TestData.number("z"),
                TestData.text("c"),
                new Column("$label", ColumnType.NUMBER, false));
        return TestData.rows(folder, schema, rows);
    }

    static FittedFeatures all(Dataset data) {
        return Features.rows()
                .image("pixels", 1, SIDE, SIDE)
                .number("x")
                .number("z")
                .category("c")
                .fit(data);
    }

    static FittedFeatures image(Dataset data) {
        return Features.rows().image("pixels", 1, SIDE, SIDE).fit(data);
    }

    /** Trains with the first seed. */
    static Losses of(Trainer trainer, FeatureMatrix matrix, DeviceRequest device, Precision precision) {
        String deviceBefore = System.getProperty(DeviceRequest.PROPERTY);
        String precisionBefore = System.getProperty(Precision.PROPERTY);
        System.setProperty(DeviceRequest.PROPERTY, device.toString());
        System.setProperty(Precision.PROPERTY, precision.toString());
        try {
            List<Double> losses = new ArrayList<>();
            TrainedModel model = trainer.train(matrix, YES, 1, epoch -> losses.add(epoch.loss()));
            return new Losses(losses.stream().mapToDouble(loss -> loss).toArray(), model);
        } finally {
            restore(DeviceRequest.PROPERTY, deviceBefore);
            restore(Precision.PROPERTY, precisionBefore);
        }
    }

    private static void restore(String property, @Nullable String before) {
        if (before == null) {
            System.clearProperty(property);
        } else {
            System.setProperty(property, before);
        }
    }

    /** The greatest difference of two losses of the same epoch, as a share of the first loss; NaN if there is none. */
    double difference(Losses other) {
        double most = values.length == other.values.length ? 0 : Double.NaN;
        for (int i = 0; i < Math.min(values.length, other.values.length); i++) {
            most = Math.max(most, Math.abs(values[i] - other.values[i]) / other.values[0]);
        }
        return most;
    }
}
