package dev.flywheel.pipeline.check;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.Schema;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What is expected of every row; rows that are otherwise go to quarantine. A missing value passes every rule but
 * {@link #notNull}. Rules of one column are asked in the order in which they were given. Immutable and thread-safe.
 *
 * <pre>{@code
 * Check.column("distance").between(0, 12_000).notNull()
 * }</pre>
 */
public final class Check implements Serializable {

    private static final long serialVersionUID = 1L;

    /** Null for a check of whole rows. */
    private final @Nullable String column;

    private final List<Rule> rules;
    private final @Nullable String description;
    private final @Nullable RowCondition condition;

    /** A condition on a whole row, that can travel to another machine. */
    @FunctionalInterface
    public interface RowCondition extends Predicate<RowReader>, Serializable {}

    private Check(
            @Nullable String column, List<Rule> rules, @Nullable String description, @Nullable RowCondition condition) {
        this.column = column;
        this.rules = List.copyOf(rules);
        this.description = description;
        this.condition = condition;
    }

    /** {@return a check of a column, which expects nothing until a rule is added} */
    public static Check column(String name) {
        return new Check(Objects.requireNonNull(name, "name"), List.of(), null, null);
    }

    /**
     * {@return a check of whole rows}
     *
     * @param description what is expected, as "arrival after departure"
     * @param condition true for a row that is as expected; asks {@link RowReader#missing} before it reads
     */
    public static Check row(String description, RowCondition condition) {
        return new Check(
                null,
                List.of(),
                Objects.requireNonNull(description, "description"),
                Objects.requireNonNull(condition, "condition"));
    }

    /**
     * {@return this, expecting a number or integer from {@code min} to {@code max}, both included}
     *
     * @throws IllegalArgumentException if no value can be in the range
     */
    public Check between(double min, double max) {
        if (!(min <= max)) {
            throw new IllegalArgumentException(
                    "between(" + min + ", " + max + ") holds for no value: pass the lower bound first");
        }
        return plus(new Rule.Between(min, max));
    }

    /** {@return this, expecting a value} */
    public Check notNull() {
        return plus(new Rule.NotNull());
    }

    /**
     * {@return this, expecting one of these texts, exactly as written}
     *
     * @throws IllegalArgumentException if there is none
     */
    public Check in(String... values) {
        if (values.length == 0) {
            throw new IllegalArgumentException("in() holds for no value: pass the texts that are expected");
        }
        Set<String> set = new LinkedHashSet<>(List.of(values));
        return plus(new Rule.In(Collections.unmodifiableSet(set)));
    }

    /**
     * {@return this, expecting a text that matches a regular expression from its first to its last character}
     *
     * @throws java.util.regex.PatternSyntaxException if the expression is none
     */
    public Check matches(String regex) {
        return plus(new Rule.Matches(Pattern.compile(regex)));
    }

    /** {@return this, expecting a text that is more than white space} */
    public Check notBlank() {
        return plus(new Rule.NotBlank());
    }

    /**
     * {@return this check, ready to judge rows of a schema}
     *
     * @throws IllegalArgumentException if the schema has no such column, if a rule cannot judge the column's type, or
     *     if there is no rule
     */
    public BoundCheck bind(Schema schema) {
        if (condition != null) {
            RowCondition asked = condition;
            String expected = Objects.requireNonNull(description);
            return row -> asked.test(row) ? null : new Violation(null, expected, text(row));
        }
        String name = Objects.requireNonNull(column);
        if (rules.isEmpty()) {
            throw new IllegalArgumentException("the check of column \"" + name
                    + "\" expects nothing: add a rule such as notNull() or between(min, max)");
        }
        int position = schema.indexOf(name);
        Column found = schema.column(position);
        for (Rule rule : rules) {
            if (!rule.fits(found.type())) {
                throw new IllegalArgumentException("the check \"" + describe() + "\" does not fit: column \"" + name
                        + "\" is " + found.type() + ", which cannot be " + rule.expected());
            }
        }
        Rule[] asked = rules.toArray(Rule[]::new);
        return row -> violation(row, name, position, asked);
    }

    /** {@return the column that must not be missing, if this is a check of one} */
    public Optional<String> needed() {
        return rules.stream().anyMatch(Rule.NotNull.class::isInstance) ? Optional.ofNullable(column) : Optional.empty();
    }

    /** {@return the check in words, as "distance between 0 and 12000, not null"} */
    public String describe() {
        if (description != null) {
            return description;
        }
        return column
                + (rules.isEmpty() ? "" : " ")
                + String.join(", ", rules.stream().map(Rule::expected).toList());
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Check that
                && Objects.equals(condition, that.condition)
                && describe().equals(that.describe());
    }

    @Override
    public int hashCode() {
        return describe().hashCode();
    }

    /** {@return {@link #describe()}} */
    @Override
    public String toString() {
        return describe();
    }

    private static @Nullable Violation violation(RowReader row, String name, int position, Rule[] rules) {
        boolean missing = row.missing(position);
        for (Rule rule : rules) {
            boolean asked = !missing || rule instanceof Rule.NotNull;
            if (asked && !rule.holds(row, position)) {
                return new Violation(name, rule.expected(), Rule.found(row, position));
            }
        }
        return null;
    }

    private static String text(RowReader row) {
        StringBuilder text = new StringBuilder("{");
        for (int i = 0; i < row.schema().size(); i++) {
            text.append(i == 0 ? "" : ", ")
                    .append(row.schema().column(i).name())
                    .append('=')
                    .append(Rule.found(row, i));
        }
        return text.append('}').toString();
    }

    private Check plus(Rule rule) {
        if (condition != null) {
            throw new IllegalStateException(
                    "the check \"" + describe() + "\" is of whole rows: rules belong to Check.column(name)");
        }
        for (Rule first : rules) {
            if (first.getClass() == rule.getClass()) {
                throw new IllegalStateException("the check of column \"" + column + "\" already expects "
                        + first.expected() + " and cannot expect " + rule.expected() + " too");
            }
        }
        List<Rule> more = new ArrayList<>(rules);
        more.add(rule);
        return new Check(column, more, description, condition);
    }
}
