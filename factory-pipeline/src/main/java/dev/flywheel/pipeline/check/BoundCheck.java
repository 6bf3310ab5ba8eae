package dev.flywheel.pipeline.check;

import dev.flywheel.core.data.RowReader;
import org.jspecify.annotations.Nullable;

/** A {@link Check} that knows the position of its column in one schema. Immutable and thread-safe. */
@FunctionalInterface
public interface BoundCheck {

    /**
     * {@return why a row is refused, or null if it is as expected}
     *
     * @param row a row of the schema that the check was bound to
     */
    @Nullable
    Violation violation(RowReader row);
}
