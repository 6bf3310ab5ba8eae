package dev.flywheel.pipeline.source;

import dev.flywheel.core.DataException;
import dev.flywheel.core.FactoryException;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.RecordType;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.data.Vectors;
import dev.flywheel.core.log.RowDecoder;
import dev.flywheel.core.log.RowEncoder;
import java.io.IOException;
import java.io.Serializable;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Examples that the program brings itself, from memory or as a stream: what comes from a database, an image folder, an
 * embedding model. Immutable.
 *
 * <pre>{@code
 * Rows.of("items of May", Item.class, Target.isTrue("sold"),
 *         () -> dao.items().map(i -> Rows.Example.of(new Item(i.pixels()), i.sold())))
 * }</pre>
 *
 * <p>An example without a label, with a number that is infinite or beyond what a float holds, with a vector of the
 * wrong length, or that a check refuses goes to quarantine, as does one with an id that an example before it has.
 * Either all examples have a time or none, and the same of ids; the first one decides.
 */
public final class Rows {

    private Rows() {}

    /**
     * An input and what it should have been answered with. Immutable as far as the input is.
     *
     * @param input the input
     * @param label the label; null if it is not known, which is refused
     * @param time when the event happened, null if nobody tells
     * @param id what identifies the event, so that none is learned from twice; null if nothing does
     * @param <I> the input
     * @param <L> the label
     */
    public record Example<I, L>(
            I input,
            @Nullable L label,
            @Nullable Instant time,
            @Nullable String id) implements Serializable {

        /** Looks for the input. */
        public Example {
            Objects.requireNonNull(input, "input");
        }

        /** {@return an example without time and id} */
        public static <I, L> Example<I, L> of(I input, @Nullable L label) {
            return new Example<>(input, label, null, null);
        }
    }

    /**
     * Opens the examples, once for each reading.
     *
     * @param <I> the input
     * @param <L> the label
     */
    @FunctionalInterface
    public interface Supply<I, L> extends Serializable {

        /**
         * {@return the examples, the same whenever it is asked; closed after reading}
         *
         * @throws IOException if they cannot be reached
         */
        Stream<Example<I, L>> open() throws IOException;
    }

    /**
     * {@return a source of records}
     *
     * @param what the name of the examples and their version: sources with equal names are taken to give equal examples
     * @throws IllegalArgumentException if the record cannot be columns, see {@link RecordType#of}
     */
    public static <I, L> Source<I, L> of(String what, Class<I> record, Target<L> target, Supply<I, L> examples) {
        return new Given<>(what, RecordType.of(record), record.getName(), target, examples);
    }

    /**
     * {@return a source of rows with these columns}
     *
     * @param what the name of the examples and their version: sources with equal names are taken to give equal examples
     */
    public static <L> Source<Row, L> of(String what, Schema columns, Target<L> target, Supply<Row, L> examples) {
        return new Given<>(what, Row.type(columns), "Row", target, examples);
    }

    /** @param words the type in words */
    private record Given<I, L>(String what, RowType<I> type, String words, Target<L> target, Supply<I, L> examples)
            implements Source<I, L> {

        Given {
            Objects.requireNonNull(target, "target");
            Objects.requireNonNull(examples, "examples");
            if (what.isBlank()) {
                throw new IllegalArgumentException("Rows.of needs a name for the examples, found \"" + what + "\"");
            }
        }

        @Override
        public String describe() {
            return "rows " + what + " as " + words + " " + type.schema() + ", target " + target.describe();
        }

        @Override
        public RowType<I> type(Schema inputs) {
            if (!type.schema().equals(inputs)) {
                throw new DataException(
                        "the examples that were kept cannot be read as " + words,
                        "they have the columns " + inputs + ", expected " + type.schema(),
                        "give the pipeline of the new columns another name, or run the pipeline once on its source");
            }
            return type;
        }

        @Override
        public Ingested<I> ingest(Ingestion where) {
            try (Stream<Example<I, L>> stream = examples.open()) {
                return new Reading<>(this, stream.iterator()).run(where);
            } catch (IOException e) {
                throw new DataException(what + " cannot be read", String.valueOf(e), "mend what gives the examples", e);
            }
        }
    }

    /** One reading. Used once. */
    private static final class Reading<I, L> {

        private final Given<I, L> source;
        private final Iterator<Example<I, L>> examples;
        private final int label;

        Reading(Given<I, L> source, Iterator<Example<I, L>> examples) {
            this.source = source;
            this.examples = examples;
            this.label = source.type.schema().size();
        }

        Ingested<I> run(Ingestion where) {
            if (!examples.hasNext()) {
                throw new DataException(source.what + " cannot be used", "there is no example", "give some examples");
            }
            Example<I, L> example = examples.next();
            Schema schema = schema(example);
            RowEncoder encoder = new RowEncoder(schema);
            RowDecoder row = new RowDecoder(schema);
            try (Intake intake = new Intake(schema, where)) {
                for (long number = 1; ; number++) {
                    intake.next();
                    Refusal refusal = write(example, encoder, schema);
                    if (refusal == null) {
                        refusal = judge(row.read(encoder.row()), intake);
                    }
                    if (refusal == null) {
                        intake.accept(row);
                    } else {
                        Example<I, L> refused = example;
                        intake.refuse(source.what, number, refused::toString, refusal);
                    }
                    if (!examples.hasNext()) {
                        return intake.finish(source.what, source.type, List.of());
                    }
                    example = examples.next();
                }
            }
        }

        private Schema schema(Example<I, L> first) {
            List<Column> columns = new ArrayList<>(source.type.schema().columns());
            columns.add(new Column(Source.LABEL, ColumnType.NUMBER, false));
            if (first.time != null) {
                columns.add(new Column(Source.TIME, ColumnType.TIME, false));
            }
            if (first.id != null) {
                columns.add(new Column(Source.ID, ColumnType.TEXT, false));
            }
            return Schema.of(columns);
        }

        /** Writes an example; {@return why that is not possible, or null}. */
        private @Nullable Refusal write(Example<I, L> example, RowEncoder out, Schema schema) {
            out.clear();
            try {
                source.type.write(example.input, out);
            } catch (FactoryException | IllegalArgumentException e) {
                return new Refusal(null, "expected values that fit the columns", String.valueOf(e.getMessage()));
            }
            if (example.label == null) {
                return new Refusal(source.target.column(), "expected a label", "");
            }
            try {
                out.number(label, source.target.encode(example.label));
            } catch (DataException e) {
                return new Refusal(source.target.column(), "expected " + source.target.expected(), "" + example.label);
            }
            boolean timed = schema.contains(Source.TIME);
            boolean named = schema.contains(Source.ID);
            if (timed != (example.time != null) || named != (example.id != null)) {
                return new Refusal(
                        null,
                        "expected " + (timed ? "a time" : "no time") + " and " + (named ? "an id" : "no id")
                                + " as the first example has it",
                        example.time + " and " + example.id);
            }
            if (example.time != null) {
                out.time(label + 1, ChronoUnit.MICROS.between(Instant.EPOCH, example.time));
            }
            if (example.id != null) {
                out.text(schema.size() - 1, example.id);
            }
            return null;
        }

        private @Nullable Refusal judge(RowReader row, Intake intake) {
            for (int i = 0; i < label; i++) {
                Column column = row.schema().column(i);
                if (row.missing(i) && !column.nullable()) {
                    return new Refusal(column.name(), "expected a value", "");
                }
                if (!row.missing(i) && infinite(row, i, column.type())) {
                    return new Refusal(column.name(), "expected " + CellParser.EXPECTED_FLOAT, "infinite");
                }
            }
            Refusal refusal = intake.judge(row);
            return refusal != null ? refusal : intake.judgeId(row, () -> Source.ID);
        }

        private static boolean infinite(RowReader row, int column, ColumnType type) {
            return switch (type) {
                case NUMBER -> Float.isInfinite((float) row.number(column));
                case VECTOR -> Vectors.infinite(row.vector(column));
                default -> false;
            };
        }
    }
}
