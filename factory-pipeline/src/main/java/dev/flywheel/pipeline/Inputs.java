package dev.flywheel.pipeline;

import dev.flywheel.core.FactoryException;
import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.RowWriter;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.pipeline.Encoders.Encoded;
import dev.flywheel.pipeline.explain.Explainer;
import dev.flywheel.pipeline.explain.Explanation;
import dev.flywheel.pipeline.explain.Subject;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.feature.TextEncoder;
import dev.flywheel.serving.Codec;
import dev.flywheel.serving.Endpoint;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the models of a pipeline see of an input: its columns, and behind them the vectors that encoders make of its
 * texts. Only models see those: logs, reports and kept datasets hold the texts. Thread-safe.
 */
final class Inputs<I> {

    private static final Logger log = LoggerFactory.getLogger(Inputs.class);

    /** Enough for runs of texts of like length. */
    private static final int TEXTS = 512;

    private final RowType<I> type;
    private final Features<I> features;
    private final List<Encoded> own;
    private final List<Encoded> texts;
    private final List<Endpoint<String, float[]>> encoders = new ArrayList<>();

    /** An input with its vectors; null for one of a missing text. */
    private record Row<I>(I input, List<float @Nullable []> vectors) {}

    /** How such a row is written: the columns of the input, then the vectors. */
    private record Rows<I>(RowType<I> inputs, Schema schema) implements RowType<Row<I>> {

        @Override
        public void write(Row<I> row, RowWriter out) {
            inputs.write(row.input, out);
            writeVectors(row.vectors, inputs.schema().size(), out);
        }

        @Override
        public Row<I> read(RowReader in) {
            List<float @Nullable []> vectors = new ArrayList<>();
            for (int column = inputs.schema().size(); column < schema.size(); column++) {
                vectors.add(in.missing(column) ? null : in.vector(column));
            }
            return new Row<>(inputs.read(in), vectors);
        }
    }

    private Inputs(Pipeline<I, ?, ?> pipeline, RowType<I> type, List<Encoded> own, List<Encoded> texts) {
        this.type = type;
        this.own = List.copyOf(own);
        this.texts = List.copyOf(texts);
        this.features =
                pipeline.features().encoded(own.stream().collect(Collectors.toMap(Encoded::column, Encoded::vector)));
    }

    /**
     * {@return what a run trains on, with the encoders as their files are now; and what the champion sees, to be
     * compared with}
     *
     * @throws dev.flywheel.core.ModelFormatException if a file of an encoder is missing or has changed
     */
    static <I> Inputs<I> ofRun(Pipeline<I, ?, ?> pipeline, Line line, RowType<I> type) {
        List<Encoded> known = known(line);
        Map<String, Encoded> own = new LinkedHashMap<>();
        encoders(pipeline, type).forEach((column, encoder) -> {
            Encoded text = line.encoders()
                    .current(
                            column,
                            encoder,
                            known.stream().filter(t -> t.isBy(column, encoder)).findFirst());
            own.put(text.vector(), text);
        });
        Map<String, Encoded> all = new LinkedHashMap<>(own);
        for (Encoded text : known) {
            try {
                Endpoint<String, float[]> unused = load(pipeline, line, text);
                all.putIfAbsent(text.vector(), text);
            } catch (FactoryException e) {
                log.warn("the champion of pipeline {} cannot be compared with", pipeline.name(), e);
            }
        }
        return loaded(pipeline, line, type, own, all);
    }

    /**
     * {@return what the champion sees, and what the next one will}
     *
     * @throws dev.flywheel.core.ModelFormatException if an encoder cannot be loaded
     */
    static <I> Inputs<I> ofChampion(Pipeline<I, ?, ?> pipeline, Line line, RowType<I> type) {
        List<Encoded> known = known(line);
        Map<String, Encoded> own = new LinkedHashMap<>();
        encoders(pipeline, type).forEach((column, encoder) -> {
            Encoded text = known.stream()
                    .filter(t -> t.isBy(column, encoder))
                    .findFirst()
                    .orElseGet(() -> line.encoders().current(column, encoder, Optional.empty()));
            own.put(text.vector(), text);
        });
        Map<String, Encoded> all = new LinkedHashMap<>(own);
        known.forEach(text -> all.putIfAbsent(text.vector(), text));
        return loaded(pipeline, line, type, own, all);
    }

    private static <I> Inputs<I> loaded(
            Pipeline<I, ?, ?> pipeline,
            Line line,
            RowType<I> type,
            Map<String, Encoded> own,
            Map<String, Encoded> all) {
        all.values().removeIf(text -> !type.schema().contains(text.column()));
        Inputs<I> inputs = new Inputs<>(pipeline, type, List.copyOf(own.values()), List.copyOf(all.values()));
        all.values().forEach(text -> inputs.encoders.add(load(pipeline, line, text)));
        return inputs;
    }

    private static Endpoint<String, float[]> load(Pipeline<?, ?, ?> pipeline, Line line, Encoded text) {
        TextEncoder named = pipeline.features().encoders().get(text.column());
        return line.encoders().endpoint(text, named != null && text.isBy(text.column(), named) ? named : null);
    }

    /** {@return the encoders of the definition, which fits the columns} */
    private static Map<String, TextEncoder> encoders(Pipeline<?, ?, ?> pipeline, RowType<?> type) {
        Map<String, TextEncoder> encoders = pipeline.features().encoders();
        if (!encoders.isEmpty()) {
            pipeline.features().columns(type.schema());
        }
        return encoders;
    }

    /** {@return what the champion sees as vectors; of a damaged one, what that before it did} */
    private static List<Encoded> known(Line line) {
        for (ModelVersion version : line.champions()) {
            try {
                return Encoders.of(version);
            } catch (FactoryException e) {
                log.debug("version {} of pipeline {} is passed over", version.number(), line.name(), e);
            }
        }
        return List.of();
    }

    /** {@return the column of the input that a column of a model was made of} */
    static String source(String column) {
        int end = column.lastIndexOf('~');
        return column.startsWith("$") && end > 0 ? column.substring(1, end) : column;
    }

    /** {@return the texts that the definition encodes} */
    List<Encoded> own() {
        return own;
    }

    /** {@return the definition, for rows that hold the vectors} */
    Features<I> features() {
        return features;
    }

    /** {@return how an input becomes what the application gets} */
    <O> Codec<I, O> codec(Pipeline<I, ?, O> pipeline) {
        return texts.isEmpty() ? pipeline.codec(type) : pipeline.codec(rows()).from(this::row, this::rows, List.of());
    }

    /** {@return what a version makes of an input} */
    Explanation explain(Explainer explainer, I input, Subject.Scorer scorer) {
        return texts.isEmpty() ? explainer.explain(type, input, scorer) : explainer.explain(rows(), row(input), scorer);
    }

    private Rows<I> rows() {
        return new Rows<>(type, schema(type.schema()));
    }

    private Row<I> row(I input) {
        @Nullable String[] cells = cells(input);
        List<float @Nullable []> vectors = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            String text = cells[i];
            vectors.add(text == null ? null : encoders.get(i).predict(text).value());
        }
        return new Row<>(input, vectors);
    }

    private List<Row<I>> rows(List<I> inputs) {
        List<List<float @Nullable []>> vectors =
                vectors(inputs.stream().map(this::cells).toList());
        return IntStream.range(0, inputs.size())
                .mapToObj(i -> new Row<>(inputs.get(i), vectors.get(i)))
                .toList();
    }

    /** The texts of an input that are encoded; null where one is missing. */
    private @Nullable String[] cells(I input) {
        Cells cells = new Cells(type.schema().size());
        type.write(Objects.requireNonNull(input, "input"), cells);
        @Nullable String[] encoded = new @Nullable String[texts.size()];
        Arrays.setAll(
                encoded, i -> cells.texts[type.schema().indexOf(texts.get(i).column())]);
        return encoded;
    }

    private Schema schema(Schema columns) {
        List<Column> more = new ArrayList<>(columns.columns());
        texts.forEach(text -> more.add(Column.vector(text.vector(), text.length())));
        return Schema.of(more);
    }

    private static void writeVectors(List<float @Nullable []> vectors, int from, RowWriter out) {
        for (int i = 0; i < vectors.size(); i++) {
            float[] vector = vectors.get(i);
            if (vector == null) {
                out.missing(from + i);
            } else {
                out.vector(from + i, vector);
            }
        }
    }

    /**
     * {@return the rows with their vectors; the same dataset where there are none}
     *
     * @param directory where it is written
     * @param progress told how many rows are done
     */
    Dataset encoded(Dataset rows, Path directory, LongConsumer progress) {
        if (texts.isEmpty()) {
            return rows;
        }
        int columns = rows.schema().size();
        long done = 0;
        try (Dataset.Writer writer = Dataset.writer(directory, schema(rows.schema()));
                Scan scan = rows.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int from = 0; from < batch.rows(); from += TEXTS) {
                    int to = Math.min(batch.rows(), from + TEXTS);
                    Batch part = batch;
                    List<List<float @Nullable []>> vectors = vectors(IntStream.range(from, to)
                            .mapToObj(row -> cells(part, row))
                            .toList());
                    for (int row = from; row < to; row++) {
                        batch.row(row).copyTo(writer);
                        writeVectors(vectors.get(row - from), columns, writer);
                        writer.endRow();
                    }
                    done += to - from;
                    progress.accept(done);
                }
            }
            return writer.finish();
        }
    }

    /** The texts of a row that are encoded; null where one is missing. */
    private @Nullable String[] cells(Batch batch, int row) {
        @Nullable String[] encoded = new @Nullable String[texts.size()];
        for (int i = 0; i < encoded.length; i++) {
            int column = batch.schema().indexOf(texts.get(i).column());
            encoded[i] = batch.missing(column, row) ? null : batch.text(column, row);
        }
        return encoded;
    }

    /** {@return the vectors of some rows, encoded together} */
    private List<List<float @Nullable []>> vectors(List<@Nullable String[]> rows) {
        List<List<float @Nullable []>> vectors = new ArrayList<>();
        rows.forEach(row -> vectors.add(new ArrayList<>()));
        for (int i = 0; i < texts.size(); i++) {
            List<String> present = new ArrayList<>();
            for (@Nullable String[] row : rows) {
                String text = row[i];
                if (text != null) {
                    present.add(text);
                }
            }
            Iterator<Prediction<float[]>> made =
                    encoders.get(i).predictAll(present).iterator();
            for (int row = 0; row < rows.size(); row++) {
                vectors.get(row)
                        .add(rows.get(row)[i] == null ? null : made.next().value());
            }
        }
        return vectors;
    }

    /** Takes the texts of an input. */
    private static final class Cells implements RowWriter {

        private final @Nullable String[] texts;

        Cells(int columns) {
            this.texts = new @Nullable String[columns];
        }

        @Override
        public void text(int column, String value) {
            texts[column] = value;
        }

        @Override
        public void number(int column, double value) {}

        @Override
        public void integer(int column, long value) {}

        @Override
        public void bool(int column, boolean value) {}

        @Override
        public void time(int column, long epochMicros) {}

        @Override
        public void vector(int column, float[] value) {}

        @Override
        public void missing(int column) {}
    }
}
