package dev.flywheel.core.stat.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.log.RowDecoder;
import dev.flywheel.core.log.RowEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProfileTest {

    private static final Schema SCHEMA = Schema.of(
            Rows.column("amount", ColumnType.NUMBER),
            Rows.column("items", ColumnType.INTEGER),
            Rows.column("member", ColumnType.BOOLEAN),
            Rows.column("city", ColumnType.TEXT),
            Rows.column("joined", ColumnType.TIME));

    @Test
    void aVectorIsWatchedByTheMeanAndDeviationOfItsNumbers() {
        Schema schema = Schema.of(Column.vector("pixels", 4), Rows.column("n", ColumnType.NUMBER));
        RowEncoder row = new RowEncoder(schema);
        Profile profile = Profile.of(schema);
        for (float[] pixels : new float[][] {{0, 0, 2, 2}, {5, 5, 5, Float.NaN}}) {
            row.clear();
            row.vector(0, pixels);
            row.number(1, 7);
            profile.add(new RowDecoder(schema).read(row.row()));
        }
        row.clear();
        profile.add(new RowDecoder(schema).read(row.row()));

        assertThat(profile.schema()).hasToString("[mean(pixels):number?, deviation(pixels):number?, n:number?]");
        assertThat(profile.column("mean(pixels)").mean()).isEqualTo(3);
        assertThat(profile.column("deviation(pixels)").mean()).isEqualTo(0.5);
        assertThat(profile.column("mean(pixels)").missing()).isEqualTo(1);
        assertThat(profile.column("n").mean()).isEqualTo(7);

        Profile read = Profile.fromJson(profile.toJson(), "test");
        read.add(new RowDecoder(schema).read(row.row()));
        read.merge(profile);
        assertThat(read.column("mean(pixels)").missing()).isEqualTo(3);
    }

    @Test
    void countsEveryTypeOfColumn() {
        Profile profile = Profile.of(SCHEMA);
        profile.add(Rows.row(SCHEMA, 1.5, 3L, true, "Rome", 1_000_000L), 0.25, 5_000_000);
        profile.add(Rows.row(SCHEMA, 2.5, 4L, false, "Oslo", null), 0.75, 2_000_000);
        profile.add(Rows.row(SCHEMA, null, 5L, null, "Rome", 3_000_000L), Double.NaN, 3_000_000);
        assertThat(profile.rows()).isEqualTo(3);
        assertThat(profile.earliest()).isEqualTo(Instant.ofEpochSecond(2));
        assertThat(profile.latest()).isEqualTo(Instant.ofEpochSecond(5));
        ColumnProfile amount = profile.column("amount");
        assertThat(amount.count()).isEqualTo(2);
        assertThat(amount.missing()).isEqualTo(1);
        assertThat(amount.missingShare()).isCloseTo(1 / 3.0, within(1e-12));
        assertThat(amount.mean()).isEqualTo(2);
        assertThat(amount.deviation()).isEqualTo(0.5);
        assertThat(amount.min()).isEqualTo(1.5);
        assertThat(amount.max()).isEqualTo(2.5);
        assertThat(amount.quantile(0.5)).isEqualTo(2);
        assertThat(profile.column("items").mean()).isEqualTo(4);
        assertThat(profile.column("member").categories()).isEqualTo(Map.of("true", 1L, "false", 1L));
        assertThat(profile.column("city").categories()).isEqualTo(Map.of("Rome", 2L, "Oslo", 1L));
        assertThat(profile.column("city").distinct()).isEqualTo(2);
        assertThat(profile.column("joined").max()).isEqualTo(3_000_000);
        assertThat(profile.prediction().mean()).isEqualTo(0.5);
        assertThat(profile.prediction().missing()).isEqualTo(1);
    }

    @Test
    void countsNaNAndInfinityAsMissing() {
        Schema schema = Schema.of(Rows.column("x", ColumnType.NUMBER));
        Profile profile = Profile.of(schema);
        for (double x : new double[] {1, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
            profile.add(Rows.row(schema, x));
        }
        assertThat(profile.column("x").count()).isEqualTo(1);
        assertThat(profile.column("x").missing()).isEqualTo(3);
    }

    @Test
    void emptyColumnsHaveNoNumbers() {
        ColumnProfile amount = Profile.of(SCHEMA).column("amount");
        assertThat(amount.count()).isZero();
        assertThat(List.of(amount.mean(), amount.deviation(), amount.min(), amount.max(), amount.quantile(0.5)))
                .containsOnly(Double.NaN);
        assertThat(Profile.of(SCHEMA).earliest()).isNull();
        assertThat(Profile.of(SCHEMA).latest()).isNull();
    }

    @Test
    void mergesInAnyOrderToTheSameCounts() {
        List<Profile> parts = new ArrayList<>();
        Profile whole = Profile.of(SCHEMA);
        Random random = new Random(4);
        for (int part = 0; part < 6; part++) {
            Profile profile = Profile.of(SCHEMA);
            for (int i = 0; i < 3000 * (part % 3); i++) {
                RowReader row = row(random);
                profile.add(row, random.nextDouble(), i);
                whole.add(row, 0.5, i);
            }
            parts.add(profile);
        }
        Profile forwards = Profile.of(SCHEMA);
        parts.forEach(forwards::merge);
        Profile backwards = Profile.of(SCHEMA);
        for (int i = parts.size() - 1; i >= 0; i--) {
            backwards.merge(parts.get(i));
        }
        for (Profile merged : List.of(forwards, backwards)) {
            assertThat(merged.rows()).isEqualTo(whole.rows());
            assertThat(merged.earliest()).isEqualTo(whole.earliest());
            assertThat(merged.latest()).isEqualTo(whole.latest());
            for (ColumnProfile expected : whole.columns()) {
                ColumnProfile found = merged.column(expected.name());
                assertThat(found.count()).isEqualTo(expected.count());
                assertThat(found.missing()).isEqualTo(expected.missing());
                if (expected.numeric()) {
                    assertThat(found.mean()).isCloseTo(expected.mean(), within(1e-9 * Math.abs(expected.mean())));
                    assertThat(found.deviation()).isCloseTo(expected.deviation(), within(1e-9 * expected.deviation()));
                    assertThat(found.min()).isEqualTo(expected.min());
                    assertThat(found.max()).isEqualTo(expected.max());
                } else {
                    assertThat(found.categories()).isEqualTo(expected.categories());
                    assertThat(found.distinct()).isEqualTo(expected.distinct());
                }
            }
        }
    }

    @Test
    void isTheSameAfterJsonAndGoesOnAsIfNothingHadHappened() {
        Random random = new Random(5);
        Profile profile = Profile.of(SCHEMA);
        for (int i = 0; i < 20_000; i++) {
            profile.add(row(random), random.nextDouble(), i);
        }
        Profile read = Profile.fromJson(profile.toJson(), "a test");
        assertThat(read.toJson()).isEqualTo(profile.toJson());
        assertThat(read.schema()).isEqualTo(profile.schema());
        for (int i = 0; i < 20_000; i++) {
            RowReader row = row(random);
            profile.add(row);
            read.add(row);
        }
        assertThat(read.toJson()).isEqualTo(profile.toJson());
        Profile empty = Profile.of(SCHEMA);
        assertThat(Profile.fromJson(empty.toJson(), "a test").toJson()).isEqualTo(empty.toJson());
        Profile window = profile.window();
        assertThat(Profile.fromJson(window.toJson(), "a test").toJson()).isEqualTo(window.toJson());
        Profile refilled = Profile.fromJson(empty.toJson(), "a test");
        refilled.add(row(random));
        assertThat(refilled.rows()).isEqualTo(1);
    }

    @Test
    void refusesJsonThatIsDamaged() {
        Profile profile = Profile.of(SCHEMA);
        profile.add(Rows.row(SCHEMA, 1.5, 3L, true, "Rome", 1_000_000L));
        String json = new String(profile.toJson(), StandardCharsets.UTF_8);
        assertThatThrownBy(() -> read(json.replace("\"Rome\"", "\"Rone\"")))
                .isInstanceOf(StoreException.class)
                .hasMessageMatching("reading p.json: the profile is damaged: expected SHA-256 [0-9a-f]{64}, found"
                        + " [0-9a-f]{64}. Fix: restore the file from a backup, or profile the rows again.");
        assertThatThrownBy(() -> read(json.replace("\"format\" : 1", "\"format\" : 2")))
                .isInstanceOf(StoreException.class)
                .hasMessage("reading p.json: the profile's format is 2, this library reads format 1."
                        + " Fix: upgrade the library.");
        assertThatThrownBy(() -> read(json.substring(0, json.length() / 2)))
                .isInstanceOf(StoreException.class)
                .hasMessageStartingWith("reading p.json: it is not the JSON expected there: ");
        assertThatThrownBy(() -> read("")).isInstanceOf(StoreException.class);
        assertThatThrownBy(() -> read("null")).isInstanceOf(StoreException.class);
        assertThatThrownBy(() -> read("{\"format\":1}")).isInstanceOf(StoreException.class);
        for (int i = 0; i < json.length(); i += 11) {
            String cut = json.substring(0, i);
            assertThatThrownBy(() -> read(cut)).isInstanceOf(StoreException.class);
        }
    }

    private static Profile read(String json) {
        return Profile.fromJson(json.getBytes(StandardCharsets.UTF_8), "p.json");
    }

    @Test
    void takesBatchesWhoseFirstColumnsAreItsOwn(@TempDir Path directory) {
        List<Column> more = new ArrayList<>(SCHEMA.columns());
        more.add(new Column("$label", ColumnType.NUMBER, false));
        more.add(new Column("$time", ColumnType.TIME, false));
        Profile one = Profile.of(SCHEMA);
        Profile other = Profile.of(SCHEMA);
        Random random = new Random(6);
        Dataset dataset;
        try (Dataset.Writer writer = Dataset.writer(directory, Schema.of(more))) {
            for (int i = 0; i < 100; i++) {
                RowReader row = row(random);
                row.copyTo(writer);
                writer.number(SCHEMA.size(), 1);
                writer.time(SCHEMA.size() + 1, 1_000_000L * i);
                writer.endRow();
                one.add(row);
            }
            dataset = writer.finish();
        }
        try (Scan scan = dataset.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                other.add(batch);
            }
        }
        assertThat(other.earliest()).isEqualTo(Instant.EPOCH);
        assertThat(other.latest()).isEqualTo(Instant.ofEpochSecond(99));
        assertThat(other.rows()).isEqualTo(100);
        for (ColumnProfile column : one.columns()) {
            assertThat(other.column(column.name()).missing()).isEqualTo(column.missing());
        }
        assertThat(other.column("city").categories())
                .isEqualTo(one.column("city").categories());
        assertThat(other.column("amount").quantile(0.3))
                .isEqualTo(one.column("amount").quantile(0.3));
    }

    @Test
    void refusesRowsAndProfilesOfOtherColumns() {
        Schema other = Schema.of(Rows.column("amount", ColumnType.TEXT));
        Profile profile = Profile.of(SCHEMA);
        assertThatThrownBy(() -> profile.add(Rows.row(other, "1")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a profile of " + SCHEMA + " cannot take rows of [amount:text?]");
        assertThatThrownBy(() -> profile.merge(Profile.of(other))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> profile.merge(profile))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a profile cannot be merged with itself: its rows would count twice");
        assertThatThrownBy(() -> profile.column("city").mean())
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("column \"city\" holds categories, not numbers");
        assertThatThrownBy(() -> profile.column("amount").categories())
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("column \"amount\" holds numbers, not categories");
    }

    @Test
    void staysWithinItsMemoryWhateverItIsFed() {
        Schema schema = Schema.of(Rows.column("x", ColumnType.NUMBER), Rows.column("text", ColumnType.TEXT));
        Profile profile = Profile.of(schema);
        Random random = new Random(7);
        for (int i = 0; i < 60_000; i++) {
            profile.add(Rows.row(
                    schema, random.nextGaussian(), "a review of some length, all different: " + "x".repeat(60) + i));
        }
        double[][] levels = profile.column("x").numbers().ranks().levels();
        int held = 0;
        for (double[] level : levels) {
            held += level.length;
        }
        assertThat(held).isLessThanOrEqualTo(3 * Kll.K + Kll.LEAST * levels.length);
        assertThat(profile.column("text").categories()).hasSizeLessThanOrEqualTo(Categories.ROOM);
        assertThat(profile.column("text").categories().keySet()).allMatch(text -> text.length() <= Categories.LONGEST);
        assertThat((double) profile.column("text").distinct()).isCloseTo(60_000, within(0.05 * 60_000));
        assertThat(profile.toJson().length).isLessThan(150_000);
    }

    private static RowReader row(Random random) {
        return Rows.row(
                SCHEMA,
                random.nextInt(50) == 0 ? null : random.nextGaussian(),
                (long) random.nextInt(100),
                random.nextBoolean(),
                random.nextInt(20) == 0 ? null : "city " + random.nextInt(30),
                1_000_000L * random.nextInt(1_000_000));
    }
}
