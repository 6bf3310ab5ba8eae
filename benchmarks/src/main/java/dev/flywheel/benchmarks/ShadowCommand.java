package dev.flywheel.benchmarks;

import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.Tensors;
import dev.flywheel.serving.monitor.ShadowReport;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/**
 * Asks an endpoint with and without a shadow that is ten times slower than its champion. Rounds without one take part
 * twice: what they differ by is what the machine does by itself.
 */
final class ShadowCommand {

    private static final int ROWS = 64;
    private static final int CHAMPION = 1;
    private static final int SHADOW = 2;
    private static final double TIMES = 10;

    private final List<float[]> inputs = List.of(SmallMlp.rows(ROWS));
    private final Contender<Contender.Worker> contender =
            new Contender<>(Contender.FLYWHEEL, () -> new Contender.Worker() {}, List.of());
    private final Endpoint<float[], float[]> endpoint;
    private final Slower slower;
    private final int callers;
    private final long nanos;
    private final List<Double> ratios = new ArrayList<>();
    private double seconds;
    private long compared;
    private long dropped;

    private ShadowCommand(Endpoint<float[], float[]> endpoint, Slower slower, int callers, long nanos) {
        this.endpoint = endpoint;
        this.slower = slower;
        this.callers = callers;
        this.nanos = nanos;
    }

    static void run(Arguments arguments) throws Exception {
        int[] callers = arguments.numbers("callers", "1,4");
        int rounds = arguments.number("rounds", 15);
        long nanos = arguments.nanos("seconds", 1);
        Path out = arguments.out();
        arguments.refuseOthers();
        Path champion = SmallMlp.write(1);
        Slower slower = Slower.than(champion, TIMES);
        Console.line("a shadow with hidden layers of %d takes %.1f times as long", slower.width(), slower.times());
        Results results = new Results("shadow", "shadow");
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(champion, Tensors.floats()).version(CHAMPION).open()) {
            endpoint.add(slower.model(), SHADOW);
            for (int count : callers) {
                new ShadowCommand(endpoint, slower, count, nanos).measure(rounds, results);
            }
        }
        results.write(out);
    }

    private void measure(int count, Results results) throws Exception {
        Map<String, Callable<Measured>> rounds = new LinkedHashMap<>();
        rounds.put(Contender.FLYWHEEL, this::shadowed);
        rounds.put(Target.LIMIT, this::alone);
        rounds.put("no shadow again", this::alone);
        Map<String, List<Measured>> found = new Rounds(count).run(rounds);
        String work = "predict beside a shadow, mlp, " + callers + (callers == 1 ? " caller" : " callers");
        String note = "the limit is the same endpoint without the shadow, whose model takes " + tenths(slower.times())
                + " times as long when each runs by itself; " + compared + " answers compared, "
                + Math.round(compared / seconds) + " a second, " + dropped + " requests not copied";
        if (!ratios.isEmpty()) {
            note += "; as the shadow, with cold caches, it takes " + tenths(Results.median(ratios)) + " times as long";
        }
        Map<String, List<Double>> p99 = new LinkedHashMap<>();
        Map<String, List<Double>> rates = new LinkedHashMap<>();
        found.forEach((name, list) -> {
            p99.put(name, list.stream().map(m -> m.micros(0.99)).toList());
            rates.put(name, list.stream().map(Measured::rate).toList());
        });
        results.add(work + ", p99", "us", p99, null, note, Target.timesLimit(1.05));
        results.add(work, "requests/s", rates, null, null);
    }

    private static double tenths(double value) {
        return Math.round(10 * value) / 10.0;
    }

    private Measured shadowed() throws Exception {
        endpoint.shadow(SHADOW);
        try {
            return alone();
        } finally {
            endpoint.endShadow();
            ShadowReport report = endpoint.shadowReport().orElseThrow();
            seconds += nanos / 1e9;
            compared += report.compared();
            dropped += report.dropped();
            double champion = report.championNanos().quantile(0.5);
            if (report.compared() > 0 && champion > 0) {
                ratios.add(report.shadowNanos().quantile(0.5) / champion);
            }
        }
    }

    private Measured alone() throws Exception {
        return Load.closed(contender, callers, nanos, (worker, turn) -> {
            float[] unused = endpoint.predict(inputs.get(turn & ROWS - 1)).value();
            return 1;
        });
    }
}
