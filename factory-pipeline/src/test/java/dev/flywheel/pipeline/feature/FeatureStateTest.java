package dev.flywheel.pipeline.feature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Schema;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeatureStateTest {

    @TempDir
    Path folder;

    private static final Features<Row> FEATURES = Features.rows()
            .number("x", Transform.missingFlag(), Transform.clip(0.1, 0.9), Transform.standardize())
            .number("y", Transform.bucketize(6))
            .number("z", Transform.log1p(), Transform.standardize())
            .category("a")
            .category("b")
            .category("c", Encoding.oneHot())
            .category("d", Encoding.hashed(16))
            .words("e")
            .vector("v")
            .calendar("t", CalendarPart.HOUR_OF_DAY, CalendarPart.DAY_OF_WEEK, CalendarPart.YEAR);

    /** Some of 200 rows with a column for each kind of feature. */
    private Dataset rows(IntPredicate chosen) {
        Schema schema = Schema.of(
                TestData.number("x"),
                TestData.number("y"),
                TestData.number("z"),
                TestData.text("a"),
                TestData.text("b"),
                TestData.text("c"),
                TestData.text("d"),
                TestData.text("e"),
                Column.vector("v", 2),
                TestData.time("t"),
                new Column(FeatureMatrix.LABEL, ColumnType.NUMBER, false));
        SplittableRandom random = new SplittableRandom(1);
        List<@Nullable Object[]> rows = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            @Nullable
            Object[] row = {
                i % 7 == 0 ? null : random.nextDouble(),
                random.nextDouble(0, 100),
                random.nextDouble(0, 1e9),
                "a" + random.nextInt(9),
                i % 5 == 0 ? null : "b" + random.nextInt(3),
                "c" + random.nextInt(4),
                "d" + random.nextInt(40),
                "word" + random.nextInt(9) + " word" + random.nextInt(9),
                i % 6 == 0 ? null : new float[] {random.nextInt(100), i},
                Instant.EPOCH.plus(Duration.ofHours(37L * i)),
                (double) i
            };
            if (chosen.test(i)) {
                rows.add(row);
            }
        }
        return TestData.rows(folder, schema, rows);
    }

    private FittedFeatures fitted() {
        return FEATURES.fit(rows(row -> true));
    }

    @Test
    void someRowsTeachFeaturesWhatTheyWouldAlone() {
        Dataset all = rows(row -> true);
        Dataset few = rows(row -> row < 90 && row % 3 == 0);
        FeatureMatrix alone = FEATURES.fit(few).matrix(few);
        int[] early = IntStream.range(0, 90).toArray();
        int[] thirds = IntStream.range(0, 30).map(i -> 3 * i).toArray();
        FeatureMatrix matrix = FEATURES.fit(all).matrix(all).weighted(all(2, 200));
        for (FeatureMatrix rows : List.of(matrix, matrix.select(early))) {
            FeatureMatrix refitted = rows.refitted(thirds);
            assertThat(refitted.features().json()).isEqualTo(alone.features().json());
            assertThat(refitted.rows()).isEqualTo(rows.rows());
            assertThat(refitted.labels()).isEqualTo(rows.labels());
            assertThat(refitted.weights()).containsOnly(2);
            FeatureMatrix taught = refitted.select(thirds);
            for (int number = 0; number < alone.numberCount(); number++) {
                assertThat(TestData.numbers(taught)[number])
                        .as(alone.features().numberNames().get(number))
                        .containsExactly(TestData.numbers(alone)[number], within(1e-5));
            }
            assertThat(taught.ids()).isEqualTo(alone.ids());
        }
        FittedFeatures read = FittedFeatures.read(fitted().json(), "a test");
        assertThat(read.matrix(all).refitted(thirds).features())
                .as("learned elsewhere")
                .isSameAs(read);
        assertThatThrownBy(() -> matrix.refitted(200)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    private static double[] all(double value, int count) {
        double[] values = new double[count];
        Arrays.fill(values, value);
        return values;
    }

    @Test
    void featuresAreTheSameAfterTheyWereWrittenAndRead() {
        FittedFeatures before = fitted();
        FittedFeatures after = FittedFeatures.read(before.json(), "a test");
        assertThat(after.graph()).as("bit for bit").isEqualTo(before.graph());
        assertThat(after.describe()).isEqualTo(before.describe());
        assertThat(after.inputs()).isEqualTo(before.inputs());
        assertThat(after.notes()).isEqualTo(before.notes());
        assertThat(after.json()).isEqualTo(before.json());
    }

    @Test
    void refusesWhatANewerReleaseWrote() {
        String json = new String(fitted().json(), StandardCharsets.UTF_8);
        byte[] newer = json.replaceFirst("\"format\" : 1", "\"format\" : 2").getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> FittedFeatures.read(newer, "features.json"))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("their format is 2, this library reads format 1");
    }
}
