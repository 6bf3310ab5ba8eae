package dev.flywheel.core.energy;

import java.util.Locale;
import java.util.Objects;
import java.util.OptionalDouble;

/**
 * What energy costs, in money and in carbon dioxide, by the host's own figures: none has a default, and what was not
 * given is not told. Immutable.
 *
 * <pre>{@code Tariff.unknown().pricePerKilowattHour(0.31, "EUR").gramsPerKilowattHour(380).pue(1.2)}</pre>
 */
public final class Tariff {

    private static final double JOULES = 3.6e6;
    private static final double POUND_IN_GRAMS = 453.59237;
    private static final Tariff UNKNOWN =
            new Tariff(OptionalDouble.empty(), "", OptionalDouble.empty(), OptionalDouble.empty());

    private final OptionalDouble price;
    private final String currency;
    private final OptionalDouble grams;
    private final OptionalDouble pue;

    private Tariff(OptionalDouble price, String currency, OptionalDouble grams, OptionalDouble pue) {
        this.price = price;
        this.currency = currency;
        this.grams = grams;
        this.pue = pue;
    }

    /**
     * What some energy costs.
     *
     * @param kilowattHours the energy, that of the building around the devices too where the tariff tells it
     * @param price what it costs; empty where the tariff does not tell
     * @param currency in what; empty where the tariff does not tell
     * @param grams how many grams of carbon dioxide come of it; empty where the tariff does not tell
     */
    public record Cost(double kilowattHours, OptionalDouble price, String currency, OptionalDouble grams) {

        /** {@return it in words} */
        public String describe() {
            StringBuilder words = new StringBuilder(format(kilowattHours, "kWh"));
            price.ifPresent(value -> words.append(", ").append(format(value, currency)));
            grams.ifPresent(value -> words.append(", ").append(format(value, "g CO2")));
            return words.toString();
        }

        private static String format(double value, String unit) {
            return String.format(Locale.ROOT, value < 1000 ? "%.4g %s" : "%,.0f %s", value, unit);
        }
    }

    /** {@return the tariff of which nothing is known} */
    public static Tariff unknown() {
        return UNKNOWN;
    }

    /**
     * {@return this tariff with a price}
     *
     * @param value what a kilowatt-hour costs, finite; below 0 where the grid pays for what is taken
     * @param currency in what, as "EUR"
     */
    public Tariff pricePerKilowattHour(double value, String currency) {
        if (!Double.isFinite(value)) {
            throw new IllegalArgumentException("a price is invalid: found " + value + ", expected a finite number");
        }
        return new Tariff(OptionalDouble.of(value), Objects.requireNonNull(currency, "currency"), grams, pue);
    }

    /**
     * {@return this tariff with the carbon intensity of its power}
     *
     * @param value grams of carbon dioxide a kilowatt-hour, at least 0
     */
    public Tariff gramsPerKilowattHour(double value) {
        return new Tariff(price, currency, OptionalDouble.of(atLeast(0, "carbon intensity", value)), pue);
    }

    /**
     * {@return this tariff with what the building around the devices takes, too; without it, only the devices count}
     *
     * @param value the power usage effectiveness: all that the building takes, in what its computers take, at least 1
     */
    public Tariff pue(double value) {
        return new Tariff(price, currency, grams, OptionalDouble.of(atLeast(1, "power usage effectiveness", value)));
    }

    /**
     * {@return what energy costs}
     *
     * @param joules the energy of devices, at least 0
     */
    public Cost cost(double joules) {
        double used = kilowattHours(atLeast(0, "energy", joules)) * pue.orElse(1);
        return new Cost(used, times(price, used), currency, times(grams, used));
    }

    /** {@return joules as kilowatt-hours} */
    public static double kilowattHours(double joules) {
        return joules / JOULES;
    }

    /** {@return a carbon intensity in grams a kilowatt-hour that some tell in pounds a megawatt-hour} */
    public static double gramsPerKilowattHourOf(double poundsPerMegawattHour) {
        return poundsPerMegawattHour * POUND_IN_GRAMS / 1000;
    }

    private static OptionalDouble times(OptionalDouble rate, double kilowattHours) {
        return rate.isEmpty() ? rate : OptionalDouble.of(rate.getAsDouble() * kilowattHours);
    }

    private static double atLeast(double least, String what, double value) {
        if (!(value >= least) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(
                    "a " + what + " is invalid: found " + value + ", expected at least " + (long) least);
        }
        return value;
    }
}
