package dev.flywheel.core;

import org.jspecify.annotations.Nullable;

/** A request refused because the queue, or the memory of a device, is full. */
public final class OverloadedException extends FactoryException {

    private static final long serialVersionUID = 1L;

    /**
     * @param what what failed, naming the thing
     * @param why the reason, with what was found and what was expected
     * @param fix what the reader can do about it
     */
    public OverloadedException(String what, String why, String fix) {
        this(what, why, fix, null);
    }

    /**
     * @param what what failed, naming the thing
     * @param why the reason, with what was found and what was expected
     * @param fix what the reader can do about it
     * @param cause the underlying failure
     */
    public OverloadedException(String what, String why, String fix, @Nullable Throwable cause) {
        super(what, why, fix, cause);
    }

    @Override
    public boolean retryable() {
        return true;
    }
}
