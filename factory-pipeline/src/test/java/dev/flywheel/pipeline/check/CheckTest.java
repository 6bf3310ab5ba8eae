package dev.flywheel.pipeline.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.data.Schema;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Objects;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckTest {

    private static final Schema SCHEMA = Schema.of(
            new Column("distance", ColumnType.NUMBER, true),
            new Column("seats", ColumnType.INTEGER, true),
            new Column("origin", ColumnType.TEXT, true),
            new Column("late", ColumnType.BOOLEAN, true),
            new Column("departure", ColumnType.TIME, true));

    @TempDir
    Path directory;

    private @Nullable Violation violation(Check check, Row row) {
        BoundCheck bound = check.bind(SCHEMA);
        RowType<Row> type = Row.type(SCHEMA);
        try (Dataset.Writer writer = Dataset.writer(directory, SCHEMA)) {
            type.write(row, writer);
            writer.endRow();
            try (Scan scan = writer.finish().scan()) {
                Batch batch = Objects.requireNonNull(scan.next());
                return bound.violation(batch.row(0));
            }
        }
    }

    @Test
    void aNumberMustBeWithinItsBoundsWhichBelongToTheRange() {
        Check check = Check.column("distance").between(0, 12_000);
        assertThat(violation(check, Row.of("distance", 0.0))).isNull();
        assertThat(violation(check, Row.of("distance", 12_000.0))).isNull();
        assertThat(violation(check, Row.of("distance", 12_000.5)))
                .isEqualTo(new Violation("distance", "between 0 and 12000", "12000.5"))
                .hasToString("column \"distance\" is 12000.5, expected between 0 and 12000");
        assertThat(violation(check, Row.of("distance", -0.1))).isNotNull();
        assertThat(violation(check, Row.of("distance", Double.POSITIVE_INFINITY)))
                .isNotNull();
        assertThat(violation(Check.column("seats").between(1, 2), Row.of("seats", 3)))
                .hasToString("column \"seats\" is 3, expected between 1 and 2");
    }

    @Test
    void missingPassesEveryRuleButNotNull() {
        Row empty = Row.of();
        assertThat(violation(Check.column("distance").between(0, 1), empty)).isNull();
        assertThat(violation(Check.column("origin").in("a").matches("b").notBlank(), empty))
                .isNull();
        assertThat(violation(Check.column("departure").notNull(), empty))
                .hasToString("column \"departure\" is no value, expected not null");
        assertThat(violation(Check.column("late").notNull(), Row.of("late", false)))
                .isNull();
        assertThat(violation(Check.column("departure").notNull(), Row.of("departure", Instant.EPOCH)))
                .isNull();
    }

    @Test
    void aTextMustBeInItsSetMatchItsPatternAndNotBeBlank() {
        assertThat(violation(Check.column("origin").in("LAX", "ATL"), Row.of("origin", "ATL")))
                .isNull();
        assertThat(violation(Check.column("origin").in("LAX", "ATL"), Row.of("origin", "atl")))
                .hasToString("column \"origin\" is atl, expected in LAX, ATL");
        assertThat(violation(Check.column("origin").matches("[A-Z]{3}"), Row.of("origin", "LAX")))
                .isNull();
        assertThat(violation(Check.column("origin").matches("[A-Z]{3}"), Row.of("origin", "LAXX")))
                .hasToString("column \"origin\" is LAXX, expected matching [A-Z]{3}");
        assertThat(violation(Check.column("origin").notBlank(), Row.of("origin", "x")))
                .isNull();
        assertThat(violation(Check.column("origin").notBlank(), Row.of("origin", " \t")))
                .hasToString("column \"origin\" is  \t, expected not blank");
    }

    @Test
    void theFirstRuleThatFailsIsReported() {
        Check check = Check.column("origin").notBlank().matches("[a-z]+").notNull();
        assertThat(violation(check, Row.of("origin", ""))).isEqualTo(new Violation("origin", "not blank", ""));
        assertThat(violation(check, Row.of("origin", "A"))).isEqualTo(new Violation("origin", "matching [a-z]+", "A"));
        assertThat(violation(check, Row.of("origin", null))).isEqualTo(new Violation("origin", "not null", "no value"));
    }

    @Test
    void aConditionJudgesTheWholeRow() {
        Check check = Check.row(
                "long flights have seats", row -> row.missing(0) || row.number(0) < 100 || row.integer(1) > 0);
        assertThat(violation(check, Row.of("distance", 200.0, "seats", 1))).isNull();
        assertThat(violation(check, Row.of("distance", 200.0, "seats", 0, "departure", Instant.EPOCH, "late", true)))
                .hasToString("row {distance=200, seats=0, origin=no value, late=true,"
                        + " departure=1970-01-01T00:00:00Z}, expected long flights have seats");
    }

    @Test
    void anUnknownColumnIsRefusedWhenBound() {
        assertThatThrownBy(() -> Check.column("distanse").notNull().bind(SCHEMA))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("no column \"distanse\"; the columns are distance, seats, origin, late, departure");
    }

    @Test
    void aRuleThatDoesNotFitTheTypeIsRefusedWhenBound() {
        assertThatThrownBy(() -> Check.column("origin").between(0, 1).bind(SCHEMA))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "the check \"origin between 0 and 1\" does not fit: column \"origin\" is TEXT, which cannot be"
                                + " between 0 and 1");
        for (Check check : new Check[] {
            Check.column("late").between(0, 1),
            Check.column("seats").in("1"),
            Check.column("distance").matches("1"),
            Check.column("departure").notBlank()
        }) {
            assertThatThrownBy(() -> check.bind(SCHEMA)).hasMessageContaining("does not fit");
        }
    }

    @Test
    void aCheckWithoutARuleIsRefusedWhenBound() {
        assertThatThrownBy(() -> Check.column("origin").bind(SCHEMA))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the check of column \"origin\" expects nothing: add a rule such as notNull() or"
                        + " between(min, max)");
    }

    @Test
    void rulesThatNothingPassesAreRefusedAtOnce() {
        assertThatThrownBy(() -> Check.column("distance").between(2, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("between(2.0, 1.0) holds for no value: pass the lower bound first");
        assertThatThrownBy(() -> Check.column("distance").between(Double.NaN, 1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Check.column("origin").in())
                .hasMessage("in() holds for no value: pass the texts that are expected");
        assertThatThrownBy(() -> Check.column("origin").matches("(")).isInstanceOf(PatternSyntaxException.class);
    }

    @Test
    void aRuleIsGivenOnce() {
        assertThatThrownBy(() -> Check.column("distance").between(0, 1).between(0, 2))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage(
                        "the check of column \"distance\" already expects between 0 and 1 and cannot expect between 0"
                                + " and 2 too");
        assertThatThrownBy(() -> Check.row("fine", row -> true).notNull())
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the check \"fine\" is of whole rows: rules belong to Check.column(name)");
    }

    @Test
    void isAValueThatTravels() throws Exception {
        Check check = Check.column("origin").in("b", "a").matches("[ab]").notNull();
        assertThat(check)
                .hasToString("origin in b, a, matching [ab], not null")
                .isEqualTo(Check.column("origin").in("b", "a").matches("[ab]").notNull())
                .hasSameHashCodeAs(
                        Check.column("origin").in("b", "a").matches("[ab]").notNull())
                .isNotEqualTo(Check.column("origin").in("b", "a").matches("[ab]"));
        Check row = Check.row("fine", any -> any.missing(0));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(check);
            out.writeObject(row);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            Check copy = (Check) in.readObject();
            assertThat(copy).isEqualTo(check);
            assertThat(violation(copy, Row.of("origin", "c"))).isNotNull();
            assertThat(violation((Check) in.readObject(), Row.of("distance", 1.0)))
                    .isNotNull();
        }
    }

    @Test
    void addingARuleLeavesTheOriginalAlone() {
        Check plain = Check.column("distance").notNull();
        assertThat(plain.between(0, 1)).hasToString("distance not null, between 0 and 1");
        assertThat(plain).hasToString("distance not null");
    }
}
