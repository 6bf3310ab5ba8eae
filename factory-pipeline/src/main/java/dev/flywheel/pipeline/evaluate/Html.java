package dev.flywheel.pipeline.evaluate;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Writes well-formed HTML (it parses as XML, too). Whatever comes in as text or as an attribute's value is escaped;
 * there is no way to write markup but through tags, whose names are constants of this package. Not thread-safe.
 */
final class Html {

    private final StringBuilder out = new StringBuilder(1 << 16);
    private final Deque<String> open = new ArrayDeque<>();
    private int ids;

    /** Opens an element. */
    Html open(String tag, String... attributes) {
        tag(tag, attributes).append('>');
        open.push(tag);
        return this;
    }

    /** Closes the element opened last. */
    Html close() {
        out.append("</").append(open.pop()).append('>');
        return this;
    }

    /** Writes an element that holds nothing but text. */
    Html leaf(String tag, String text, String... attributes) {
        return open(tag, attributes).text(text).close();
    }

    /** Writes an element without content: one that is void in HTML, or one of SVG; any other would stay open. */
    Html empty(String tag, String... attributes) {
        tag(tag, attributes).append("/>");
        return this;
    }

    /** Writes text. */
    Html text(String text) {
        escape(text, out);
        return this;
    }

    /** Writes the style sheet, which is ours and holds nothing that needs escaping. */
    Html style(String css) {
        out.append("<style>").append(css).append("</style>");
        return this;
    }

    /** Writes what another writer has finished. */
    Html add(Html finished) {
        out.append(finished);
        return this;
    }

    /** {@return an id that occurs once on the page} */
    String nextId() {
        return "i" + ++ids;
    }

    private StringBuilder tag(String tag, String... attributes) {
        out.append('<').append(tag);
        for (int i = 0; i + 1 < attributes.length; i += 2) {
            out.append(' ').append(attributes[i]).append("=\"");
            escape(attributes[i + 1], out);
            out.append('"');
        }
        return out;
    }

    private static void escape(String text, StringBuilder out) {
        text.codePoints().forEach(c -> {
            switch (c) {
                case '&' -> out.append("&amp;");
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '"' -> out.append("&quot;");
                case '\'' -> out.append("&#39;");
                default -> out.appendCodePoint(printable(c) ? c : 0xfffd);
            }
        });
    }

    /** Control characters and halves of surrogate pairs are no characters of a document. */
    private static boolean printable(int c) {
        boolean no = Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE || (c | 1) == 0xffff;
        return c == '\n' || c == '\t' || !no;
    }

    @Override
    public String toString() {
        if (!open.isEmpty()) {
            throw new IllegalStateException("still open: " + open);
        }
        return out.toString();
    }
}
