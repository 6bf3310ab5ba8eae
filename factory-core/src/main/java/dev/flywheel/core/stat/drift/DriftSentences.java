package dev.flywheel.core.stat.drift;

import dev.flywheel.core.data.ColumnType;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What was found about a column, in words. */
record DriftSentences(ColumnProfile reference, ColumnProfile window, DriftLimits limits) {

    String moved(ColumnDrift.Values values) {
        String effect = values.psi() >= limits.psi()
                ? "PSI " + number(values.psi()) + " (threshold " + number(limits.psi()) + ")"
                : "moved by " + number(values.wasserstein()) + " standard deviations (threshold "
                        + number(limits.wasserstein()) + ")";
        return effect + ", " + rows() + "; " + (reference.numeric() ? medians() : largestMove());
    }

    String missing(ColumnDrift.Share share) {
        return "missing " + percent(share.reference()) + " -> " + percent(share.window()) + " of rows, " + rows();
    }

    String unseen(ColumnDrift.Share share, List<String> categories) {
        String named = categories.isEmpty() ? "" : ", such as \"" + categories.get(0) + "\"";
        return percent(share.window()) + " of rows in categories that the reference lacks" + named + ", " + rows();
    }

    String all(List<String> findings) {
        return reference.name() + ": " + String.join("; ", findings);
    }

    String stable(ColumnDrift.Values values) {
        if (values.test().test().equals(ColumnTests.NONE)) {
            String why = reference.type() == ColumnType.TIME
                    ? "times move on, so only missing ones are compared"
                    : "its values repeat too rarely, or are too few, to be compared";
            return reference.name() + ": no drift found; " + why + ", " + rows();
        }
        return reference.name() + ": no drift found, PSI " + number(values.psi()) + " (threshold "
                + number(limits.psi()) + "), q " + number(values.q()) + ", " + rows();
    }

    String tooFew() {
        return reference.name() + ": not judged, " + rows() + ", at least " + limits.leastRows() + " needed";
    }

    private String rows() {
        return String.format(Locale.ROOT, "%,d rows against %,d", window.rows(), reference.rows());
    }

    private String medians() {
        return "median " + number(reference.quantile(0.5)) + " -> " + number(window.quantile(0.5));
    }

    /** The held category whose share moved most. */
    private String largestMove() {
        String most = "";
        double far = -1;
        for (Map.Entry<String, Long> entry : reference.categories().entrySet()) {
            double move = Math.abs(known(entry.getKey()) - found(entry.getKey()));
            if (move > far) {
                far = move;
                most = entry.getKey();
            }
        }
        return "\"" + most + "\" " + percent(known(most)) + " -> " + percent(found(most));
    }

    private double known(String text) {
        return (double) reference.texts().count(text) / reference.count();
    }

    private double found(String text) {
        return (double) window.texts().count(text) / window.count();
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f%%", 100 * share);
    }

    static String number(double value) {
        double size = Math.abs(value);
        if (size >= 1e9 || (size > 0 && size < 0.001)) {
            return String.format(Locale.ROOT, "%.2e", value);
        }
        String text = String.format(Locale.ROOT, size >= 100 ? "%,.0f" : size >= 1 ? "%.2f" : "%.3f", value);
        return text.contains(".") ? text.replaceFirst("\\.?0+$", "") : text;
    }
}
