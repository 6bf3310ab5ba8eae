package dev.flywheel.benchmarks;

import dev.flywheel.benchmarks.Contender.Later;
import dev.flywheel.benchmarks.Contender.Many;
import dev.flywheel.benchmarks.Contender.One;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** Load on the small model: the overhead of everything around the run. */
final class MlpLoad {

    private static final int INPUTS = 64;
    private static final int[] NONE = {};
    private static final double SLOWEST_MICROS = 15_000;
    private static final String PREDICTOR = "djl-predictor";

    /** DJL Serving's work load manager is not on Maven Central in any version, so rows with it say "not measured". */
    static final String WLM = "djl-serving-wlm";

    private final List<float[]> inputs = List.of(SmallMlp.rows(INPUTS));
    private final Path model = SmallMlp.write();
    private final Results results = new Results("load-mlp", "load --workload mlp");
    private final Path out;
    private final Rounds rounds;
    private final long nanos;
    private final List<String> only;
    private final List<String> parts;
    private final int[] callers;
    private final int[] inFlight;
    private final int[] rates;

    MlpLoad(Arguments arguments) {
        this.out = arguments.out();
        this.rounds = new Rounds(arguments.number("rounds", 5));
        this.nanos = arguments.nanos("seconds", 1);
        this.only = arguments.words("only", "");
        this.parts = arguments.words("parts", "predict,all,async,schedule");
        this.callers = arguments.numbers("callers", "1,8,64,256");
        this.inFlight = arguments.numbers("in-flight", "256,1024");
        this.rates = arguments.numbers("rates", "20000,100000");
        arguments.refuseOthers();
    }

    void run() throws Exception {
        for (int count : parts.contains("predict") ? callers : NONE) {
            blocking(count);
        }
        if (parts.contains("all")) {
            lists();
        }
        for (int count : parts.contains("async") ? inFlight : NONE) {
            later(count);
        }
        for (int rate : parts.contains("schedule") ? rates : NONE) {
            scheduled(rate);
        }
        if (only.isEmpty()) {
            results.write(out);
        }
    }

    private void blocking(int count) throws Exception {
        List<Contender<One<float[]>>> contenders = Contender.only(only, Mlp.blocking(model, count));
        Same.answers(contenders, One::answer, inputs);
        Map<String, List<Measured>> found = rounds.run(contenders, c -> Load.closed(c, count, nanos, this::ask));
        contenders.forEach(Contender::close);
        String work = "predict, mlp, " + callers(count);
        results.rate(work, Mlp.INLINE, found, rateTargets(count, found));
        results.figure(
                work + ", p99",
                "us",
                Mlp.INLINE,
                found,
                m -> m.micros(0.99),
                count <= 8 ? new Target[] {Target.timesLimit(3)} : new Target[0]);
        if (count > 8) {
            results.figure(
                    work + ", slowest request",
                    "us",
                    Mlp.INLINE,
                    found,
                    Measured::slowestMicros,
                    Target.atMost(SLOWEST_MICROS));
            if (only.isEmpty()) {
                tailLeftOpen(work, found);
            }
        }
    }

    private static Target[] rateTargets(int count, Map<String, List<Measured>> found) {
        List<Target> targets = new ArrayList<>();
        targets.add(count <= 8 ? Target.ofLimit(0.90) : Target.atLeast(300_000));
        targets.add(Target.timesPeer(PREDICTOR, 5));
        if (count > 8) {
            targets.add(Target.timesPeer(fastest(found, PREDICTOR, "ort-readme", "queue-1-worker"), 1));
        }
        targets.add(Target.timesPeer(WLM, count == 1 ? 400 : count <= 8 ? 100 : 6));
        return targets.toArray(Target[]::new);
    }

    /** The same with a lane for each caller: more requests, and a tail that nothing bounds. */
    private void tailLeftOpen(String work, Map<String, List<Measured>> found) {
        results.rate(
                work + ", a lane each",
                Mlp.INLINE,
                Map.of(
                        Contender.FLYWHEEL, found.getOrDefault(Mlp.LANE_EACH, List.of()),
                        Mlp.INLINE, found.getOrDefault(Mlp.INLINE, List.of())),
                Target.ofLimit(0.90));
    }

    private void lists() throws Exception {
        List<Contender<Many<float[]>>> contenders = Contender.only(only, Mlp.lists(model));
        Same.lists(contenders, inputs);
        Map<String, List<Measured>> found = rounds.run(
                contenders,
                c -> Load.closed(
                        c, 1, nanos, (worker, turn) -> worker.answers(inputs).size()));
        contenders.forEach(Contender::close);
        results.rate(
                "predictAll of " + INPUTS + ", mlp",
                Mlp.PACKED,
                found,
                Target.ofLimit(0.70),
                Target.timesPeer(PREDICTOR, 40));
    }

    private void later(int count) throws Exception {
        List<Contender<Later<float[]>>> contenders = Contender.only(only, Mlp.later(model));
        Same.answers(contenders, Mlp::value, inputs);
        Map<String, List<Measured>> found = rounds.run(contenders, c -> Load.window(c, 1, count, nanos, inputs));
        contenders.forEach(Contender::close);
        String work = "predictAsync, mlp, " + count + " in flight";
        results.rate(
                work,
                fastest(found, "queue-1-worker", "queue-2-workers"),
                found,
                Target.ofLimit(0.70),
                Target.timesPeer(WLM, 30));
        results.figure(
                work + ", slowest request to the median",
                "x",
                "none",
                found,
                m -> m.slowestMicros() / m.micros(0.5),
                Target.atMost(10));
    }

    /** Callers that keep to a schedule. */
    private void scheduled(int rate) throws Exception {
        List<Contender<One<float[]>>> contenders = Contender.only(only, Mlp.blocking(model, 8));
        Map<String, List<Measured>> found = rounds.run(contenders, c -> Load.open(c, 8, rate, nanos, this::ask));
        contenders.forEach(Contender::close);
        results.figure(
                "predict, mlp, 8 callers, " + rate + "/s on a schedule, p99",
                "us",
                Mlp.INLINE,
                found,
                m -> m.micros(0.99));
        List<Contender<Later<float[]>>> later = Contender.only(only, Mlp.later(model));
        Map<String, List<Measured>> foundLater = rounds.run(later, c -> Load.openLater(c, rate, nanos, inputs));
        later.forEach(Contender::close);
        results.figure(
                "predictAsync, mlp, " + rate + "/s on a schedule, p99",
                "us",
                "queue-1-worker",
                foundLater,
                m -> m.micros(0.99));
    }

    private int ask(One<float[]> worker, int turn) throws Exception {
        float[] unused = worker.answer(inputs.get(turn & INPUTS - 1));
        return 1;
    }

    private static String fastest(Map<String, List<Measured>> found, String... names) {
        return Arrays.stream(names)
                .max(Comparator.comparingDouble(name -> rate(found, name)))
                .orElseThrow();
    }

    private static double rate(Map<String, List<Measured>> found, String name) {
        return Results.median(
                found.getOrDefault(name, List.of()).stream().map(Measured::rate).toList());
    }

    static String callers(int count) {
        return count == 1 ? "1 caller" : count + " callers";
    }
}
