package dev.flywheel.serving.engine;

import dev.flywheel.core.device.Device;
import dev.flywheel.core.model.Artifact;
import dev.flywheel.core.model.Signature;

/**
 * One loaded model, from which lanes are made. Thread-safe. Whoever opened it closes it, after its lanes.
 *
 * <p>Implement this to serve a format that is not built in.
 */
public interface Engine extends AutoCloseable {

    /**
     * {@return a sealed model, loaded: in DJL where its file is TorchScript and so ends in {@code .pt}, otherwise in
     * ONNX Runtime}
     *
     * @throws dev.flywheel.core.ModelFormatException if the engine cannot run it, or it is not what its manifest says
     * @throws dev.flywheel.core.MissingEngineException if the engine is absent or does not load
     */
    static Engine open(Artifact artifact) {
        return artifact.modelFile().toString().endsWith(".pt")
                ? DjlEngine.torchScript(artifact)
                : OnnxEngine.open(artifact);
    }

    /**
     * {@return a sealed model, loaded as {@link #open(Artifact)} does}
     *
     * @param owner who its memory and its time on a GPU are counted for, as {@link OnnxOptions#owner} has it
     */
    static Engine open(Artifact artifact, String owner) {
        return artifact.modelFile().toString().endsWith(".pt")
                ? DjlEngine.torchScript(artifact, owner)
                : OnnxEngine.open(artifact, OnnxOptions.defaults().owner(owner));
    }

    /** {@return what goes into the model and what comes out, as its file says} */
    Signature signature();

    /** {@return where the model runs} By default the CPU. */
    default Device device() {
        return Device.cpu();
    }

    /**
     * {@return a new lane, to be closed by the caller before this engine}
     *
     * @param maxRows the most rows that one run has to take, at least 1; a model with a batch size of its own gives a
     *     lane of that size, one that cannot be fed in rows a lane of 1
     * @throws dev.flywheel.core.ModelFormatException if the model cannot be run; the message says why
     */
    Lane newLane(int maxRows);

    /** Frees the model. A lane still open must not be used any more; that it is open may keep the memory. */
    @Override
    void close();
}
