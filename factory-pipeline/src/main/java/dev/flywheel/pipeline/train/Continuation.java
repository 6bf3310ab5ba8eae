package dev.flywheel.pipeline.train;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Json;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.source.Target;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where a training can go on: what a network had learned, with the features before it. It lies beside the exported
 * model, as {@code continue.json}, {@code continue-features.json} and {@code continue.f32}: the parameters as 32-bit
 * floats, the least significant byte first. Immutable.
 */
public final class Continuation {

    private static final int FORMAT = 2;
    private static final String HEAD = "continue.json";
    private static final String FEATURES = "continue-features.json";
    private static final String PARAMETERS = "continue.f32";

    /**
     * What continue.json holds.
     *
     * @param trainer the trainer that learned it, as it describes itself
     * @param definition the definition of the features, as they describe themselves
     */
    private record Head(int format, String trainer, String definition, Layout layout, Scale scale) {}

    private final MlpTrainer trainer;
    private final FittedFeatures features;
    private final NetworkModel learned;

    private Continuation(MlpTrainer trainer, FittedFeatures features, NetworkModel learned) {
        this.trainer = trainer;
        this.features = features;
        this.learned = learned;
    }

    /**
     * Keeps what a later training needs to go on from a model, if its trainer is one that {@link MlpTrainer#warmStart
     * starts warm}.
     *
     * @param definition the definition of the features, as they describe themselves
     * @param directory where to write it
     * @throws StoreException if it cannot be written
     */
    public static void keep(Trainer trainer, TrainedModel model, String definition, Path directory) {
        if (!(trainer instanceof MlpTrainer mlp && mlp.startsWarm())
                || !(model instanceof NetworkModel learned && learned.network() instanceof LayerNetwork network)) {
            return;
        }
        float[] parameters = learned.parameters();
        ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * parameters.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(parameters);
        Head head = new Head(FORMAT, trainer.describe(), definition, network.layout(), learned.learnedScale());
        try {
            Files.write(directory.resolve(HEAD), Json.write(head));
            Files.write(directory.resolve(FEATURES), learned.features().json());
            Files.write(directory.resolve(PARAMETERS), bytes.array());
        } catch (IOException e) {
            throw new StoreException(
                    "writing what a later training goes on from, to " + directory,
                    "the file system says " + e,
                    "check that the disk is mounted and has space left",
                    e);
        }
    }

    /**
     * {@return where the trainer can go on; empty if it does not start warm, or the model was made by another trainer
     * or of other features, or by one that did not start warm}
     *
     * @param directory a verified artifact's directory
     * @param definition the definition of the features, as they describe themselves
     * @throws StoreException if a file is damaged or cannot be read
     * @throws ModelFormatException if the files do not fit together
     */
    public static Optional<Continuation> find(Trainer trainer, String definition, Path directory) {
        Path file = directory.resolve(HEAD);
        if (!(trainer instanceof MlpTrainer mlp && mlp.startsWarm()) || !Files.exists(file)) {
            return Optional.empty();
        }
        Head head = Json.readKnown(read(file), Head.class, file.toString());
        if (head.format != FORMAT || !head.trainer.equals(trainer.describe()) || !head.definition.equals(definition)) {
            return Optional.empty();
        }
        Path featureFile = directory.resolve(FEATURES);
        FittedFeatures features = FittedFeatures.read(read(featureFile), featureFile.toString());
        byte[] bytes = read(directory.resolve(PARAMETERS));
        if (!mlp.layout(features, head.layout.outputs()).equals(head.layout)
                || bytes.length != Float.BYTES * head.layout.size()) {
            throw new ModelFormatException(
                    "what a training goes on from, in " + directory,
                    "it holds " + bytes.length + " bytes of parameters for " + head.layout.describe(),
                    "restore the directory from a backup, or train without a warm start");
        }
        float[] parameters = new float[head.layout.size()];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(parameters);
        return Optional.of(new Continuation(
                mlp,
                features,
                new NetworkModel(
                        features, new LayerNetwork(head.layout), parameters, head.scale, head.scale, "another run")));
    }

    private static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new StoreException(
                    "reading " + file, "the file system says " + e, "restore the file from a backup", e);
        }
    }

    /** {@return the features that the network was trained on, with all they had learned then} */
    public FittedFeatures features() {
        return features;
    }

    /**
     * Trains on.
     *
     * @param matrix the training rows as {@link #features()} make them
     * @see Trainer#train
     */
    public TrainedModel train(FeatureMatrix matrix, Target<?> target, long seed, TrainingListener listener) {
        return trainer.trainOn(learned, matrix, target, seed, listener);
    }
}
