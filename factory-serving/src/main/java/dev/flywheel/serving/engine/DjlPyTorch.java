package dev.flywheel.serving.engine;

import ai.djl.nn.Block;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.JniUtils;

/** PyTorch's settings of the calling thread, and its memory. The one class that links to DJL's PyTorch engine. */
final class DjlPyTorch {

    private static final int THREADS = DjlDefaults.threads();

    private DjlPyTorch() {}

    /**
     * Makes the thread ready for a forward pass. How many threads a pass may use is a setting of the thread that asks
     * for it: one that met PyTorch before anybody set it would call on every core.
     *
     * @return whether the thread recorded gradients, for {@link #exit}
     */
    static boolean enter() {
        if (JniUtils.getNumThreads() != THREADS) {
            JniUtils.setNumThreads(THREADS);
        }
        boolean gradients = JniUtils.isGradMode();
        if (gradients) {
            JniUtils.setGradMode(false);
        }
        return gradients;
    }

    static void exit(boolean gradients) {
        if (gradients) {
            JniUtils.setGradMode(true);
        }
    }

    /** Gives back memory of a GPU that nothing uses; PyTorch would keep it. */
    static void emptyCache() {
        JniUtils.emptyCudaCache();
    }

    static boolean isTorchScript(Block block) {
        return block instanceof PtSymbolBlock;
    }
}
