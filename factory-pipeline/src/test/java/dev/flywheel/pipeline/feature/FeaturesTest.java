package dev.flywheel.pipeline.feature;

import static dev.flywheel.pipeline.feature.Transform.bucketize;
import static dev.flywheel.pipeline.feature.Transform.clip;
import static dev.flywheel.pipeline.feature.Transform.impute;
import static dev.flywheel.pipeline.feature.Transform.log1p;
import static dev.flywheel.pipeline.feature.Transform.standardize;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.TrainingException;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.device.DeviceRequest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeaturesTest {

    record Flight(String origin, Instant departure, double distance, Integer seats, boolean weekend) {}

    private static final Features<Flight> FLIGHTS = Features.of(Flight.class)
            .number(Flight::distance, log1p(), standardize())
            .number(Flight::seats)
            .category(Flight::origin)
            .category(Flight::weekend, Encoding.oneHot())
            .calendar(Flight::departure, CalendarPart.HOUR_OF_DAY)
            .cyclic(Flight::departure, Duration.ofDays(7))
            .cyclic(Flight::seats, 12);

    @TempDir
    Path folder;

    @Test
    void describesItselfStably() {
        assertThat(FLIGHTS.describe())
                .isEqualTo("number(distance, log1p(), standardize()), number(seats, impute(), standardize()), "
                        + "category(origin, vocabulary()), category(weekend, oneHot()), "
                        + "calendar(departure, HOUR_OF_DAY), cyclic(departure, PT168H), cyclic(seats, 12.0)");
        assertThat(Features.auto(Flight.class)
                        .except(Flight::seats, Flight::origin)
                        .number(Flight::distance, clip(0, 10))
                        .describe())
                .isEqualTo("auto except origin, seats, number(distance, clip(0.0, 10.0))");
    }

    @Test
    void travelsAsAValue() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(FLIGHTS);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            assertThat(in.readObject()).isEqualTo(FLIGHTS).hasToString(FLIGHTS.toString());
        }
    }

    @Test
    void refusesAColumnOfTheWrongTypeWhereItIsNamed() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Features.of(Flight.class).category(Flight::distance))
                .withMessage(
                        "feature category(distance, vocabulary()) takes a column of type [INTEGER, BOOLEAN, TEXT], "
                                + "but \"distance\" is of type NUMBER; use number, cyclic, or number with bucketize");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Features.of(Flight.class).number("departure"))
                .withMessageContaining("use calendar or cyclic with a Duration");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Features.auto(Flight.class).except("orgin"))
                .withMessageContaining("no column \"orgin\"; the columns are origin, departure, distance");
    }

    @Test
    void refusesStepsThatContradictEachOther() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Features.rows().number("x", standardize(), log1p()))
                .withMessage("number(x): log1p() cannot follow standardize() or bucketize(n)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Features.rows().number("x", impute(), impute(3)))
                .withMessageContaining("missing values are filled in two ways");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Features.rows().cyclic("t", Duration.ofMillis(1_500)))
                .withMessage("cyclic(t) needs a period of whole seconds, at least one, found PT1.5S");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> bucketize(1))
                .withMessage("bucketize(1) is out of range: 2 to 256 bins");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Features.rows().number("x").number("x"))
                .withMessage("number(x, impute(), standardize()) is in the features twice");
        assertThatIllegalStateException()
                .isThrownBy(() -> Features.rows().except("x"))
                .withMessageContaining("leaves columns out of Features.auto");
        assertThatIllegalStateException()
                .isThrownBy(() -> Encoding.hashed(8).minCount(2))
                .withMessage("minCount does not apply to hashed(8), which has no vocabulary");
    }

    private static final Schema SCHEMA = Schema.of(
            new Column("n", ColumnType.NUMBER, true),
            new Column("i", ColumnType.INTEGER, true),
            new Column("b", ColumnType.BOOLEAN, true),
            new Column("t", ColumnType.TEXT, true),
            new Column("w", ColumnType.TIME, true),
            new Column("$label", ColumnType.NUMBER, false),
            new Column("$time", ColumnType.TIME, true));

    private Dataset examples(Instant first, Instant last) {
        return TestData.rows(
                folder, SCHEMA, Arrays.asList(new Object[] {1.5, 3L, true, "a", first, 1.0, first}, new Object[] {
                    null, null, null, null, last, 0.0, last
                }));
    }

    @Test
    void takesEveryColumnByItsTypeAndNothingReserved() {
        Dataset data = examples(Instant.parse("2001-01-01T10:00:00Z"), Instant.parse("2001-02-01T00:00:00Z"));
        FittedFeatures fitted = Features.auto().except("i").fit(data);
        assertThat(fitted.numberNames()).containsExactly("n", "b");
        assertThat(fitted.idColumns().stream().map(IdColumn::name))
                .containsExactly("t", "w hour_of_day", "w day_of_week");
        assertThat(fitted.matrix(data).labels()).containsExactly(1, 0);
        assertThat(fitted.describe()).isEqualTo("""
                        n: missing -> 1.5, (x - 1.5) * 0.0
                        b: missing -> 1.0, (x - 1.0) * 0.0
                        t: vocabulary() of 1 values
                        w: hour_of_day, day_of_week""");
    }

    @Test
    void areMadeOnTheCpuWhereverModelsRun() {
        Dataset data = examples(Instant.EPOCH, Instant.EPOCH);
        FittedFeatures fitted = Features.auto().fit(data);
        System.setProperty(DeviceRequest.PROPERTY, "require-cuda");
        try {
            assertThat(fitted.matrix(data).rows()).isEqualTo(2);
        } finally {
            System.clearProperty(DeviceRequest.PROPERTY);
        }
    }

    @Test
    void readsMonthAndYearOffATimeThatSpansYears() {
        Dataset data = examples(Instant.parse("2001-01-01T00:00:00Z"), Instant.parse("2003-02-01T00:00:00Z"));
        FittedFeatures fitted = Features.auto().except("i", "t", "n", "b").fit(data);
        assertThat(fitted.numberNames()).containsExactly("w year");
        assertThat(fitted.idColumns().stream().map(IdColumn::name)).containsExactly("w day_of_week", "w month");
    }

    @Test
    void takesANamedColumnAsNamedWithinAuto() {
        Dataset data = examples(Instant.EPOCH, Instant.EPOCH);
        FittedFeatures fitted = Features.auto()
                .except("n", "b", "w")
                .category("i")
                .category("t", Encoding.hashed(16))
                .fit(data);
        assertThat(fitted.idColumns()).containsExactly(new IdColumn("i", 0, 3), new IdColumn("t", 3, 16));
    }

    @Test
    void refusesReservedAbsentAndNoColumns() {
        Dataset data = examples(Instant.EPOCH, Instant.EPOCH);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Features.rows().number("$label").fit(data))
                .withMessageContaining("names with $ are reserved");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Features.rows().number("m").fit(data))
                .withMessageStartingWith("no column \"m\"; the columns are n, i, b");
        assertThatThrownBy(() -> Features.rows().fit(data))
                .isInstanceOf(TrainingException.class)
                .hasMessageEndingWith("Fix: name a column, or use Features.auto.");
        Dataset empty = TestData.rows(folder, SCHEMA, List.of());
        assertThatThrownBy(() -> Features.auto().fit(empty))
                .isInstanceOf(TrainingException.class)
                .hasMessageContaining("the dataset has no rows");
    }

    @Test
    void refusesALabelThatIsNoNumber() {
        Schema schema = Schema.of(TestData.number("x"), TestData.number("$label"));
        Dataset data = TestData.rows(folder, schema, Arrays.asList(new Object[] {1, 1}, new Object[] {1, null}));
        FittedFeatures fitted = Features.auto().fit(data);
        assertThatThrownBy(() -> fitted.matrix(data))
                .isInstanceOf(TrainingException.class)
                .hasMessageContaining("row 1 has the label NaN, expected a finite number");
    }

    @Test
    void givesTheSameMatrixHoweverTheRowsAreBatched() {
        Features<Row> features = Features.auto();
        Object[][] rows = new Object[10_000][];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = new Object[] {
                i % 17 == 0 ? null : i * 0.5,
                (long) i,
                i % 3 == 0,
                "t" + i % 50,
                Instant.ofEpochSecond(i * 4000L),
                0.0,
                null
            };
        }
        Dataset all = TestData.rows(folder, SCHEMA, Arrays.asList(rows));
        Dataset some = TestData.rows(folder, SCHEMA, Arrays.asList(rows).subList(5000, 5003));
        FittedFeatures fitted = features.fit(all);
        double[][] whole = TestData.numbers(fitted.matrix(all));
        double[][] part = TestData.numbers(fitted.matrix(some));
        for (int c = 0; c < whole.length; c++) {
            assertThat(part[c]).containsExactly(Arrays.copyOfRange(whole[c], 5000, 5003));
        }
        int[][] wholeIds = TestData.ids(fitted.matrix(all));
        int[][] partIds = TestData.ids(fitted.matrix(some));
        for (int c = 0; c < wholeIds.length; c++) {
            assertThat(partIds[c]).containsExactly(Arrays.copyOfRange(wholeIds[c], 5000, 5003));
        }
    }
}
