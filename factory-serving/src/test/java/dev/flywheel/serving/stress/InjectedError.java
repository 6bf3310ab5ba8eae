package dev.flywheel.serving.stress;

/** An error made by the test for one request. */
final class InjectedError extends Error {

    private static final long serialVersionUID = 1L;

    /** The request that may end with it. */
    final transient Ask ask;

    InjectedError(Ask ask) {
        super(ask.toString(), null, false, false);
        this.ask = ask;
    }
}
