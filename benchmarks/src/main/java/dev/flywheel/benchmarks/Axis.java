package dev.flywheel.benchmarks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Numbers on a line between two places. Immutable. */
record Axis(Chart.Scale scale, double low, double high, double from, double to) {

    private static final int LINEAR_TICKS = 5;

    /** {@return an axis that has room for the values, which begins at 0 if it is linear} */
    static Axis over(double[] values, Chart.Scale scale, double from, double to) {
        double low = Arrays.stream(values).min().orElse(1);
        double high = Arrays.stream(values).max().orElse(10);
        if (scale == Chart.Scale.LINEAR) {
            return new Axis(scale, 0, Math.max(high * 1.05, 1e-9), from, to);
        }
        return new Axis(scale, low / 1.3, Math.max(high * 1.3, low * 2), from, to);
    }

    double place(double value) {
        double share = scale == Chart.Scale.LINEAR
                ? (value - low) / (high - low)
                : Math.log(value / low) / Math.log(high / low);
        return from + share * (to - from);
    }

    List<Double> ticks() {
        List<Double> ticks = new ArrayList<>();
        if (scale == Chart.Scale.LINEAR) {
            double raw = high / LINEAR_TICKS;
            double power = Math.pow(10, Math.floor(Math.log10(raw)));
            double step = (raw / power > 5 ? 10 : raw / power > 2 ? 5 : raw / power > 1 ? 2 : 1) * power;
            for (double at = 0; at <= high; at += step) {
                ticks.add(at);
            }
            return ticks;
        }
        boolean close = high / low < 300;
        for (double power = Math.pow(10, Math.floor(Math.log10(low))); power <= high; power *= 10) {
            for (double factor : close ? new double[] {1, 2, 5} : new double[] {1}) {
                if (power * factor >= low && power * factor <= high) {
                    ticks.add(power * factor);
                }
            }
        }
        return ticks;
    }

    static String label(double value) {
        if (value >= 1e6) {
            return plain(value / 1e6) + "M";
        }
        return value >= 1e3 ? plain(value / 1e3) + "k" : plain(value);
    }

    private static String plain(double value) {
        return Math.abs(value - Math.rint(value)) < 1e-9
                ? String.format(Locale.ROOT, "%.0f", value)
                : String.format(Locale.ROOT, "%.2g", value);
    }
}
