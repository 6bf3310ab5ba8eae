package dev.flywheel.core.audit;

/**
 * Writes JSON in the canonical form of RFC 8785, for objects and arrays of text and whole numbers: no white space;
 * properties sorted by the UTF-16 code units of their names, which the caller sees to; in text only the quotation mark,
 * the backslash and control characters are escaped, the latter by their two-character form or else as lower-case
 * {@code \}{@code u00xx}; whole numbers below 2^53 without a fraction. Not thread-safe.
 */
final class CanonicalJson {

    private static final String ESCAPED = "\b\t\n\f\r\"\\";
    private static final String ESCAPES = "btnfr\"\\";

    private final StringBuilder out = new StringBuilder(512);
    private boolean first = true;

    CanonicalJson open(char bracket) {
        separate();
        out.append(bracket);
        first = true;
        return this;
    }

    CanonicalJson close(char bracket) {
        out.append(bracket);
        first = false;
        return this;
    }

    CanonicalJson name(String name) {
        text(name);
        out.append(':');
        first = true;
        return this;
    }

    CanonicalJson text(String text) {
        separate();
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            character(text.charAt(i));
        }
        out.append('"');
        return this;
    }

    CanonicalJson number(long number) {
        separate();
        out.append(number);
        return this;
    }

    @Override
    public String toString() {
        return out.toString();
    }

    private void separate() {
        if (!first) {
            out.append(',');
        }
        first = false;
    }

    private void character(char c) {
        int escape = ESCAPED.indexOf(c);
        if (escape >= 0) {
            out.append('\\').append(ESCAPES.charAt(escape));
        } else if (c < ' ') {
            out.append(c < 0x10 ? "\\u000" : "\\u00").append(Integer.toHexString(c));
        } else {
            out.append(c);
        }
    }
}
