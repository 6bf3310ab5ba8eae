package dev.flywheel.pipeline.flywheel;

import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What came of a prediction, or what somebody thought of it. Immutable.
 *
 * <ul>
 *   <li>A label is the outcome. Of several, the one that became known last counts.
 *   <li>A correction is an outcome that outranks every label, whenever that became known: what a person has put right
 *       is not undone by the process that had it wrong. Of several corrections, the one that became known last counts.
 *   <li>Partial credit is a label that is trusted in part: an example with this weight. Weight 0 says that the outcome
 *       is known and teaches nothing. It is a weight and not a label between 0 and 1, so that it means the same for a
 *       true-or-false target and for a number.
 *   <li>Satisfaction is a score of the prediction, not an outcome: it is kept, counted and reported, and nothing learns
 *       from it. Of several for one prediction, the one that became known last counts.
 * </ul>
 *
 * @param <L> the label
 */
public final class Feedback<L> {

    /** What feedback says. */
    public enum Kind {
        /** An outcome. */
        LABEL,
        /** An outcome that outranks labels. */
        CORRECTION,
        /** An outcome with a weight below 1. */
        PARTIAL,
        /** A score of the prediction, which is no outcome. */
        SATISFACTION
    }

    private final Kind kind;
    private final @Nullable L outcome;
    private final double number;

    private Feedback(Kind kind, @Nullable L outcome, double number) {
        this.kind = kind;
        this.outcome = outcome;
        this.number = number;
    }

    /** {@return an outcome} */
    public static <L> Feedback<L> label(L outcome) {
        return new Feedback<>(Kind.LABEL, Objects.requireNonNull(outcome, "outcome"), 1);
    }

    /** {@return an outcome that outranks every label of the same prediction} */
    public static <L> Feedback<L> correction(L outcome) {
        return new Feedback<>(Kind.CORRECTION, Objects.requireNonNull(outcome, "outcome"), 1);
    }

    /**
     * {@return an outcome that is trusted in part: training on two examples of weight 0.5 is training on one} Where
     * candidates are tested each outcome counts as one, but those of weight 0 are in no example.
     *
     * @param weight how much of an example it is, from 0 to 1
     * @throws IllegalArgumentException if the weight is outside
     */
    public static <L> Feedback<L> partial(L outcome, double weight) {
        if (!(weight >= 0 && weight <= 1)) {
            throw new IllegalArgumentException("a weight is from 0 to 1, found " + weight);
        }
        return new Feedback<>(Kind.PARTIAL, Objects.requireNonNull(outcome, "outcome"), weight);
    }

    /**
     * {@return a score of the prediction, in the host's own unit: stars, a thumb as 0 or 1}
     *
     * @throws IllegalArgumentException if the score is not finite
     */
    public static <L> Feedback<L> satisfaction(double score) {
        if (!Double.isFinite(score)) {
            throw new IllegalArgumentException("a score is a finite number, found " + score);
        }
        return new Feedback<>(Kind.SATISFACTION, null, score);
    }

    /** {@return what this says} */
    public Kind kind() {
        return kind;
    }

    /** {@return the outcome; empty for satisfaction} */
    public Optional<L> outcome() {
        return Optional.ofNullable(outcome);
    }

    /** {@return the weight of the outcome as an example, from 0 to 1: 1 unless it is partial; 0 for satisfaction} */
    public double weight() {
        return kind == Kind.SATISFACTION ? 0 : number;
    }

    /** {@return the score; empty for anything but satisfaction} */
    public OptionalDouble score() {
        return kind == Kind.SATISFACTION ? OptionalDouble.of(number) : OptionalDouble.empty();
    }

    /** {@return the same about another form of the outcome} */
    public <M> Feedback<M> map(Function<? super L, ? extends M> form) {
        return new Feedback<>(
                kind, outcome == null ? null : Objects.requireNonNull(form.apply(outcome), "outcome"), number);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Feedback<?> that
                && kind == that.kind
                && Objects.equals(outcome, that.outcome)
                && Double.compare(number, that.number) == 0;
    }

    @Override
    public int hashCode() {
        return Objects.hash(kind, outcome, number);
    }

    @Override
    public String toString() {
        return switch (kind) {
            case LABEL -> "label " + outcome;
            case CORRECTION -> "correction " + outcome;
            case PARTIAL -> "label " + outcome + " with weight " + number;
            case SATISFACTION -> "satisfaction " + number;
        };
    }
}
