package dev.flywheel.serving;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.RowWriter;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.data.Vectors;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.TensorBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Writes raw columns straight into a lane: no boxing, no map, no object for a row. Thread-safe. */
final class RowCodec<I, O> implements Codec<I, O> {

    static final long MICROS = 1_000_000;

    private final RowType<I> type;
    private final int width;
    private final Reading<? extends O> reading;

    /** Makes the answer out of a row of a model's numbers. */
    interface Reading<O> {

        O read(TensorBuffer output, int row);
    }

    /** @param width how many numbers the model gives for each row */
    RowCodec(RowType<I> type, int width, Reading<? extends O> reading) {
        this.type = Objects.requireNonNull(type, "type");
        this.width = width;
        this.reading = reading;
    }

    @Override
    public Binding<I, O> bind(Lane lane) {
        return new Bound<>(this, lane);
    }

    /** @throws ModelFormatException unless the model gives so many numbers for each row */
    static TensorBuffer prediction(Lane lane, int width) {
        List<TensorSpec> outputs = lane.signature().outputs();
        TensorBuffer output = lane.output(0);
        ElementType element = output.spec().type();
        boolean single = outputs.size() == 1 && output.width() == width;
        if (!single || (element != ElementType.FLOAT && element != ElementType.DOUBLE)) {
            throw new ModelFormatException(
                    "the model does not give " + (width == 1 ? "one number" : width + " numbers") + " for each row",
                    "its outputs are " + outputs + ", expected a single one, FLOAT or DOUBLE of shape [-1, " + width
                            + "]",
                    "serve a model made by a pipeline, or write a Codec that reads these outputs");
        }
        return output;
    }

    private static final class Bound<I, O> implements Binding<I, O>, RowWriter {

        private final RowType<I> type;
        private final Reading<? extends O> reading;
        private final Schema schema;
        /** By column: where its vectors go, null if nowhere. */
        private final @Nullable FloatBuffer[] vectors;

        private final int[] vectorColumns;
        private final @Nullable FloatBuffer numbers;
        private final String @Nullable [] texts;
        private final @Nullable LongBuffer times;
        private final int[] numberPlaces;
        private final int[] textPlaces;
        private final int[] timePlaces;
        private final float[] noNumbers;
        private final float[] noVector;
        private final long[] noTimes;
        private final int textWidth;
        private final TensorBuffer prediction;
        private int rowAt;
        private int numbersAt;
        private int textsAt;
        private int timesAt;

        Bound(RowCodec<I, O> codec, Lane lane) {
            this.type = codec.type;
            this.reading = codec.reading;
            this.schema = type.schema();
            RawColumns columns = RawColumns.of(lane.signature(), schema);
            RawColumns.Group number = columns.numbers();
            RawColumns.Group text = columns.texts();
            RawColumns.Group time = columns.times();
            this.numbers =
                    number.size() == 0 ? null : lane.input(number.input()).floats();
            this.texts = text.size() == 0 ? null : lane.input(text.input()).texts();
            this.times = time.size() == 0 ? null : lane.input(time.input()).longs();
            this.vectors = new FloatBuffer[schema.size()];
            int longest = 0;
            this.vectorColumns = new int[columns.vectors().size()];
            for (int i = 0; i < vectorColumns.length; i++) {
                RawColumns.Group vector = columns.vectors().get(i);
                vectorColumns[i] = vector.position(0);
                vectors[vectorColumns[i]] = lane.input(vector.input()).floats();
                longest = Math.max(longest, schema.column(vectorColumns[i]).length());
            }
            this.noVector = new float[longest];
            this.numberPlaces = number.places(schema.size());
            this.textPlaces = text.places(schema.size());
            this.timePlaces = time.places(schema.size());
            this.noNumbers = new float[number.size()];
            this.noTimes = new long[time.size()];
            this.textWidth = text.size();
            Arrays.fill(noNumbers, Float.NaN);
            Arrays.fill(noVector, Float.NaN);
            Arrays.fill(noTimes, Long.MIN_VALUE);
            this.prediction = RowCodec.prediction(lane, codec.width);
        }

        @Override
        public void write(I input, int row) {
            rowAt = row;
            numbersAt = row * noNumbers.length;
            textsAt = row * textWidth;
            timesAt = row * noTimes.length;
            if (numbers != null) {
                numbers.put(numbersAt, noNumbers);
            }
            if (texts != null) {
                Arrays.fill(texts, textsAt, textsAt + textWidth, "");
            }
            if (times != null) {
                times.put(timesAt, noTimes);
            }
            for (int column : vectorColumns) {
                missing(column);
            }
            type.write(input, this);
        }

        @Override
        public O read(int row) {
            return reading.read(prediction, row);
        }

        /** Of several numbers the place of the largest: of classes the one that the answer names. */
        @Override
        public double observed(Lane lane, int row) {
            int width = prediction.width();
            if (width == 1) {
                return prediction.number(row);
            }
            int best = 0;
            for (int i = 0; i < width; i++) {
                double number = prediction.number(row * width + i);
                if (Double.isNaN(number)) {
                    return Double.NaN;
                }
                best = number > prediction.number(row * width + best) ? i : best;
            }
            return best;
        }

        @Override
        public void number(int column, double value) {
            expect(column, ColumnType.NUMBER);
            putNumber(column, (float) value);
        }

        @Override
        public void integer(int column, long value) {
            expect(column, ColumnType.INTEGER);
            putNumber(column, (float) value);
            if (textPlaces[column] >= 0) {
                putText(column, Long.toString(value));
            }
        }

        @Override
        public void bool(int column, boolean value) {
            expect(column, ColumnType.BOOLEAN);
            putNumber(column, value ? 1 : 0);
            putText(column, value ? "true" : "false");
        }

        @Override
        public void text(int column, String value) {
            expect(column, ColumnType.TEXT);
            putText(column, Objects.requireNonNull(value, "value"));
        }

        @Override
        public void time(int column, long epochMicros) {
            expect(column, ColumnType.TIME);
            int place = timePlaces[column];
            if (times != null && place >= 0) {
                times.put(timesAt + place, Math.floorDiv(epochMicros, MICROS));
            }
        }

        @Override
        public void vector(int column, float[] value) {
            schema.column(column).requireLength(value);
            FloatBuffer vector = vectors[column];
            if (vector != null) {
                if (Vectors.infinite(value)) {
                    throw infinite(column);
                }
                vector.put(rowAt * value.length, value);
            }
        }

        @Override
        public void missing(int column) {
            FloatBuffer vector = vectors[column];
            if (vector != null) {
                int length = schema.column(column).length();
                vector.put(rowAt * length, noVector, 0, length);
            }
        }

        private void putNumber(int column, float value) {
            int place = numberPlaces[column];
            if (numbers != null && place >= 0) {
                if (Float.isInfinite(value)) {
                    throw infinite(column);
                }
                numbers.put(numbersAt + place, value);
            }
        }

        private PredictionException infinite(int column) {
            return new PredictionException(
                    "column \"" + schema.column(column).name() + "\" of an input cannot be used",
                    "its number is infinite, or beyond the 3.4e38 that a float holds",
                    "leave it missing (null or NaN), or do not ask for such inputs");
        }

        private void putText(int column, String value) {
            int place = textPlaces[column];
            if (texts != null && place >= 0) {
                texts[textsAt + place] = value;
            }
        }

        private void expect(int column, ColumnType written) {
            if (schema.column(column).type() != written) {
                throw new IllegalArgumentException(
                        "column \"" + schema.column(column).name() + "\" is "
                                + schema.column(column).type() + " and cannot be written as " + written);
            }
        }
    }
}
