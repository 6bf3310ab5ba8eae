package dev.flywheel.core.device;

/** Where a model is to run, as asked for. */
public enum DeviceRequest {
    /**
     * On an accelerator if there is one that can be used, otherwise on the CPU. That a module for accelerators is there
     * and none can be used is one warning in the log of a process.
     */
    AUTO,
    /**
     * On an NVIDIA GPU if one can be used, otherwise on the CPU, with a warning in the log for each model. What the
     * engine cannot run on the GPU it runs on the CPU.
     */
    CUDA,
    /** On the CPU; no GPU is looked for. */
    CPU,
    /** On an NVIDIA GPU, with every part of the model, or not at all. */
    REQUIRE_CUDA
}
