package dev.flywheel.serving.engine;

/**
 * The 16-bit floating point formats: FLOAT16 (IEEE 754-2008 binary16: 5 bits of exponent, 10 of fraction) and BFLOAT16
 * (the upper half of a float: 8 and 7). A value is the {@code short} that holds its bits. Thread-safe.
 *
 * <p>A float becomes the nearest value of the format, the even one of two that are equally near; beyond the largest it
 * becomes infinite, and NaN stays NaN.
 */
public final class Halves {

    private static final int FLOAT_FRACTION = 23;
    private static final int HALF_FRACTION = 10;
    private static final int DROPPED = FLOAT_FRACTION - HALF_FRACTION;

    /** The steps between neighbours below the smallest normal FLOAT16, 2^-14, are 2^-24. */
    private static final float SUBNORMAL_STEP = 0x1p-24f;

    private Halves() {}

    /** {@return the value of a FLOAT16; exact} */
    public static float fromFloat16(short bits) {
        int sign = (bits & 0x8000) << 16;
        int exponent = (bits >>> HALF_FRACTION) & 0x1f;
        int fraction = bits & 0x3ff;
        if (exponent == 0) {
            float magnitude = fraction * SUBNORMAL_STEP;
            return sign == 0 ? magnitude : -magnitude;
        }
        int wide = exponent == 0x1f ? 0xff : exponent - 15 + 127;
        return Float.intBitsToFloat(sign | (wide << FLOAT_FRACTION) | (fraction << DROPPED));
    }

    /** {@return the FLOAT16 nearest to a value} */
    public static short toFloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        int sign = (bits >>> 16) & 0x8000;
        int magnitude = bits & 0x7fff_ffff;
        if (magnitude > 0x7f80_0000) {
            return (short) (sign | 0x7e00);
        }
        if (magnitude < Float.floatToRawIntBits(0x1p-14f)) {
            // Math.rint rounds to even, and the product is exact.
            return (short) (sign | (int) Math.rint(Float.intBitsToFloat(magnitude) / (double) SUBNORMAL_STEP));
        }
        int rounded = magnitude + (1 << (DROPPED - 1)) - 1 + ((magnitude >>> DROPPED) & 1);
        int half = (rounded >>> DROPPED) - ((127 - 15) << HALF_FRACTION);
        return (short) (sign | Math.min(half, 0x7c00));
    }

    /** {@return the value of a BFLOAT16; exact} */
    public static float fromBfloat16(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** {@return the BFLOAT16 nearest to a value} */
    public static short toBfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) ((bits >>> 16) | 0x40);
        }
        return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
    }
}
