package dev.flywheel.pipeline.train;

import static dev.flywheel.pipeline.feature.Transform.bucketize;
import static dev.flywheel.pipeline.feature.Transform.clip;
import static dev.flywheel.pipeline.feature.Transform.imputeMean;
import static dev.flywheel.pipeline.feature.Transform.log1p;
import static dev.flywheel.pipeline.feature.Transform.missingAt;
import static dev.flywheel.pipeline.feature.Transform.missingFlag;
import static dev.flywheel.pipeline.feature.Transform.standardize;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.CalendarPart;
import dev.flywheel.pipeline.feature.Encoding;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.feature.TestData;
import dev.flywheel.pipeline.source.Target;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The exported graph says what the trained network says, whatever the features and the trainer. */
class ParityTest {

    private static final Schema SCHEMA = Schema.of(
            new Column("wild", ColumnType.NUMBER, true),
            new Column("tiny", ColumnType.NUMBER, true),
            new Column("large", ColumnType.NUMBER, true),
            new Column("count", ColumnType.INTEGER, true),
            new Column("flag", ColumnType.BOOLEAN, true),
            new Column("small", ColumnType.TEXT, true),
            new Column("many", ColumnType.TEXT, true),
            new Column("when", ColumnType.TIME, true),
            new Column("$label", ColumnType.NUMBER, false));

    private static final Target<Boolean> YES = Target.isTrue("label");
    private static final Target<String> CLASS = Target.oneOf("label", "low", "middle", "high");
    private static final Target<Double> NUMBER = Target.number("label");

    @TempDir
    Path folder;

    private static Map<String, Features<Row>> features() {
        Map<String, Features<Row>> all = new LinkedHashMap<>();
        all.put("auto", Features.auto());
        all.put(
                "numbers",
                Features.rows()
                        .number("wild", clip(-50, 50), standardize())
                        .number("tiny", log1p(), standardize())
                        .number("large", imputeMean(), missingFlag())
                        .number("count", missingAt(3), bucketize(5))
                        .cyclic("count", 12));
        all.put(
                "ids",
                Features.rows()
                        .category("small")
                        .category("many", Encoding.vocabulary().minCount(3))
                        .category("count")
                        .calendar("when", CalendarPart.HOUR_OF_DAY, CalendarPart.DAY_OF_YEAR));
        all.put(
                "everything else",
                Features.rows()
                        .number("large")
                        .category("flag", Encoding.oneHot())
                        .category("small", Encoding.oneHot())
                        .category("many", Encoding.hashed(32))
                        .calendar("when", CalendarPart.YEAR, CalendarPart.MONTH, CalendarPart.DAY_OF_MONTH)
                        .cyclic("when", Duration.ofDays(7)));
        return all;
    }

    private static Map<Trainer, Target<?>> trainers() {
        Map<Trainer, Target<?>> all = new LinkedHashMap<>();
        all.put(Trainers.logistic(), YES);
        all.put(Trainers.logistic().iterations(40), CLASS);
        all.put(Trainers.linear(), NUMBER);
        all.put(Trainers.linear().l2(10), NUMBER.onLogScale());
        all.put(Trainers.mlp(8).epochs(2), YES);
        all.put(Trainers.mlp(9, 8).epochs(2), CLASS);
        all.put(Trainers.mlp(16, 8).epochs(2).dropout(0.3), NUMBER);
        all.put(Trainers.mlp(5, 4, 3).epochs(3).earlyStopping(1).embedding(3), NUMBER.onLogScale());
        return all;
    }

    @Test
    void holdsForEveryFeatureAndTrainer() {
        long seed = Long.getLong("tests.seed", new SplittableRandom().nextLong());
        SplittableRandom random = new SplittableRandom(seed);
        for (Task task : Task.values()) {
            Dataset train = data(random, 1500, false, task);
            Dataset held = data(random, 700, true, task);
            features().forEach((name, definition) -> {
                FittedFeatures fitted = definition.fit(train);
                FeatureMatrix matrix = fitted.matrix(train);
                FeatureMatrix rows = fitted.matrix(held);
                trainers().forEach((trainer, target) -> {
                    if (target.task() == task) {
                        TrainedModel model = trainer.train(matrix, target, seed, epoch -> {});
                        double[] expected = model.predict(rows);
                        double[] found = Scoring.score(fitted, model, held);
                        for (int i = 0; i < found.length; i++) {
                            assertThat(found[i])
                                    .as("row %d of %s by %s, seed %d", i, name, trainer, seed)
                                    .isFinite()
                                    .isCloseTo(expected[i], within(1e-5 * Math.max(1, Math.abs(expected[i]))));
                        }
                    }
                });
            });
        }
    }

    private Dataset data(SplittableRandom random, int rows, boolean unseen, Task task) {
        List<@Nullable Object[]> data = new ArrayList<>();
        for (int i = 0; i < rows; i++) {
            double tiny = random.nextDouble();
            int small = random.nextInt(unseen ? 5 : 3);
            double signal = tiny + small + random.nextDouble();
            data.add(new @Nullable Object[] {
                some(random, Math.pow(random.nextDouble(-1, 1), -3)),
                some(random, tiny * 1e-3),
                some(random, 1e6 + 5 * random.nextDouble() + signal),
                some(random, (long) random.nextInt(10)),
                some(random, random.nextBoolean()),
                some(random, List.of("a", "b", "ü", "unseen", "A").get(small)),
                some(random, "value " + Math.min(random.nextInt(100), random.nextInt(100)) + (unseen ? "" : " ")),
                some(random, Instant.ofEpochSecond(random.nextLong(-3_000_000_000L, 4_000_000_000L))),
                switch (task) {
                    case BINARY -> signal > 2 ? 1 : 0;
                    case MULTICLASS -> Math.min(2, Math.floor(signal));
                    case REGRESSION -> Math.exp(signal);
                }
            });
        }
        return TestData.rows(folder, SCHEMA, data);
    }

    private static @Nullable Object some(SplittableRandom random, Object value) {
        return random.nextInt(20) == 0 ? null : value;
    }
}
