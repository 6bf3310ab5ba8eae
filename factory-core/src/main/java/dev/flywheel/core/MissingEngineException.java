package dev.flywheel.core;

import org.jspecify.annotations.Nullable;

/** An engine or native library that is not on the class path or does not load. */
public final class MissingEngineException extends FactoryException {

    private static final long serialVersionUID = 1L;

    /**
     * @param what what failed, naming the thing
     * @param why the reason, with what was found and what was expected
     * @param fix what the reader can do about it
     */
    public MissingEngineException(String what, String why, String fix) {
        this(what, why, fix, null);
    }

    /**
     * @param what what failed, naming the thing
     * @param why the reason, with what was found and what was expected
     * @param fix what the reader can do about it
     * @param cause the underlying failure
     */
    public MissingEngineException(String what, String why, String fix, @Nullable Throwable cause) {
        super(what, why, fix, cause);
    }
}
