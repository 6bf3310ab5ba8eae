package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.stat.drift.ColumnDrift;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Neighbouring windows that are shown as one, so that years of them stay few enough for a chart. Immutable. */
record Thinned(List<Timeline.Window> windows) {

    /** Windows shown; more would be thinner than six pixels. */
    static final int MOST = 130;

    /** {@return groups of as many neighbours as make at most {@link #MOST}; each has one window if they are few} */
    static List<Thinned> of(List<Timeline.Window> windows) {
        int size = size(windows.size());
        List<Thinned> groups = new ArrayList<>();
        for (int from = 0; from < windows.size(); from += size) {
            groups.add(new Thinned(List.copyOf(windows.subList(from, Math.min(windows.size(), from + size)))));
        }
        return groups;
    }

    /** {@return how many neighbours make a group} */
    static int size(int windows) {
        return Math.max(1, (windows + MOST - 1) / MOST);
    }

    /** {@return what a reader must know of groups; empty if there are none} */
    static String hint(int windows) {
        int size = size(windows);
        return size == 1
                ? ""
                : "Each place stands for " + size + " of the " + Numbers.count(windows)
                        + " windows: it shows their strongest drift and their mean quality.";
    }

    Instant from() {
        return windows.get(0).from();
    }

    Instant to() {
        return windows.get(windows.size() - 1).to();
    }

    Instant middle() {
        return from().plus(java.time.Duration.between(from(), to()).dividedBy(2));
    }

    long sum(java.util.function.ToLongFunction<Timeline.Window> count) {
        return windows.stream().mapToLong(count).sum();
    }

    /** {@return the worst of what is known of a column: a drift before none, then the larger; null if nothing is} */
    Timeline.@Nullable Drift worst(Function<Timeline.Window, Timeline.@Nullable Drift> column) {
        Timeline.Drift worst = null;
        for (Timeline.Window window : windows) {
            Timeline.Drift drift = column.apply(window);
            if (drift != null && (worst == null || rank(drift) > rank(worst))) {
                worst = drift;
            }
        }
        return worst;
    }

    private static double rank(Timeline.Drift drift) {
        double effect = Double.isNaN(drift.effect()) ? 0 : Math.min(1e6, Math.abs(drift.effect()));
        return switch (drift.state()) {
            case DRIFTED -> 2e6 + effect;
            case STABLE -> effect;
            case TOO_FEW_ROWS -> -1;
        };
    }

    /** {@return the mean of a number of the windows' qualities that have it; NaN if none has} */
    double mean(Function<Timeline.Quality, @Nullable Estimate> which, ToDoubleFunction<Estimate> part) {
        return average(window -> window.quality() == null ? null : which.apply(window.quality()), part);
    }

    /** {@return the mean of a number of the windows that have it; NaN if none has} */
    double average(Function<Timeline.Window, @Nullable Estimate> which, ToDoubleFunction<Estimate> part) {
        return windows.stream()
                .flatMap(window -> Stream.ofNullable(which.apply(window)))
                .mapToDouble(part)
                .filter(Double::isFinite)
                .average()
                .orElse(Double.NaN);
    }

    /** {@return the mean of the references; NaN if there is none} */
    double reference() {
        return windows.stream()
                .flatMapToDouble(window -> window.quality() == null
                        ? DoubleStream.empty()
                        : DoubleStream.of(window.quality().reference()))
                .filter(Double::isFinite)
                .average()
                .orElse(Double.NaN);
    }

    /** {@return whether any window tells enough to judge the drift} */
    static boolean known(ColumnDrift.State state) {
        return state != ColumnDrift.State.TOO_FEW_ROWS;
    }
}
