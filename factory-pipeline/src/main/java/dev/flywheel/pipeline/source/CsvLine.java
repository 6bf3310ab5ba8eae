package dev.flywheel.pipeline.source;

import de.siegmar.fastcsv.reader.AbstractBaseCsvCallbackHandler;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** One record of a CSV file, in one array of characters; the next record overwrites it. Not thread-safe. */
final class CsvLine extends AbstractBaseCsvCallbackHandler<CsvLine> {

    /** What a decoder puts in the place of bytes that are no character. */
    private static final char REPLACEMENT = '\uFFFD';

    private static final int NONE = -1;

    private char[] chars = new char[256];
    private int[] ends = new int[16];
    private int fields;
    private int damaged = NONE;
    private int longest;
    private long line;

    @Override
    protected void handleBegin(long startingLineNumber) {
        fields = 0;
        damaged = NONE;
        longest = 0;
        line = startingLineNumber;
    }

    @Override
    protected void handleField(int field, char[] from, int offset, int length, boolean quoted) {
        int start = start(field);
        if (start + length > chars.length) {
            chars = Arrays.copyOf(chars, Math.max(start + length, 2 * chars.length));
        }
        if (field == ends.length) {
            ends = Arrays.copyOf(ends, 2 * field);
        }
        char[] to = chars;
        boolean whole = true;
        for (int i = 0; i < length; i++) {
            char c = from[offset + i];
            to[start + i] = c;
            whole &= c != REPLACEMENT;
        }
        if (!whole && damaged == NONE) {
            damaged = field;
        }
        ends[field] = start + length;
        longest = Math.max(longest, length);
        fields = field + 1;
    }

    @Override
    protected CsvLine buildRecord() {
        return this;
    }

    /** {@return the number of the line in which the record begins; the header is usually in line 1} */
    long line() {
        return line;
    }

    int fields() {
        return fields;
    }

    /** {@return the first field with bytes that are not UTF-8, or -1} */
    int damagedField() {
        return damaged;
    }

    /** {@return the characters in the longest field} */
    int longest() {
        return longest;
    }

    CellParser cell(int field, CellParser parser) {
        return parser.at(chars, start(field), ends[field]);
    }

    String text(int field) {
        return new String(chars, start(field), ends[field] - start(field));
    }

    List<String> texts() {
        List<String> texts = new ArrayList<>(fields);
        for (int i = 0; i < fields; i++) {
            texts.add(text(i));
        }
        return texts;
    }

    /** {@return the record as CSV, cut after about {@code limit} characters} */
    String raw(int limit) {
        StringBuilder raw = new StringBuilder();
        for (int i = 0; i < fields && raw.length() <= limit; i++) {
            int start = start(i);
            String text = new String(chars, start, Math.min(ends[i] - start, limit + 1));
            boolean quoted = text.chars().anyMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
            raw.append(i == 0 ? "" : ",").append(quoted ? '"' + text.replace("\"", "\"\"") + '"' : text);
        }
        return raw.toString();
    }

    private int start(int field) {
        return field == 0 ? 0 : ends[field - 1];
    }
}
