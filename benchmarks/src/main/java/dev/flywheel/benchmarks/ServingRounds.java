package dev.flywheel.benchmarks;

import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.Tensors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Measures an endpoint with a small model against ONNX Runtime by hand, under one caller and many, and writes
 * {@code serving.json}. Arguments: the folder for it, and the number of rounds (default 5).
 */
public final class ServingRounds {

    private static final int BATCH = 64;
    private static final int WINDOW = 256;
    private static final long MILLIS = 500;

    private final Rounds rounds = new Rounds();
    private final int count;
    private final Path model = SmallMlp.write();
    private final float[][] rows = SmallMlp.rows(BATCH);
    private final Endpoint<float[], float[]> endpoint =
            Endpoint.onnx(model, Tensors.floats()).open();
    private final List<Results.Row> found = new ArrayList<>();

    private ServingRounds(int count) {
        this.count = count;
    }

    /** Runs everything: minutes. */
    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments.length > 0 ? arguments[0] : "benchmarks/results");
        ServingRounds all = new ServingRounds(arguments.length > 1 ? Integer.parseInt(arguments[1]) : 5);
        for (int callers : new int[] {1, 8, 64, 256}) {
            all.blocking(callers);
        }
        all.lists();
        all.asynchronous(1);
        all.asynchronous(4);
        all.endpoint.close();
        Results.write(folder, "serving", ServingRounds.class, all.found);
    }

    private void blocking(int callers) throws Exception {
        List<List<Rounds.Result>> results = rounds.run(
                count,
                callers,
                MILLIS,
                List.of(
                        () -> () -> {
                            float[] unused = endpoint.predict(rows[0]).value();
                            return 1;
                        },
                        () -> {
                            BareLane lane = BareLane.open(model, 1);
                            return () -> {
                                float[] unused = lane.run(rows[0]);
                                return 1;
                            };
                        }));
        String work = "predict, small MLP, callers " + callers;
        found.add(Results.rate(work, results.get(0), results.get(1), callers <= 8 ? 0.90 : 0));
        found.add(Results.p99(work, results.get(0), results.get(1), callers <= 8 ? 3 : 0));
    }

    private void lists() throws Exception {
        List<float[]> list = List.of(rows);
        List<List<Rounds.Result>> results = rounds.run(
                count, 1, MILLIS, List.of(() -> () -> endpoint.predictAll(list).size(), () -> {
                    BareLane lane = BareLane.open(model, BATCH);
                    return () -> lane.run(rows).length / SmallMlp.OUTPUTS;
                }));
        found.add(Results.rate("predictAll of 64, small MLP", results.get(0), results.get(1), 0.70));
    }

    private void asynchronous(int callers) throws Exception {
        List<List<Rounds.Result>> results = rounds.run(count, callers, MILLIS, List.of(() -> () -> {
            CompletableFuture<?>[] window = new CompletableFuture<?>[WINDOW];
            for (int i = 0; i < WINDOW; i++) {
                window[i] = endpoint.predictAsync(rows[i % BATCH]);
            }
            CompletableFuture.allOf(window).join();
            return WINDOW;
        }));
        found.add(Results.rate("predictAsync, small MLP, in flight " + callers * WINDOW, results.get(0), List.of(), 0));
    }
}
