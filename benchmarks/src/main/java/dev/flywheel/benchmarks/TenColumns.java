package dev.flywheel.benchmarks;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.Deployment;
import dev.flywheel.pipeline.Factory;
import dev.flywheel.pipeline.Pipeline;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import dev.flywheel.serving.BatchPacker;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.OnnxEngine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;

/** What ten feature columns in front of a network cost, all in one graph, beside the network alone. */
final class TenColumns {

    private static final int EXAMPLES = 2_000;
    private static final int HIDDEN = 64;
    private static final String[] PLACES = {"north", "east", "south", "west", "centre", "coast", "hills", "island"};

    /** Inputs to ask with, a power of two of them. */
    static final List<Order> ORDERS = orders();

    private final Rounds rounds;
    private final long nanos;

    TenColumns(Rounds rounds, long nanos) {
        this.rounds = rounds;
        this.nanos = nanos;
    }

    /** Six numbers, three texts and a time. */
    record Order(
            double price,
            double weight,
            double distance,
            double age,
            double stock,
            double rating,
            String from,
            String to,
            String carrier,
            Instant placed) {}

    /** Trains, then measures runs of 1 and 64 rows. */
    void run(Path directory, Results results) throws Exception {
        Path model = train(directory);
        open(directory, results);
        int encoded = encodedWidth(model);
        Path bare = SmallMlp.write(3, List.of(), "x", "y", encoded, HIDDEN, 1);
        try (OnnxEngine engine = OnnxEngine.open(model)) {
            for (int rows : new int[] {1, 64}) {
                try (Lane lane = engine.newLane(rows);
                        BareLane limit = BareLane.open(bare, rows)) {
                    fill(lane, rows, directory);
                    Map<String, Callable<Measured>> work = new LinkedHashMap<>();
                    work.put(Contender.FLYWHEEL, () -> repeat(() -> lane.run(rows)));
                    work.put("bare", () -> repeat(() -> limit.run(rows)));
                    results.figure(
                            "run of ten feature columns + MLP, batch " + rows,
                            "us",
                            "bare",
                            rounds.run(work),
                            m -> 1e6 / m.rate(),
                            dev.flywheel.benchmarks.Target.timesLimit(rows == 1 ? 4 : 2));
                }
            }
        }
    }

    /** Something that is run again and again. */
    @FunctionalInterface
    private interface Step {
        void run() throws Exception;
    }

    private Measured repeat(Step step) throws Exception {
        var histogram = Measured.histogram();
        long started = System.nanoTime();
        long before = started;
        long runs = 0;
        while (before - started < nanos) {
            step.run();
            long now = System.nanoTime();
            histogram.recordValue(now - before);
            before = now;
            runs++;
        }
        return new Measured(runs * 1e9 / (before - started), histogram);
    }

    /** From nothing to the first prediction of a model that is registered, native libraries already loaded. */
    private void open(Path directory, Results results) throws Exception {
        Order order = new Order(1, 1, 1, 1, 1, 1, "north", "south", "west", Instant.EPOCH);
        Map<String, Callable<Measured>> work = new LinkedHashMap<>();
        work.put(Contender.FLYWHEEL, () -> {
            long started = System.nanoTime();
            try (Factory factory = Factory.open(directory.resolve("factory"));
                    Deployment<Order, Boolean, Double> live = factory.start(pipeline(directory))) {
                Prediction<Double> unused = live.predict(order);
                return new Measured(1e9 / (System.nanoTime() - started), Measured.histogram());
            }
        });
        List<Double> millis = rounds.run(work).values().iterator().next().stream()
                .map(m -> Results.rounded(1e3 / m.rate()))
                .toList();
        results.add(
                "opening a factory and first prediction",
                "ms",
                Map.of(Contender.FLYWHEEL, millis),
                null,
                null,
                dev.flywheel.benchmarks.Target.atMost(500));
    }

    private static Pipeline<Order, Boolean, Double> pipeline(Path directory) {
        return ready("orders", directory).build();
    }

    /** {@return a pipeline over what {@link #writeExamples} has written} */
    static Pipeline.Ready<Order, Boolean, Double> ready(String name, Path directory) {
        return Pipeline.named(name)
                .from(Csv.files(directory.resolve("orders.csv")).examples(Order.class, Target.isTrue("late")))
                .features(Features.auto(Order.class))
                .train(Trainers.mlp(HIDDEN))
                .gate(Gate.atLeast(Metric.ROC_AUC, 0))
                .respond(p -> p);
    }

    static void writeExamples(Path directory) throws IOException {
        Files.write(directory.resolve("orders.csv"), examples());
    }

    private static Path train(Path directory) throws IOException {
        writeExamples(directory);
        try (Factory factory = Factory.open(directory.resolve("factory"))) {
            var run = factory.run(pipeline(directory));
            if (factory.versions("orders").isEmpty()) {
                throw new IllegalStateException("the pipeline made no model: " + run);
            }
            return factory.versions("orders").get(0).artifact().modelFile();
        }
    }

    private static List<Order> orders() {
        Random random = new Random(2);
        List<Order> orders = new ArrayList<>();
        for (int i = 0; i < 1024; i++) {
            orders.add(new Order(
                    random.nextGaussian(),
                    random.nextGaussian(),
                    random.nextGaussian(),
                    random.nextGaussian(),
                    random.nextGaussian(),
                    random.nextGaussian(),
                    PLACES[random.nextInt(PLACES.length)],
                    PLACES[random.nextInt(PLACES.length)],
                    PLACES[random.nextInt(PLACES.length)],
                    Instant.ofEpochSecond(1_700_000_000L + random.nextInt(30_000_000))));
        }
        return List.copyOf(orders);
    }

    private static List<String> examples() {
        Random random = new Random(1);
        List<String> lines = new ArrayList<>();
        lines.add("price,weight,distance,age,stock,rating,from,to,carrier,placed,late");
        for (int i = 0; i < EXAMPLES; i++) {
            StringBuilder line = new StringBuilder();
            double sum = 0;
            for (int k = 0; k < 6; k++) {
                double value = random.nextGaussian();
                sum += value;
                line.append(value).append(',');
            }
            for (int k = 0; k < 3; k++) {
                line.append(PLACES[random.nextInt(PLACES.length)]).append(',');
            }
            line.append(Instant.ofEpochSecond(1_700_000_000L + random.nextInt(30_000_000)));
            lines.add(line.append(',').append(sum + random.nextGaussian() > 0).toString());
        }
        return lines;
    }

    /** {@return the inputs of the network behind the features, as its first layer's weights in the file tell} */
    private static int encodedWidth(Path model) throws IOException {
        int width = 1;
        for (TensorProto tensor :
                ModelProto.parseFrom(Files.readAllBytes(model)).getGraph().getInitializerList()) {
            if (tensor.getDimsCount() == 2 && tensor.getDimsList().contains((long) HIDDEN)) {
                width = Math.max(width, (int) (tensor.getDims(0) * tensor.getDims(1) / HIDDEN));
            }
        }
        return width;
    }

    private static void fill(Lane lane, int rows, Path directory) {
        List<Column> columns = new ArrayList<>();
        lane.signature()
                .inputs()
                .forEach(input -> input.columns().forEach(name -> {
                    ColumnType type = switch (input.name()) {
                        case "texts" -> ColumnType.TEXT;
                        case "times" -> ColumnType.TIME;
                        default -> ColumnType.NUMBER;
                    };
                    columns.add(new Column(name, type, false));
                }));
        Random random = new Random(2);
        try (Dataset.Writer writer = Dataset.writer(directory.resolve("rows" + rows), Schema.of(columns))) {
            for (int row = 0; row < rows; row++) {
                for (int column = 0; column < columns.size(); column++) {
                    switch (columns.get(column).type()) {
                        case TEXT -> writer.text(column, PLACES[random.nextInt(PLACES.length)]);
                        case TIME -> writer.time(column, 1_700_000_000_000_000L);
                        default -> writer.number(column, random.nextGaussian());
                    }
                }
                writer.endRow();
            }
            try (Scan scan = writer.finish().scan()) {
                Batch batch = scan.next();
                if (batch == null) {
                    throw new IllegalStateException("a dataset that was written is empty");
                }
                BatchPacker.of(lane, batch.schema()).pack(batch, 0, rows);
            }
        }
    }
}
