package dev.flywheel.serving.engine;

/**
 * How DJL behaves inside another application: it reports nothing to its makers, downloads nothing, and runs a forward
 * pass on one thread. Thread-safe. Each is a default for DJL's own system property, so that the host can say otherwise.
 */
public final class DjlDefaults {

    private static final String THREADS = "ai.djl.pytorch.num_threads";

    private DjlDefaults() {}

    /** Sets what the host has not set. To be called before DJL's first class loads, because it reads some then. */
    public static void apply() {
        setDefault("OPT_OUT_TRACKING", "true");
        setDefault("ai.djl.offline", "true");
        setDefault(THREADS, "1");
        setDefault("ai.djl.pytorch.num_interop_threads", "1");
    }

    /** {@return the threads of one forward pass; the parallelism is in the lanes} */
    static int threads() {
        return Math.max(1, Integer.getInteger(THREADS, 1));
    }

    private static void setDefault(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }
}
