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
        for (float value : vector) {
            if (Math.abs(value) == Float.POSITIVE_INFINITY) {
                return true;
            }
        }
        return false;
    }
}
