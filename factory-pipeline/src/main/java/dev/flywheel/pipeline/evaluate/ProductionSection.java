package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.registry.AliasMove;
import dev.flywheel.core.stat.Metric;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import org.jspecify.annotations.Nullable;

/** The part of a pipeline's report about its champions and their quality, one under the other over the same time. */
final class ProductionSection {

    private static final double BAND = 30;
    private static final double QUALITY = 190;
    /** Reigns that take fewer pixels are drawn as one with their neighbours. */
    private static final double THIN = 2;
    /** Marks that are drawn over the whole height of a chart; more are short. */
    private static final int MOST_MARKS = 40;

    private final Timeline timeline;
    private final TimeAxis axis;
    private final Page page;

    ProductionSection(Timeline timeline, TimeAxis axis, Page page) {
        this.timeline = timeline;
        this.axis = axis;
        this.page = page;
    }

    /** A time during which a version served, or several did, one after the other. */
    private record Reign(Instant from, Instant to, int first, int last) {

        String label() {
            return first == last ? "v" + first : "v" + first + "\u2026" + last;
        }
    }

    void write() {
        if (timeline.moves().isEmpty()) {
            return;
        }
        page.section("Champion and quality");
        band();
        if (timeline.windows().stream().anyMatch(window -> window.quality() != null)) {
            quality();
        }
        new CalibrationChart(timeline, axis, page).write();
    }

    private void band() {
        TimeChart chart = new TimeChart(page.out(), axis, BAND);
        List<Reign> reigns = reigns();
        List<TimeChart.Key> keys = new ArrayList<>();
        boolean rolledBack = !marks(AliasMove.Kind.ROLLED_BACK).isEmpty();
        if (rolledBack) {
            keys.add(TimeChart.Key.mark("fall", "rollback"));
        }
        chart.open("Champion", "Which version served at which time: " + described(reigns), keys);
        for (int i = 0; i < reigns.size(); i++) {
            Reign reign = reigns.get(i);
            double left = axis.at(reign.from);
            double width = Math.max(0.6, axis.at(reign.to) - left);
            String tip = (reign.first == reign.last
                            ? "version " + reign.first
                            : "versions " + reign.first + " to " + reign.last)
                    + ", " + TimelineReport.time(reign.from) + " to " + TimelineReport.time(reign.to);
            chart.plot.box("reign r" + i % 4, left, TimeChart.TOP, width, BAND - 6, tip);
            if (width > 9 + 7 * reign.label().length()) {
                chart.plot.label(left + width / 2, TimeChart.TOP + 16, "middle", reign.label(), "on");
            }
        }
        for (double at : marks(AliasMove.Kind.ROLLED_BACK)) {
            chart.plot.stroke("fall", at, TimeChart.TOP - 4, at, TimeChart.TOP + BAND - 2);
        }
        chart.plot.label(TimeChart.LEFT - 8, TimeChart.TOP + 16, "end", "champion");
        chart.time().close();
    }

    private static String described(List<Reign> reigns) {
        List<String> last = reigns.subList(Math.max(0, reigns.size() - 20), reigns.size()).stream()
                .map(reign -> reign.label() + " from " + TimelineReport.time(reign.from))
                .toList();
        return String.join(", ", last);
    }

    private List<Reign> reigns() {
        List<Reign> reigns = new ArrayList<>();
        List<AliasMove> moves = timeline.moves();
        for (int i = 0; i < moves.size(); i++) {
            if (moves.get(i).to().isPresent()) {
                Instant to = i + 1 < moves.size() ? moves.get(i + 1).at() : timeline.asOf();
                int version = moves.get(i).to().getAsInt();
                add(reigns, new Reign(moves.get(i).at(), to, version, version));
            }
        }
        return reigns;
    }

    private void add(List<Reign> reigns, Reign next) {
        Reign last = reigns.isEmpty() ? null : reigns.get(reigns.size() - 1);
        if (last != null && thin(last) && thin(next)) {
            reigns.set(reigns.size() - 1, new Reign(last.from, next.to, last.first, next.last));
        } else {
            reigns.add(next);
        }
    }

    private boolean thin(Reign reign) {
        return axis.at(reign.to) - axis.at(reign.from) < THIN;
    }

    /** {@return where the alias moved so, a place on the axis each} */
    private Set<Double> marks(AliasMove.Kind kind) {
        Set<Double> marks = new TreeSet<>();
        timeline.moves().stream()
                .filter(move -> move.kind() == kind)
                .forEach(move -> marks.add((double) Math.round(axis.at(move.at()))));
        return marks;
    }

    private void quality() {
        List<Thinned> groups = Thinned.of(timeline.windows());
        Metric metric = timeline.windows().stream()
                .flatMap(window -> java.util.stream.Stream.ofNullable(window.quality()))
                .map(Timeline.Quality::metric)
                .findFirst()
                .orElseThrow();
        double[] measured = values(groups, Timeline.Quality::measured);
        double[] estimated = values(groups, Timeline.Quality::estimated);
        double[] reference = groups.stream().mapToDouble(Thinned::reference).toArray();
        TimeChart chart = new TimeChart(page.out(), axis, QUALITY);
        chart.open(
                metric.label() + " in production",
                metric.label() + " of the champion over time, "
                        + (metric.higherIsBetter() ? "higher is better" : "lower is better"),
                keys(measured, estimated, reference));
        Axis y = range(chart, measured, estimated, reference);
        chart.grid(y, metric.label() + (metric.higherIsBetter() ? " \u2191" : " \u2193"));
        marks(chart, AliasMove.Kind.MOVED, "rise");
        marks(chart, AliasMove.Kind.ROLLED_BACK, "fall");
        draw(chart, y, groups, metric, measured, estimated, reference);
        chart.time().close();
        String hint = Thinned.hint(timeline.windows().size());
        if (!hint.isEmpty()) {
            page.out().leaf("p", hint, "class", "hint");
        }
    }

    /** Many lines from top to bottom would hide what the chart is about. */
    private void marks(TimeChart chart, AliasMove.Kind kind, String style) {
        Set<Double> marks = marks(kind);
        double to = marks.size() > MOST_MARKS ? TimeChart.TOP + 9 : chart.bottom();
        marks.forEach(at -> chart.plot.stroke(style, at, TimeChart.TOP, at, to));
    }

    private List<TimeChart.Key> keys(double[] measured, double[] estimated, double[] reference) {
        List<TimeChart.Key> keys = new ArrayList<>();
        if (any(measured)) {
            keys.add(TimeChart.Key.line(0, "measured, with its 95% interval"));
        }
        if (any(estimated)) {
            keys.add(TimeChart.Key.line(1, "estimated without outcomes"));
        }
        if (any(reference)) {
            keys.add(new TimeChart.Key("M1 5H25", "chance", "at its evaluation"));
        }
        if (!marks(AliasMove.Kind.MOVED).isEmpty()) {
            keys.add(TimeChart.Key.mark("rise", "promotion"));
        }
        if (!marks(AliasMove.Kind.ROLLED_BACK).isEmpty()) {
            keys.add(TimeChart.Key.mark("fall", "rollback"));
        }
        return keys;
    }

    private static boolean any(double[] values) {
        return DoubleStream.of(values).anyMatch(Double::isFinite);
    }

    private static double[] values(List<Thinned> groups, Function<Timeline.Quality, @Nullable Estimate> which) {
        return groups.stream()
                .mapToDouble(group -> group.mean(which, Estimate::value))
                .toArray();
    }

    /** Wide enough for every line; intervals of a few rows would press all else flat. */
    private static Axis range(TimeChart chart, double[]... lines) {
        double[] all = java.util.Arrays.stream(lines)
                .flatMapToDouble(DoubleStream::of)
                .filter(Double::isFinite)
                .toArray();
        double low = DoubleStream.of(all).min().orElse(0);
        double high = DoubleStream.of(all).max().orElse(1);
        double slack = Math.max((high - low) * 0.08, 1e-9);
        return chart.values(low - slack, high + slack);
    }

    private void draw(
            TimeChart chart,
            Axis y,
            List<Thinned> groups,
            Metric metric,
            double[] measured,
            double[] estimated,
            double[] reference) {
        double[] xs =
                groups.stream().mapToDouble(group -> axis.at(group.middle())).toArray();
        chart.area(
                "band s0",
                xs,
                pixels(y, ends(groups, measured, Estimate::low)),
                pixels(y, ends(groups, measured, Estimate::high)));
        chart.line("line chance", xs, pixels(y, reference));
        chart.line("line s1", xs, pixels(y, estimated));
        chart.line("line s0", xs, pixels(y, measured));
        for (int i = 0; i < xs.length; i++) {
            dot(chart, y, "s1", xs[i], estimated[i], "estimated ", metric, groups.get(i));
            dot(chart, y, "s0", xs[i], measured[i], "measured ", metric, groups.get(i));
        }
    }

    private static double[] ends(
            List<Thinned> groups, double[] values, java.util.function.ToDoubleFunction<Estimate> end) {
        double[] ends = new double[values.length];
        for (int i = 0; i < ends.length; i++) {
            double found = groups.get(i).mean(Timeline.Quality::measured, end);
            ends[i] = Double.isFinite(found) ? found : values[i];
        }
        return ends;
    }

    private static double[] pixels(Axis y, double[] values) {
        return DoubleStream.of(values)
                .map(value -> Double.isFinite(value) ? y.at(Math.max(y.low(), Math.min(y.high(), value))) : Double.NaN)
                .toArray();
    }

    private static void dot(
            TimeChart chart, Axis y, String style, double x, double value, String what, Metric metric, Thinned group) {
        if (Double.isFinite(value)) {
            String tip = TimelineReport.time(group.from()) + " to " + TimelineReport.time(group.to()) + ", " + what
                    + Numbers.metric(metric, value) + ", version "
                    + group.windows().get(group.windows().size() - 1).version();
            chart.plot.dot("dot " + style, x, y.at(value), 2.6, tip);
        }
    }
}
