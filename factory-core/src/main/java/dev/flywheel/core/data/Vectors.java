package dev.flywheel.core.data;

/** What a vector's numbers are like, in one or two numbers. NaN counts as missing, in a vector too. */
public final class Vectors {

    private Vectors() {}

    /** {@return the mean of the numbers that are there; NaN if none is} */
    public static double mean(float[] vector) {
        double sum = 0;
        int count = 0;
        for (float value : vector) {
            if (!Float.isNaN(value)) {
                sum += value;
                count++;
            }
        }
        return sum / count;
    }

    /** {@return the standard deviation of the numbers that are there, divided by their count; NaN if none is} */
    public static double deviation(float[] vector) {
        double mean = mean(vector);
        double squares = 0;
        int count = 0;
        for (float value : vector) {
            if (!Float.isNaN(value)) {
                squares += (value - mean) * (value - mean);
                count++;
            }
        }
        return Math.sqrt(squares / count);
    }

    /** {@return whether one of the numbers is infinite} */
    public static boolean infinite(float[] vector) {
        // 0 times anything finite is 0. Four sums, because an addition waits for the one before it.
        float a = 0;
        float b = 0;
        float c = 0;
        float d = 0;
        int at = 0;
        for (; at < vector.length - 3; at += 4) {
            a += 0 * vector[at];
            b += 0 * vector[at + 1];
            c += 0 * vector[at + 2];
            d += 0 * vector[at + 3];
        }
        for (; at < vector.length; at++) {
            a += 0 * vector[at];
        }
        return a + b + c + d != 0 && hasInfinity(vector);
    }

    private static boolean hasInfinity(float[] vector) {
        for (float value : vector) {
            if (Math.abs(value) == Float.POSITIVE_INFINITY) {
                return true;
            }
        }
        return false;
    }
}
