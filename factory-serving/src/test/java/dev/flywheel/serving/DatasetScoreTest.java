package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.RowWriter;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.Prediction;
import java.nio.file.Path;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatasetScoreTest {

    @TempDir
    Path directory;

    private record Thing(
            @Nullable Double a,
            @Nullable Boolean b,
            @Nullable String c,
            @Nullable Long d,
            @Nullable Long t) {}

    private static final class Things implements RowType<Thing> {

        private static final long serialVersionUID = 1L;

        @Override
        public Schema schema() {
            return Schema.of(
                    new Column("t", ColumnType.TIME, true),
                    new Column("a", ColumnType.NUMBER, true),
                    new Column("c", ColumnType.TEXT, true),
                    new Column("b", ColumnType.BOOLEAN, true),
                    new Column("d", ColumnType.INTEGER, true));
        }

        @Override
        public void write(Thing thing, RowWriter out) {
            if (thing.t != null) {
                out.time(0, thing.t);
            }
            if (thing.a != null) {
                out.number(1, thing.a);
            }
            if (thing.c != null) {
                out.text(2, thing.c);
            }
            if (thing.b != null) {
                out.bool(3, thing.b);
            }
            if (thing.d != null) {
                out.integer(4, thing.d);
            }
        }

        @Override
        public Thing read(RowReader in) {
            throw new UnsupportedOperationException();
        }
    }

    private static <T> @Nullable T maybe(Random random, T value) {
        return random.nextInt(10) == 0 ? null : value;
    }

    private static List<Thing> things(int count) {
        Random random = new Random(count);
        List<Thing> things = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            things.add(new Thing(
                    maybe(random, (double) random.nextInt(100)),
                    maybe(random, random.nextBoolean()),
                    maybe(random, random.nextBoolean() ? "red" : "blue"),
                    maybe(random, (long) random.nextInt(10)),
                    maybe(random, random.nextLong() >> 12)));
        }
        return things;
    }

    private Dataset dataset(List<Thing> things) {
        try (Dataset.Writer writer = Dataset.writer(directory, new Things().schema())) {
            for (Thing thing : things) {
                new Things().write(thing, writer);
                writer.endRow();
            }
            return writer.finish();
        }
    }

    private Endpoint<Thing, Double> open() {
        return Endpoint.onnx(
                        TestModels.raw(directory.resolve("raw.onnx")), Codec.<Thing, Double>rows(new Things(), p -> p))
                .open();
    }

    @Test
    void scoresAreThePredictionsOfTheRows() {
        List<Thing> things = things(5_000);
        try (Endpoint<Thing, Double> endpoint = open()) {
            double[] scores = endpoint.score(dataset(things));
            List<Prediction<Double>> predictions = endpoint.predictAll(things);
            assertThat(scores).hasSize(5_000);
            for (int i = 0; i < scores.length; i++) {
                double alone = endpoint.predict(things.get(i)).value();
                double tolerance = 1e-6 * Math.max(1, Math.abs(alone));
                assertThat(scores[i]).isCloseTo(alone, within(tolerance));
                assertThat(predictions.get(i).value()).isCloseTo(alone, within(tolerance));
            }
        }
    }

    @Test
    void rowsInMemoryScoreAsTheDatasetByTheVersionAskedFor() {
        Dataset data = dataset(things(1_500));
        try (Endpoint<Thing, Double> endpoint = open()) {
            double[] expected = endpoint.score(data);
            List<Double> scores = new ArrayList<>();
            try (Scan scan = data.scan()) {
                for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                    Batch rows = batch;
                    List<RowReader> readers = new AbstractList<>() {
                        @Override
                        public RowReader get(int index) {
                            return rows.row(index);
                        }

                        @Override
                        public int size() {
                            return rows.rows();
                        }
                    };
                    Arrays.stream(endpoint.score(0, readers)).forEach(scores::add);
                }
            }
            assertThat(scores).containsExactly(Arrays.stream(expected).boxed().toArray(Double[]::new));
            assertThat(endpoint.score(0, List.of())).isEmpty();
            assertThatThrownBy(() -> endpoint.score(7, List.of()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("version 7")
                    .hasMessageContaining("is not loaded, only [0]");
        }
    }

    @Test
    void anEmptyDatasetHasNoScores() {
        try (Endpoint<Thing, Double> endpoint = open()) {
            assertThat(endpoint.score(dataset(List.of()))).isEmpty();
        }
    }

    @Test
    void scoresWithTheVersionThatServes() {
        Path twice = TestModels.raw(new OnnxGraph()
                        .input("numbers", OnnxGraph.FLOAT, -1, 2)
                        .input("texts", OnnxGraph.STRING, -1, 2)
                        .input("times", OnnxGraph.INT64, -1, 1)
                        .metadata("flywheel.numbers", "[\"b\",\"a\"]")
                        .metadata("flywheel.texts", "[\"c\",\"d\"]")
                        .metadata("flywheel.times", "[\"t\"]"))
                .write(directory.resolve("other.onnx"));
        Dataset one = dataset(List.of(new Thing(5.0, true, "", 1L, 0L)));
        try (Endpoint<Thing, Double> endpoint = open()) {
            assertThat(endpoint.score(one)).containsExactly(5000 + 100 + 9);
            endpoint.swap(twice, 2);
            assertThat(endpoint.score(one)).containsExactly(1000 + 500 + 9);
            assertThat(endpoint.version()).isEqualTo(2);
        }
    }

    @Test
    void aDatasetWithoutTheModelsColumnsIsRefused() {
        Schema schema = Schema.of(new Column("a", ColumnType.NUMBER, true));
        try (Endpoint<Thing, Double> endpoint = open();
                Dataset.Writer writer = Dataset.writer(directory, schema)) {
            Dataset data = writer.finish();
            assertThatThrownBy(() -> endpoint.score(data))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining(
                            "takes column \"b\", but there is no such column; the columns of the rows are "
                                    + "[a:number?]");
        }
    }

    @Test
    void refusesAfterClosing() {
        Dataset data = dataset(things(1));
        Endpoint<Thing, Double> endpoint = open();
        endpoint.close();
        assertThatThrownBy(() -> endpoint.score(data))
                .isInstanceOf(ClosedException.class)
                .hasMessageStartingWith("endpoint raw.onnx refused to score a dataset: it is closed.");
    }
}
