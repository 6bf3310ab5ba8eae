package dev.flywheel.pipeline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Schema;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.feature.TestData;
import dev.flywheel.pipeline.source.Target;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CnnTrainerTest {

    private static final int HEIGHT = 9;
    private static final int WIDTH = 12;
    private static final Target<String> BAR = Target.oneOf("bar", "none", "across", "upright");
    private static final Schema SCHEMA = Schema.of(
            Column.vector("pixels", HEIGHT * WIDTH),
            TestData.number("x"),
            TestData.text("c"),
            new Column("$label", ColumnType.NUMBER, false));

    @TempDir
    Path folder;

    /** Noisy images with a bar somewhere, and two features that tell nothing. */
    private Dataset bars(int count, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<@Nullable Object[]> rows = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int bar = random.nextInt(3);
            int place = random.nextInt(bar == 1 ? HEIGHT : WIDTH);
            float[] pixels = new float[HEIGHT * WIDTH];
            for (int at = 0; at < pixels.length; at++) {
                boolean on = bar == 1 ? at / WIDTH == place : bar == 2 && at % WIDTH == place;
                pixels[at] = (float) (random.nextDouble() + (on ? 2.5 : 0));
            }
            rows.add(new @Nullable Object[] {pixels, random.nextDouble(), "c" + random.nextInt(3), (double) bar});
        }
        return TestData.rows(folder, SCHEMA, rows);
    }

    private static Features<Row> image() {
        return Features.rows().image("pixels", 1, HEIGHT, WIDTH);
    }

    @Test
    void seesWhatIsOnAnImageAndExportsThat() {
        Dataset train = bars(300, 1);
        Dataset held = bars(100, 2);
        for (Features<Row> definition : List.of(image(), image().number("x").category("c"))) {
            FittedFeatures features = definition.fit(train);
            FeatureMatrix matrix = features.matrix(train);
            FeatureMatrix rows = features.matrix(held);
            CnnTrainer trainer = Trainers.cnn(4, 8).hidden(16).epochs(12).batchSize(16);
            TrainedModel model = trainer.train(matrix, BAR, 3, epoch -> {});
            double[] expected = model.predict(rows);
            assertThat(Scoring.accuracy(expected, rows.labels())).isGreaterThan(0.9);
            assertThat(Scoring.score(features, model, held))
                    .hasSize(expected.length)
                    .satisfies(found -> {
                        for (int i = 0; i < found.length; i++) {
                            assertThat(found[i]).isCloseTo(expected[i], within(1e-5));
                        }
                    });
        }
    }

    @Test
    void comesOutTheSameFromTheSameSeed() {
        Dataset data = bars(120, 1);
        FeatureMatrix matrix = image().fit(data).matrix(data);
        CnnTrainer trainer = Trainers.cnn(2).hidden().epochs(2).earlyStopping(1);
        double[] first = trainer.train(matrix, BAR, 7, epoch -> {}).predict(matrix);
        assertThat(trainer.train(matrix, BAR, 7, epoch -> {}).predict(matrix)).isEqualTo(first);
        assertThat(trainer.train(matrix, BAR, 8, epoch -> {}).predict(matrix)).isNotEqualTo(first);
    }

    @Test
    void refusesWhatIsNoImageOrTooSmall() {
        Dataset data = bars(60, 1);
        FeatureMatrix plain = Features.rows().number("x").fit(data).matrix(data);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Trainers.cnn(4).train(plain, BAR, 1, epoch -> {}))
                .withMessage("trainer " + Trainers.cnn(4).describe() + " learns from an image, and the features have "
                        + "none; add one, as with Features.image(Item::pixels, 1, 28, 28), or use Trainers.mlp(...)");
        FeatureMatrix small = image().fit(data).matrix(data);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Trainers.cnn(4, 4, 4, 4).train(small, BAR, 1, epoch -> {}))
                .withMessageContaining("halves an image 4 times, and this one is 9 x 12 pixels");
    }

    @Test
    void describesAndRefusesSettings() {
        assertThat(Trainers.cnn(16, 32).describe())
                .isEqualTo("cnn(filters=[16, 32], hidden=[64], epochs=by rows, batchSize=64, learningRate=0.003, "
                        + "weightDecay=by rows, dropout=0.2, embedding=8, earlyStopping=off)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Trainers.cnn())
                .withMessage("Trainers.cnn needs one or more numbers of filters, as cnn(16, 32)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Trainers.cnn(8, 0))
                .withMessage("Trainers.cnn is invalid: found [8, 0], expected sizes of 1 to 16384");
    }
}
