package dev.flywheel.serving.engine;

import ai.djl.Model;
import ai.djl.repository.zoo.Criteria;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.DeviceRequest;
import dev.flywheel.core.model.Artifact;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;

/**
 * A model of DJL, loaded: TorchScript, or any other block. Thread-safe. One thread runs one lane's batch: the
 * parallelism is in the lanes.
 *
 * <p>Such a model does not say what goes in and what comes out, so whoever opens it names its inputs, of which -1 is a
 * free size and the first dimension is the batch. The outputs are found by two runs on zeros, with small free sizes;
 * where a model refuses that, a signature names them too, and every run is held against it.
 *
 * <p>Inputs and outputs may be FLOAT, DOUBLE, FLOAT16, INT8, UINT8, INT32, INT64 or BOOL. An input of TorchScript named
 * {@code a.b} is entry {@code b} of a dictionary, inputs named {@code a[]} are a list and {@code a()} a tuple, as
 * everywhere in DJL.
 *
 * <p>DJL is not among the dependencies of this library; an application adds the engine that it wants. PyTorch is never
 * downloaded by {@link #torchScript}, unless the system property {@code ai.djl.offline} is false.
 */
public final class DjlEngine implements Engine {

    /**
     * The attribute of a sealed TorchScript model that tells which of its outputs is the only one of the signature: the
     * name by which an engine without such attributes knows it.
     */
    public static final String OUTPUT = "djl output";

    /** The attribute of a sealed TorchScript model that tells how that output is laid out, an {@link Answer}. */
    public static final String ANSWER = "djl answer";

    /** How an output becomes FLOAT of shape [rows, width]. */
    public enum Answer {
        /** It is of that shape. */
        WHOLE,
        /** It is of shape [rows]. */
        FLAT,
        /** It is of shape [rows, 2], and the second of each row is taken. */
        SECOND
    }

    private final DjlModel model;
    private final Signature signature;

    private DjlEngine(DjlModel model, Signature signature) {
        this.model = model;
        this.signature = signature;
    }

    /**
     * {@return the TorchScript model of this file, loaded, on the device that {@link DeviceRequest#standard} asks for}
     *
     * @param inputs what it takes, in the order of its {@code forward}
     * @throws ModelFormatException if the file is not there or not a model that PyTorch can load, or does not run on
     *     such inputs
     * @throws dev.flywheel.core.MissingEngineException if DJL or its PyTorch engine is absent or does not load
     */
    public static DjlEngine torchScript(Path file, TensorSpec... inputs) {
        return torchScript(file, of(inputs));
    }

    /**
     * {@return the TorchScript model of this file, loaded, on the device that {@link DeviceRequest#standard} asks for}
     *
     * @param signature what it takes, in the order of its {@code forward}, and what it gives
     * @throws ModelFormatException if the file is not there or not a model that PyTorch can load, or gives something
     *     else
     * @throws dev.flywheel.core.MissingEngineException if DJL or its PyTorch engine is absent or does not load
     */
    public static DjlEngine torchScript(Path file, Signature signature) {
        if (!Files.isRegularFile(file)) {
            throw absent(file);
        }
        // Nothing in this class links to DJL, so that its absence can be explained.
        DjlChecks.requirePyTorch();
        DjlDefaults.quiet();
        return open(() -> DjlModel.torchScript(file, OnnxOptions.defaults().ownerOf(file)), signature);
    }

    /**
     * {@return the TorchScript model of a sealed artifact, loaded, as {@link #torchScript(Path, Signature)} does} Where
     * the artifact has the attributes {@link #OUTPUT} and {@link #ANSWER}, the model gives what they make of its
     * outputs.
     *
     * @throws ModelFormatException if PyTorch cannot load the file, or it is not what the manifest says
     * @throws dev.flywheel.core.MissingEngineException if DJL or its PyTorch engine is absent or does not load
     */
    public static DjlEngine torchScript(Artifact artifact) {
        return torchScript(artifact, OnnxOptions.defaults().ownerOf(artifact.modelFile()));
    }

    /** {@return a sealed model as {@link #torchScript(Artifact)} loads it, counted for an owner} */
    static DjlEngine torchScript(Artifact artifact, String owner) {
        String output = artifact.attributes().get(OUTPUT);
        String answer = artifact.attributes().get(ANSWER);
        Answer layout = answer == null ? null : Answer.valueOf(answer);
        if (!Files.isRegularFile(artifact.modelFile())) {
            throw absent(artifact.modelFile());
        }
        DjlChecks.requirePyTorch();
        DjlDefaults.quiet();
        return open(
                () -> {
                    DjlModel model = DjlModel.torchScript(artifact.modelFile(), owner);
                    return output == null || layout == null ? model : model.answering(output, layout);
                },
                artifact.signature());
    }

    /**
     * {@return a model that is loaded, or whose block is initialized} It is the engine's from now on, and closed with
     * it.
     *
     * @param inputs what it takes; none at all, and they are those that the block describes, with a free batch
     * @throws ModelFormatException if it does not run on such inputs; it stays open then
     */
    public static DjlEngine open(Model model, TensorSpec... inputs) {
        return open(model, of(inputs));
    }

    /**
     * {@return a model that is loaded, or whose block is initialized} It is the engine's from now on, and closed with
     * it.
     *
     * @param signature what it takes and gives
     * @throws ModelFormatException if it gives something else; it stays open then
     */
    public static DjlEngine open(Model model, Signature signature) {
        DjlDefaults.quiet();
        DjlModel opened = DjlModel.of(model);
        return new DjlEngine(opened, DjlSignature.of(opened, signature));
    }

    /**
     * {@return the model that these criteria describe, loaded} DJL may download it, unless the system property
     * {@code ai.djl.offline} is true.
     *
     * @param inputs what it takes; none at all, and they are those that the block describes, with a free batch
     * @throws ModelFormatException if there is none, or DJL cannot load it, or it does not run on such inputs
     */
    public static DjlEngine open(Criteria<?, ?> criteria, TensorSpec... inputs) {
        return open(criteria, of(inputs));
    }

    /**
     * {@return the model that these criteria describe, loaded} DJL may download it, unless the system property
     * {@code ai.djl.offline} is true.
     *
     * @param signature what it takes and gives
     * @throws ModelFormatException if there is none, or DJL cannot load it, or it gives something else
     */
    public static DjlEngine open(Criteria<?, ?> criteria, Signature signature) {
        DjlDefaults.quiet();
        return open(() -> DjlModel.load(criteria), signature);
    }

    @Override
    public Signature signature() {
        return signature;
    }

    @Override
    public Device device() {
        return model.device();
    }

    @Override
    public Lane newLane(int maxRows) {
        if (maxRows < 1) {
            throw new IllegalArgumentException("maxRows must be at least 1, found " + maxRows);
        }
        return new DjlLane(model, signature, maxRows);
    }

    @Override
    public void close() {
        model.close();
    }

    @Override
    public String toString() {
        return "DjlEngine[" + model + "]";
    }

    private static DjlEngine open(Supplier<DjlModel> source, Signature signature) {
        DjlModel model = source.get();
        try {
            return new DjlEngine(model, DjlSignature.of(model, signature));
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    private static Signature of(TensorSpec... inputs) {
        return new Signature(List.of(inputs), List.of());
    }

    private static ModelFormatException absent(Path file) {
        return new ModelFormatException("cannot load " + file, "there is no such file", "check the path");
    }
}
