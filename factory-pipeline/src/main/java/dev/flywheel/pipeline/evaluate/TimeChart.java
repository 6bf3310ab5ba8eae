package dev.flywheel.pipeline.evaluate;

import java.util.List;

/**
 * A chart over time, as wide as the page, that shares its axis with others under it so that what happened at the same
 * time stands below each other. On a narrow screen it scrolls by itself.
 */
final class TimeChart {

    static final double WIDTH = 920;
    static final double LEFT = 128;
    static final double RIGHT = WIDTH - 26;
    static final double TOP = 22;
    private static final double BOTTOM = 26;

    /** A sign of the legend: a piece of path with its style, and what it stands for. */
    record Key(String path, String style, String name) {

        static Key line(int series, String name) {
            return new Key("M1 5H25", "line s" + series, name);
        }

        static Key mark(String style, String name) {
            return new Key("M13 0V10", style, name);
        }

        static Key area(String style, String name) {
            return new Key("M6 0H20V10H6Z", style, name);
        }
    }

    private final Html html;
    private final TimeAxis x;
    private final double height;
    final Plot plot;

    TimeChart(Html html, TimeAxis x, double body) {
        this.html = html;
        this.x = x;
        this.height = TOP + body + BOTTOM;
        this.plot = new Plot(html, WIDTH, height);
    }

    /** {@return the axis that charts share} */
    static TimeAxis axis(java.time.Instant from, java.time.Instant to) {
        return TimeAxis.of(from, to, LEFT, RIGHT);
    }

    double bottom() {
        return height - BOTTOM;
    }

    TimeChart open(String title, String description, List<Key> keys) {
        html.open("figure", "class", "chart time", "tabindex", "0")
                .open("figcaption")
                .leaf("strong", title);
        if (!keys.isEmpty()) {
            html.open("span", "class", "legend");
            keys.forEach(key -> Plot.key(html, key.path, key.style, key.name));
            html.close();
        }
        html.close();
        Plot.svg(html, title, description, WIDTH, height, "plot");
        return this;
    }

    void close() {
        html.close().close();
    }

    /** Draws the axis of time at the bottom. */
    TimeChart time() {
        plot.stroke("axis", LEFT, bottom(), RIGHT, bottom());
        for (TimeAxis.Tick tick : x.ticks()) {
            plot.stroke("tick", x.at(tick.at()), bottom(), x.at(tick.at()), bottom() + 4);
            plot.label(x.at(tick.at()), bottom() + 18, "middle", tick.label());
        }
        return this;
    }

    /** {@return an axis of values, from the bottom up} */
    Axis values(double low, double high) {
        return Axis.round(low, high, bottom(), TOP, 3);
    }

    /** Draws the grid, the values at its left and their name. */
    TimeChart grid(Axis y, String name) {
        for (double tick : y.ticks()) {
            html.empty("path", "class", "grid", "d", "M" + Plot.px(LEFT) + " " + Plot.px(y.at(tick)) + "H" + RIGHT);
            plot.label(LEFT - 8, y.at(tick) + 4, "end", Plot.tickLabel(tick, y));
        }
        plot.label(2, 11, "start", name, "name");
        return this;
    }

    /** Draws the area between two lines; NaN leaves a gap. */
    TimeChart area(String style, double[] xs, double[] lows, double[] highs) {
        StringBuilder path = new StringBuilder();
        int from = 0;
        while (from < xs.length) {
            int to = from;
            while (to < xs.length && Double.isFinite(lows[to]) && Double.isFinite(highs[to])) {
                to++;
            }
            if (to - from > 1) {
                outline(path, xs, lows, highs, from, to);
            }
            from = to + 1;
        }
        if (path.length() > 0) {
            html.empty("path", "class", style, "d", path.toString());
        }
        return this;
    }

    private static void outline(StringBuilder path, double[] xs, double[] lows, double[] highs, int from, int to) {
        for (int i = from; i < to; i++) {
            path.append(i == from ? 'M' : 'L')
                    .append(Plot.px(xs[i]))
                    .append(' ')
                    .append(Plot.px(highs[i]));
        }
        for (int i = to - 1; i >= from; i--) {
            path.append('L').append(Plot.px(xs[i])).append(' ').append(Plot.px(lows[i]));
        }
        path.append('Z');
    }

    /** Draws a line through pixels; NaN leaves a gap. */
    TimeChart line(String style, double[] xs, double[] ys) {
        StringBuilder path = new StringBuilder();
        boolean pen = false;
        for (int i = 0; i < xs.length; i++) {
            if (!Double.isFinite(ys[i])) {
                pen = false;
                continue;
            }
            path.append(pen ? 'L' : 'M').append(Plot.px(xs[i])).append(' ').append(Plot.px(ys[i]));
            pen = true;
        }
        if (path.length() > 0) {
            html.empty("path", "class", style, "d", path.toString());
        }
        return this;
    }
}
