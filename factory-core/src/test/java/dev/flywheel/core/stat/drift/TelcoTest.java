package dev.flywheel.core.stat.drift;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.Schema;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Telephone customers, shuffled: nothing changes but what a test changes. */
class TelcoTest {

    private static final int WINDOW = 500;
    private static final int ROUNDS = 20;
    private static final long SEED = 20;

    private final Schema schema;
    private final List<@Nullable Object[]> rows = new ArrayList<>();

    TelcoTest() {
        SharedData.Table table = SharedData.Table.of("telco_churn");
        List<String> numbers = List.of("tenure", "monthly_charges", "total_charges");
        List<String> flags = List.of("female", "senior_citizen", "partner", "dependents", "phone_service");
        schema = Schema.of(table.names().stream()
                .map(n -> new Column(
                        n,
                        numbers.contains(n)
                                ? ColumnType.NUMBER
                                : flags.contains(n) ? ColumnType.INTEGER : ColumnType.TEXT,
                        true))
                .toList());
        for (String[] texts : table.rows()) {
            rows.add(IntStream.range(0, texts.length)
                    .mapToObj(i -> value(texts[i], schema.column(i).type()))
                    .toArray());
        }
    }

    private static @Nullable Object value(String text, ColumnType type) {
        return text.isEmpty()
                ? null
                : switch (type) {
                    case NUMBER -> (Object) Double.valueOf(text);
                    case INTEGER -> Long.valueOf(text);
                    default -> text;
                };
    }

    @Test
    void raisesNoMoreAlarmsThanItsRateWhereNothingChanged() {
        int alarms = 0;
        int significant = 0;
        int windows = 0;
        for (long round = 0; windows < 1000; round++) {
            List<RowReader> shuffled = shuffled(new Random(SEED + round));
            Profile reference = Rows.filled(Profile.of(schema), shuffled.subList(0, shuffled.size() / 2));
            for (int from = shuffled.size() / 2; from + WINDOW <= shuffled.size() && windows < 1000; from += WINDOW) {
                Profile window = Rows.filled(reference.window(), shuffled.subList(from, from + WINDOW));
                Comparison comparison = Comparison.of(reference, window);
                windows++;
                alarms += comparison.hasDrift() ? 1 : 0;
                significant += comparison.columns().stream().anyMatch(TelcoTest::significant) ? 1 : 0;
            }
        }
        assertThat(alarms).as("windows with an alarm, of 1,000").isLessThanOrEqualTo(50);
        assertThat(significant).as("windows with a significant test, of 1,000").isLessThanOrEqualTo(50);
    }

    private static boolean significant(ColumnDrift column) {
        double q = Math.min(column.missing().q(), column.unseen().q());
        return Math.min(column.values().q(), q) < 0.05;
    }

    @Test
    void findsANumberThatIsScaled() {
        assertThat(foundScaled("tenure")).isEqualTo(ROUNDS);
        assertThat(foundScaled("monthly_charges")).isEqualTo(ROUNDS);
        // a long tail: 1.3 times as much is 0.3 deviations here, and 500 rows tell that to 0.06
        assertThat(foundScaled("total_charges")).isGreaterThanOrEqualTo(ROUNDS * 9 / 10);
    }

    private int foundScaled(String name) {
        int column = schema.indexOf(name);
        int found = 0;
        for (int round = 0; round < ROUNDS; round++) {
            Comparison comparison = compared(new Random(SEED + round), row -> {
                if (row[column] != null) {
                    row[column] = 1.3 * (Double) row[column];
                }
                return row;
            });
            found += comparison.column(name).state() == ColumnDrift.State.DRIFTED ? 1 : 0;
            assertThat(comparison.drifted()).extracting(ColumnDrift::column).isSubsetOf(name);
        }
        return found;
    }

    @Test
    void findsACategoryThatIsRenamedInHalfTheRows() {
        for (String name : List.of("contract", "payment_method", "internet_service")) {
            int column = schema.indexOf(name);
            Object renamed = rows.get(0)[column];
            for (int round = 0; round < ROUNDS; round++) {
                Random random = new Random(SEED + round);
                Comparison comparison = compared(random, row -> {
                    if (renamed.equals(row[column]) && random.nextBoolean()) {
                        row[column] = renamed + " (new)";
                    }
                    return row;
                });
                assertThat(comparison.drifted()).extracting(ColumnDrift::column).containsExactly(name);
                assertThat(comparison.column(name).newCategories()).containsExactly(renamed + " (new)");
            }
        }
    }

    private Comparison compared(Random random, UnaryOperator<@Nullable Object[]> change) {
        List<@Nullable Object[]> shuffled = new ArrayList<>(rows);
        Collections.shuffle(shuffled, random);
        List<RowReader> known = readers(shuffled.subList(WINDOW, shuffled.size()));
        List<RowReader> found = readers(shuffled.subList(0, WINDOW).stream()
                .map(row -> change.apply(Arrays.copyOf(row, row.length)))
                .toList());
        Profile reference = Rows.filled(Profile.of(schema), known);
        return Comparison.of(reference, Rows.filled(reference.window(), found));
    }

    private List<RowReader> shuffled(Random random) {
        List<@Nullable Object[]> shuffled = new ArrayList<>(rows);
        Collections.shuffle(shuffled, random);
        return readers(shuffled);
    }

    private List<RowReader> readers(List<@Nullable Object[]> values) {
        return values.stream().map(row -> Rows.row(schema, row)).toList();
    }
}
