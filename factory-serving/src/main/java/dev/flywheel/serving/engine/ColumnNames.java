package dev.flywheel.serving.engine;

import java.util.ArrayList;
import java.util.List;

/**
 * Reads a JSON array of strings (RFC 8259), the form in which a model file names its raw columns. Its own reader,
 * because serving has no JSON library on its class path. Not thread-safe.
 */
final class ColumnNames {

    private final String json;
    private int position;

    private ColumnNames(String json) {
        this.json = json;
    }

    /**
     * {@return the strings of the array}
     *
     * @throws IllegalArgumentException if the text is not a JSON array of strings; the message says where
     */
    static List<String> parse(String json) {
        return new ColumnNames(json).array();
    }

    private List<String> array() {
        List<String> names = new ArrayList<>();
        expect('[');
        if (peek() == ']') {
            position++;
        } else {
            names.add(string());
            while (peek() == ',') {
                position++;
                names.add(string());
            }
            expect(']');
        }
        if (peek() != 0) {
            throw bad("the end");
        }
        return List.copyOf(names);
    }

    private String string() {
        expect('"');
        StringBuilder text = new StringBuilder();
        while (position < json.length()) {
            char c = json.charAt(position++);
            if (c == '"') {
                return text.toString();
            }
            if (c < ' ') {
                break;
            }
            text.append(c == '\\' ? escaped() : c);
        }
        throw bad("the rest of a string");
    }

    private char escaped() {
        char c = position < json.length() ? json.charAt(position++) : 0;
        return switch (c) {
            case '"', '\\', '/' -> c;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> unicode();
            default -> throw bad("an escape");
        };
    }

    private char unicode() {
        if (position + 4 > json.length()) {
            throw bad("four hexadecimal digits");
        }
        int value = 0;
        for (int i = 0; i < 4; i++) {
            int digit = Character.digit(json.charAt(position++), 16);
            if (digit < 0) {
                throw bad("a hexadecimal digit");
            }
            value = value << 4 | digit;
        }
        return (char) value;
    }

    private char peek() {
        while (position < json.length() && " \t\r\n".indexOf(json.charAt(position)) >= 0) {
            position++;
        }
        return position < json.length() ? json.charAt(position) : 0;
    }

    private void expect(char wanted) {
        if (peek() != wanted) {
            throw bad("'" + wanted + "'");
        }
        position++;
    }

    private IllegalArgumentException bad(String wanted) {
        return new IllegalArgumentException(
                "expected " + wanted + " at position " + position + " of the JSON array " + json);
    }
}
