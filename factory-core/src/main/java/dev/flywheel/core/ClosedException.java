package dev.flywheel.core;

import org.jspecify.annotations.Nullable;

/** A call on something that was closed. */
public final class ClosedException extends FactoryException {

    private static final long serialVersionUID = 1L;

    /**
     * @param what what failed, naming the thing
     * @param why the reason, with what was found and what was expected
     * @param fix what the reader can do about it
     */
    public ClosedException(String what, String why, String fix) {
        this(what, why, fix, null);
    }

    /**
     * @param what what failed, naming the thing
     * @param why the reason, with what was found and what was expected
     * @param fix what the reader can do about it
     * @param cause the underlying failure
     */
    public ClosedException(String what, String why, String fix, @Nullable Throwable cause) {
        super(what, why, fix, cause);
    }
}
