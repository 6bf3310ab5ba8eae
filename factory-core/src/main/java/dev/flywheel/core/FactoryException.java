package dev.flywheel.core;

import org.jspecify.annotations.Nullable;

/**
 * Everything that goes wrong at run time for a reason outside the caller's code. The message always reads <em>what
 * failed: why. Fix: what to do.</em> Programming mistakes throw the JDK's own exceptions instead.
 */
public abstract class FactoryException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /**
     * @param what what failed, naming the thing
     * @param why the reason, with what was found and what was expected
     * @param fix what the reader can do about it
     * @param cause the underlying failure, if there is one
     */
    protected FactoryException(String what, String why, String fix, @Nullable Throwable cause) {
        super(what + ": " + why + ". Fix: " + fix + ".", cause);
    }

    /** {@return whether the same call may succeed later without any change by the caller} */
    public boolean retryable() {
        return false;
    }
}
