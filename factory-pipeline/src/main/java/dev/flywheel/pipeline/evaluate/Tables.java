package dev.flywheel.pipeline.evaluate;

import java.util.List;
import java.util.regex.Pattern;

/** Tables as HTML, with scopes for screen readers, in a box that scrolls by itself when it is too wide. */
final class Tables {

    private static final Pattern NUMBER = Pattern.compile(
            "[<>+\u2212\u00b1-]? ?([\\d\u2013\u221e][\\d.,]*(e-?\\d+)?)?( ?(%|ms|s|min|h|m|k|bn))?( to .*)?");

    private Tables() {}

    static void write(Html out, Page.Table table) {
        open(out, table.caption());
        out.open("thead").open("tr");
        for (int column = 0; column < table.columns().size(); column++) {
            heading(out, table.columns().get(column), column > 0 && numeric(table, column));
        }
        out.close().close().open("tbody");
        for (List<String> row : table.rows()) {
            out.open("tr");
            for (int column = 0; column < row.size(); column++) {
                String text = Page.typographic(row.get(column));
                if (column == 0) {
                    out.leaf("th", text, "scope", "row");
                } else {
                    out.leaf("td", text, "class", numeric(table, column) ? "n" : "");
                }
            }
            out.close();
        }
        close(out.close());
    }

    /** Opens the box and the table. */
    static Html open(Html out, String caption) {
        return open(out, caption, "");
    }

    /** Opens the box and the table with a style of its own. */
    static Html open(Html out, String caption, String style) {
        return out.open("div", "class", "table " + style, "role", "region", "aria-label", caption, "tabindex", "0")
                .open("table")
                .leaf("caption", caption);
    }

    /** Closes the table and the box. */
    static Html close(Html out) {
        return out.close().close();
    }

    static Html heading(Html out, String text, boolean numeric) {
        return out.leaf("th", text, "scope", "col", "class", numeric ? "n" : "");
    }

    /** {@return whether every cell of a column is a number} */
    private static boolean numeric(Page.Table table, int column) {
        return !table.rows().isEmpty()
                && table.rows().stream()
                        .allMatch(row -> NUMBER.matcher(row.get(column).strip()).matches());
    }
}
