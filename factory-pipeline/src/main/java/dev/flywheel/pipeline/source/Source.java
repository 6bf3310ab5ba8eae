package dev.flywheel.pipeline.source;

import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.Schema;
import java.io.Serializable;

/**
 * Where examples come from: a description that can be read any number of times, on any machine that reaches what it
 * names. Implementations are immutable values.
 *
 * @param <I> the input of the model: a record, or {@link dev.flywheel.core.data.Row}
 * @param <L> the label
 */
public interface Source<I, L> extends Serializable {

    /** The column of a dataset of examples that holds the label: a number in the raw unit, booleans as 0 and 1. */
    String LABEL = "$label";

    /** The column that holds the time of the event, if the source tells it. */
    String TIME = "$time";

    /** The column that holds the id of the event as text, if the source tells it. */
    String ID = "$id";

    /** {@return what the examples teach} */
    Target<L> target();

    /** {@return the source in words; equal for sources that read the same thing in the same way} */
    String describe();

    /**
     * {@return how inputs become columns, for a dataset that this source gave before}
     *
     * @param inputs the columns of the input alone
     * @throws dev.flywheel.core.DataException if the input has other columns by now
     */
    RowType<I> type(Schema inputs);

    /**
     * Reads everything into a dataset: the columns of the input, then {@link #LABEL}, then {@link #TIME} and
     * {@link #ID} if the source tells them. Rows that cannot be used, or that a check refuses, go to quarantine and are
     * counted.
     *
     * @throws dev.flywheel.core.DataException if the source cannot be read, or if too much of it cannot be used
     * @throws IllegalArgumentException if a check does not fit the columns
     */
    Ingested<I> ingest(Ingestion where);
}
