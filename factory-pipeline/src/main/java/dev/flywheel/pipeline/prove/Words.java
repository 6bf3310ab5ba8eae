package dev.flywheel.pipeline.prove;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.Locale;

/** Numbers and times as readers of decisions like them. */
final class Words {

    private static final MathContext FOUR = new MathContext(4, RoundingMode.HALF_EVEN);

    private Words() {}

    /** {@return the shortest text that names this very number; for definitions, where equal means equal} */
    static String plain(double value) {
        return BigDecimal.valueOf(value).stripTrailingZeros().toPlainString();
    }

    /** {@return four digits of a number} */
    static String number(double value) {
        if (!Double.isFinite(value)) {
            return Double.isNaN(value) ? "unknown" : value > 0 ? "infinity" : "-infinity";
        }
        BigDecimal rounded = BigDecimal.valueOf(value).round(FOUR).stripTrailingZeros();
        double size = Math.abs(value);
        return size == 0 || (size >= 1e-6 && size < 1e9) ? rounded.toPlainString() : rounded.toString();
    }

    static String signed(double value) {
        return (value > 0 ? "+" : "") + number(value);
    }

    static String count(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    static String percent(double share) {
        return number(100 * share) + "%";
    }

    /** {@return a time in its two largest units, such as {@code 3 days 2 hours}} */
    static String time(Duration time) {
        if (time.isNegative() || time.compareTo(Duration.ofSeconds(1)) < 0) {
            return "no time";
        }
        long[] parts = {time.toDays(), time.toHoursPart(), time.toMinutesPart(), time.toSecondsPart()};
        String[] units = {"day", "hour", "minute", "second"};
        int first = 0;
        while (parts[first] == 0) {
            first++;
        }
        String text = unit(parts[first], units[first]);
        return first + 1 == parts.length || parts[first + 1] == 0
                ? text
                : text + " " + unit(parts[first + 1], units[first + 1]);
    }

    static String unit(long value, String unit) {
        return count(value) + " " + unit + (value == 1 ? "" : "s");
    }
}
