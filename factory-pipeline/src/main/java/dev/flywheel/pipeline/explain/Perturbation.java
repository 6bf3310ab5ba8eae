package dev.flywheel.pipeline.explain;

import java.io.Serializable;
import java.math.BigDecimal;
import java.util.Objects;

/**
 * Something that happens to rows on their way to a model. Immutable.
 *
 * @param kind what happens
 * @param amount how much of it
 */
public record Perturbation(Kind kind, double amount) implements Serializable {

    /** What can happen to rows. */
    public enum Kind {
        /** Normal noise is added to every number; the amount is its standard deviation in those of the column. */
        NOISE,
        /** Cells of any column go missing; the amount is their share. */
        MISSING,
        /** Cells of categories take the value of another row; the amount is their share. */
        SWAPPED,
        /**
         * The fast gradient sign method of Goodfellow, Shlens and Szegedy, <em>Explaining and Harnessing Adversarial
         * Examples</em>, 2015: every numeric feature moves to where the loss grows; the amount is how far, in standard
         * deviations of the feature.
         */
        FGSM
    }

    /** @throws IllegalArgumentException if the amount is not above 0 and finite, or a share is above 1 */
    public Perturbation {
        Objects.requireNonNull(kind, "kind");
        boolean share = kind == Kind.MISSING || kind == Kind.SWAPPED;
        if (!(amount > 0 && amount <= (share ? 1 : Double.MAX_VALUE))) {
            throw new IllegalArgumentException("the amount of " + kind + " is above 0 and "
                    + (share ? "at most 1" : "finite") + ", found " + amount);
        }
    }

    /** {@return noise on every number} */
    public static Perturbation noise(double deviations) {
        return new Perturbation(Kind.NOISE, deviations);
    }

    /** {@return missing cells} */
    public static Perturbation missing(double share) {
        return new Perturbation(Kind.MISSING, share);
    }

    /** {@return swapped categories} */
    public static Perturbation swapped(double share) {
        return new Perturbation(Kind.SWAPPED, share);
    }

    /** {@return an attack along the gradient} */
    public static Perturbation fgsm(double epsilon) {
        return new Perturbation(Kind.FGSM, epsilon);
    }

    /** {@return this as text, equal for equal ones, such as "5% of all cells missing"} */
    public String describe() {
        return switch (kind) {
            case NOISE -> "noise of " + plain(1) + " standard deviations on every number";
            case MISSING -> plain(100) + "% of all cells missing";
            case SWAPPED -> plain(100) + "% of all categories swapped";
            case FGSM -> "an attack (FGSM) of " + plain(1) + " standard deviations";
        };
    }

    private String plain(int unit) {
        return BigDecimal.valueOf(amount)
                .multiply(BigDecimal.valueOf(unit))
                .stripTrailingZeros()
                .toPlainString();
    }
}
