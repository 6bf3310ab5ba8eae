package dev.flywheel.pipeline.evaluate;

import java.util.List;
import java.util.Locale;

/**
 * One chart: a figure with a caption, a legend and an inline SVG whose colours come from the page's style sheet. Series
 * differ by colour and by dashes, so that they can be told apart without colour.
 */
final class Plot {

    private static final double LEFT = 46;
    private static final double RIGHT = 14;
    private static final double TOP = 24;
    private static final double BOTTOM = 38;

    private final Html html;
    private final double width;
    private final double height;

    Plot(Html html, double width, double height) {
        this.html = html;
        this.width = width;
        this.height = height;
    }

    /** Opens the figure; series are the names in the legend, none for a chart that needs no legend. */
    Plot open(String title, String description, List<String> series) {
        return open(title, description, series, "");
    }

    /** Opens the figure with a name for vertical lines in the legend, too. */
    Plot open(String title, String description, List<String> series, String marks) {
        html.open("figure", "class", "chart").open("figcaption").leaf("strong", title);
        if (!series.isEmpty()) {
            html.open("span", "class", "legend");
            for (int i = 0; i < series.size(); i++) {
                key(html, "M1 5H25", "line s" + i, series.get(i));
            }
            if (!marks.isEmpty()) {
                key(html, "M13 0V10", "mark", marks);
            }
            html.close();
        }
        html.close();
        svg(html, title, description, width, height, "plot");
        return this;
    }

    /** Writes a sign of a legend and what it stands for. */
    static void key(Html html, String path, String style, String name) {
        html.open("span", "class", "key")
                .open("svg", "width", "26", "height", "10", "aria-hidden", "true", "focusable", "false")
                .empty("path", "d", path, "class", style)
                .close()
                .text(name)
                .close();
    }

    Plot close() {
        html.close().close();
        return this;
    }

    /** Opens an SVG element with a title and a description for those who cannot see it. */
    static void svg(Html html, String title, String description, double width, double height, String style) {
        String titleId = html.nextId();
        String descriptionId = html.nextId();
        html.open(
                        "svg",
                        "class",
                        style,
                        "viewBox",
                        "0 0 " + px(width) + " " + px(height),
                        "role",
                        "img",
                        "aria-labelledby",
                        titleId + " " + descriptionId)
                .leaf("title", title, "id", titleId)
                .leaf("desc", description, "id", descriptionId);
    }

    Axis x(double low, double high) {
        return Axis.exact(low, high, LEFT, width - RIGHT, 5);
    }

    Axis yExact(double low, double high) {
        return Axis.exact(low, high, height - BOTTOM, TOP, 5);
    }

    Axis yRound(double low, double high) {
        return Axis.round(low, high, height - BOTTOM, TOP, 4);
    }

    /** Draws grid, ticks and names. */
    Plot axes(Axis x, Axis y, String xName, String yName) {
        for (double tick : y.ticks()) {
            html.empty("path", "class", "grid", "d", "M" + px(x.start()) + " " + px(y.at(tick)) + "H" + px(x.end()));
            label(x.start() - 7, y.at(tick) + 4, "end", tickLabel(tick, y));
        }
        for (double tick : x.ticks()) {
            html.empty("path", "class", "tick", "d", "M" + px(x.at(tick)) + " " + px(y.start()) + "v4");
            label(x.at(tick), y.start() + 17, "middle", tickLabel(tick, x));
        }
        return frame(x, y, xName, yName);
    }

    /** Draws the base line and the names of the axes. */
    Plot frame(Axis x, Axis y, String xName, String yName) {
        html.empty("path", "class", "axis", "d", "M" + px(x.start()) + " " + px(y.start()) + "H" + px(x.end()));
        label((x.start() + x.end()) / 2, height - 4, "middle", xName, "name");
        label(2, 12, "start", yName, "name");
        return this;
    }

    /** Draws a line through points; NaN leaves a gap. */
    Plot line(String style, Axis x, Axis y, double[] xs, double[] ys) {
        StringBuilder path = new StringBuilder();
        boolean pen = false;
        for (int i = 0; i < xs.length; i++) {
            if (Double.isNaN(ys[i])) {
                pen = false;
                continue;
            }
            path.append(pen ? "L" : "M").append(px(x.at(xs[i]))).append(' ').append(px(y.at(ys[i])));
            pen = true;
        }
        if (path.length() > 0) {
            html.empty("path", "class", style, "d", path.toString());
        }
        return this;
    }

    /** Draws a dot that tells its numbers when pointed at. */
    Plot dot(String style, double x, double y, double radius, String tip) {
        html.open("circle", "class", style, "cx", px(x), "cy", px(y), "r", px(radius))
                .leaf("title", tip)
                .close();
        return this;
    }

    Plot stroke(String style, double x1, double y1, double x2, double y2) {
        html.empty("path", "class", style, "d", "M" + px(x1) + " " + px(y1) + "L" + px(x2) + " " + px(y2));
        return this;
    }

    Plot box(String style, double x, double y, double w, double h, String tip, String... more) {
        String[] attributes = new String[10 + more.length];
        System.arraycopy(
                new String[] {"class", style, "x", px(x), "y", px(y), "width", px(w), "height", px(h)},
                0,
                attributes,
                0,
                10);
        System.arraycopy(more, 0, attributes, 10, more.length);
        html.open("rect", attributes).leaf("title", tip).close();
        return this;
    }

    Plot label(double x, double y, String anchor, String text) {
        return label(x, y, anchor, text, "");
    }

    Plot label(double x, double y, String anchor, String text, String style) {
        html.leaf("text", Page.typographic(text), "x", px(x), "y", px(y), "text-anchor", anchor, "class", style);
        return this;
    }

    static String tickLabel(double tick, Axis axis) {
        double step =
                axis.ticks().size() > 1 ? axis.ticks().get(1) - axis.ticks().get(0) : 1;
        if (Math.abs(tick) < step * 1e-6) {
            return "0";
        }
        if (Math.max(Math.abs(axis.low()), Math.abs(axis.high())) >= 1e6) {
            return Numbers.compact(tick);
        }
        int decimals = (int) Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
        boolean quarter = Math.abs(step * Math.pow(10, decimals) - Math.rint(step * Math.pow(10, decimals))) > 1e-6;
        return Numbers.fixed(tick, Math.min(8, decimals + (quarter ? 1 : 0)));
    }

    /** {@return a coordinate; a tenth of a pixel is as fine as anyone sees} */
    static String px(double value) {
        String text = String.format(Locale.ROOT, "%.1f", value);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
    }
}
