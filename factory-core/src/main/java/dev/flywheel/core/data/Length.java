package dev.flywheel.core.data;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The number of floats in a {@code float[]} component of a record, which is the same in every row: {@code record
 * Item(@Length(784) float[] pixels) {}}.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Length {

    /** {@return the number of floats, from 1 to 16,777,216} */
    int value();
}
