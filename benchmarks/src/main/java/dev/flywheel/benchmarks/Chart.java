package dev.flywheel.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A line chart as SVG, legible on light and on dark ground. Not thread-safe. */
final class Chart {

    static final int WIDTH = 560;
    static final int HEIGHT = 380;

    private static final int LEFT = 70;
    private static final int RIGHT = 165;
    private static final int TOP = 40;
    private static final int BOTTOM = 54;

    /** Okabe and Ito's colours, which people who do not tell red from green can tell apart; ours comes first. */
    private static final List<String> COLOURS =
            List.of("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c8c8c");

    /** How numbers become places on an axis. */
    enum Scale {
        LINEAR,
        LOG
    }

    /** A point of a line. */
    record Point(double x, double y) {}

    private record Line(String name, int colour, List<Point> points) {}

    private final String title;
    private final String xLabel;
    private final String yLabel;
    private final Scale scale;
    private final List<Line> lines = new ArrayList<>();

    /** @param scale of both axes */
    Chart(String title, String xLabel, String yLabel, Scale scale) {
        this.title = title;
        this.xLabel = xLabel;
        this.yLabel = yLabel;
        this.scale = scale;
    }

    /**
     * Adds a line; the first one stands out.
     *
     * @param colour from 0; equal numbers are equal colours in all charts
     */
    void line(String name, int colour, List<Point> points) {
        List<Point> drawn = points.stream()
                .filter(p -> Double.isFinite(p.y) && (scale == Scale.LINEAR || (p.x > 0 && p.y > 0)))
                .toList();
        lines.add(new Line(name, colour, drawn));
    }

    /** {@return charts side by side in one self-contained file} */
    static String page(List<Chart> charts, int columns) {
        int rows = (charts.size() + columns - 1) / columns;
        StringBuilder svg = new StringBuilder(String.format(
                Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
                        + "font-family=\"system-ui,sans-serif\" font-size=\"12\">%n",
                columns * WIDTH,
                rows * HEIGHT,
                columns * WIDTH,
                rows * HEIGHT));
        svg.append("<style>text{fill:#222}.axis{stroke:#888;stroke-width:1;fill:none}")
                .append(".grid{stroke:#888;stroke-opacity:.25}.ground{fill:#fff}")
                .append("@media(prefers-color-scheme:dark){text{fill:#ddd}.ground{fill:#161b22}}</style>\n")
                .append("<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n");
        for (int i = 0; i < charts.size(); i++) {
            svg.append(String.format(
                    Locale.ROOT,
                    "<g transform=\"translate(%d %d)\">%n%s</g>%n",
                    i % columns * WIDTH,
                    i / columns * HEIGHT,
                    charts.get(i).draw()));
        }
        return svg.append("</svg>\n").toString();
    }

    private String draw() {
        StringBuilder svg = new StringBuilder();
        Axis x = Axis.over(values(true), scale, LEFT, WIDTH - RIGHT);
        Axis y = Axis.over(values(false), scale, HEIGHT - BOTTOM, TOP);
        text(svg, LEFT, 22, "start", "font-weight=\"600\" font-size=\"14\"", title);
        text(svg, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 14, "middle", "", xLabel);
        text(svg, 0, 0, "middle", String.format("transform=\"translate(16 %d) rotate(-90)\"", HEIGHT / 2), yLabel);
        List<Double> measured = lines.stream()
                .flatMap(line -> line.points.stream())
                .map(Point::x)
                .distinct()
                .sorted()
                .toList();
        for (double tick : measured.size() <= 8 ? measured : x.ticks()) {
            text(svg, x.place(tick), HEIGHT - BOTTOM + 18, "middle", "", Axis.label(tick));
        }
        for (double tick : y.ticks()) {
            svg.append(String.format(
                    Locale.ROOT, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>%n", LEFT, y.place(tick), WIDTH - RIGHT));
            text(svg, LEFT - 6, y.place(tick) + 4, "end", "", Axis.label(tick));
        }
        svg.append(String.format(
                "<path class=\"axis\" d=\"M%d %dV%dH%d\"/>%n", LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT));
        for (int i = lines.size() - 1; i >= 0; i--) {
            draw(svg, lines.get(i), COLOURS.get(lines.get(i).colour % COLOURS.size()), i, x, y);
        }
        return svg.toString();
    }

    private static void draw(StringBuilder svg, Line line, String colour, int number, Axis x, Axis y) {
        StringBuilder path = new StringBuilder();
        for (Point point : line.points) {
            path.append(path.isEmpty() ? 'M' : 'L')
                    .append(String.format(Locale.ROOT, "%.1f %.1f", x.place(point.x), y.place(point.y)));
            if (line.points.size() < 20) {
                svg.append(String.format(
                        Locale.ROOT,
                        "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%s\" fill=\"%s\"/>%n",
                        x.place(point.x),
                        y.place(point.y),
                        number == 0 ? "4" : "2.5",
                        colour));
            }
        }
        svg.append(String.format(
                "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%s\"/>%n",
                path, colour, number == 0 ? "3" : "1.5"));
        int at = TOP + 8 + 19 * number;
        svg.append(String.format(
                "<path d=\"M%d %dh18\" stroke=\"%s\" stroke-width=\"%s\"/>%n",
                WIDTH - RIGHT + 10, at, colour, number == 0 ? "3" : "1.5"));
        text(svg, WIDTH - RIGHT + 32, at + 4, "start", number == 0 ? "font-weight=\"600\"" : "", line.name);
    }

    private double[] values(boolean x) {
        return lines.stream()
                .flatMap(line -> line.points.stream())
                .mapToDouble(p -> x ? p.x : p.y)
                .toArray();
    }

    private static void text(StringBuilder svg, double x, double y, String anchor, String attributes, String text) {
        svg.append(String.format(
                Locale.ROOT,
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" %s>%s</text>%n",
                x,
                y,
                anchor,
                attributes,
                text.replace("&", "&amp;").replace("<", "&lt;")));
    }
}
