package dev.flywheel.serving.batch;

/**
 * How a request is run that needs no {@link Call}, because it runs where it was made. Thread-safe; what it throws is
 * thrown on to whoever asks.
 *
 * @param <R> what runs it
 * @param <A> the request
 * @param <T> the answer
 */
public interface Solo<R, A, T> {

    /** Writes the request into the first row. {@return how long that is} */
    int write(R runner, A request);

    /** {@return the answer, read from the first row} */
    T read(R runner, A request);
}
