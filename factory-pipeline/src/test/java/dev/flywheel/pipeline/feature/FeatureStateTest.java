package dev.flywheel.pipeline.feature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Schema;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeatureStateTest {

    @TempDir
    Path folder;

    private FittedFeatures fitted() {
        Schema schema = Schema.of(
                TestData.number("x"),
                TestData.number("y"),
                TestData.number("z"),
                TestData.text("a"),
                TestData.text("b"),
                TestData.text("c"),
                TestData.text("d"),
                TestData.time("t"));
        SplittableRandom random = new SplittableRandom(1);
        List<@Nullable Object[]> rows = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            rows.add(new @Nullable Object[] {
                i % 7 == 0 ? null : random.nextDouble(),
                random.nextDouble(0, 100),
                random.nextDouble(0, 1e9),
                "a" + random.nextInt(9),
                i % 5 == 0 ? null : "b" + random.nextInt(3),
                "c" + random.nextInt(4),
                "d" + random.nextInt(40),
                Instant.EPOCH.plus(Duration.ofHours(37L * i))
            });
        }
        Features<Row> features = Features.rows()
                .number("x", Transform.missingFlag(), Transform.clip(0.1, 0.9), Transform.standardize())
                .number("y", Transform.bucketize(6))
                .number("z", Transform.log1p(), Transform.standardize())
                .category("a")
                .category("b")
                .category("c", Encoding.oneHot())
                .category("d", Encoding.hashed(16))
                .calendar("t", CalendarPart.HOUR_OF_DAY, CalendarPart.DAY_OF_WEEK, CalendarPart.YEAR);
        Dataset data = TestData.rows(folder, schema, rows);
        return features.fit(data);
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
