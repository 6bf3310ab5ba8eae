package dev.flywheel.core.stat.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Schema;
import java.util.Random;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ComparisonTest {

    private static final Schema NUMBER = Schema.of(Rows.column("distance", ColumnType.NUMBER));
    private static final Schema TEXT = Schema.of(Rows.column("city", ColumnType.TEXT));

    private final Random random = new Random(11);

    private ColumnDrift compared(
            Schema schema,
            int rows,
            IntFunction<@Nullable Object> reference,
            int windowRows,
            IntFunction<@Nullable Object> window) {
        Profile known = Profile.of(schema);
        for (int i = 0; i < rows; i++) {
            known.add(Rows.row(schema, reference.apply(i)));
        }
        Profile found = known.window();
        for (int i = 0; i < windowRows; i++) {
            found.add(Rows.row(schema, window.apply(i)));
        }
        return Comparison.of(known, found).columns().get(0);
    }

    @Test
    void saysWhatMovedInAPlainSentence() {
        ColumnDrift drift = compared(NUMBER, 50_000, i -> 912.0 + i % 101 - 50, 1_204, i -> 962.0 + i % 101 - 50);
        assertThat(drift.state()).isEqualTo(ColumnDrift.State.DRIFTED);
        assertThat(drift.sentence())
                .matches("distance: PSI [\\d.]+ \\(threshold 0.2\\), 1,204 rows against 50,000; median 912 -> 962");
        assertThat(drift.values().test().test()).isEqualTo("Welch");
        assertThat(drift.values().q()).isLessThan(1e-12);
    }

    @Test
    void reportsNoChangeThatIsSignificantButSmall() {
        ColumnDrift drift =
                compared(NUMBER, 200_000, i -> random.nextGaussian(), 200_000, i -> random.nextGaussian() + 0.1);
        assertThat(drift.values().q()).isLessThan(1e-12);
        assertThat(drift.values().wasserstein()).isCloseTo(0.1, within(0.02));
        assertThat(drift.state()).isEqualTo(ColumnDrift.State.STABLE);
        assertThat(drift.sentence())
                .startsWith("distance: no drift found, PSI 0.0")
                .contains("(threshold 0.2), q ");
    }

    @Test
    void reportsNoChangeThatIsLargeButChance() {
        // 50 rows against 50: the index is 0.36 on average though nothing changed
        int large = 0;
        for (int round = 0; round < 200; round++) {
            ColumnDrift drift = compared(NUMBER, 50, i -> random.nextGaussian(), 50, i -> random.nextGaussian());
            large += drift.values().wasserstein() > 0.2 || drift.values().psi() > 0.2 ? 1 : 0;
            assertThat(drift.state())
                    .isEqualTo(drift.values().q() < 0.05 ? ColumnDrift.State.DRIFTED : ColumnDrift.State.STABLE);
        }
        assertThat(large).isGreaterThan(20);
    }

    @Test
    void seesAChangeOfSpreadAlone() {
        ColumnDrift drift = compared(NUMBER, 5000, i -> random.nextGaussian(), 1000, i -> 1.7 * random.nextGaussian());
        assertThat(drift.values().test().test()).isEqualTo("Kolmogorov-Smirnov");
        assertThat(drift.state()).isEqualTo(ColumnDrift.State.DRIFTED);
    }

    @Test
    void seesAConstantThatChanges() {
        ColumnDrift drift = compared(NUMBER, 1000, i -> 5.0, 100, i -> 6.0);
        assertThat(drift.state()).isEqualTo(ColumnDrift.State.DRIFTED);
        assertThat(compared(NUMBER, 1000, i -> 5.0, 100, i -> 5.0).state()).isEqualTo(ColumnDrift.State.STABLE);
    }

    @Test
    void seesMissingRowsAppear() {
        ColumnDrift drift =
                compared(NUMBER, 1000, i -> (double) (i % 7), 200, i -> i % 5 == 0 ? null : (double) (i % 7));
        assertThat(drift.state()).isEqualTo(ColumnDrift.State.DRIFTED);
        assertThat(drift.sentence()).isEqualTo("distance: missing 0.0% -> 20.0% of rows, 200 rows against 1,000");
        assertThat(drift.missing().window()).isEqualTo(0.2);
        ColumnDrift gone = compared(NUMBER, 1000, i -> (double) (i % 7), 200, i -> null);
        assertThat(gone.state()).isEqualTo(ColumnDrift.State.DRIFTED);
        assertThat(gone.values().test().test()).isEqualTo("none");
        ColumnDrift never = compared(NUMBER, 1000, i -> null, 200, i -> null);
        assertThat(never.state()).isEqualTo(ColumnDrift.State.STABLE);
    }

    @Test
    void seesNewCategoriesButNotTheLongTailThatWasAlwaysThere() {
        ColumnDrift drift =
                compared(TEXT, 5000, i -> "city " + i % 20, 500, i -> i % 10 == 0 ? "Ur" : "city " + i % 20);
        assertThat(drift.state()).isEqualTo(ColumnDrift.State.DRIFTED);
        assertThat(drift.newCategories()).containsExactly("Ur");
        assertThat(drift.unseen().window()).isEqualTo(0.1);
        assertThat(drift.sentence())
                .endsWith(
                        "10.0% of rows in categories that the reference lacks, such as \"Ur\", 500 rows against 5,000");
        // half the rows have a city that comes once: so have they in the window, and none of these is in the reference
        ColumnDrift tail = compared(
                TEXT,
                800,
                i -> i % 2 == 0 ? "city " + i % 20 : "village " + i,
                100,
                i -> i % 2 == 0 ? "city " + i % 20 : "hamlet " + i);
        assertThat(tail.unseen().window()).isEqualTo(0.5);
        assertThat(tail.unseen().q()).isGreaterThan(0.05);
        assertThat(tail.state()).isEqualTo(ColumnDrift.State.STABLE);
    }

    @Test
    void seesCategoriesTradePlaces() {
        ColumnDrift drift = compared(TEXT, 5000, i -> i % 10 < 7 ? "a" : "b", 300, i -> i % 10 < 3 ? "a" : "b");
        assertThat(drift.state()).isEqualTo(ColumnDrift.State.DRIFTED);
        assertThat(drift.values().test().test()).isEqualTo("two proportions");
        assertThat(drift.sentence()).endsWith("300 rows against 5,000; \"a\" 70.0% -> 30.0%");
    }

    @Test
    void leavesTextsThatNeverRepeatAlone() {
        ColumnDrift drift = compared(TEXT, 5000, i -> "review " + i, 500, i -> "review " + (i + 100_000));
        assertThat(drift.state()).isEqualTo(ColumnDrift.State.STABLE);
        assertThat(drift.sentence())
                .isEqualTo("city: no drift found; its values repeat too rarely, or are too few, to be compared,"
                        + " 500 rows against 5,000");
    }

    @Test
    void leavesTimesAloneButForMissingOnes() {
        Schema schema = Schema.of(Rows.column("at", ColumnType.TIME));
        ColumnDrift drift = compared(schema, 1000, i -> (long) i, 1000, i -> 1_000_000_000L + i);
        assertThat(drift.state()).isEqualTo(ColumnDrift.State.STABLE);
        assertThat(drift.sentence())
                .isEqualTo("at: no drift found; times move on, so only missing ones are compared,"
                        + " 1,000 rows against 1,000");
        assertThat(compared(schema, 1000, i -> (long) i, 1000, i -> i % 2 == 0 ? null : (long) i)
                        .state())
                .isEqualTo(ColumnDrift.State.DRIFTED);
    }

    @Test
    void doesNotJudgeTooFewRows() {
        ColumnDrift drift = compared(NUMBER, 1000, i -> (double) i, 49, i -> 1e9);
        assertThat(drift.state()).isEqualTo(ColumnDrift.State.TOO_FEW_ROWS);
        assertThat(drift.sentence()).isEqualTo("distance: not judged, 49 rows against 1,000, at least 50 needed");
    }

    @Test
    void comparesPredictionsBesideTheColumns() {
        Profile reference = Profile.of(NUMBER);
        Profile window = reference.window();
        for (int i = 0; i < 1000; i++) {
            reference.add(Rows.row(NUMBER, (double) (i % 10)), random.nextDouble());
            window.add(Rows.row(NUMBER, (double) (i % 10)), 0.5 + random.nextDouble() / 2);
        }
        Comparison comparison = Comparison.of(reference, window);
        assertThat(comparison.drifted()).extracting(ColumnDrift::column).containsExactly("$prediction");
        assertThat(comparison.hasDrift()).isTrue();
        assertThat(comparison.column("$prediction").values().psi()).isGreaterThan(1);
        assertThatThrownBy(() -> comparison.column("x"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("no column \"x\" was compared; compared were [distance, $prediction]");
        DriftLimits wide = DriftLimits.defaults().psi(100).wasserstein(100);
        assertThat(Comparison.of(reference, window, wide).hasDrift()).isFalse();
        assertThatThrownBy(() -> Comparison.of(reference, Profile.of(TEXT)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("profiles of [distance:number?] and [city:text?] cannot be compared");
    }

    @Test
    void limitsRefuseWhatTheyCannotBe() {
        DriftLimits limits = DriftLimits.defaults();
        assertThatThrownBy(() -> limits.falseDiscoveryRate(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> limits.falseDiscoveryRate(1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> limits.psi(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the limit of PSI is above 0, found 0.0");
        assertThatThrownBy(() -> limits.wasserstein(Double.NaN)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> limits.shareChange(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> limits.leastRows(0)).isInstanceOf(IllegalArgumentException.class);
        assertThat(limits.falseDiscoveryRate(0.01).falseDiscoveryRate()).isEqualTo(0.01);
    }
}
