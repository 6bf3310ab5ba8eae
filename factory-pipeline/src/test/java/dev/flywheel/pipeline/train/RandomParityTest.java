package dev.flywheel.pipeline.train;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.Dropout;
import ai.djl.nn.pooling.Pool;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import dev.flywheel.core.TrainingException;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.export.Parity;
import dev.flywheel.pipeline.feature.CalendarPart;
import dev.flywheel.pipeline.feature.Encoding;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.feature.ImageShape;
import dev.flywheel.pipeline.feature.TestData;
import dev.flywheel.pipeline.feature.Transform;
import dev.flywheel.pipeline.source.Target;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The exported graph says what the training engine says, of whatever features, data and trainer a seed draws: 20 of
 * them, or as many as {@code -Dparity.draws} says, from {@code -Dparity.seed} on.
 */
class RandomParityTest {

    private static final List<String> WORDS = List.of(
            "", "a", "b", "A", "ü", "👍", "a b", "  ", "a\nb", "true", "7", "x".repeat(300), "naïve 👍 b", "NaN");

    private static final double[] EXTREMES = {
        0, -0.0, 1e-45, -1e-38, 3.4e38, -3.4e38, 1e300, -1e300, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY
    };

    private static final long[] FAR = {
        0,
        -1,
        1,
        -62_135_596_800L,
        253_402_300_799L,
        -1_200_000_000_000L,
        1_130_000_000_000L,
        951_782_400L,
        4_107_542_400L
    };

    private static final List<Task> TASKS = List.of(Task.values());

    private static final List<Calibration> CALIBRATIONS = List.of(Calibration.values());

    @TempDir
    Path folder;

    @Test
    void holdsForWhateverIsDrawn() {
        long first = Long.getLong("parity.seed", 1);
        double worst = 0;
        for (long seed = first; seed < first + Integer.getInteger("parity.draws", 20); seed++) {
            worst = Math.max(worst, new Draw(new SplittableRandom(seed), seed).difference());
        }
        assertThat(worst).isLessThanOrEqualTo(Parity.USUAL);
    }

    /** A block of DJL, the same of the same random numbers. */
    private static Block block(SplittableRandom random, boolean image, int outputs) {
        SequentialBlock block = new SequentialBlock();
        if (image) {
            block.add(Conv2d.builder()
                    .setKernelShape(new Shape(1 + random.nextInt(3), 1 + random.nextInt(3)))
                    .setFilters(1 + random.nextInt(8))
                    .optPadding(new Shape(1, 1))
                    .optStride(new Shape(1 + random.nextInt(2), 1 + random.nextInt(2)))
                    .optBias(random.nextBoolean())
                    .build());
            between(random, block);
            switch (random.nextInt(5)) {
                case 0 -> block.add(Pool.maxPool2dBlock(new Shape(2, 2), new Shape(1, 2), new Shape(1, 1)));
                case 1 ->
                    block.add(Pool.avgPool2dBlock(
                            new Shape(3, 2), new Shape(2, 1), new Shape(1, 1), false, random.nextBoolean()));
                case 2 -> block.add(Pool.globalAvgPool2dBlock());
                case 3 -> block.add(Pool.globalMaxPool2dBlock());
                default -> {}
            }
            block.add(Blocks.batchFlattenBlock());
        }
        int layers = random.nextInt(3);
        for (int layer = 0; layer < layers; layer++) {
            block.add(Linear.builder()
                    .setUnits(1 + random.nextInt(20))
                    .optBias(random.nextBoolean())
                    .build());
            between(random, block);
        }
        return block.add(Linear.builder().setUnits(outputs).build());
    }

    private static void between(SplittableRandom random, SequentialBlock block) {
        if (random.nextInt(3) == 0) {
            block.add(BatchNorm.builder()
                    .optEpsilon(random.nextBoolean() ? 1e-5f : 1e-3f)
                    .build());
        }
        block.add(
                switch (random.nextInt(14)) {
                    case 0 -> Activation.relu6Block();
                    case 1 -> Activation.sigmoidBlock();
                    case 2 -> Activation.tanhBlock();
                    case 3 -> Activation.softPlusBlock();
                    case 4 -> Activation.softSignBlock();
                    case 5 -> Activation.leakyReluBlock((float) random.nextDouble(0.01, 0.5));
                    case 6 -> Activation.eluBlock((float) random.nextDouble(0.5, 2));
                    case 7 -> Activation.seluBlock();
                    case 8 -> Activation.geluBlock();
                    case 9 -> Activation.swishBlock((float) random.nextDouble(0.5, 2));
                    case 10 -> Activation.mishBlock();
                    case 11 -> Dropout.builder().optRate(0.3f).build();
                    case 12 -> Blocks.identityBlock();
                    default -> Activation.reluBlock();
                });
    }

    /** One pipeline. */
    private final class Draw {

        private final SplittableRandom random;
        private final long seed;
        private final Task task;
        private final int classes;
        private final List<Column> columns = new ArrayList<>();
        private final List<Cell> cells = new ArrayList<>();
        private Features<Row> features = Features.rows();

        Draw(SplittableRandom random, long seed) {
            this.random = random;
            this.seed = seed;
            this.task = TASKS.get(random.nextInt(3));
            this.classes = task == Task.MULTICLASS ? 3 + random.nextInt(4) : 2;
        }

        /** A value; rows that are held back may be stranger than those that are learned from. */
        private interface Cell {
            @Nullable
            Object draw(boolean held);
        }

        double difference() {
            if (random.nextInt(3) == 0) {
                image();
            }
            boolean ids = random.nextInt(3) > 0;
            int wanted = random.nextInt(columns.isEmpty() ? 1 : 0, 7);
            for (int i = 0; i < wanted; i++) {
                switch (random.nextInt(ids ? 6 : 3)) {
                    case 0, 1 -> number();
                    case 2 -> vector();
                    case 3 -> category(ColumnType.TEXT);
                    case 4 -> category(random.nextBoolean() ? ColumnType.INTEGER : ColumnType.BOOLEAN);
                    default -> time();
                }
            }
            Dataset train = data(40 + random.nextInt(160), false);
            Dataset held = data(60, true);
            Target<?> target = target();
            FittedFeatures fitted;
            Trainer trainer;
            TrainedModel model;
            try {
                fitted = features.fit(train);
                trainer = trainer(fitted);
                model = trainer.train(fitted.matrix(train), target, seed, epoch -> {});
            } catch (TrainingException e) {
                // the labels know nothing of the features, so that a model may say the opposite of those held back
                assertThat(e)
                        .hasMessageMatching(
                                "a model was not calibrated.*|.*no word is in 2 of the .*|.*have the same features.*");
                return 0;
            }
            Parity parity = Parity.of(model, fitted.matrix(held), Scoring.score(fitted, model, held));
            assertThat(parity.holds())
                    .as("%s, of %s by %s, seed %d", parity, features.describe(), trainer.describe(), seed)
                    .isTrue();
            assertThat(Double.isFinite(parity.engine()))
                    .as("%s, of %s by %s, seed %d", parity, features.describe(), trainer.describe(), seed)
                    .isTrue();
            return parity.difference();
        }

        private String column(ColumnType type, Cell cell) {
            return column(0, type, cell);
        }

        private String column(int length, ColumnType type, Cell cell) {
            String name = "c" + columns.size();
            double missing = random.nextInt(3) == 0 ? 0 : random.nextInt(8) == 0 ? 1 : 0.2;
            columns.add(new Column(name, type, missing > 0, length));
            cells.add(held -> random.nextDouble() < missing ? null : cell.draw(held));
            return name;
        }

        private void number() {
            double scale = Math.pow(10, random.nextInt(-6, 7));
            double offset = random.nextInt(3) == 0 ? 0 : scale * random.nextDouble(-5, 5);
            int shape = random.nextInt(4);
            boolean bounded = random.nextInt(3) == 0;
            boolean whole = random.nextInt(4) == 0;
            String name = column(whole ? ColumnType.INTEGER : ColumnType.NUMBER, held -> {
                double value = switch (shape) {
                    case 0 -> offset;
                    case 1 -> offset + scale * random.nextDouble();
                    case 2 -> offset + scale * random.nextGaussian();
                    default -> scale * Math.pow(random.nextDouble(-1, 1), -3);
                };
                if (held && !bounded && random.nextInt(6) == 0) {
                    value = EXTREMES[random.nextInt(EXTREMES.length)];
                }
                return whole ? (Object) (long) value : (Object) value;
            });
            // What is neither standardized nor clipped passes on whatever comes.
            switch (random.nextInt(4)) {
                case 0 -> features = features.number(name);
                case 1 -> features = features.number(name, steps(Transform.standardize()));
                case 2 -> features = features.number(name, steps(Transform.bucketize(2 + random.nextInt(12))));
                default -> features = features.number(name, steps(Transform.clip(-4, 4)));
            }
            if (bounded && shape != 3 && random.nextInt(3) == 0) {
                features = features.cyclic(name, scale * random.nextDouble(0.5, 9));
            }
        }

        private Transform[] steps(Transform last) {
            List<Transform> steps = new ArrayList<>();
            List<Transform> fills =
                    List.of(Transform.impute(), Transform.imputeMean(), Transform.impute(random.nextInt(-3, 4)));
            if (random.nextBoolean()) {
                steps.add(fills.get(random.nextInt(3)));
            }
            if (random.nextInt(3) == 0) {
                steps.add(Transform.missingFlag());
            }
            if (random.nextInt(4) == 0) {
                steps.add(Transform.missingAt(random.nextInt(-1, 2)));
            }
            if (random.nextInt(3) == 0) {
                steps.add(Transform.log1p());
            }
            if (random.nextInt(3) == 0) {
                steps.add(Transform.clip(-1000, 2000));
            }
            steps.add(last);
            return steps.toArray(Transform[]::new);
        }

        private void vector() {
            features = features.vector(vector(1 + random.nextInt(20)));
        }

        private void image() {
            int channels = 1 + random.nextInt(3);
            int height = 1 + random.nextInt(9);
            int width = 1 + random.nextInt(9);
            features = features.image(vector(channels * height * width), channels, height, width);
        }

        private String vector(int length) {
            double scale = Math.pow(10, random.nextInt(-6, 7));
            double offset = random.nextInt(3) == 0 ? 0 : scale * random.nextDouble(-5, 5);
            int shape = random.nextInt(3);
            boolean bounded = random.nextBoolean();
            return column(length, ColumnType.VECTOR, held -> {
                float[] values = new float[length];
                for (int i = 0; i < length; i++) {
                    double value = switch (shape) {
                        case 0 -> i % 2 * offset;
                        case 1 -> offset + scale * random.nextDouble();
                        default -> offset + scale * random.nextGaussian();
                    };
                    boolean strange = !bounded && random.nextInt(40) == 0;
                    values[i] =
                            (float) (!strange ? value : held ? EXTREMES[random.nextInt(EXTREMES.length)] : Double.NaN);
                }
                return values;
            });
        }

        private void category(ColumnType type) {
            int values = 1 + random.nextInt(WORDS.size());
            String name = column(type, held -> switch (type) {
                case TEXT ->
                    held && random.nextInt(5) == 0 ? "unseen " + random.nextInt(9) : WORDS.get(random.nextInt(values));
                case INTEGER ->
                    held && random.nextInt(5) == 0 ? random.nextLong() : (Object) (long) random.nextInt(values);
                default -> random.nextBoolean();
            });
            int wanted = 1 + random.nextInt(2);
            List<Encoding> encodings = new ArrayList<>(List.of(
                    Encoding.vocabulary(),
                    Encoding.vocabulary().minCount(5),
                    Encoding.vocabulary().atMost(2),
                    Encoding.oneHot(),
                    Encoding.hashed(2 + random.nextInt(40))));
            for (int i = 0; i < wanted; i++) {
                features = features.category(name, encodings.remove(random.nextInt(encodings.size())));
            }
            if (type == ColumnType.TEXT && random.nextInt(3) == 0) {
                features = features.words(name);
            }
        }

        private void time() {
            String name = column(
                    ColumnType.TIME,
                    held -> Instant.ofEpochSecond(
                            held && random.nextInt(3) == 0
                                    ? FAR[random.nextInt(FAR.length)]
                                    : 1_600_000_000L + random.nextInt(100_000_000)));
            Set<CalendarPart> parts = EnumSet.noneOf(CalendarPart.class);
            List<CalendarPart> all = new ArrayList<>(List.of(CalendarPart.values()));
            Collections.shuffle(all, new java.util.Random(random.nextLong()));
            parts.addAll(all.subList(0, 1 + random.nextInt(all.size())));
            features = features.calendar(name, parts.toArray(CalendarPart[]::new));
            if (random.nextInt(3) == 0) {
                features = features.cyclic(name, Duration.ofSeconds(60 + random.nextInt(10_000_000)));
            }
        }

        private Target<?> target() {
            if (task == Task.BINARY) {
                return Target.isTrue("label");
            }
            if (task == Task.MULTICLASS) {
                return Target.oneOf(
                        "label",
                        IntStream.range(0, classes).mapToObj(i -> "class " + i).toArray(String[]::new));
            }
            return random.nextInt(3) == 0 ? Target.number("label").onLogScale() : Target.number("label");
        }

        private Trainer trainer(FittedFeatures fitted) {
            boolean calibrated = task != Task.REGRESSION && random.nextInt(4) == 0;
            Trainer trainer = random.nextInt(3) == 0 ? linear() : network(fitted);
            Calibration calibration =
                    task == Task.BINARY ? CALIBRATIONS.get(random.nextInt(3)) : Calibration.TEMPERATURE;
            return calibrated ? Trainers.calibrated(trainer, calibration) : trainer;
        }

        private Trainer linear() {
            return task == Task.REGRESSION
                    ? Trainers.linear()
                    : Trainers.logistic().l2(random.nextInt(1, 5));
        }

        private Trainer network(FittedFeatures fitted) {
            Optional<ImageShape> image = fitted.image();
            if (image.isPresent() && random.nextBoolean()) {
                return cnn(image.get());
            }
            return fitted.idColumns().isEmpty() && random.nextInt(3) > 0 ? djl(fitted) : mlp();
        }

        private Trainer cnn(ImageShape image) {
            int most = 31 - Integer.numberOfLeadingZeros(Math.min(image.height(), image.width()));
            if (most == 0) {
                return mlp(); // a single row of pixels cannot be halved
            }
            CnnTrainer trainer = Trainers.cnn(
                            random.ints(1 + random.nextInt(most), 1, 10).toArray())
                    .hidden(random.ints(random.nextInt(3), 1, 20).toArray())
                    .epochs(1 + random.nextInt(3));
            return random.nextInt(4) == 0 ? trainer.dropout(0).earlyStopping(1) : trainer;
        }

        private Trainer djl(FittedFeatures fitted) {
            long blocks = random.nextLong();
            boolean seen = fitted.image()
                    .filter(image -> image.size() == fitted.numberNames().size())
                    .isPresent();
            int outputs = task == Task.MULTICLASS ? classes : 1;
            DjlTrainer.Maker<Block> block = () -> block(new SplittableRandom(blocks), seen, outputs);
            if (random.nextBoolean()) {
                return Trainers.djl(block).epochs(1 + random.nextInt(3));
            }
            Task learned = task;
            return Trainers.djl(
                            block,
                            () -> switch (learned) {
                                case BINARY -> Loss.sigmoidBinaryCrossEntropyLoss();
                                case MULTICLASS -> Loss.softmaxCrossEntropyLoss();
                                case REGRESSION -> Loss.l2Loss();
                            },
                            () -> Optimizer.adam()
                                    .optLearningRateTracker(Tracker.fixed(0.01f))
                                    .build())
                    .epochs(1 + random.nextInt(3));
        }

        private Trainer mlp() {
            int[] hidden = random.ints(1 + random.nextInt(3), 1, 40).toArray();
            MlpTrainer trainer =
                    Trainers.mlp(hidden).epochs(1 + random.nextInt(3)).embedding(1 + random.nextInt(12));
            return random.nextInt(4) == 0 ? trainer.dropout(0.3).earlyStopping(1) : trainer;
        }

        private Dataset data(int rows, boolean held) {
            List<Column> all = new ArrayList<>(columns);
            all.add(new Column("$label", ColumnType.NUMBER, false));
            List<@Nullable Object[]> data = new ArrayList<>();
            for (int row = 0; row < rows; row++) {
                @Nullable Object[] values = new @Nullable Object[all.size()];
                for (int i = 0; i < cells.size(); i++) {
                    values[i] = cells.get(i).draw(held);
                }
                values[cells.size()] =
                        task == Task.REGRESSION ? Math.exp(random.nextGaussian() + (row % 2)) * 1e3 : row % classes;
                data.add(values);
            }
            return TestData.rows(folder, Schema.of(all), data);
        }
    }
}
