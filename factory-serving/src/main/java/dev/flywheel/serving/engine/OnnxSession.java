package dev.flywheel.serving.engine;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.Devices;
import dev.flywheel.core.model.Signature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A model file loaded by ONNX Runtime. Thread-safe. */
final class OnnxSession {

    private static final Logger log = LoggerFactory.getLogger(OnnxSession.class);

    private final OnnxSessions sessions;
    private final OnnxSignature signature;
    private final Collection<OnnxCategories.Lookup> lookups;
    private final Device device;
    private final @Nullable OnGpu gpu;

    private OnnxSession(
            OnnxSessions sessions,
            OnnxSignature signature,
            Map<String, OnnxCategories.Lookup> lookups,
            Device device,
            @Nullable OnGpu gpu) {
        this.sessions = sessions;
        this.signature = signature;
        this.lookups = lookups.values();
        this.device = device;
        this.gpu = gpu;
    }

    /** A session and what it was made of. */
    private record Made(OrtSession session, OnnxRecipe recipe) {}

    static OnnxSession open(Path model, OnnxOptions options) {
        try (PrivateModel files = PrivateModel.of(model)) {
            long bytes = files.bytes();
            OnnxPlacement placement = OnnxPlacement.of(options, bytes);
            OnGpu gpu = Devices.accelerator(placement.device())
                    .map(shared -> OnGpu.of(
                            shared, options.ownerOf(model), options.cuda().expectedBytes(bytes)))
                    .orElse(null);
            return open(model, files, placement, gpu);
        } catch (IOException e) {
            throw new ModelFormatException(
                    "cannot load " + model, "it cannot be read (" + e + ")", "let this process read the file", e);
        }
    }

    /** @param gpu freed with the session, or if it cannot be opened; null where the device is not shared */
    static OnnxSession open(Path model, PrivateModel files, OnnxPlacement placement, @Nullable OnGpu gpu)
            throws IOException {
        OrtSession session = null;
        boolean opened = false;
        try {
            OnnxOptions options = placement.options();
            OnnxRecipe recipe = OnnxRecipe.of(files, options);
            Path kept = files.isCopied() ? null : options.optimizedModels();
            Made made = kept == null ? new Made(recipe.make(), recipe) : optimized(files.file(), recipe, options, kept);
            session = made.session;
            OnnxSignature signature = OnnxSignature.read(model, session, recipe.lookups());
            OnnxSessions sessions = new OnnxSessions(session, made.recipe, gpu == null ? () -> {} : gpu::free);
            opened = true;
            return new OnnxSession(sessions, signature, recipe.lookups(), placement.device(), gpu);
        } catch (OrtException e) {
            throw unusable(model, e);
        } finally {
            if (!opened) {
                OnnxSessions.closeQuietly(session);
                if (gpu != null) {
                    gpu.free();
                }
            }
        }
    }

    /** A directory that cannot be used costs time, not the model. */
    private static Made optimized(Path model, OnnxRecipe recipe, OnnxOptions options, Path directory)
            throws OrtException {
        OrtSession session = null;
        Path fresh = null;
        try {
            String version = OnnxRuntime.environment().getVersion();
            OptimizedModels models = OptimizedModels.of(directory, model, version, options);
            Path known = models.find();
            if (known != null) {
                OnnxRecipe optimized = recipe.optimized(known);
                return new Made(optimized.make(), optimized);
            }
            fresh = models.fresh();
            session = recipe.make(fresh);
            models.keep(fresh);
            return new Made(session, recipe);
        } catch (IOException | OrtException e) {
            Made made = new Made(session == null ? recipe.make() : session, recipe);
            log.warn("{} could not be kept, optimised, in {}", model, directory, e);
            return made;
        } finally {
            OptimizedModels.discard(fresh);
        }
    }

    /** {@return what the file says} */
    Signature signature() {
        return signature.signature();
    }

    /** {@return where it runs} */
    Device device() {
        return device;
    }

    /** {@return the sessions that are open} */
    int sessions() {
        return sessions.size();
    }

    OnnxLane newLane(Path model, Signature signature, int maxRows) {
        OnnxSessions.Use use = sessions.use();
        if (use == null) {
            throw new IllegalStateException("the engine of " + model + " is closed");
        }
        try {
            RowShapes shapes = RowShapes.of(signature, this.signature.symbols());
            return new OnnxLane(model, use, signature, shapes, lookups, maxRows, gpu);
        } catch (RuntimeException | Error e) {
            use.end();
            throw e;
        }
    }

    void close() {
        sessions.close();
    }

    private static ModelFormatException unusable(Path model, OrtException cause) {
        String fix = switch (cause.getCode()) {
            case ORT_NOT_IMPLEMENTED -> "export the model with operators that ONNX Runtime has on the CPU";
            case ORT_INVALID_PROTOBUF -> "copy or export the file again; it is damaged or not an ONNX model";
            default -> "export the model again, with an opset that ONNX Runtime knows";
        };
        return new ModelFormatException("cannot load " + model, "ONNX Runtime says: " + text(cause), fix, cause);
    }

    /** {@return the message of ONNX Runtime, without the full stop that would double ours} */
    static String text(OrtException cause) {
        String message = String.valueOf(cause.getMessage()).strip();
        return message.endsWith(".") ? message.substring(0, message.length() - 1) : message;
    }
}
