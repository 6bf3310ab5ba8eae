package dev.flywheel.serving.engine;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What sessions of a model are made of: its file and the options. Of a small model in a single file it is the content
 * that the file had, so that sessions can be made again later, whatever has become of the file. Immutable.
 */
final class OnnxRecipe {

    /** A model of at most so many bytes is small: its run may take microseconds, and a session of it little memory. */
    static final int SMALL_BYTES = 1 << 20;

    /** What all sessions of a small model may take about, and what one takes beyond its model, as measured. */
    private static final int ALL_BYTES = 64 << 20;

    private static final int EACH_BYTES = 160 << 10;

    private static final Map<String, String> DEFAULT_CONFIG =
            Map.of("session.intra_op.allow_spinning", "0", "session.inter_op.allow_spinning", "0");

    private final OrtEnvironment environment = OnnxRuntime.environment();
    private final Path file;
    private final OnnxOptions options;
    private final byte @Nullable [] content;
    private final boolean repeatable;
    private final Map<String, OnnxCategories.Lookup> lookups;

    private OnnxRecipe(
            Path file,
            OnnxOptions options,
            byte @Nullable [] content,
            boolean repeatable,
            Map<String, OnnxCategories.Lookup> lookups) {
        this.file = file;
        this.options = options;
        this.content = content;
        this.repeatable = repeatable;
        this.lookups = lookups;
    }

    /** @throws IOException if the file cannot be read */
    static OnnxRecipe of(PrivateModel model, OnnxOptions options) throws IOException {
        boolean small = model.isSingle() && Files.size(model.file()) <= SMALL_BYTES;
        // Sessions on providers or with threads would fight for them. Random numbers would be the same in each.
        boolean repeatable =
                small && options.threads() == 1 && options.providers().isEmpty() && !model.drawsRandomNumbers();
        // A model that is kept optimised is kept as its file is.
        if (model.isSingle()
                && options.optimizedModels() == null
                && Files.size(model.file()) <= OnnxCategories.MOST_BYTES) {
            OnnxCategories changed = OnnxCategories.of(Files.readAllBytes(model.file()));
            byte[] content = small || !changed.lookups().isEmpty() ? changed.model() : null;
            return new OnnxRecipe(model.file(), options, content, repeatable, changed.lookups());
        }
        byte[] content = small ? Files.readAllBytes(model.file()) : null;
        return new OnnxRecipe(model.file(), options, content, repeatable, Map.of());
    }

    /** {@return the same made of a file that holds the model as these options have it optimised} */
    OnnxRecipe optimized(Path known) throws IOException {
        OnnxOptions done = options.optimization(OnnxOptions.Optimization.NONE);
        boolean small = content != null && Files.size(known) <= SMALL_BYTES;
        return new OnnxRecipe(known, done, small ? Files.readAllBytes(known) : null, small && repeatable, lookups);
    }

    /** {@return the most sessions that the model should have at a time} */
    int mostSessions() {
        byte[] bytes = content;
        return bytes == null || !repeatable ? 1 : ALL_BYTES / (EACH_BYTES + bytes.length);
    }

    /** {@return the texts that are looked up before a run, by the names of the inputs that sessions have for them} */
    Map<String, OnnxCategories.Lookup> lookups() {
        return lookups;
    }

    /** {@return a new session; not of the file once that may have changed, unless there is to be only one} */
    OrtSession make() throws OrtException {
        return make(null);
    }

    /** {@return a new session, which also writes the model as it has been optimised to a file} */
    OrtSession make(@Nullable Path optimized) throws OrtException {
        try (OrtSession.SessionOptions session = sessionOptions(options)) {
            if (optimized != null) {
                session.setOptimizedModelFilePath(optimized.toString());
            }
            byte[] bytes = content;
            return bytes == null
                    ? environment.createSession(file.toString(), session)
                    : environment.createSession(bytes, session);
        }
    }

    /**
     * Unless more threads are asked for, one run is one thread's work: pools of several sessions would fight for the
     * cores. Spinning threads burned 37 ms of CPU a request at a low rate. Without the arena the lanes of one session
     * do not queue for its lock.
     */
    private static OrtSession.SessionOptions sessionOptions(OnnxOptions options) throws OrtException {
        OrtSession.SessionOptions session = new OrtSession.SessionOptions();
        try {
            session.setIntraOpNumThreads(options.threads());
            session.setInterOpNumThreads(1);
            session.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
            session.setOptimizationLevel(level(options.optimization()));
            session.setCPUArenaAllocator(false);
            // Failures come as exceptions; the native log would print them a second time.
            session.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
            Map<String, String> config = new TreeMap<>(DEFAULT_CONFIG);
            config.putAll(options.config());
            for (Map.Entry<String, String> entry : config.entrySet()) {
                session.addConfigEntry(entry.getKey(), entry.getValue());
            }
            options.providers().forEach((name, own) -> OnnxProviders.add(session, name, own));
            return session;
        } catch (OrtException | RuntimeException e) {
            session.close();
            throw e;
        }
    }

    private static OptLevel level(OnnxOptions.Optimization optimization) {
        return switch (optimization) {
            case NONE -> OptLevel.NO_OPT;
            case BASIC -> OptLevel.BASIC_OPT;
            case EXTENDED -> OptLevel.EXTENDED_OPT;
            case ALL -> OptLevel.ALL_OPT;
        };
    }
}
