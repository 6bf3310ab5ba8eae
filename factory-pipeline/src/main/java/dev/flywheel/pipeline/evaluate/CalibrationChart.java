package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.registry.AliasMove;
import dev.flywheel.core.stat.Metric;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import org.jspecify.annotations.Nullable;

/** The calibration of champions over time: of each at its evaluation, and as their outcomes came in. */
final class CalibrationChart {

    private static final double BODY = 120;

    private final Timeline timeline;
    private final TimeAxis axis;
    private final Page page;
    private final List<Thinned> groups;

    CalibrationChart(Timeline timeline, TimeAxis axis, Page page) {
        this.timeline = timeline;
        this.axis = axis;
        this.page = page;
        this.groups = Thinned.of(timeline.windows());
    }

    /** While a version served, its error at the evaluation. */
    private record Level(Instant from, Instant to, double error) {}

    void write() {
        List<Level> levels = levels();
        double[] measured = values(Estimate::value);
        boolean outcomes = DoubleStream.of(measured).anyMatch(Double::isFinite);
        if (levels.isEmpty() && !outcomes) {
            return;
        }
        List<TimeChart.Key> keys = new ArrayList<>();
        if (outcomes) {
            keys.add(TimeChart.Key.line(0, "measured on outcomes, with its 95% interval"));
        }
        if (!levels.isEmpty()) {
            keys.add(new TimeChart.Key("M1 5H25", "line chance", "expected: at the champion's evaluation"));
        }
        TimeChart chart = new TimeChart(page.out(), axis, BODY);
        chart.open(
                "Calibration of the champions",
                "The expected calibration error, how far predicted probabilities are from what came true; lower is better",
                keys);
        double most = DoubleStream.concat(
                        DoubleStream.of(measured), levels.stream().mapToDouble(Level::error))
                .filter(Double::isFinite)
                .max()
                .orElse(0);
        Axis y = chart.values(0, Math.max(0.01, most * 1.1));
        chart.grid(y, Metric.ECE.label() + " \u2193");
        expected(chart, y, levels);
        measured(chart, y, measured);
        chart.time().close();
    }

    private List<Level> levels() {
        Map<Integer, Double> errors = new HashMap<>();
        for (Timeline.Version version : timeline.versions()) {
            ModelCard card = version.card();
            Estimate error = card == null ? null : card.metrics().get(Metric.ECE.name());
            if (error != null && Double.isFinite(error.value())) {
                errors.put(version.number(), error.value());
            }
        }
        List<Level> levels = new ArrayList<>();
        List<AliasMove> moves = timeline.moves();
        for (int i = 0; i < moves.size(); i++) {
            Instant to = i + 1 < moves.size() ? moves.get(i + 1).at() : timeline.asOf();
            Double error = errors.get(moves.get(i).to().orElse(-1));
            if (error != null) {
                levels.add(new Level(moves.get(i).at(), to, error));
            }
        }
        return levels;
    }

    private double[] values(ToDoubleFunction<Estimate> part) {
        return groups.stream()
                .mapToDouble(group -> group.average(CalibrationChart::error, part))
                .toArray();
    }

    private static @Nullable Estimate error(Timeline.Window window) {
        Timeline.Calibration calibration = window.calibration();
        return calibration == null ? null : calibration.error();
    }

    private void expected(TimeChart chart, Axis y, List<Level> levels) {
        double[] xs = new double[3 * levels.size()];
        double[] ys = new double[xs.length];
        Arrays.fill(ys, Double.NaN); // every third one ends a line
        for (int i = 0; i < levels.size(); i++) {
            xs[3 * i] = axis.at(levels.get(i).from);
            xs[3 * i + 1] = axis.at(levels.get(i).to);
            ys[3 * i] = y.at(levels.get(i).error);
            ys[3 * i + 1] = ys[3 * i];
        }
        chart.line("line chance", xs, ys);
    }

    private void measured(TimeChart chart, Axis y, double[] measured) {
        double[] xs =
                groups.stream().mapToDouble(group -> axis.at(group.middle())).toArray();
        chart.area("band s0", xs, pixels(y, values(Estimate::low)), pixels(y, values(Estimate::high)));
        chart.line("line s0", xs, pixels(y, measured));
        for (int i = 0; i < xs.length; i++) {
            if (Double.isFinite(measured[i])) {
                chart.plot.dot("dot s0", xs[i], y.at(measured[i]), 2.6, tip(groups.get(i), measured[i]));
            }
        }
    }

    private static double[] pixels(Axis y, double[] values) {
        return DoubleStream.of(values)
                .map(value -> Double.isFinite(value) ? y.at(Math.max(y.low(), Math.min(y.high(), value))) : Double.NaN)
                .toArray();
    }

    private static String tip(Thinned group, double error) {
        double p = group.windows().stream()
                .flatMap(window -> java.util.stream.Stream.ofNullable(window.calibration()))
                .mapToDouble(Timeline.Calibration::p)
                .min()
                .orElse(Double.NaN);
        return TimelineReport.time(group.from()) + " to " + TimelineReport.time(group.to()) + ", measured "
                + Numbers.metric(Metric.ECE, error) + ", by chance with p " + Numbers.significant(p, 2);
    }
}
