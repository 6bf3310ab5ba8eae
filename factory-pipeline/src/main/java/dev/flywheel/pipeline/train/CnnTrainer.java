package dev.flywheel.pipeline.train;

import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.ImageShape;
import dev.flywheel.pipeline.source.Target;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Trains a convolutional network for images: blocks of a 3 x 3 convolution, 2 x 2 max pooling and ReLU, each of which
 * halves height and width, then fully connected layers, which other features join as they are. Immutable.
 *
 * <p>By default it makes 300,000 / rows passes, but 3 to 30, over minibatches of 64 rows, at a learning rate of up to
 * 0.003, with a dropout of 0.2. Features without an image, or with one too small for so many convolutions, are refused.
 */
public final class CnnTrainer extends NetworkTrainer<CnnTrainer> {

    private static final long serialVersionUID = 1L;

    private static final int BATCH = 64;

    /** Rows learned from in all passes. */
    private static final int LEARNED_ROWS = 300_000;

    private static final int MOST_EPOCHS = 30;

    private final int[] filters;
    private final int[] hidden;

    private CnnTrainer(int[] filters, int[] hidden, MinibatchSettings settings) {
        super(settings);
        this.filters = filters;
        this.hidden = hidden;
    }

    static CnnTrainer of(int... filters) {
        requireSizes("Trainers.cnn", filters);
        if (filters.length == 0) {
            throw new IllegalArgumentException("Trainers.cnn needs one or more numbers of filters, as cnn(16, 32)");
        }
        MinibatchSettings settings =
                MinibatchSettings.DEFAULT.learningRate(0.003).dropout(0.2);
        return new CnnTrainer(filters.clone(), new int[] {64}, settings);
    }

    private static void requireSizes(String name, int... sizes) {
        if (Arrays.stream(sizes).anyMatch(size -> size < 1 || size > 16_384)) {
            throw new IllegalArgumentException(
                    name + " is invalid: found " + Arrays.toString(sizes) + ", expected sizes of 1 to 16384");
        }
    }

    /**
     * {@return the same with other fully connected layers behind the convolutions}
     *
     * @param widths first to last, each 1 to 16,384; none for no such layer; by default one of 64
     */
    public CnnTrainer hidden(int... widths) {
        requireSizes("hidden", widths);
        return new CnnTrainer(filters, widths.clone(), settings);
    }

    @Override
    CnnTrainer with(MinibatchSettings changed) {
        return new CnnTrainer(filters, hidden, changed);
    }

    @Override
    public String name() {
        return "cnn";
    }

    @Override
    public Map<String, String> settings() {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("filters", Arrays.toString(filters));
        all.put("hidden", Arrays.toString(hidden));
        settings.addTo(all);
        all.put("batchSize", Integer.toString(batchSize()));
        return all;
    }

    private int batchSize() {
        return settings.batchSize() > 0 ? settings.batchSize() : BATCH;
    }

    @Override
    MinibatchSettings settings(int rows) {
        int epochs = Math.max(3, Math.min(MOST_EPOCHS, LEARNED_ROWS / Math.max(1, rows)));
        return settings.batchSize(batchSize()).epochs(settings.epochs() > 0 ? settings.epochs() : epochs);
    }

    @Override
    Network network(FeatureMatrix matrix, Target<?> target) {
        ImageShape image = matrix.features()
                .image()
                .orElseThrow(() -> new IllegalArgumentException("trainer " + describe()
                        + " learns from an image, and the features have none; add one, as with "
                        + "Features.image(Item::pixels, 1, 28, 28), or use Trainers.mlp(...)"));
        int least = Math.min(image.height(), image.width());
        if (least >> filters.length == 0) {
            throw new IllegalArgumentException("trainer " + describe() + " halves an image " + filters.length
                    + " times, and this one is " + image.height() + " x " + image.width()
                    + " pixels; leave out convolutions, so that at least one pixel is left");
        }
        Layout layout = Layout.cnn(
                matrix.features(),
                image,
                Arrays.stream(filters).boxed().toList(),
                Arrays.stream(hidden).boxed().toList(),
                settings.embedding(),
                Objective.outputs(target));
        return new LayerNetwork(layout);
    }
}
