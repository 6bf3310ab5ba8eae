package dev.flywheel.pipeline.source;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import org.jspecify.annotations.Nullable;

/** Finds the type of a column from all its cells. Not thread-safe. */
final class CsvInference {

    private final String name;
    private long values;
    private long integers;
    private long numbers;
    private long booleans;
    private long times;
    private @Nullable String firstText;
    private long firstTextLine;

    CsvInference(String name) {
        this.name = name;
    }

    void add(CellParser cell, long line) {
        if (cell.missing()) {
            return;
        }
        values++;
        if (!cell.hasLeadingZero() && isNumber(cell)) {
            numbers++;
            integers += cell.isPlainInteger() ? 1 : 0;
        } else if (isTime(cell)) {
            times++;
        } else if (cell.isBooleanWord()) {
            booleans++;
        } else if (firstText == null) {
            firstText = cell.text();
            firstTextLine = line;
        }
    }

    Column column() {
        return new Column(name, type(), true);
    }

    /** {@return a word to the user if nearly all cells have a narrower type than text, or null} */
    @Nullable
    String note() {
        long most = Math.max(numbers, Math.max(booleans, times));
        if (type() != ColumnType.TEXT || firstText == null || most < 0.9 * values) {
            return null;
        }
        String kind = most == numbers ? "numbers" : most == times ? "times" : "true or false";
        return "column \"" + name + "\" is text, although " + most + " of its " + values + " values are " + kind
                + ": the first that is not is \"" + firstText + "\" in line " + firstTextLine;
    }

    private ColumnType type() {
        if (integers == values && values > 0) {
            return ColumnType.INTEGER;
        } else if (numbers == values) {
            return ColumnType.NUMBER;
        } else if (booleans == values) {
            return ColumnType.BOOLEAN;
        } else if (times == values) {
            return ColumnType.TIME;
        }
        return ColumnType.TEXT;
    }

    private static boolean isNumber(CellParser cell) {
        cell.number();
        return cell.ok() || cell.isInfinite();
    }

    private static boolean isTime(CellParser cell) {
        cell.time();
        return cell.ok();
    }
}
