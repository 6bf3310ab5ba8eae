package dev.flywheel.serving.engine;

import java.util.function.Supplier;

/**
 * How DJL behaves inside another application: it reports nothing to its makers, downloads no engine, and runs a forward
 * pass on one thread. Thread-safe. Each is a default for DJL's own system property, so that the host can say otherwise.
 */
public final class DjlDefaults {

    private static final String OFFLINE = "ai.djl.offline";
    private static final String THREADS = "ai.djl.pytorch.num_threads";

    private DjlDefaults() {}

    /**
     * Sets what the host has not set. To be called before DJL's first class loads, because it reads some then. From
     * then on DJL downloads no models either.
     */
    public static void apply() {
        quiet();
        setDefault(OFFLINE, "true");
    }

    /** Sets what the host has not set, but for downloads, which it may want for models. */
    static void quiet() {
        setDefault("OPT_OUT_TRACKING", "true");
        setDefault(THREADS, "1");
        setDefault("ai.djl.pytorch.num_interop_threads", "1");
    }

    /** {@return what this loads, without a download, unless the host allows it} */
    static <T> T offline(Supplier<T> loading) {
        if (System.getProperty(OFFLINE) != null) {
            return loading.get();
        }
        System.setProperty(OFFLINE, "true");
        try {
            return loading.get();
        } finally {
            System.clearProperty(OFFLINE);
        }
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
