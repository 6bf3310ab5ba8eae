package dev.flywheel.pipeline.source;

import java.math.BigDecimal;

/**
 * Reads the values in one cell of a CSV file, where it stands in the row's characters. White space around a value is
 * ignored, except in text. Every reading sets {@link #ok}. Not thread-safe.
 */
final class CellParser {

    static final String EXPECTED_NUMBER = "a finite number";
    static final String EXPECTED_FLOAT = "a number that a float holds, up to 3.4e38";
    static final String EXPECTED_INTEGER = "a whole number of at most 64 bits";
    static final String EXPECTED_BOOLEAN = "true or false (also yes/no, y/n, t/f, 1/0)";
    static final String EXPECTED_TIME = "an ISO-8601 date or time";

    /** Powers of ten that a double holds exactly. */
    private static final double[] EXACT_POWERS = new double[23];

    static {
        for (int i = 0; i < EXACT_POWERS.length; i++) {
            EXACT_POWERS[i] = new BigDecimal("1e" + i).doubleValue();
        }
    }

    /** Integers up to this are exact in a double. */
    private static final long EXACT_MANTISSA = 1L << 53;

    private char[] chars = new char[0];
    private int start;
    private int end;
    /** The cell without white space around it. */
    private int from;

    private int to;
    private boolean ok;

    /** Moves to a cell: {@code chars[start..end)}. */
    CellParser at(char[] chars, int start, int end) {
        this.chars = chars;
        this.start = start;
        this.end = end;
        int left = start;
        int right = end;
        while (left < right && chars[left] <= ' ') {
            left++;
        }
        while (right > left && chars[right - 1] <= ' ') {
            right--;
        }
        this.from = left;
        this.to = right;
        return this;
    }

    /** {@return whether the last value read was one} */
    boolean ok() {
        return ok;
    }

    /** {@return whether there is not one character} */
    boolean isEmpty() {
        return start == end;
    }

    /** {@return whether the cell, as it is, holds this text} */
    boolean isText(String text) {
        if (text.length() != end - start) {
            return false;
        }
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) != chars[start + i]) {
                return false;
            }
        }
        return true;
    }

    String text() {
        return new String(chars, start, end - start);
    }

    /** {@return whether the cell of a column that is not text says that there is no value} */
    boolean missing() {
        int length = to - from;
        if (length == 0) {
            return true;
        }
        char first = chars[from];
        if (length > 4 || (first != 'n' && first != 'N')) {
            return false;
        }
        return is("na") || is("n/a") || is("nan") || is("null");
    }

    /** {@return a finite number} */
    double number() {
        int at = signEnd();
        boolean negative = at > from && chars[from] == '-';
        long mantissa = 0;
        int digits = 0;
        int significant = 0;
        int exponent = 0;
        for (; at < to && isDigit(chars[at]); at++, digits++) {
            if (significant < 18) {
                mantissa = mantissa * 10 + (chars[at] - '0');
                significant += mantissa == 0 ? 0 : 1;
            } else {
                significant++;
            }
        }
        if (at < to && chars[at] == '.') {
            at++;
            for (; at < to && isDigit(chars[at]); at++, digits++) {
                if (significant < 18) {
                    mantissa = mantissa * 10 + (chars[at] - '0');
                    significant += mantissa == 0 ? 0 : 1;
                    exponent--;
                } else {
                    significant++;
                }
            }
        }
        boolean plain = at == to;
        ok = digits > 0 && (plain || isExponent(at));
        if (!ok) {
            return Double.NaN;
        }
        // Exact where digits and power of ten are exact in a double and rounding happens once (Clinger 1990).
        if (plain && significant <= 18 && mantissa <= EXACT_MANTISSA && exponent >= -22) {
            double value = mantissa / EXACT_POWERS[-exponent];
            return negative ? -value : value;
        }
        double value = Double.parseDouble(new String(chars, from, to - from));
        ok = Double.isFinite(value);
        return value;
    }

    /** {@return a whole number; a fraction of zeros is allowed, as other tools write 3.0 where values are missing} */
    long integer() {
        int at = signEnd();
        boolean negative = at > from && chars[from] == '-';
        int first = at;
        long value = 0;
        for (; at < to && isDigit(chars[at]); at++) {
            value = value * 10 - (chars[at] - '0');
        }
        int digits = at - first;
        if (at < to && chars[at] == '.') {
            at++;
            while (at < to && chars[at] == '0') {
                at++;
            }
        }
        ok = digits > 0 && at == to;
        if (ok && digits > 18) {
            return large(first, digits, negative);
        }
        return negative ? value : -value;
    }

    private long large(int first, int digits, boolean negative) {
        try {
            return Long.parseLong((negative ? "-" : "") + new String(chars, first, digits));
        } catch (NumberFormatException e) {
            ok = false;
            return 0;
        }
    }

    /** {@return whether the cell is an integer as it would be printed: no fraction, no leading zero} */
    boolean isPlainInteger() {
        int first = signEnd();
        if (to - first > 1 && chars[first] == '0') {
            return false;
        }
        for (int i = first; i < to; i++) {
            if (!isDigit(chars[i])) {
                return false;
            }
        }
        integer();
        return ok;
    }

    /** {@return whether the cell begins with a zero that a number would lose: an identifier, not a quantity} */
    boolean hasLeadingZero() {
        int first = signEnd();
        return to - first > 1 && chars[first] == '0' && isDigit(chars[first + 1]);
    }

    /** {@return whether the cell spells an infinity, or a number too large for a double} */
    boolean isInfinite() {
        int first = signEnd();
        if (isAt("inf", first) || isAt("infinity", first)) {
            return true;
        }
        return Double.isInfinite(number());
    }

    /** {@return a truth value} */
    boolean bool() {
        ok = true;
        if (is("true") || is("yes") || is("y") || is("t") || is("1")) {
            return true;
        }
        ok = isBooleanWord() || is("n") || is("f") || is("0");
        return false;
    }

    /** {@return whether the cell holds a truth value in a full word: true, false, yes, no} */
    boolean isBooleanWord() {
        return is("true") || is("false") || is("yes") || is("no");
    }

    /**
     * {@return a time in microseconds since 1970-01-01T00:00:00Z: a date, or a date and time ("T" or a space between),
     * to the minute, second or fraction, with Z, an offset, or neither, which is UTC}
     */
    long time() {
        ok = to - from >= 10 && chars[from + 4] == '-' && chars[from + 7] == '-';
        int year = digits(from, 4);
        int month = digits(from + 5, 2);
        int day = digits(from + 8, 2);
        ok = ok && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month);
        long seconds = ok ? epochDay(year, month, day) * 86_400 : 0;
        if (!ok || to - from == 10) {
            return seconds * 1_000_000;
        }
        int at = from + 10;
        ok = to - at >= 6 && (chars[at] == 'T' || chars[at] == 't' || chars[at] == ' ') && chars[at + 3] == ':';
        int hour = digits(at + 1, 2);
        int minute = digits(at + 4, 2);
        at += 6;
        int second = 0;
        if (ok && at < to && chars[at] == ':') {
            second = digits(at + 1, 2);
            at += 3;
        }
        ok = ok && hour < 24 && minute < 60 && second < 60;
        long micros = 0;
        if (ok && at < to && (chars[at] == '.' || chars[at] == ',')) {
            int first = ++at;
            for (; at < to && isDigit(chars[at]); at++) {
                micros = at - first < 6 ? micros * 10 + (chars[at] - '0') : micros;
            }
            ok = at > first;
            for (int n = at - first; n < 6; n++) {
                micros *= 10;
            }
        }
        seconds += hour * 3600L + minute * 60L + second - offset(at);
        return seconds * 1_000_000 + micros;
    }

    /** {@return the seconds that a zone at the end of a time is ahead of UTC} */
    private int offset(int at) {
        if (!ok || at == to) {
            return 0;
        }
        if (chars[at] == 'Z' || chars[at] == 'z') {
            ok = at + 1 == to;
            return 0;
        }
        int length = to - at;
        boolean colon = length == 6 && chars[at + 3] == ':';
        ok = (chars[at] == '+' || chars[at] == '-') && (length == 3 || length == 5 || colon);
        if (!ok) {
            return 0;
        }
        int hours = digits(at + 1, 2);
        int minutes = length == 3 ? 0 : digits(to - 2, 2);
        ok = ok && hours <= 18 && minutes < 60;
        int seconds = hours * 3600 + minutes * 60;
        return chars[at] == '-' ? -seconds : seconds;
    }

    /** {@return a number of so many digits; clears {@link #ok} if they are not all there} */
    private int digits(int at, int count) {
        int value = 0;
        for (int i = at; i < at + count; i++) {
            if (i >= to || !isDigit(chars[i])) {
                ok = false;
                return 0;
            }
            value = value * 10 + (chars[i] - '0');
        }
        return value;
    }

    private static int daysIn(int year, int month) {
        return switch (month) {
            case 2 -> year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
            case 4, 6, 9, 11 -> 30;
            default -> 31;
        };
    }

    /** {@return days since 1970-01-01 in the Gregorian calendar (H. Hinnant, "days_from_civil")} */
    private static long epochDay(int year, int month, int day) {
        long y = month <= 2 ? year - 1L : year;
        long era = Math.floorDiv(y, 400);
        long yearOfEra = y - era * 400;
        long dayOfYear = (153L * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
        long dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
        return era * 146_097 + dayOfEra - 719_468;
    }

    private int signEnd() {
        return from < to && (chars[from] == '-' || chars[from] == '+') ? from + 1 : from;
    }

    private boolean isExponent(int at) {
        if (chars[at] != 'e' && chars[at] != 'E') {
            return false;
        }
        int i = at + 1;
        if (i < to && (chars[i] == '-' || chars[i] == '+')) {
            i++;
        }
        boolean digits = i < to;
        for (; i < to; i++) {
            digits &= isDigit(chars[i]);
        }
        return digits;
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private boolean is(String lowerCase) {
        return isAt(lowerCase, from);
    }

    private boolean isAt(String lowerCase, int first) {
        if (to - first != lowerCase.length()) {
            return false;
        }
        for (int i = 0; i < lowerCase.length(); i++) {
            char c = chars[first + i];
            if ((c >= 'A' && c <= 'Z' ? (char) (c + 32) : c) != lowerCase.charAt(i)) {
                return false;
            }
        }
        return true;
    }
}
