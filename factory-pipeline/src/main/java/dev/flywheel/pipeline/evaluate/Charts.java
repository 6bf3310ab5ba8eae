package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.stat.Curves;
import dev.flywheel.core.stat.Metric;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/** The charts of the reports, as inline SVG. */
final class Charts {

    private static final double SQUARE = 340;
    private static final double WIDE = 460;
    private static final double WIDE_HEIGHT = 250;
    private static final int MOST_LABELS = 8;

    private final Html html;

    Charts(Html html) {
        this.html = html;
    }

    /** A model's name in the legend with its points. */
    record Trace(String name, List<Curves.Point> points) {}

    /** A model's name in the legend with its groups of rows. */
    record Bins(String name, List<Curves.Bin> bins) {}

    /** Curves over 0 to 1 on both axes, with a reference line that an uninformed model would follow. */
    void unit(
            String title,
            String description,
            String xName,
            String yName,
            List<Trace> traces,
            double chanceLeft,
            double chanceRight) {
        Plot plot = new Plot(html, SQUARE, SQUARE - 30);
        plot.open(title, description, traces.stream().map(Trace::name).toList());
        Axis x = plot.x(0, 1);
        Axis y = plot.yExact(0, 1);
        plot.axes(x, y, xName, yName);
        plot.stroke("chance", x.at(0), y.at(chanceLeft), x.at(1), y.at(chanceRight));
        // The first trace is the one to look at: drawn last, it lies on top.
        for (int i = traces.size() - 1; i >= 0; i--) {
            List<Curves.Point> points = traces.get(i).points();
            plot.line(
                    "line s" + i,
                    x,
                    y,
                    points.stream().mapToDouble(Curves.Point::x).toArray(),
                    points.stream().mapToDouble(Curves.Point::y).toArray());
        }
        plot.close();
    }

    /** Predicted against observed rates, with the intervals of the observed ones. */
    void calibration(String title, String description, List<Bins> models) {
        double most = models.stream()
                .flatMap(model -> model.bins().stream())
                .mapToDouble(bin -> Math.max(bin.predicted(), bin.observed().high()))
                .max()
                .orElse(1);
        Plot plot = new Plot(html, SQUARE, SQUARE - 30);
        plot.open(title, description, models.stream().map(Bins::name).toList());
        double top = Math.min(1, Math.ceil(most * 10) / 10);
        Axis x = plot.x(0, top);
        Axis y = plot.yExact(0, top);
        plot.axes(x, y, "Predicted", "Observed");
        plot.stroke("chance", x.at(0), y.at(0), x.at(top), y.at(top));
        for (int i = models.size() - 1; i >= 0; i--) {
            drawBins(plot, x, y, models.get(i).bins(), i);
        }
        plot.close();
    }

    private static void drawBins(Plot plot, Axis x, Axis y, List<Curves.Bin> bins, int series) {
        for (Curves.Bin bin : bins) {
            double at = x.at(bin.predicted());
            plot.stroke(
                    "whisker s" + series,
                    at,
                    y.at(bin.observed().low()),
                    at,
                    y.at(bin.observed().high()));
        }
        plot.line(
                "line thin s" + series,
                x,
                y,
                bins.stream().mapToDouble(Curves.Bin::predicted).toArray(),
                bins.stream().mapToDouble(bin -> bin.observed().value()).toArray());
        for (Curves.Bin bin : bins) {
            plot.dot(
                    "dot s" + series,
                    x.at(bin.predicted()),
                    y.at(bin.observed().value()),
                    3.2,
                    Numbers.count(bin.rows()) + " rows scored " + Numbers.fixed(bin.low(), 3) + " to "
                            + Numbers.fixed(bin.high(), 3) + ": predicted " + Numbers.percent(bin.predicted())
                            + ", observed " + Numbers.percent(bin.observed().value()));
        }
    }

    /** Predicted against actual values as a grid whose cells are the darker, the more rows they hold. */
    void grid(String title, String description, Diagnostics.Grid grid) {
        Plot plot = new Plot(html, SQUARE, SQUARE - 30);
        plot.open(title, description, List.of());
        Axis x = plot.x(grid.low(), grid.high());
        Axis y = plot.yExact(grid.low(), grid.high());
        double most = Collections.max(grid.counts());
        int size = grid.size();
        double step = (x.high() - x.low()) / size;
        double width = (x.end() - x.start()) / size;
        double height = (y.start() - y.end()) / size;
        for (int cell = 0; cell < grid.counts().size(); cell++) {
            long rows = grid.counts().get(cell);
            if (rows > 0) {
                int row = cell / size;
                double predicted = x.low() + cell % size * step;
                double actual = y.low() + row * step;
                String tip = Numbers.count(rows) + " rows predicted " + Numbers.brief(predicted) + " to "
                        + Numbers.brief(predicted + step) + ", actually " + Numbers.brief(actual) + " to "
                        + Numbers.brief(actual + step);
                // The root, because a few full cells would otherwise leave all others white.
                String opacity = Numbers.fixed(0.12 + 0.88 * Math.sqrt(rows / most), 2);
                plot.box("cell", x.at(predicted), y.at(actual + step), width, height, tip, "fill-opacity", opacity);
            }
        }
        plot.axes(x, y, "Predicted", "Actual");
        plot.stroke("chance", x.at(x.low()), y.at(y.low()), x.at(x.high()), y.at(y.high()));
        plot.close();
    }

    /** A histogram with axes. */
    void histogram(String title, String description, String xName, Histogram histogram) {
        Plot plot = new Plot(html, SQUARE, SQUARE - 30);
        plot.open(title, description, List.of());
        Axis x = plot.x(histogram.low(), histogram.high());
        Axis y = plot.yRound(0, highest(histogram));
        plot.axes(x, y, xName, "Rows");
        bars(plot, histogram, x, y);
        if (x.low() < 0 && x.high() > 0) {
            plot.stroke("chance", x.at(0), y.start(), x.at(0), y.end());
        }
        plot.close();
    }

    /** A histogram the size of a word. */
    void sparkline(String title, String description, Histogram histogram, double width, double height) {
        Plot.svg(html, title, description, width, height, "spark");
        Plot plot = new Plot(html, width, height);
        Axis x = Axis.exact(histogram.low(), histogram.high(), 0, width, 2);
        Axis y = Axis.exact(0, highest(histogram), height - 1, 1, 2);
        bars(plot, histogram, x, y);
        plot.stroke("axis", 0, height - 0.5, width, height - 0.5);
        html.close();
    }

    private static double highest(Histogram histogram) {
        return Math.max(1.0, Collections.max(histogram.counts()));
    }

    private static void bars(Plot plot, Histogram histogram, Axis x, Axis y) {
        int bins = histogram.counts().size();
        double step = (x.high() - x.low()) / bins;
        double width = (x.end() - x.start()) / bins;
        for (int bin = 0; bin < bins; bin++) {
            long rows = histogram.counts().get(bin);
            if (rows > 0) {
                double from = x.low() + bin * step;
                double height = Math.max(1, y.start() - y.at((double) rows));
                plot.box(
                        "bar",
                        x.at(from) + width * 0.06,
                        y.start() - height,
                        width * 0.88,
                        height,
                        Numbers.count(rows) + " rows");
            }
        }
    }

    /** An estimate as a dot on its interval, on a scale shared by the rows of a table. */
    void interval(Metric metric, Estimate estimate, Axis scale, double reference, String series) {
        String text = metric.label() + " " + Numbers.metric(metric, estimate.value()) + ", 95% "
                + Numbers.metric(metric, estimate.low()) + " to " + Numbers.metric(metric, estimate.high());
        interval(metric.label(), text, estimate, scale, reference, series);
    }

    /** An estimate as a bar from zero with its interval, of which a text tells the numbers. */
    void bar(String name, String text, Estimate estimate, Axis scale) {
        Plot.svg(html, name + " with its interval", text, scale.end() + 6, 18, "interval");
        Plot plot = new Plot(html, scale.end() + 6, 18);
        double from = Math.min(scale.at(0), scale.at(estimate.value()));
        double to = Math.max(scale.at(0), scale.at(estimate.value()));
        plot.box("bar", from, 3, to - from, 12, text);
        if (!Double.isNaN(estimate.low()) && !Double.isNaN(estimate.high())) {
            plot.stroke("whisker s0", scale.at(estimate.low()), 9, scale.at(estimate.high()), 9);
        }
        plot.stroke("reference", scale.at(0), 0, scale.at(0), 18);
        html.close();
    }

    /** An estimate as a dot on its interval, of which a text tells the numbers. */
    void interval(String name, String text, Estimate estimate, Axis scale, double reference, String series) {
        Plot.svg(html, name + " with its interval", text, scale.end() + 6, 18, "interval");
        Plot plot = new Plot(html, scale.end() + 6, 18);
        if (!Double.isNaN(reference)) {
            plot.stroke("reference", scale.at(reference), 0, scale.at(reference), 18);
        }
        if (!Double.isNaN(estimate.low()) && !Double.isNaN(estimate.high())) {
            plot.stroke(
                    "whisker " + series,
                    scale.at(Math.max(scale.low(), estimate.low())),
                    9,
                    scale.at(Math.min(scale.high(), estimate.high())),
                    9);
        }
        if (!Double.isNaN(estimate.value())) {
            plot.dot("dot " + series, scale.at(estimate.value()), 9, 3.6, text);
        }
        html.close();
    }

    /** {@return a scale that holds the intervals of all estimates} */
    static Axis scale(List<Estimate> estimates, double width) {
        double[] ends = estimates.stream()
                .flatMapToDouble(estimate -> DoubleStream.of(estimate.low(), estimate.value(), estimate.high()))
                .filter(Double::isFinite)
                .toArray();
        double low = Arrays.stream(ends).min().orElse(0);
        double high = Arrays.stream(ends).max().orElse(1);
        double slack = Math.max((high - low) * 0.04, 1e-9);
        return Axis.exact(low - slack, high + slack, 6, width - 6, 3);
    }

    /** Lines over labelled points. */
    void lines(Page.LineChart chart) {
        Plot plot = new Plot(html, WIDE, WIDE_HEIGHT);
        plot.open(
                chart.title(),
                chart.description(),
                chart.series().stream().map(Page.Series::name).toList(),
                chart.marksName());
        double[] all = chart.series().stream()
                .flatMap(series -> series.values().stream())
                .mapToDouble(Double::doubleValue)
                .filter(Double::isFinite)
                .toArray();
        int last = chart.x().size() - 1;
        Axis x = plot.x(0, Math.max(1, last));
        Axis y = plot.yRound(
                Arrays.stream(all).min().orElse(0), Arrays.stream(all).max().orElse(1));
        plot.axes(new Axis(x.low(), x.high(), x.start(), x.end(), List.of()), y, chart.xName(), chart.yName());
        for (int index : chart.marks()) {
            plot.stroke("mark", x.at(index), y.start(), x.at(index), y.end());
        }
        for (int index : labelled(last)) {
            plot.stroke("tick", x.at(index), y.start(), x.at(index), y.start() + 4);
            plot.label(x.at(index), y.start() + 17, "middle", chart.x().get(index));
        }
        double[] positions = IntStream.rangeClosed(0, last).asDoubleStream().toArray();
        for (int i = chart.series().size() - 1; i >= 0; i--) {
            drawSeries(plot, x, y, positions, chart, i);
        }
        plot.close();
    }

    private static void drawSeries(Plot plot, Axis x, Axis y, double[] positions, Page.LineChart chart, int index) {
        Page.Series series = chart.series().get(index);
        double[] values =
                series.values().stream().mapToDouble(Double::doubleValue).toArray();
        plot.line("line s" + index, x, y, positions, values);
        for (int i = 0; i < values.length; i++) {
            if (Double.isFinite(values[i])) {
                String tip = series.name() + ", " + chart.x().get(i) + ": " + Numbers.brief(values[i]);
                plot.dot("dot s" + index, x.at(i), y.at(values[i]), 2.6, tip);
            }
        }
    }

    private static List<Integer> labelled(int last) {
        List<Integer> labelled = new ArrayList<>();
        int step = Math.max(1, (last + MOST_LABELS) / MOST_LABELS);
        for (int i = 0; i <= last; i += step) {
            labelled.add(i);
        }
        return labelled;
    }
}
