package dev.flywheel.pipeline.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Schema;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProfilesTest {

    @TempDir
    Path directory;

    private Profiles.ColumnProfile profile(ColumnType type, int rows, BiConsumer<Dataset.Writer, Integer> write) {
        Schema schema = Schema.of(new Column("c", type, true));
        try (Dataset.Writer writer = Dataset.writer(directory, schema)) {
            for (int row = 0; row < rows; row++) {
                write.accept(writer, row);
                writer.endRow();
            }
            List<Profiles.ColumnProfile> profiles = Profiles.of(writer.finish());
            assertThat(profiles).hasSize(1);
            return profiles.get(0);
        }
    }

    private static Profiles.Numeric numeric(Profiles.ColumnProfile profile) {
        return Objects.requireNonNull(profile.numeric());
    }

    private static Profiles.Text text(Profiles.ColumnProfile profile) {
        return Objects.requireNonNull(profile.text());
    }

    @Test
    void numbersHaveMomentsAndQuantiles() {
        Profiles.ColumnProfile profile = profile(ColumnType.NUMBER, 101, (writer, row) -> writer.number(0, row * 1.5));
        assertThat(numeric(profile).min()).isZero();
        assertThat(numeric(profile).max()).isEqualTo(150);
        assertThat(numeric(profile).mean()).isCloseTo(75, within(1e-9));
        assertThat(numeric(profile).deviation()).isCloseTo(43.9503, within(1e-3));
        assertThat(numeric(profile).quantiles()).containsExactly(7.5, 37.5, 75.0, 112.5, 142.5);
        assertThat(numeric(profile).histogram().counts().stream()
                        .mapToLong(Long::longValue)
                        .sum())
                .isEqualTo(101);
        assertThat(profile.text()).isNull();
        assertThat(profile.times()).isNull();
    }

    @Test
    void aLargeColumnIsSampledWithoutBias() {
        Random random = new Random(4);
        Profiles.Numeric numeric = numeric(
                profile(ColumnType.NUMBER, 60_000, (writer, row) -> writer.number(0, row + random.nextGaussian())));
        assertThat(numeric.quantiles().get(0)).isCloseTo(3_000, within(700.0));
        assertThat(numeric.quantiles().get(2)).isCloseTo(30_000, within(1_500.0));
        assertThat(numeric.quantiles().get(4)).isCloseTo(57_000, within(700.0));
        assertThat(numeric.mean()).isCloseTo(30_000, within(1.0));
    }

    @Test
    void missingValuesAreCountedAndLeftOut() {
        Profiles.ColumnProfile profile = profile(ColumnType.INTEGER, 10, (writer, row) -> {
            if (row % 2 == 0) {
                writer.integer(0, row);
            }
        });
        assertThat(profile.rows()).isEqualTo(10);
        assertThat(profile.missing()).isEqualTo(5);
        assertThat(profile.missingShare()).isEqualTo(0.5);
        assertThat(numeric(profile).mean()).isEqualTo(4);
    }

    @Test
    void aColumnWithoutValuesHasNoProfile() {
        Profiles.ColumnProfile profile = profile(ColumnType.TEXT, 3, (writer, row) -> writer.missing(0));
        assertThat(profile).isEqualTo(new Profiles.ColumnProfile("c", ColumnType.TEXT, 3, 3, null, null, null));
        assertThat(profile(ColumnType.TEXT, 0, (writer, row) -> {}).missingShare())
                .isZero();
    }

    @Test
    void infinitiesAreSeenButDoNotSpoilTheMean() {
        Profiles.Numeric numeric = numeric(profile(
                ColumnType.NUMBER, 5, (writer, row) -> writer.number(0, row == 0 ? Double.POSITIVE_INFINITY : row)));
        assertThat(numeric.max()).isInfinite();
        assertThat(numeric.mean()).isEqualTo(2.5);
    }

    @Test
    void textsAreCountedByValue() {
        String[] values = {"b", "a", "a", "c", "a", "b"};
        Profiles.Text text = text(profile(ColumnType.TEXT, 6, (writer, row) -> writer.text(0, values[row])));
        assertThat(text)
                .isEqualTo(new Profiles.Text(
                        3,
                        Profiles.Precision.EXACT,
                        List.of(
                                new Profiles.TopValue("a", 3),
                                new Profiles.TopValue("b", 2),
                                new Profiles.TopValue("c", 1))));
    }

    @Test
    void booleansAreCountedByValue() {
        Profiles.Text text = text(profile(ColumnType.BOOLEAN, 9, (writer, row) -> writer.bool(0, row < 2)));
        assertThat(text.top()).containsExactly(new Profiles.TopValue("false", 7), new Profiles.TopValue("true", 2));
    }

    @Test
    void manyDifferentTextsAreEstimatedAndTheFrequentOnesFound() {
        Profiles.Text text = text(profile(
                ColumnType.TEXT, 90_000, (writer, row) -> writer.text(0, row % 3 == 0 ? "often" : "once " + row)));
        assertThat(text.precision()).isEqualTo(Profiles.Precision.ESTIMATED);
        assertThat((double) text.distinct()).isCloseTo(60_001, within(1_000.0));
        assertThat(text.top().get(0).value()).isEqualTo("often");
        assertThat((double) text.top().get(0).rows()).isCloseTo(30_000, within(100.0));
    }

    @Test
    void longTextsAreCut() {
        Profiles.Text text = text(profile(ColumnType.TEXT, 1, (writer, row) -> writer.text(0, "x".repeat(5_000))));
        assertThat(text.top().get(0).value()).hasSize(121).endsWith("x\u2026");
    }

    @Test
    void timesHaveARange() {
        Instant start = Instant.parse("2001-01-01T00:00:00Z");
        Profiles.Times times = Objects.requireNonNull(profile(
                        ColumnType.TIME,
                        11,
                        (writer, row) -> writer.time(0, (start.getEpochSecond() + row * 86_400L) * 1_000_000))
                .times());
        assertThat(times.first()).isEqualTo(start);
        assertThat(times.last()).isEqualTo(Instant.parse("2001-01-11T00:00:00Z"));
        assertThat(times.histogram().low()).isEqualTo((double) start.getEpochSecond());
    }

    @Test
    void histogramLeavesFarOutliersOut() {
        double[] values = new Random(1).doubles(10_000).toArray();
        values[77] = 1e9;
        Histogram histogram = Histogram.of(values, 20);
        assertThat(histogram.high()).isLessThan(1);
        assertThat(histogram.outside()).isBetween(1L, 60L);
        assertThat(histogram.counts()).hasSize(20).allMatch(count -> count > 400);
    }

    @Test
    void histogramOfFewIntegersHasABinForEach() {
        assertThat(Histogram.of(new double[] {1, 2, 2, 4}, 20))
                .isEqualTo(new Histogram(0.5, 4.5, List.of(1L, 2L, 0L, 1L), 0));
        assertThat(Histogram.of(new double[] {7, 7}, 20)).isEqualTo(new Histogram(7, 7, List.of(2L), 0));
    }
}
