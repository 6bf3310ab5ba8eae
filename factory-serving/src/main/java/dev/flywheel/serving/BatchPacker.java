package dev.flywheel.serving;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Schema;
import dev.flywheel.serving.engine.Lane;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Lays rows of a dataset into the inputs of a lane, column by column, matched by name. Not thread-safe; as long-lived
 * as its lane.
 *
 * <p>Values become what {@link Codec#rows} makes of them, so a row gives the same answer either way.
 */
public final class BatchPacker {

    private final Lane lane;
    private final RawColumns columns;
    private @Nullable Batch packed;
    private float[] tile = {};

    private BatchPacker(Lane lane, RawColumns columns) {
        this.lane = lane;
        this.columns = columns;
    }

    /**
     * {@return a packer for datasets with this schema}
     *
     * @throws dev.flywheel.core.ModelFormatException if the lane's model does not name raw columns, or names one that
     *     is not there or of another type
     */
    public static BatchPacker of(Lane lane, Schema schema) {
        return new BatchPacker(lane, RawColumns.of(lane.signature(), schema));
    }

    /**
     * Lays rows into the lane's first rows.
     *
     * @param from the first row in the batch, from 0
     * @param rows how many, at most the lane's {@link Lane#maxRows()}
     */
    public void pack(Batch batch, int from, int rows) {
        for (RawColumns.Group vector : columns.vectors()) {
            FloatBuffer target = lane.input(vector.input()).floats().duplicate();
            batch.vectors(vector.position(0), from, rows, target.clear());
        }
        packNumbers(batch, from, rows);
        packTexts(batch, from, rows);
        packTimes(batch, from, rows);
    }

    private void packNumbers(Batch batch, int from, int rows) {
        RawColumns.Group group = columns.numbers();
        int width = group.size();
        if (width == 0) {
            return;
        }
        if (packed != batch) {
            tile = tile.length < batch.rows() * width ? new float[batch.rows() * width] : tile;
            for (int i = 0; i < width; i++) {
                batch.numbers(group.position(i), tile, i, width);
            }
            packed = batch;
        }
        lane.input(group.input()).floats().put(0, tile, from * width, rows * width);
    }

    private void packTexts(Batch batch, int from, int rows) {
        RawColumns.Group group = columns.texts();
        int width = group.size();
        if (width == 0) {
            return;
        }
        String[] texts = lane.input(group.input()).texts();
        for (int i = 0; i < width; i++) {
            int column = group.position(i);
            ColumnType type = batch.schema().column(column).type();
            for (int row = 0; row < rows; row++) {
                texts[row * width + i] = batch.missing(column, from + row) ? "" : text(batch, type, column, from + row);
            }
        }
    }

    private static String text(Batch batch, ColumnType type, int column, int row) {
        return switch (type) {
            case INTEGER -> Long.toString(batch.integer(column, row));
            case BOOLEAN -> batch.bool(column, row) ? "true" : "false";
            default -> batch.text(column, row);
        };
    }

    private void packTimes(Batch batch, int from, int rows) {
        RawColumns.Group group = columns.times();
        int width = group.size();
        if (width == 0) {
            return;
        }
        LongBuffer times = lane.input(group.input()).longs();
        for (int i = 0; i < width; i++) {
            int column = group.position(i);
            for (int row = 0; row < rows; row++) {
                boolean missing = batch.missing(column, from + row);
                times.put(
                        row * width + i,
                        missing ? Long.MIN_VALUE : Math.floorDiv(batch.time(column, from + row), RowCodec.MICROS));
            }
        }
    }
}
