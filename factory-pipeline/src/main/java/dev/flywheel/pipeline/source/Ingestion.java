package dev.flywheel.pipeline.source;

import dev.flywheel.pipeline.check.Check;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.LongConsumer;

/** Where the examples of a source go, and what is asked of them on the way. Immutable. */
public final class Ingestion {

    private final Path datasets;
    private final Path quarantine;
    private final List<Check> checks;
    private final LongConsumer onRowsRead;

    private Ingestion(Path datasets, Path quarantine, List<Check> checks, LongConsumer onRowsRead) {
        this.datasets = Objects.requireNonNull(datasets, "datasets");
        this.quarantine = Objects.requireNonNull(quarantine, "quarantine");
        this.checks = List.copyOf(checks);
        this.onRowsRead = Objects.requireNonNull(onRowsRead, "onRowsRead");
    }

    /**
     * {@return an ingestion without checks, whose refused rows go to the folder {@code quarantine} within}
     *
     * @param datasets the directory of the dataset; made if it does not exist
     */
    public static Ingestion into(Path datasets) {
        return new Ingestion(datasets, datasets.resolve("quarantine"), List.of(), rows -> {});
    }

    /** {@return this with checks, instead of those it had} */
    public Ingestion checks(List<Check> checks) {
        return new Ingestion(datasets, quarantine, checks, onRowsRead);
    }

    /**
     * {@return this with another directory for refused rows}
     *
     * @param directory made when the first row is refused
     */
    public Ingestion quarantine(Path directory) {
        return new Ingestion(datasets, directory, checks, onRowsRead);
    }

    /**
     * {@return this with a listener of progress}
     *
     * @param listener told the number of rows read so far, every 8,192 rows and at the end, by the reading thread; what
     *     it throws ends the ingestion
     */
    public Ingestion onRowsRead(LongConsumer listener) {
        return new Ingestion(datasets, quarantine, checks, listener);
    }

    /** {@return the directory of the dataset} */
    public Path datasets() {
        return datasets;
    }

    /** {@return the directory of refused rows} */
    public Path quarantine() {
        return quarantine;
    }

    /** {@return the checks, in the order in which they are asked} */
    public List<Check> checks() {
        return checks;
    }

    /** {@return the listener of progress} */
    public LongConsumer onRowsRead() {
        return onRowsRead;
    }
}
