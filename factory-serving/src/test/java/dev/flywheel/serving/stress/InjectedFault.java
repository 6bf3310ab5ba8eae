package dev.flywheel.serving.stress;

/** A failure made by the test for one request, or for whoever is in a batch. */
final class InjectedFault extends RuntimeException {

    /** No request has this number. */
    static final long ANYONE = -1;

    private static final long serialVersionUID = 1L;

    /** The kind of the request that may end with it. */
    final Ask.Kind kind;

    /** The request that may end with it. */
    final long id;

    InjectedFault(Ask.Kind kind, long id) {
        super(kind + " " + id, null, false, false);
        this.kind = kind;
        this.id = id;
    }

    boolean fits(Ask ask) {
        return kind == ask.kind() && id == ask.id();
    }
}
