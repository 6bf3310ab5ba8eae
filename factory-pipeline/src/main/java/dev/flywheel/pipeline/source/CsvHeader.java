package dev.flywheel.pipeline.source;

import dev.flywheel.core.DataException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** The names in the first line of a CSV file, and how other names find them. Immutable. */
final class CsvHeader {

    static final int ABSENT = -1;

    private final String file;
    private final List<String> names;

    /** @throws DataException if a name appears twice */
    CsvHeader(String file, List<String> names) {
        this.file = file;
        this.names = List.copyOf(names);
        Set<String> seen = new HashSet<>();
        for (String name : names) {
            if (!name.isBlank() && !seen.add(name)) {
                throw new DataException(
                        file + " cannot be used",
                        "its header names the column \"" + name + "\" twice",
                        "rename one of them");
            }
        }
    }

    List<String> names() {
        return names;
    }

    /**
     * {@return the position of a column: that of exactly this name, or the only one that differs from it by case,
     * underscores, hyphens and spaces alone}, or {@link #ABSENT}
     *
     * @throws DataException if several columns fit
     */
    int find(String wanted) {
        int exact = names.indexOf(wanted);
        if (exact >= 0) {
            return exact;
        }
        List<String> fitting = new ArrayList<>();
        for (String name : names) {
            if (normal(name).equals(normal(wanted))) {
                fitting.add(name);
            }
        }
        if (fitting.size() > 1) {
            throw new DataException(
                    file + " cannot be used",
                    "several columns fit the name \"" + wanted + "\": " + String.join(", ", fitting),
                    "rename them, or use the exact name of one");
        }
        return fitting.isEmpty() ? ABSENT : names.indexOf(fitting.get(0));
    }

    /**
     * {@return the position of a column that must be there}
     *
     * @param use what needs it, as "the target"
     */
    int require(String wanted, String use) {
        int found = find(wanted);
        if (found == ABSENT) {
            throw new DataException(
                    file + " cannot be used",
                    "it has no column \"" + wanted + "\" for " + use + "; its columns are " + String.join(", ", names),
                    "correct the name in the file or in the program");
        }
        return found;
    }

    /** @throws DataException if another file has another header */
    void requireSame(String other, List<String> header) {
        if (!names.equals(header)) {
            throw new DataException(
                    other + " cannot be used together with " + file,
                    "its columns are " + String.join(", ", header) + ", expected " + String.join(", ", names),
                    "give files with the same header, in the same order");
        }
    }

    private static String normal(String name) {
        StringBuilder normal = new StringBuilder(name.length());
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (c != '_' && c != '-' && c != ' ') {
                normal.append(c);
            }
        }
        return normal.toString().toLowerCase(Locale.ROOT);
    }
}
