package dev.flywheel.pipeline.evaluate;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * Builds one self-contained HTML file of headings, key figures, charts, tables and events, in the order of the calls.
 * It needs no network and no script, follows the reader's light or dark setting, reads well on a phone and on paper;
 * every text is escaped. Not thread-safe.
 */
public final class Page {

    private static final String CSS = resource("page.css");

    private final String title;
    private final Html body = new Html();
    private final Html head = new Html();
    private final List<String[]> sections = new ArrayList<>();
    private String kicker = "Flywheel";
    private boolean inSection;

    private Page(String title) {
        this.title = Objects.requireNonNull(title, "title");
    }

    /** {@return a page with a title} */
    public static Page titled(String title) {
        return new Page(title);
    }

    /** What a colour means; it is always said in words or by a sign, too. */
    public enum Tone {
        /** Nothing to judge. */
        NEUTRAL("", ""),
        /** A success. */
        GOOD("good", "\u2713"),
        /** A failure. */
        BAD("bad", "\u2715"),
        /** Undecided. */
        OPEN("open", "?");

        final String style;
        final String sign;

        Tone(String style, String sign) {
            this.style = style;
            this.sign = sign;
        }
    }

    /**
     * A number that stands for the whole.
     *
     * @param label what it is
     * @param value the number with its unit
     * @param note what to compare it with; may be empty
     */
    public record Figure(String label, String value, String note) {}

    /**
     * A line of a chart.
     *
     * @param name the name in the legend
     * @param values one for each x; NaN leaves a gap
     */
    public record Series(String name, List<Double> values) {

        /** Copies the list. */
        public Series {
            values = List.copyOf(values);
        }
    }

    /**
     * Lines over labelled points, from left to right. Immutable.
     *
     * @param title the heading
     * @param description what the chart shows, for those who cannot see it
     * @param xName what the labels are, such as "Week"
     * @param yName what the values are
     * @param x the label of each point
     * @param series the lines, at most 4, the one to look at first
     * @param marks the points at which a vertical line stands for an event, from 0
     * @param marksName what those lines stand for, such as "promotion"; empty if there are none
     */
    public record LineChart(
            String title,
            String description,
            String xName,
            String yName,
            List<String> x,
            List<Series> series,
            List<Integer> marks,
            String marksName) {

        /**
         * @throws IllegalArgumentException if a line has not one value for each label, or there are more than 4 lines
         */
        public LineChart {
            x = List.copyOf(x);
            series = List.copyOf(series);
            marks = List.copyOf(marks);
            if (series.isEmpty() || series.size() > 4) {
                throw new IllegalArgumentException(
                        "chart \"" + title + "\" needs 1 to 4 lines, found " + series.size());
            }
            for (Series line : series) {
                if (line.values().size() != x.size()) {
                    throw new IllegalArgumentException("line \"" + line.name() + "\" of chart \"" + title + "\" needs "
                            + x.size() + " values, found " + line.values().size());
                }
            }
            for (int mark : marks) {
                Objects.checkIndex(mark, x.size());
            }
        }
    }

    /**
     * Cells under headings; columns of numbers are aligned right. Immutable.
     *
     * @param caption what the table shows
     * @param columns the headings; the first column names the rows
     * @param rows the cells, one for each heading
     */
    public record Table(String caption, List<String> columns, List<List<String>> rows) {

        /** @throws IllegalArgumentException if a row has not one cell for each heading */
        public Table {
            columns = List.copyOf(columns);
            rows = rows.stream().map(List::copyOf).toList();
            for (List<String> row : rows) {
                if (row.size() != columns.size()) {
                    throw new IllegalArgumentException("table \"" + caption + "\" needs " + columns.size()
                            + " cells in each row, found " + row.size());
                }
            }
        }
    }

    /**
     * Something that happened.
     *
     * @param when the time, as the reader should see it
     * @param title what happened
     * @param detail why, or with which numbers; may be empty
     * @param tone whether it is good or bad
     */
    public record Event(String when, String title, String detail, Tone tone) {}

    /** Writes a paragraph under the title. */
    public Page intro(String paragraph) {
        head.leaf("p", paragraph, "class", "lead");
        return this;
    }

    /** Writes a row of key figures: in the head of the page, or in the section that is open. */
    public Page figures(List<Figure> figures) {
        Html out = out();
        out.open("dl", "class", "figures");
        for (Figure figure : figures) {
            out.open("div")
                    .leaf("dt", figure.label())
                    .open("dd")
                    .leaf("span", typographic(figure.value()), "class", "v");
            if (!figure.note().isEmpty()) {
                out.leaf("span", typographic(figure.note()), "class", "note");
            }
            out.close().close();
        }
        out.close();
        return this;
    }

    /** Starts a section; what follows belongs to it. */
    public Page section(String heading) {
        endSection();
        String id = "s" + (sections.size() + 1);
        sections.add(new String[] {id, heading});
        body.open("section", "aria-labelledby", id).leaf("h2", heading, "id", id);
        inSection = true;
        return this;
    }

    /** Writes a paragraph. */
    public Page paragraph(String text) {
        out().leaf("p", text);
        return this;
    }

    /** Writes charts side by side where there is room. */
    public Page charts(LineChart... charts) {
        Html out = out();
        out.open("div", "class", "charts wide");
        Charts drawn = new Charts(out);
        Arrays.stream(charts).forEach(drawn::lines);
        out.close();
        return this;
    }

    /** Writes a table; one that is wider than the page scrolls by itself. */
    public Page table(Table table) {
        Tables.write(out(), table);
        return this;
    }

    /** Writes a list of events. */
    public Page events(List<Event> events) {
        Html out = out();
        out.open("ol", "class", "events");
        for (Event event : events) {
            out.open("li", "class", "event " + event.tone().style);
            sign(out, event.tone());
            out.open("div").leaf("span", event.when(), "class", "when").leaf("strong", event.title());
            if (!event.detail().isEmpty()) {
                out.leaf("span", typographic(event.detail()), "class", "detail");
            }
            out.close().close();
        }
        out.close();
        return this;
    }

    /** {@return the page as HTML} */
    public String html() {
        endSection();
        Html page = new Html();
        page.open("html", "lang", "en").open("head").empty("meta", "charset", "utf-8");
        page.empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
        page.empty("meta", "name", "color-scheme", "content", "light dark");
        // Nothing here runs or loads, and this makes the browser hold to it.
        String policy = "default-src 'none'; style-src 'unsafe-inline'";
        page.empty("meta", "http-equiv", "Content-Security-Policy", "content", policy);
        page.leaf("title", title).style(CSS).close().open("body");
        page.open("header", "class", "top").leaf("p", kicker, "class", "kicker").leaf("h1", title);
        page.add(head).close();
        navigation(page);
        page.open("main").add(body).close().close().close();
        return "<!DOCTYPE html>\n" + page + "\n";
    }

    /** Replaces the line above the title. */
    Page kicker(String text) {
        kicker = text;
        return this;
    }

    /** {@return the writer of the open section, or of the head while there is none} */
    Html out() {
        return inSection ? body : head;
    }

    /** Writes the sign of a tone, which a screen reader need not hear: the words say the same. */
    static void sign(Html out, Tone tone) {
        out.leaf("span", tone.sign, "class", "sign", "aria-hidden", "true");
    }

    /** {@return numbers with a real minus sign} */
    static String typographic(String text) {
        return text.replaceAll("(?<![\\w.])-(?=[\\d\u221e])", "\u2212");
    }

    private void navigation(Html page) {
        if (sections.size() < 3) {
            return;
        }
        page.open("nav", "aria-label", "Sections").open("ul");
        for (String[] section : sections) {
            page.open("li").leaf("a", section[1], "href", "#" + section[0]).close();
        }
        page.close().close();
    }

    private void endSection() {
        if (inSection) {
            body.close();
            inSection = false;
        }
    }

    private static String resource(String name) {
        try (InputStream in = Objects.requireNonNull(Page.class.getResourceAsStream(name), name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
