package dev.flywheel.pipeline.train;

import java.io.Serializable;

/**
 * A setting of a trainer that a {@link Search} varies, such as {@code MlpTrainer::learningRate}.
 *
 * @param <T> the trainer
 * @param <V> the values of the setting
 */
@FunctionalInterface
public interface Knob<T extends Trainer, V> extends Serializable {

    /** {@return the trainer with this setting} */
    T turn(T trainer, V value);
}
