package dev.flywheel.core.model;

import java.util.UUID;

/**
 * An output together with the id under which its outcome can be fed back and the version that made it.
 *
 * @param id unique and unguessable; a UUID of version 7 (RFC 9562), so that ids sort by time of prediction
 * @param value the output
 * @param version the number of the model version that made it; 0 for a model that has none
 * @param <O> the type of the output
 */
public record Prediction<O>(UUID id, O value, int version) {}
