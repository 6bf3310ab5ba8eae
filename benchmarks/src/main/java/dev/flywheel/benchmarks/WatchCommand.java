package dev.flywheel.benchmarks;

import com.google.common.io.MoreFiles;
import com.google.common.io.RecursiveDeleteOption;
import com.sun.management.ThreadMXBean;
import dev.flywheel.benchmarks.TenColumns.Order;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.pipeline.Deployment;
import dev.flywheel.pipeline.Factory;
import dev.flywheel.pipeline.watch.Watch;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import org.HdrHistogram.Histogram;

/** What callers feel of a deployment's watch: the same pipeline watched and not, both with every prediction logged. */
final class WatchCommand {

    private static final String UNWATCHED = "not watched";
    private static final String AGAIN = "not watched again";

    private final Results results = new Results("watch", "watch");
    private final Map<String, Deployment<Order, Boolean, Double>> deployments = new LinkedHashMap<>();
    private final int rounds;
    private final long nanos;

    private WatchCommand(int rounds, long nanos) {
        this.rounds = rounds;
        this.nanos = nanos;
    }

    static void run(Arguments arguments) throws Exception {
        int[] callers = arguments.numbers("callers", "1,8");
        int rate = arguments.number("rate", 20_000);
        WatchCommand command = new WatchCommand(arguments.number("rounds", 5), arguments.nanos("seconds", 2));
        Path out = arguments.out();
        arguments.refuseOthers();
        Path directory = Files.createTempDirectory("watch");
        try {
            TenColumns.writeExamples(directory);
            try (Factory factory = Factory.open(directory.resolve("factory"));
                    Deployment<Order, Boolean, Double> watched = factory.start(TenColumns.ready("watched", directory)
                            .watch(Watch.defaults())
                            .build());
                    Deployment<Order, Boolean, Double> not =
                            factory.start(TenColumns.ready("plain", directory).build())) {
                command.deployments.put(Contender.FLYWHEEL, watched);
                command.deployments.put(UNWATCHED, not);
                command.deployments.put(AGAIN, not);
                for (int count : callers) {
                    command.atOnce(count);
                    command.paced(count, rate);
                }
                command.allocated();
                command.results.write(out);
            }
        } finally {
            MoreFiles.deleteRecursively(directory, RecursiveDeleteOption.ALLOW_INSECURE);
        }
    }

    /** Callers that ask again as soon as they have an answer. */
    private void atOnce(int callers) throws Exception {
        Map<String, Callable<Measured>> work = new LinkedHashMap<>();
        deployments.forEach((name, deployment) -> work.put(
                name, () -> Load.closed(contender(), callers, nanos, (caller, turn) -> ask(deployment, turn))));
        Map<String, List<Measured>> found = new Rounds(rounds).run(work);
        String of = "predict, ten columns, " + callers(callers);
        results.rate(of, UNWATCHED, found);
        latency(of, found);
    }

    /** Callers that keep to a schedule, which neither the log nor the watch falls behind. */
    private void paced(int callers, int rate) throws Exception {
        Map<String, Callable<Measured>> work = new LinkedHashMap<>();
        deployments.forEach((name, deployment) -> work.put(name, () -> paced(deployment, callers, rate)));
        Map<String, List<Measured>> found = new Rounds(rounds).run(work);
        String of = String.format(Locale.ROOT, "predict, ten columns, %,d a second by %s", rate, callers(callers));
        latency(of, found);
    }

    private void latency(String of, Map<String, List<Measured>> found) {
        for (double share : List.of(0.5, 0.99)) {
            String name = of + ", p" + Math.round(100 * share);
            ToDoubleFunction<Measured> micros = round -> round.micros(share);
            if (share == 0.99) {
                results.figure(name, "us", UNWATCHED, found, micros, Target.timesLimit(1.1));
            } else {
                results.figure(name, "us", UNWATCHED, found, micros);
            }
        }
    }

    /** A caller that times its calls. */
    private static final class Caller implements Contender.Worker {
        private final Histogram nanos = Measured.histogram();
    }

    private Measured paced(Deployment<Order, Boolean, Double> deployment, int callers, int rate) throws Exception {
        List<Caller> all = new ArrayList<>();
        Contender<Caller> timed = new Contender<>(
                Contender.FLYWHEEL,
                () -> {
                    Caller caller = new Caller();
                    synchronized (all) {
                        all.add(caller);
                    }
                    return caller;
                },
                List.of());
        Measured due = Load.open(timed, callers, rate, nanos, (caller, turn) -> {
            long before = System.nanoTime();
            int asked = ask(deployment, turn);
            caller.nanos.recordValue(System.nanoTime() - before);
            return asked;
        });
        Histogram calls = Measured.histogram();
        all.forEach(caller -> calls.add(caller.nanos));
        return new Measured(due.rate(), calls);
    }

    /** The bytes that a call allocates on its caller's thread. */
    private void allocated() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        int calls = (int) Math.max(100, nanos / 100_000);
        Map<String, List<Double>> bytes = new LinkedHashMap<>();
        for (int round = -1; round < rounds; round++) {
            for (Map.Entry<String, Deployment<Order, Boolean, Double>> contender : deployments.entrySet()) {
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int turn = 0; turn < calls; turn++) {
                    int unused = ask(contender.getValue(), turn);
                }
                double each = (double) (threads.getCurrentThreadAllocatedBytes() - before) / calls;
                if (round >= 0) {
                    String name = contender.getKey().equals(UNWATCHED) ? Target.LIMIT : contender.getKey();
                    bytes.computeIfAbsent(name, none -> new ArrayList<>()).add(Math.rint(10 * each) / 10);
                }
            }
        }
        results.add(
                "allocated by a call on its caller's thread",
                "bytes",
                bytes,
                null,
                "the limit is the same pipeline without a watch; both log every prediction",
                Target.timesLimit(1.01));
    }

    private static int ask(Deployment<Order, Boolean, Double> deployment, int turn) {
        Prediction<Double> unused = deployment.predict(TenColumns.ORDERS.get(turn & TenColumns.ORDERS.size() - 1));
        return 1;
    }

    private static Contender<Contender.Worker> contender() {
        return new Contender<>(Contender.FLYWHEEL, () -> new Contender.Worker() {}, List.of());
    }

    private static String callers(int count) {
        return count + (count == 1 ? " caller" : " callers");
    }
}
