package dev.flywheel.serving.engine;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.model.Artifact;
import dev.flywheel.core.model.Signature;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/**
 * An ONNX model loaded into ONNX Runtime, on the device that its options ask for. Thread-safe. One thread runs one
 * lane's batch: the parallelism is in the lanes. Where the model is small, each lane that is in use has a session of
 * its own. What becomes of the model's files once it is loaded does not matter.
 *
 * <p>Where the file's metadata has the keys {@code flywheel.numbers}, {@code flywheel.texts} and {@code flywheel.times}
 * (JSON arrays of column names), the signature names the columns of those inputs. Outputs that are not tensors are left
 * out of the signature and are not computed.
 */
public final class OnnxEngine implements Engine {

    private final Path model;
    private final OnnxSession session;
    private final Signature signature;

    private OnnxEngine(Path model, OnnxSession session, Signature signature) {
        this.model = model;
        this.session = session;
        this.signature = signature;
    }

    /**
     * {@return the model of this file, loaded}
     *
     * @throws ModelFormatException if the file is not there or not a model that ONNX Runtime can run
     * @throws dev.flywheel.core.MissingEngineException if ONNX Runtime is absent, doubled or does not load
     */
    public static OnnxEngine open(Path model) {
        return open(model, OnnxOptions.defaults());
    }

    /**
     * {@return the model of this file, loaded with these options}
     *
     * @throws ModelFormatException if the file is not there or not a model that ONNX Runtime can run
     * @throws dev.flywheel.core.MissingEngineException if ONNX Runtime or an execution provider of the options is
     *     absent or does not load
     */
    public static OnnxEngine open(Path model, OnnxOptions options) {
        Objects.requireNonNull(options, "options");
        if (!Files.isRegularFile(model)) {
            throw new ModelFormatException("cannot load " + model, "there is no such file", "check the path");
        }
        // Nothing in this class links to ONNX Runtime, so that its absence can be explained.
        OnnxChecks.require();
        OnnxSession session = OnnxSession.open(model, options);
        return new OnnxEngine(model, session, session.signature());
    }

    /**
     * {@return the model of a sealed artifact, loaded} Columns that its manifest names and the file does not are taken
     * from the manifest.
     *
     * @throws ModelFormatException if the file is not a model that ONNX Runtime can run, or not what the manifest says
     * @throws dev.flywheel.core.MissingEngineException if ONNX Runtime is absent, doubled or does not load
     */
    public static OnnxEngine open(Artifact artifact) {
        return open(artifact, OnnxOptions.defaults());
    }

    /** {@return the model of a sealed artifact, loaded with these options, else as {@link #open(Artifact)} does} */
    public static OnnxEngine open(Artifact artifact, OnnxOptions options) {
        OnnxEngine engine = open(artifact.modelFile(), options);
        try {
            Signature merged = ManifestSignature.merge(engine.model, artifact.signature(), engine.signature);
            return new OnnxEngine(engine.model, engine.session, merged);
        } catch (ModelFormatException e) {
            engine.close();
            throw e;
        }
    }

    @Override
    public Signature signature() {
        return signature;
    }

    @Override
    public Device device() {
        return session.device();
    }

    @Override
    public Lane newLane(int maxRows) {
        if (maxRows < 1) {
            throw new IllegalArgumentException("maxRows must be at least 1, found " + maxRows);
        }
        return session.newLane(model, signature, maxRows);
    }

    /** {@return the sessions of ONNX Runtime that are open} */
    int sessions() {
        return session.sessions();
    }

    @Override
    public void close() {
        session.close();
    }

    @Override
    public String toString() {
        return "OnnxEngine[" + model + "]";
    }
}
