package dev.flywheel.pipeline.evaluate;

import java.util.ArrayList;
import java.util.List;

/** A range of values laid on a range of pixels, with round ticks. */
record Axis(double low, double high, double start, double end, List<Double> ticks) {

    private static final double[] ROUND = {1, 2, 2.5, 5, 10};

    /** {@return an axis from low to high exactly, with about so many round ticks inside} */
    static Axis exact(double low, double high, double start, double end, int about) {
        double widened = high > low ? high : low + Math.max(1e-9, Math.abs(low) * 1e-3);
        return new Axis(low, widened, start, end, ticks(low, widened, step(widened - low, about)));
    }

    /** {@return an axis that reaches from a tick at or below low to one at or above high} */
    static Axis round(double low, double high, double start, double end, int about) {
        double spread = high > low ? high - low : Math.max(1e-6, Math.abs(low) * 0.1);
        double step = step(spread, about);
        double from = Math.floor(low / step + 1e-9) * step;
        double to = Math.ceil((low + spread) / step - 1e-9) * step;
        return new Axis(from, to, start, end, ticks(from, to, step));
    }

    /** {@return the pixel of a value} */
    double at(double value) {
        return start + (value - low) / (high - low) * (end - start);
    }

    private static double step(double spread, int about) {
        double raw = spread / about;
        double magnitude = Math.pow(10, Math.floor(Math.log10(raw)));
        for (double round : ROUND) {
            if (round * magnitude >= raw * 0.999) {
                return round * magnitude;
            }
        }
        return 10 * magnitude;
    }

    private static List<Double> ticks(double from, double to, double step) {
        List<Double> ticks = new ArrayList<>();
        for (long i = (long) Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; i++) {
            ticks.add(i * step);
        }
        return ticks;
    }
}
