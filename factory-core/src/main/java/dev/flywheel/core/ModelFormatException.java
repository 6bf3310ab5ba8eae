package dev.flywheel.core;

import org.jspecify.annotations.Nullable;

/** A model file that is damaged, not what its manifest says, or not of a supported format. */
public final class ModelFormatException extends FactoryException {

    private static final long serialVersionUID = 1L;

    /**
     * @param what what failed, naming the thing
     * @param why the reason, with what was found and what was expected
     * @param fix what the reader can do about it
     */
    public ModelFormatException(String what, String why, String fix) {
        this(what, why, fix, null);
    }

    /**
     * @param what what failed, naming the thing
     * @param why the reason, with what was found and what was expected
     * @param fix what the reader can do about it
     * @param cause the underlying failure
     */
    public ModelFormatException(String what, String why, String fix, @Nullable Throwable cause) {
        super(what, why, fix, cause);
    }
}
