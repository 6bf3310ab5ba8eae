package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;

/** Numbers as readers like them: a point for decimals, a comma for thousands, a dash for NaN. */
final class Numbers {

    private static final String UNKNOWN = "\u2013";

    private Numbers() {}

    /** {@return the shortest text that names this very number; for definitions, where equal means equal} */
    static String plain(double value) {
        return BigDecimal.valueOf(value).stripTrailingZeros().toPlainString();
    }

    /** {@return a metric's value: four decimals for those of probabilities, four digits for those in a unit} */
    static String metric(Metric metric, double value) {
        return !metric.judges(Task.REGRESSION) || metric == Metric.R2 ? fixed(value, 4) : significant(value, 4);
    }

    /** {@return a difference of metrics, with its sign} */
    static String signed(Metric metric, double value) {
        String text = metric(metric, value);
        return value > 0 ? "+" + text : text;
    }

    static String fixed(double value, int decimals) {
        return Double.isFinite(value) ? String.format(Locale.ROOT, "%,." + decimals + "f", value) : odd(value);
    }

    static String count(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    /** {@return a share from 0 to 1 as percent; 0% and 100% are said only of none and all} */
    static String percent(double share) {
        if (!Double.isFinite(share)) {
            return odd(share);
        }
        if (share > 0 && share < 0.0001) {
            return "< 0.01%";
        }
        if (share > 0.999 && share < 1) {
            return "> 99.9%";
        }
        if (share == 0 || share == 1) {
            return share == 0 ? "0%" : "100%";
        }
        return fixed(share * 100, share < 0.01 ? 2 : 1) + "%";
    }

    /** {@return the value rounded to a number of digits; scientific if it is very large or very small} */
    static String significant(double value, int digits) {
        if (!Double.isFinite(value)) {
            return odd(value);
        }
        if (value == 0) {
            return "0";
        }
        BigDecimal rounded = BigDecimal.valueOf(value).round(new MathContext(digits, RoundingMode.HALF_EVEN));
        double magnitude = Math.abs(rounded.doubleValue());
        if (magnitude >= 1e9 || magnitude < 1e-4) {
            return String.format(Locale.ROOT, "%." + (digits - 1) + "e", value)
                    .replaceFirst("\\.?0*e", "e")
                    .replaceFirst("e([+-])0?", "e$1")
                    .replace("e+", "e");
        }
        int decimals = Math.max(0, digits - 1 - (int) Math.floor(Math.log10(magnitude)));
        return fixed(rounded.doubleValue(), decimals);
    }

    /** {@return the value with at most four digits and no trailing zeros: for axes and summaries} */
    static String brief(double value) {
        String text = significant(value, 4);
        return text.contains("e") ? text : trimmed(text);
    }

    /** {@return a large number in thousands, millions or billions} */
    static String compact(double value) {
        double magnitude = Math.abs(value);
        if (magnitude >= 1e9) {
            return brief(value / 1e9) + " bn";
        }
        if (magnitude >= 1e6) {
            return brief(value / 1e6) + " m";
        }
        return magnitude >= 1e4 ? brief(value / 1e3) + " k" : brief(value);
    }

    /** {@return a duration: seconds below a minute, then minutes and seconds, then hours and minutes} */
    static String duration(double seconds) {
        if (!Double.isFinite(seconds)) {
            return odd(seconds);
        }
        if (seconds < 59.95) {
            return seconds < 1 ? Math.round(seconds * 1000) + " ms" : fixed(seconds, 1) + " s";
        }
        long whole = Math.round(seconds);
        return whole < 3600
                ? whole / 60 + " min " + whole % 60 + " s"
                : whole / 3600 + " h " + whole % 3600 / 60 + " min";
    }

    private static String trimmed(String text) {
        return text.contains(".") ? text.replaceFirst("\\.?0+$", "") : text;
    }

    private static String odd(double value) {
        if (Double.isNaN(value)) {
            return UNKNOWN;
        }
        return value > 0 ? "\u221e" : "-\u221e";
    }
}
