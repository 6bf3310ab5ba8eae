package dev.flywheel.pipeline.feature;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Schema;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Small datasets from Java values, and feature matrices as arrays. */
public final class TestData {

    private TestData() {}

    public static Column number(String name) {
        return new Column(name, ColumnType.NUMBER, true);
    }

    public static Column text(String name) {
        return new Column(name, ColumnType.TEXT, true);
    }

    public static Column time(String name) {
        return new Column(name, ColumnType.TIME, true);
    }

    /** A dataset of one column. */
    public static Dataset column(Path folder, Column column, List<? extends @Nullable Object> values) {
        return rows(
                folder,
                Schema.of(column),
                values.stream().map(value -> new @Nullable Object[] {value}).toList());
    }

    /** A dataset of rows; null is missing. */
    public static Dataset rows(Path folder, Schema schema, List<@Nullable Object[]> rows) {
        try (Dataset.Writer writer = Dataset.writer(folder, schema)) {
            for (@Nullable Object[] row : rows) {
                for (int c = 0; c < row.length; c++) {
                    write(writer, c, row[c]);
                }
                writer.endRow();
            }
            return writer.finish();
        }
    }

    private static void write(Dataset.Writer writer, int column, @Nullable Object value) {
        if (value == null) {
            writer.missing(column);
        } else if (value instanceof String text) {
            writer.text(column, text);
        } else if (value instanceof Boolean bool) {
            writer.bool(column, bool);
        } else if (value instanceof Instant time) {
            writer.time(column, Math.addExact(time.getEpochSecond() * 1_000_000, time.getNano() / 1_000));
        } else if (value instanceof float[] vector) {
            writer.vector(column, vector);
        } else if (value instanceof Long integer) {
            writer.integer(column, integer);
        } else {
            writer.number(column, ((Number) value).doubleValue());
        }
    }

    /** The numbers of a matrix, by column. */
    public static double[][] numbers(FeatureMatrix matrix) {
        double[][] columns = new double[matrix.numberCount()][matrix.rows()];
        for (int i = 0; i < matrix.rows() * matrix.numberCount(); i++) {
            columns[i % matrix.numberCount()][i / matrix.numberCount()] =
                    matrix.numbers().asFloatBuffer().get(i);
        }
        return columns;
    }

    /** The ids of a matrix within their column, by column. */
    public static int[][] ids(FeatureMatrix matrix) {
        int[][] columns = new int[matrix.idCount()][matrix.rows()];
        for (int i = 0; i < matrix.rows() * matrix.idCount(); i++) {
            IdColumn column = matrix.features().idColumns().get(i % matrix.idCount());
            columns[i % matrix.idCount()][i / matrix.idCount()] =
                    (int) matrix.ids().asLongBuffer().get(i) - column.first();
        }
        return columns;
    }

    /** One number column through one feature. */
    public static double[] fitted(Path folder, List<? extends @Nullable Object> values, Transform... steps) {
        Dataset data = column(folder, number("x"), values);
        FeatureMatrix matrix = Features.rows().number("x", steps).fit(data).matrix(data);
        return numbers(matrix)[0];
    }

    public static List<@Nullable Object> list(@Nullable Object... values) {
        return Arrays.asList(values);
    }
}
