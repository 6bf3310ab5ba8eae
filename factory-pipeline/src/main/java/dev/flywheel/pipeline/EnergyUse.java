package dev.flywheel.pipeline;

import dev.flywheel.core.energy.Energy;
import java.util.OptionalDouble;

/**
 * What predictions took. Only predictions of times count in which the factory made no run, and whose energy could be
 * read. Immutable.
 *
 * @param predictions rows that models ran; what a cache answered is not among them
 * @param energy what they took; a time counts whole, of about a second, in which at least one was made
 */
public record EnergyUse(long predictions, Energy energy) {

    /** {@return the joules of a thousand predictions; empty if there were none, or their energy is not known} */
    public OptionalDouble joulesPerThousand() {
        OptionalDouble joules = energy.joules();
        return predictions == 0 || joules.isEmpty()
                ? OptionalDouble.empty()
                : OptionalDouble.of(1000 * joules.getAsDouble() / predictions);
    }

    /** {@return what both took together: of several versions what the pipeline took} */
    public EnergyUse plus(EnergyUse other) {
        return new EnergyUse(predictions + other.predictions, energy.plus(other.energy));
    }
}
