package dev.flywheel.benchmarks;

import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.OnnxEngine;
import java.nio.file.Path;
import java.util.List;

/**
 * A model of two hidden layers, so wide that one of its runs takes a given number of times as long as one of the usual
 * model, on this machine and now; found by bisection.
 *
 * @param model its file, deleted with the process
 * @param width of its hidden layers
 * @param times how many times as long a run of it takes, each model by itself and warm
 */
record Slower(Path model, int width, double times) {

    private static final int STEP = 8;
    private static final int WIDEST = 2048;
    private static final double NEAR = 0.05;
    private static final int ROUNDS = 25;
    private static final int RUNS = 100;

    /** {@return the width that comes nearest} */
    static Slower than(Path usual, double wanted) throws Exception {
        int low = 1;
        int high = WIDEST / STEP;
        Slower best = null;
        while (low <= high) {
            int middle = (low + high) / 2;
            Slower found = measured(usual, middle * STEP);
            if (best == null || Math.abs(found.times - wanted) < Math.abs(best.times - wanted)) {
                best = found;
            }
            if (Math.abs(found.times / wanted - 1) <= NEAR) {
                break;
            }
            if (found.times < wanted) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return best == null ? measured(usual, STEP) : best;
    }

    private static Slower measured(Path usual, int width) throws Exception {
        Path model = SmallMlp.write(2, List.of(), "x", "y", SmallMlp.INPUTS, width, width, SmallMlp.OUTPUTS);
        try (OnnxEngine first = OnnxEngine.open(usual);
                OnnxEngine second = OnnxEngine.open(model);
                Lane quick = first.newLane(1);
                Lane slow = second.newLane(1)) {
            long quickest = Long.MAX_VALUE;
            long shortest = Long.MAX_VALUE;
            // In turns, and the best of each, so that a busy moment of the machine decides nothing.
            for (int i = 0; i < ROUNDS; i++) {
                quickest = Math.min(quickest, nanos(quick));
                shortest = Math.min(shortest, nanos(slow));
            }
            return new Slower(model, width, (double) shortest / quickest);
        }
    }

    private static long nanos(Lane lane) {
        long started = System.nanoTime();
        for (int i = 0; i < RUNS; i++) {
            lane.run(1);
        }
        return System.nanoTime() - started;
    }
}
