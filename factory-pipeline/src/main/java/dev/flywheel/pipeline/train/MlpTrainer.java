package dev.flywheel.pipeline.train;

import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.source.Target;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Trains a neural network: numbers, and a learned vector for each id, through fully connected layers with ReLU between
 * them. Immutable.
 *
 * <p>By default it makes 1,500,000 / rows passes, but 3 to 30, over about 200 minibatches of 64 to 1,024 rows, at a
 * learning rate of up to 0.01, without dropout.
 */
public final class MlpTrainer extends NetworkTrainer<MlpTrainer> {

    private static final long serialVersionUID = 1L;

    /** What a network has learned would be lost at the rate at which one begins. */
    private static final double WARM_RATE = 0.1;

    private final int[] hidden;

    private MlpTrainer(int[] hidden, MinibatchSettings settings) {
        super(settings);
        this.hidden = hidden;
    }

    static MlpTrainer of(int... hidden) {
        if (hidden.length == 0 || Arrays.stream(hidden).anyMatch(size -> size < 1 || size > 16_384)) {
            throw new IllegalArgumentException("Trainers.mlp is invalid: found " + Arrays.toString(hidden)
                    + ", expected one or more widths of 1 to 16384");
        }
        return new MlpTrainer(hidden.clone(), MinibatchSettings.DEFAULT);
    }

    /**
     * {@return the same with other hidden layers}
     *
     * @param widths first to last, one or more, each 1 to 16,384
     */
    public MlpTrainer hidden(int... widths) {
        return new MlpTrainer(of(widths).hidden, settings);
    }

    /** {@return the same with vectors of this many numbers for ids, at least 1; by default 8} */
    public MlpTrainer embedding(int size) {
        return with(settings.embedding(size));
    }

    /**
     * {@return the same with a second candidate in each run, which goes on from the champion: it keeps the champion's
     * fitted features and begins with its parameters, at a tenth of the learning rate} The first candidate begins anew,
     * as without this; the better one of the two is judged, and its card says which it was. The champion has learned
     * from most of the examples that the two are compared on, which favours the second one; before the gates it does
     * not. There is no second one where the champion was made by another trainer, with other settings or of other
     * features, or without this.
     */
    public MlpTrainer warmStart() {
        return with(settings.startingWarm());
    }

    boolean startsWarm() {
        return settings.warm();
    }

    @Override
    MlpTrainer with(MinibatchSettings changed) {
        return new MlpTrainer(hidden, changed);
    }

    @Override
    public String name() {
        return "mlp";
    }

    @Override
    public Map<String, String> settings() {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("hidden", Arrays.toString(hidden));
        settings.addTo(all);
        return all;
    }

    /** Goes on from a network over the same features. */
    TrainedModel trainOn(
            NetworkModel before, FeatureMatrix matrix, Target<?> target, long seed, TrainingListener listener) {
        MinibatchSettings careful = settings.learningRate(WARM_RATE * settings.learningRate());
        return new NetworkFit(this, network(matrix, target), matrix, target, listener, before)
                .run(
                        careful,
                        training -> MinibatchFit.from(before.parameters(), training, careful, seed)
                                .run());
    }

    @Override
    Network network(FeatureMatrix matrix, Target<?> target) {
        return new LayerNetwork(layout(matrix.features(), Objective.outputs(target)));
    }

    Layout layout(FittedFeatures features, int outputs) {
        return Layout.mlp(features, Arrays.stream(hidden).boxed().toList(), settings.embedding(), outputs);
    }
}
