package dev.flywheel.core.data;

import java.io.Serializable;
import java.util.function.Function;

/**
 * The accessor of a record's component, as a method reference such as {@code Flight::distance}; names a column so that
 * a misspelling does not compile. {@link RecordType#nameOf} tells the name.
 *
 * @param <T> the record
 * @param <R> the component's type
 */
@FunctionalInterface
public interface Accessor<T, R> extends Function<T, R>, Serializable {}
