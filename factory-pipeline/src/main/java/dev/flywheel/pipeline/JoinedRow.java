package dev.flywheel.pipeline;

import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.data.Vectors;
import dev.flywheel.pipeline.flywheel.FeedbackJoin.Joined;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * A logged prediction with its outcome, read as an example: the input's columns, the label, the time of prediction. The
 * last is left out where the schema has no place for it.
 */
record JoinedRow(Joined joined, Schema schema) implements RowReader {

    private boolean input(int column) {
        return column < joined.row().schema().size();
    }

    /** {@return whether a number is more than a float holds; no model can learn of it, and a source refuses it, too} */
    boolean infinite() {
        Schema inputs = joined.row().schema();
        for (int column = 0; column < inputs.size(); column++) {
            if (!joined.row().missing(column)
                    && infinite(column, inputs.column(column).type())) {
                return true;
            }
        }
        return false;
    }

    private boolean infinite(int column, ColumnType type) {
        return switch (type) {
            case NUMBER -> Float.isInfinite((float) joined.row().number(column));
            case VECTOR -> Vectors.infinite(joined.row().vector(column));
            default -> false;
        };
    }

    @Override
    public boolean missing(int column) {
        return input(column) && joined.row().missing(column);
    }

    @Override
    public double number(int column) {
        return input(column) ? joined.row().number(column) : joined.label();
    }

    @Override
    public long integer(int column) {
        return joined.row().integer(column);
    }

    @Override
    public boolean bool(int column) {
        return joined.row().bool(column);
    }

    @Override
    public String text(int column) {
        return joined.row().text(column);
    }

    @Override
    public float[] vector(int column) {
        return joined.row().vector(column);
    }

    @Override
    public long time(int column) {
        return input(column) ? joined.row().time(column) : ChronoUnit.MICROS.between(Instant.EPOCH, joined.at());
    }
}
