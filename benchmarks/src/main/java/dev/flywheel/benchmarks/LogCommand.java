package dev.flywheel.benchmarks;

import com.google.common.io.MoreFiles;
import com.google.common.io.RecursiveDeleteOption;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.RowWriter;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.log.SegmentLog;
import dev.flywheel.core.model.PredictionIds;
import dev.flywheel.pipeline.flywheel.FeedbackJoin;
import dev.flywheel.pipeline.flywheel.FeedbackLog;
import dev.flywheel.pipeline.flywheel.JoinReport;
import dev.flywheel.pipeline.flywheel.Logging;
import dev.flywheel.pipeline.flywheel.Logging.Durability;
import dev.flywheel.pipeline.flywheel.PredictionLog;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.Tensors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.HdrHistogram.Histogram;

/**
 * Logs predictions and feedback, and joins them: what a caller feels of a log of all that it asks, how many outcomes
 * are acknowledged a second, and how long a join of many takes in a small heap.
 */
final class LogCommand {

    private static final int ROWS = 64;
    private static final int JOINED_COLUMNS = 4;
    private static final int BATCH = 1_000;
    // what stands still for some milliseconds in a round decides on its p99, so many short ones say more than a few
    private static final int TURNS = 4;
    private static final String NONE = "no log";
    private static final String AGAIN = "no log again";
    private static final String PLAIN = "no log, as many bytes to a plain file";

    private final Results results = new Results("logs", "log");
    private final Path directory;
    private final int rounds;
    private final long nanos;
    private double bytesPerSecond;

    private LogCommand(Path directory, int rounds, long nanos) {
        this.directory = directory;
        this.rounds = rounds;
        this.nanos = nanos;
    }

    static void run(Arguments arguments) throws Exception {
        int[] rates = arguments.numbers("rates", "200000");
        int callers = arguments.number("callers", 1);
        int labellers = arguments.number("labellers", 256);
        int predictions = arguments.number("predictions", 10_000_000);
        List<String> parts = arguments.words("parts", "predict,feedback,join");
        int rounds = arguments.number("rounds", 5);
        long nanos = arguments.nanos("seconds", 2);
        Path out = arguments.out();
        arguments.refuseOthers();
        Path directory = Files.createTempDirectory("log");
        try {
            LogCommand command = new LogCommand(directory, rounds, nanos);
            for (int rate : parts.contains("predict") ? rates : new int[0]) {
                command.predict(rate, callers);
            }
            if (parts.contains("feedback")) {
                command.feedback(labellers);
            }
            if (parts.contains("join")) {
                command.join(predictions);
            }
            command.results.write(out);
        } finally {
            MoreFiles.deleteRecursively(directory, RecursiveDeleteOption.ALLOW_INSECURE);
        }
    }

    private void predict(int rate, int callers) throws Exception {
        Map<String, Callable<Paced>> work = new LinkedHashMap<>();
        Dropped dropped = new Dropped();
        work.put(Contender.FLYWHEEL, () -> predicting(rate, callers, Durability.BATCHED, dropped));
        work.put(NONE, () -> predicting(rate, callers, Durability.NONE, dropped));
        work.put(AGAIN, () -> predicting(rate, callers, Durability.NONE, dropped));
        work.put(PLAIN, () -> besidePlainFile(rate, callers, dropped));
        Map<String, List<Measured>> calls = new LinkedHashMap<>();
        Map<String, List<Measured>> due = new LinkedHashMap<>();
        new Rounds(TURNS * rounds).run(work).forEach((contender, found) -> {
            calls.put(contender, found.stream().map(Paced::calls).toList());
            due.put(contender, found.stream().map(Paced::due).toList());
        });
        String of = String.format(
                Locale.ROOT,
                "predict, mlp, %,d a second by %d %s, every prediction logged",
                rate,
                callers,
                callers == 1 ? "caller" : "callers");
        for (double share : List.of(0.5, 0.99, 0.999)) {
            String name = ", p" + String.valueOf(100 * share).replaceAll("\\.0$", "");
            ToDoubleFunction<Measured> micros = round -> round.micros(share);
            Target[] target = share == 0.99 ? new Target[] {Target.timesLimit(1.1)} : new Target[0];
            results.figure(of + name, "us", NONE, calls, micros, target);
            results.figure(of + name + " from the time it was due", "us", NONE, due, micros, target);
        }
        results.rate(of, NONE, due, Target.atLeast(0.99 * rate));
        results.add(
                of + ", not logged",
                "predictions",
                Map.of(Contender.FLYWHEEL, List.of((double) dropped.predictions)),
                null,
                "the limit above is the same endpoint and log with durability NONE, once again to show the noise, and"
                        + " once beside a thread that writes and syncs as many bytes; a row is " + SmallMlp.INPUTS
                        + " numbers; the heap is at most "
                        + (Runtime.getRuntime().maxMemory() >> 20) + " MiB",
                Target.atMost(0));
    }

    /** How many predictions were not logged, over all rounds. */
    private static final class Dropped {
        private long predictions;
    }

    /**
     * What one round found.
     *
     * @param calls how long the calls took
     * @param due how long after a call was due it had returned: waiting behind others counts
     */
    private record Paced(Measured calls, Measured due) {}

    /** A caller that times its calls. */
    private static final class Caller implements Contender.Worker {
        private final Histogram nanos = Measured.histogram();
    }

    private Paced predicting(int rate, int callers, Durability durability, Dropped dropped) throws Exception {
        Path log = Files.createTempDirectory(directory, "predictions");
        List<float[]> inputs = List.of(SmallMlp.rows(ROWS));
        Logging<float[]> logging = Logging.<float[]>everything().durability(durability);
        try (PredictionLog<float[]> predictions =
                        PredictionLog.open(log, new Floats(SmallMlp.INPUTS), logging, Instant.EPOCH);
                Endpoint<float[], float[]> endpoint = Endpoint.onnx(SmallMlp.write(1), Tensors.floats())
                        .observer(predictions::append)
                        .open()) {
            Load.Call<Caller> call = (caller, turn) -> ask(endpoint, inputs, caller, turn);
            long warmUp = nanos / 8;
            long timed = nanos / 2;
            Measured unused = Load.open(caller(new CopyOnWriteArrayList<>()), callers, rate, warmUp, call);
            List<Caller> all = new CopyOnWriteArrayList<>();
            Measured due = Load.open(caller(all), callers, rate, timed, call);
            predictions.flush();
            dropped.predictions += predictions.dropped();
            if (durability != Durability.NONE) {
                bytesPerSecond = 1e9 * SegmentLog.bytes(log) / (warmUp + timed);
            }
            Histogram calls = Measured.histogram();
            all.forEach(caller -> calls.add(caller.nanos));
            return new Paced(new Measured(due.rate(), calls), due);
        } finally {
            MoreFiles.deleteRecursively(log, RecursiveDeleteOption.ALLOW_INSECURE);
        }
    }

    private Paced besidePlainFile(int rate, int callers, Dropped dropped) throws Exception {
        Path file = Files.createTempFile(directory, "plain", null);
        PlainFile plain = new PlainFile(file, bytesPerSecond);
        try {
            return predicting(rate, callers, Durability.NONE, dropped);
        } finally {
            plain.close();
            Files.delete(file);
        }
    }

    private static Contender<Caller> caller(List<Caller> all) {
        return new Contender<>(
                Contender.FLYWHEEL,
                () -> {
                    Caller caller = new Caller();
                    all.add(caller);
                    return caller;
                },
                List.of());
    }

    private static int ask(Endpoint<float[], float[]> endpoint, List<float[]> inputs, Caller caller, int turn) {
        long before = System.nanoTime();
        float[] unused = endpoint.predict(inputs.get(turn & ROWS - 1)).value();
        caller.nanos.recordValue(System.nanoTime() - before);
        return 1;
    }

    private void feedback(int callers) throws Exception {
        PredictionIds ids = new PredictionIds(InstantSource.system());
        Path log = Files.createTempDirectory(directory, "feedback");
        try (FeedbackLog feedback = FeedbackLog.open(log)) {
            Contender<Contender.Worker> contender =
                    new Contender<>(Contender.FLYWHEEL, () -> new Contender.Worker() {}, List.of());
            Map<String, List<Measured>> single = new Rounds(rounds)
                    .run(Map.of(
                            Contender.FLYWHEEL,
                            () -> Load.closed(contender, callers, nanos, (worker, turn) -> {
                                feedback.feedback(ids.next(), turn & 1, Instant.EPOCH);
                                return 1;
                            })));
            results.rate("feedback, acknowledged, " + callers + " callers", NONE, single, Target.atLeast(20_000));
            Map<String, List<Measured>> batches = new Rounds(rounds)
                    .run(Map.of(
                            Contender.FLYWHEEL,
                            () -> Load.closed(contender, 1, nanos, (worker, turn) -> {
                                Map<UUID, Double> labels = new HashMap<>();
                                for (int i = 0; i < BATCH; i++) {
                                    labels.put(ids.next(), 1.0);
                                }
                                feedback.feedback(labels, Instant.EPOCH);
                                return BATCH;
                            })));
            results.rate(
                    "feedback, acknowledged, 1 caller, " + BATCH + " in a call", NONE, batches, Target.atLeast(20_000));
        }
    }

    private void join(int predictions) throws Exception {
        Path predicted = directory.resolve("predicted");
        Path labelled = directory.resolve("labelled");
        RowType<float[]> type = new Floats(JOINED_COLUMNS);
        int labels = predictions / 2;
        Console.line("writing %,d predictions and %,d outcomes", predictions, labels);
        fill(predicted, labelled, type, predictions, labels);
        FeedbackJoin join =
                new FeedbackJoin(predicted, labelled, type.schema(), Duration.ofDays(1)).spillingTo(directory);
        List<Double> seconds = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            long started = System.nanoTime();
            JoinReport report = join.run(Instant.MIN, Instant.MAX, example -> {});
            seconds.add(Results.rounded((System.nanoTime() - started) / 1e9));
            if (report.joined() != labels || report.never() != predictions - labels || report.unknown() != 0) {
                throw new IllegalStateException("the join found " + report);
            }
        }
        results.add(
                String.format(Locale.ROOT, "join of %,d predictions with %,d outcomes", predictions, labels),
                "s",
                Map.of(Contender.FLYWHEEL, seconds),
                null,
                "outcomes in random order; a row is " + JOINED_COLUMNS + " numbers; the heap is at most "
                        + (Runtime.getRuntime().maxMemory() >> 20) + " MiB",
                Target.atMost(60));
    }

    private static void fill(Path predicted, Path labelled, RowType<float[]> type, int predictions, int labels) {
        Instant at = Instant.parse("2026-01-31T12:00:00Z");
        long[] high = new long[labels];
        long[] low = new long[labels];
        PredictionIds ids = new PredictionIds(InstantSource.system());
        try (PredictionLog<float[]> log = PredictionLog.open(predicted, type)) {
            for (int i = 0; i < predictions; i++) {
                UUID id = ids.next();
                if (i < 2 * labels && (i & 1) == 0) {
                    high[i / 2] = id.getMostSignificantBits();
                    low[i / 2] = id.getLeastSignificantBits();
                }
                log.append(id, 1, new float[] {i, 1, 2, 3}, i, at);
                if (i % 10_000 == 0) {
                    log.flush();
                }
            }
        }
        shuffle(high, low);
        try (FeedbackLog log = FeedbackLog.open(labelled)) {
            for (int i = 0; i < labels; ) {
                Map<UUID, Double> batch = new LinkedHashMap<>();
                for (int end = Math.min(labels, i + 10_000); i < end; i++) {
                    batch.put(new UUID(high[i], low[i]), (double) (i & 1));
                }
                log.feedback(batch, at.plusSeconds(60));
            }
        }
    }

    private static void shuffle(long[] high, long[] low) {
        Random random = new Random(3);
        for (int i = high.length - 1; i > 0; i--) {
            int other = random.nextInt(i + 1);
            long kept = high[i];
            high[i] = high[other];
            high[other] = kept;
            kept = low[i];
            low[i] = low[other];
            low[other] = kept;
        }
    }

    /** Rows of numbers. */
    private static final class Floats implements RowType<float[]> {
        private static final long serialVersionUID = 1L;
        private final Schema schema;

        Floats(int columns) {
            this.schema = Schema.of(IntStream.range(0, columns)
                    .mapToObj(i -> new Column("c" + i, ColumnType.NUMBER, false))
                    .toList());
        }

        @Override
        public Schema schema() {
            return schema;
        }

        @Override
        public void write(float[] row, RowWriter out) {
            for (int i = 0; i < row.length; i++) {
                out.number(i, row[i]);
            }
        }

        @Override
        public float[] read(RowReader in) {
            float[] row = new float[schema.size()];
            for (int i = 0; i < row.length; i++) {
                row[i] = (float) in.number(i);
            }
            return row;
        }
    }
}
