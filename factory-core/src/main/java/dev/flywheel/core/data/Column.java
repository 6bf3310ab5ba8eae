package dev.flywheel.core.data;

import java.io.Serializable;
import java.util.Objects;

/**
 * A named, typed column.
 *
 * @param name the name, unique in its schema, not blank
 * @param type the kind of value
 * @param nullable whether a value may be missing
 */
public record Column(String name, ColumnType type, boolean nullable) implements Serializable {

    /** @throws IllegalArgumentException if the name is blank */
    public Column {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(type, "type");
        if (name.isBlank()) {
            throw new IllegalArgumentException("a column needs a name, found \"" + name + "\"");
        }
    }
}
