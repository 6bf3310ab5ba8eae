package dev.flywheel.serving.engine;

import ai.djl.ndarray.NDManager;
import ai.djl.training.ParameterStore;

/**
 * The parameters that a lane's runs see: those of the model itself. Not thread-safe.
 *
 * <p>What a block makes beside its outputs goes into the memory of the run, and is freed with it.
 */
final class DjlParameters extends ParameterStore {

    private NDManager run;

    DjlParameters(NDManager lane) {
        super(lane, false);
        this.run = lane;
    }

    void run(NDManager current) {
        run = current;
    }

    @Override
    public NDManager getManager() {
        return run;
    }
}
