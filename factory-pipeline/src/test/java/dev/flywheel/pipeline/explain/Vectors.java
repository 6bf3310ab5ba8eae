package dev.flywheel.pipeline.explain;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;

/** Rows of a vector and a number, and a model that adds all of it up. */
final class Vectors {

    static final Schema SCHEMA = Schema.of(
            Column.vector("image", 4),
            new Column("extra", ColumnType.BOOLEAN, false),
            new Column("$label", ColumnType.NUMBER, false));

    static final Signature SIGNATURE = new Signature(
            List.of(
                    Planes.input(Signature.NUMBERS, ElementType.FLOAT, "extra"),
                    new TensorSpec("image", ElementType.FLOAT, List.of(-1L, 4L), List.of("image"))),
            List.of());

    static final Subject.Scorer SUMS = Planes.scorer(Vectors::sum);

    private Vectors() {}

    static Dataset rows(Path folder, int count) {
        SplittableRandom random = new SplittableRandom(5);
        try (Dataset.Writer writer = Dataset.writer(folder, SCHEMA)) {
            for (int i = 0; i < count; i++) {
                float[] image = new float[4];
                double sum = 1;
                for (int at = 0; at < image.length; at++) {
                    image[at] = (float) random.nextGaussian();
                    sum += image[at];
                }
                writer.vector(0, image);
                writer.bool(1, true);
                writer.number(2, sum);
                writer.endRow();
            }
            return writer.finish();
        }
    }

    private static double sum(RowReader row) {
        double sum = row.number(row.schema().indexOf("extra"));
        for (float each : row.vector(row.schema().indexOf("image"))) {
            sum += each;
        }
        return sum;
    }
}
