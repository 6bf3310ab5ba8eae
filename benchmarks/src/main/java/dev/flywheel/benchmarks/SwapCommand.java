package dev.flywheel.benchmarks;

import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.Tensors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * Swaps versions under full load. Even and odd versions are different models, so every answer shows which one made it.
 */
final class SwapCommand {

    private static final int INPUTS = 64;

    private final List<float[]> inputs = List.of(SmallMlp.rows(INPUTS));
    private final List<Path> models = List.of(SmallMlp.write(1), SmallMlp.write(2));
    private final List<List<float[]>> expected = new ArrayList<>();
    private final LongAdder asked = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final LongAdder wrong = new LongAdder();
    private final AtomicInteger version = new AtomicInteger();
    private final int rounds;
    private final long nanos;
    private final int everyMillis;

    private SwapCommand(Arguments arguments) {
        this.rounds = arguments.number("rounds", 5);
        this.nanos = arguments.nanos("seconds", 2);
        this.everyMillis = arguments.number("every", 75);
    }

    static void run(Arguments arguments) throws Exception {
        SwapCommand command = new SwapCommand(arguments);
        int[] callers = arguments.numbers("callers", "8,64");
        Path out = arguments.out();
        arguments.refuseOthers();
        Results results = new Results("swap", "swap");
        command.expect();
        for (int count : callers) {
            command.measure(count, results);
        }
        results.write(out);
    }

    private void expect() throws Exception {
        for (Path model : models) {
            try (BareLane lane = BareLane.open(model, INPUTS)) {
                expected.add(lane.run(inputs));
            }
        }
    }

    private void measure(int callers, Results results) throws Exception {
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(models.get(0), Tensors.floats()).version(0).open()) {
            version.set(0);
            asked.reset();
            failed.reset();
            wrong.reset();
            Contender<Contender.Worker> contender =
                    new Contender<>(Contender.FLYWHEEL, () -> new Contender.Worker() {}, List.of());
            List<Double> before = new ArrayList<>();
            List<Double> during = new ArrayList<>();
            List<Double> rates = new ArrayList<>();
            List<Double> quiet = new ArrayList<>();
            for (int round = -1; round < rounds; round++) {
                Measured still = Load.closed(contender, callers, nanos, (w, turn) -> ask(endpoint, turn));
                Measured swapping = swapping(endpoint, contender, callers);
                if (round >= 0) {
                    before.add(still.micros(0.99));
                    during.add(swapping.micros(0.99));
                    rates.add(swapping.rate());
                    quiet.add(still.rate());
                }
            }
            String work = "swap every " + everyMillis + " ms, mlp, " + callers + " callers";
            String note = asked.sum() + " requests, " + version.get() + " swaps";
            results.add(work + ", failed requests", "requests", own(failed), null, note, Target.atMost(0));
            results.add(work + ", answers of another version", "requests", own(wrong), null, note, Target.atMost(0));
            results.add(
                    work + ", p99 beside that before",
                    "us",
                    Map.of(Contender.FLYWHEEL, during, Target.LIMIT, before),
                    null,
                    "the limit is the same endpoint without swaps",
                    Target.timesLimit(2));
            Map<String, List<Double>> throughput = new LinkedHashMap<>();
            throughput.put(Contender.FLYWHEEL, rates);
            throughput.put(Target.LIMIT, quiet);
            results.add(work + ", throughput", "requests/s", throughput, null, null);
        }
    }

    private static Map<String, List<Double>> own(LongAdder count) {
        return Map.of(Contender.FLYWHEEL, List.of((double) count.sum()));
    }

    private Measured swapping(Endpoint<float[], float[]> endpoint, Contender<Contender.Worker> contender, int callers)
            throws Exception {
        ScheduledExecutorService swapper = Executors.newSingleThreadScheduledExecutor();
        try {
            Future<?> swaps = swapper.scheduleAtFixedRate(
                    () -> {
                        int next = version.get() + 1;
                        endpoint.swap(models.get(next % 2), next);
                        version.set(next);
                    },
                    everyMillis,
                    everyMillis,
                    TimeUnit.MILLISECONDS);
            Measured measured = Load.closed(contender, callers, nanos, (w, turn) -> ask(endpoint, turn));
            if (swaps.isDone()) {
                swaps.get();
            }
            swapper.shutdown();
            if (!swapper.awaitTermination(1, TimeUnit.MINUTES)) {
                throw new IllegalStateException("a swap did not end within a minute");
            }
            return measured;
        } finally {
            swapper.shutdownNow();
        }
    }

    private int ask(Endpoint<float[], float[]> endpoint, int turn) {
        int row = turn & INPUTS - 1;
        asked.increment();
        try {
            Prediction<float[]> prediction = endpoint.predict(inputs.get(row));
            float[] right = expected.get(prediction.version() % 2).get(row);
            if (Math.abs(right[0] - prediction.value()[0]) > 1e-4 * Math.max(1, Math.abs(right[0]))) {
                wrong.increment();
            }
        } catch (RuntimeException e) {
            failed.increment();
        }
        return 1;
    }
}
