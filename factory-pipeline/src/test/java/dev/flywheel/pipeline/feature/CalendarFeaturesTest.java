package dev.flywheel.pipeline.feature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Schema;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CalendarFeaturesTest {

    private static final CalendarPart[] IDS = {
        CalendarPart.HOUR_OF_DAY,
        CalendarPart.MINUTE_OF_HOUR,
        CalendarPart.DAY_OF_WEEK,
        CalendarPart.DAY_OF_MONTH,
        CalendarPart.MONTH,
        CalendarPart.DAY_OF_YEAR
    };

    @TempDir
    Path folder;

    @Test
    void agreesWithJavaTimeFrom1600To2400() {
        long seed = Long.getLong("tests.seed", new SplittableRandom().nextLong());
        SplittableRandom random = new SplittableRandom(seed);
        List<Instant> times = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            times.add(Instant.ofEpochSecond(random.nextLong(
                    Instant.parse("1600-01-01T00:00:00Z").getEpochSecond(),
                    Instant.parse("2400-12-31T00:00:00Z").getEpochSecond())));
        }
        for (int year = 1600; year <= 2400; year += 4) {
            for (String day : List.of("-01-01", "-02-28", "-03-01", "-12-31")) {
                times.add(Instant.parse(year + day + "T00:00:00Z"));
                times.add(Instant.parse(year + day + "T23:59:59Z"));
            }
        }
        check("seed " + seed, times);
    }

    @Test
    void countsFractionsOfASecondBefore1970Downwards() {
        check("before 1970", List.of(Instant.parse("1969-12-31T23:59:59.999999Z"), Instant.EPOCH));
    }

    @Test
    void agreesWithJavaTimeFarAway() {
        check(
                "far away",
                List.of(
                        Instant.parse("-9000-02-28T12:00:00Z"),
                        Instant.parse("0000-02-29T00:00:00Z"),
                        Instant.parse("9999-12-31T23:59:59Z")));
    }

    private void check(String what, List<Instant> times) {
        Dataset data = TestData.column(folder, TestData.time("t"), times);
        FittedFeatures fitted = Features.rows().calendar("t", IDS).fit(data);
        int[][] ids = TestData.ids(fitted.matrix(data));
        assertThat(fitted.idColumns().stream().map(IdColumn::name))
                .containsExactly(
                        "t hour_of_day",
                        "t minute_of_hour",
                        "t day_of_week",
                        "t day_of_month",
                        "t month",
                        "t day_of_year");
        List<ToIntFunction<OffsetDateTime>> expected = List.of(
                OffsetDateTime::getHour,
                OffsetDateTime::getMinute,
                t -> t.getDayOfWeek().getValue() - 1,
                t -> t.getDayOfMonth() - 1,
                t -> t.getMonthValue() - 1,
                t -> t.getDayOfYear() - 1);
        for (int part = 0; part < IDS.length; part++) {
            for (int row = 0; row < times.size(); row++) {
                int id = expected.get(part).applyAsInt(times.get(row).atOffset(ZoneOffset.UTC));
                assertThat(ids[part][row])
                        .as("%s of %s, %s", IDS[part], times.get(row), what)
                        .isEqualTo(id);
            }
        }
    }

    @Test
    void givesTheYearAsAStandardizedNumber() {
        List<Instant> times = new ArrayList<>();
        for (int year = 1896; year <= 2104; year++) {
            times.add(Instant.parse(year + "-01-01T00:00:00Z"));
            times.add(Instant.parse(year + "-12-31T23:59:59Z"));
        }
        Dataset data = TestData.column(folder, TestData.time("t"), times);
        FittedFeatures fitted = Features.rows().calendar("t", CalendarPart.YEAR).fit(data);
        double[] years = TestData.numbers(fitted.matrix(data))[0];
        double deviation = Math.sqrt((209.0 * 209 - 1) / 12);
        for (int i = 0; i < years.length; i++) {
            assertThat(years[i]).as(times.get(i).toString()).isCloseTo((1896 + i / 2 - 2000) / deviation, within(1e-6));
        }
    }

    @Test
    void givesAMissingTimeIdsOfItsOwnAndTheMeanYear() {
        List<@Nullable Object> times = TestData.list(Instant.parse("2000-05-06T07:08:09Z"), null);
        Dataset data = TestData.column(folder, TestData.time("t"), times);
        FeatureMatrix matrix = Features.rows()
                .calendar("t", CalendarPart.HOUR_OF_DAY, CalendarPart.MONTH, CalendarPart.YEAR)
                .cyclic("t", Duration.ofDays(1))
                .fit(data)
                .matrix(data);
        assertThat(TestData.ids(matrix)).isDeepEqualTo(new int[][] {{7, 24}, {4, 12}});
        assertThat(matrix.features().numberNames()).containsExactly("t year", "t in PT24H sin", "t in PT24H cos");
        double[][] numbers = TestData.numbers(matrix);
        assertThat(numbers[0]).containsExactly(0, 0);
        double angle = (7 * 3600 + 8 * 60 + 9) / 86_400.0 * 2 * Math.PI;
        assertThat(numbers[1]).containsExactly(new double[] {Math.sin(angle), 0}, within(1e-6));
        assertThat(numbers[2]).containsExactly(new double[] {Math.cos(angle), 0}, within(1e-6));
    }

    @Test
    void spendsNoNodeOnMissingTimesWhereThereAreNone() {
        Column always = new Column("t", ColumnType.TIME, false);
        Dataset data = TestData.column(folder, always, List.of(Instant.EPOCH));
        Dataset nullable = TestData.column(folder, TestData.time("t"), List.of(Instant.EPOCH));
        Features<?> features = Features.rows().calendar("t", CalendarPart.HOUR_OF_DAY, CalendarPart.DAY_OF_WEEK);
        assertThat(nodes(features.fit(data))).isEqualTo(4);
        assertThat(nodes(features.fit(nullable))).isEqualTo(6);
    }

    private static int nodes(FittedFeatures fitted) {
        var graph = new dev.flywheel.pipeline.onnx.OnnxGraph("test");
        fitted.emit(graph);
        return graph.nodeCount();
    }

    @Test
    void keepsSeveralTimesApart() {
        Instant a = Instant.parse("2001-01-01T05:00:00Z");
        Instant b = Instant.parse("2010-02-03T17:00:00Z");
        Dataset data = TestData.rows(
                folder,
                Schema.of(TestData.time("from"), TestData.time("to")),
                Arrays.asList(new Object[] {a, b}, new Object[] {b, null}));
        FeatureMatrix matrix = Features.rows()
                .calendar("to", CalendarPart.HOUR_OF_DAY)
                .calendar("from", CalendarPart.MONTH, CalendarPart.HOUR_OF_DAY)
                .fit(data)
                .matrix(data);
        assertThat(matrix.features().idColumns())
                .containsExactly(
                        new IdColumn("to hour_of_day", 0, 25),
                        new IdColumn("from hour_of_day", 25, 25),
                        new IdColumn("from month", 50, 13));
        assertThat(TestData.ids(matrix)).isDeepEqualTo(new int[][] {{17, 24}, {5, 17}, {0, 1}});
    }
}
