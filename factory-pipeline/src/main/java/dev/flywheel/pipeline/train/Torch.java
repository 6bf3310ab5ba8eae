package dev.flywheel.pipeline.train;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.jni.JniUtils;
import dev.flywheel.core.MissingEngineException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * The one place that touches DJL's PyTorch engine first: settings that must come before it, and its one-at-a-time rule.
 */
final class Torch {

    private static final ReentrantLock COLLECTING = new ReentrantLock();

    private Torch() {}

    /**
     * {@return what the work gives} DJL allows one gradient collector in a process, so trainings take turns. PyTorch
     * keeps its number of threads per calling thread; one is fastest for small networks, and leaves the rest to
     * serving.
     */
    static <T> T exclusively(Supplier<T> work) {
        engine();
        COLLECTING.lock();
        try {
            JniUtils.setNumThreads(1);
            JniUtils.setGradMode(false);
            return work.get();
        } finally {
            COLLECTING.unlock();
        }
    }

    static NDManager manager() {
        return engine().newBaseManager(Device.cpu());
    }

    static Engine engine() {
        // An embedded library reports nothing to anybody: DJL reads this when its first engine loads.
        if (System.getProperty("OPT_OUT_TRACKING") == null) {
            System.setProperty("OPT_OUT_TRACKING", "true");
        }
        try {
            return Engine.getEngine("PyTorch");
        } catch (EngineException | UnsatisfiedLinkError e) {
            throw new MissingEngineException(
                    "DJL's PyTorch engine does not load",
                    String.valueOf(e.getMessage()),
                    "add ai.djl.pytorch:pytorch-native-cpu:2.7.1 with the classifier of this system, such as linux-x86_64,"
                            + " to the run-time class path",
                    e);
        }
    }
}
