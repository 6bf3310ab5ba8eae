package dev.flywheel.pipeline.source;

import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowType;

/**
 * Examples that were read from a source. Immutable.
 *
 * @param dataset the examples: the columns of {@code type}, then {@link Source#LABEL}, {@link Source#TIME} and
 *     {@link Source#ID}
 * @param type how inputs become columns
 * @param report what was read and what was refused
 * @param <I> the input
 */
public record Ingested<I>(Dataset dataset, RowType<I> type, IngestReport report) {}
