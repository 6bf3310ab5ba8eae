package dev.flywheel.benchmarks;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import com.google.common.io.MoreFiles;
import com.google.common.io.RecursiveDeleteOption;
import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.data.Schema;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.Tensors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;

/** Measures whole datasets, and what the features in front of a network cost. */
final class ScoreCommand {

    private static final int COLUMNS = 20;
    private static final int ROWS = 1024;
    private static final int OUR_SEED = 11;

    private final Results results = new Results("score", "score");
    private final Rounds rounds;
    private final int rows;

    private ScoreCommand(int rounds, int rows) {
        this.rounds = new Rounds(rounds);
        this.rows = rows;
    }

    /** A way to score. */
    @FunctionalInterface
    private interface Scorer {
        double[] score(Dataset data) throws Exception;
    }

    static void run(Arguments arguments) throws Exception {
        ScoreCommand command = new ScoreCommand(arguments.number("rounds", 5), arguments.number("rows", 1_000_000));
        long nanos = arguments.nanos("seconds", 0.5);
        Path out = arguments.out();
        arguments.refuseOthers();
        Path directory = Files.createTempDirectory("score");
        try {
            command.datasets(directory);
            new TenColumns(command.rounds, nanos).run(directory, command.results);
        } finally {
            MoreFiles.deleteRecursively(directory, RecursiveDeleteOption.ALLOW_INSECURE);
        }
        command.results.write(out);
    }

    private void datasets(Path directory) throws Exception {
        List<String> columns =
                IntStream.range(0, COLUMNS).mapToObj(i -> "c" + i).toList();
        Path model = SmallMlp.write(OUR_SEED, columns, "numbers", "prediction", COLUMNS, 64, 32, 1);
        Dataset data = dataset(directory, columns);
        try (Endpoint<float[], float[]> endpoint =
                        Endpoint.onnx(model, Tensors.floats()).open();
                BareLane lane = BareLane.open(model, ROWS);
                OrtSession session = BareLane.session(model)) {
            Map<String, Scorer> scorers = new LinkedHashMap<>();
            scorers.put(Contender.FLYWHEEL, endpoint::score);
            scorers.put(Mlp.PACKED, set -> packed(lane, set));
            scorers.put("ort-arrays", set -> arrays(session, set));
            double[] expected = endpoint.score(data);
            Map<String, Callable<Measured>> work = new LinkedHashMap<>();
            for (Map.Entry<String, Scorer> scorer : scorers.entrySet()) {
                same(expected, scorer.getValue().score(data), scorer.getKey());
                work.put(scorer.getKey(), () -> timed(scorer.getValue(), data));
            }
            results.add(
                    "score(Dataset), " + COLUMNS + " columns, " + rows + " rows",
                    "rows/s",
                    rates(rounds.run(work)),
                    null,
                    "the file is in the page cache; one thread",
                    Target.ofLimit(0.85),
                    Target.timesPeer("ort-arrays", 10));
        }
    }

    private static Map<String, List<Double>> rates(Map<String, List<Measured>> found) {
        Map<String, List<Double>> rates = new LinkedHashMap<>();
        found.forEach((name, rounds) -> rates.put(
                name.equals(Mlp.PACKED) ? Target.LIMIT : name,
                rounds.stream().map(Measured::rate).map(Results::rounded).toList()));
        return rates;
    }

    private static Measured timed(Scorer scorer, Dataset data) throws Exception {
        long started = System.nanoTime();
        double[] scores = scorer.score(data);
        return new Measured(scores.length * 1e9 / (System.nanoTime() - started), Measured.histogram());
    }

    private static void same(double[] expected, double[] scores, String name) {
        for (int i = 0; i < expected.length; i++) {
            if (Math.abs(expected[i] - scores[i]) > 1e-5 * Math.max(1, Math.abs(expected[i]))) {
                throw new IllegalStateException(
                        name + " scores row " + i + " as " + scores[i] + ", others as " + expected[i]);
            }
        }
    }

    private Dataset dataset(Path directory, List<String> columns) {
        Schema schema = Schema.of(columns.stream()
                .map(c -> new Column(c, ColumnType.NUMBER, false))
                .toList());
        Random random = new Random(5);
        try (Dataset.Writer writer = Dataset.writer(directory, schema)) {
            for (int row = 0; row < rows; row++) {
                for (int column = 0; column < COLUMNS; column++) {
                    writer.number(column, random.nextGaussian());
                }
                writer.endRow();
            }
            return writer.finish();
        }
    }

    /** By hand: a row-major tile on the heap, copied in bulk into a pinned lane. */
    private static double[] packed(BareLane lane, Dataset data) throws OrtException {
        double[] scores = new double[(int) data.rows()];
        float[] answers = new float[ROWS];
        float[] tile = {};
        int done = 0;
        try (Scan scan = data.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                tile = tile.length < batch.rows() * COLUMNS ? new float[batch.rows() * COLUMNS] : tile;
                for (int column = 0; column < COLUMNS; column++) {
                    batch.numbers(column, tile, column, COLUMNS);
                }
                for (int from = 0; from < batch.rows(); from += ROWS) {
                    int count = Math.min(ROWS, batch.rows() - from);
                    lane.in().put(0, tile, from * COLUMNS, count * COLUMNS);
                    lane.run(count);
                    lane.out().get(0, answers, 0, count);
                    for (int i = 0; i < count; i++) {
                        scores[done++] = answers[i];
                    }
                }
            }
        }
        return scores;
    }

    /** As people write it: an array for each row, arrays out. */
    private static double[] arrays(OrtSession session, Dataset data) throws OrtException {
        double[] scores = new double[(int) data.rows()];
        int done = 0;
        try (Scan scan = data.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int from = 0; from < batch.rows(); from += ROWS) {
                    float[][] values = new float[Math.min(ROWS, batch.rows() - from)][COLUMNS];
                    for (int row = 0; row < values.length; row++) {
                        for (int column = 0; column < COLUMNS; column++) {
                            values[row][column] = (float) batch.number(column, from + row);
                        }
                    }
                    try (OnnxTensor tensor = OnnxTensor.createTensor(OrtEnvironment.getEnvironment(), values);
                            OrtSession.Result result = session.run(Map.of("numbers", tensor))) {
                        for (float[] answer : (float[][]) result.get(0).getValue()) {
                            scores[done++] = answer[0];
                        }
                    }
                }
            }
        }
        return scores;
    }
}
