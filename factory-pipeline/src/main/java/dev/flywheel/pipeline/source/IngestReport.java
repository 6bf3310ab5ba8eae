package dev.flywheel.pipeline.source;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What became of the rows of a source. Immutable.
 *
 * @param rowsRead the rows found
 * @param rowsAccepted the rows that are now in the dataset
 * @param quarantined the refused rows, counted by reason, most frequent first
 * @param quarantineFile where each refused row stands, one JSON object a line; null if none was refused
 * @param notes what else a person should know, such as columns that were ignored
 */
public record IngestReport(
        long rowsRead,
        long rowsAccepted,
        Map<String, Long> quarantined,
        @Nullable Path quarantineFile,
        List<String> notes) {

    /** Copies the collections. */
    public IngestReport {
        quarantined = Collections.unmodifiableMap(new LinkedHashMap<>(quarantined));
        notes = List.copyOf(notes);
    }

    /** {@return the number of refused rows} */
    public long rowsQuarantined() {
        return rowsRead - rowsAccepted;
    }
}
