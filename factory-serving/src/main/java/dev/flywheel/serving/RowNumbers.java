package dev.flywheel.serving;

import dev.flywheel.core.model.ElementType;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.TensorBuffer;
import java.util.Arrays;

/**
 * What a model gave for a row, to be compared: the numbers of all its outputs, up to a number of them, and a hash of
 * its texts. Immutable.
 */
final class RowNumbers {

    /** Copied within a fraction of a microsecond. */
    private static final int MOST = 256;

    private final double[] numbers;
    private final int texts;

    private RowNumbers(double[] numbers, int texts) {
        this.numbers = numbers;
        this.texts = texts;
    }

    static RowNumbers of(Lane lane, int row) {
        double[] numbers = new double[16];
        int texts = 1;
        int count = 0;
        for (int o = 0; o < lane.signature().outputs().size(); o++) {
            TensorBuffer output = lane.output(o);
            int from = row * output.width();
            int to = Math.min(output.size(), from + output.width());
            if (output.spec().type() == ElementType.STRING) {
                for (int i = from; i < to; i++) {
                    texts = 31 * texts + output.texts()[i].hashCode();
                }
                continue;
            }
            int wanted = Math.min(MOST, count + Math.max(0, to - from));
            if (wanted > numbers.length) {
                numbers = Arrays.copyOf(numbers, wanted);
            }
            for (int i = from; count < wanted; i++) {
                numbers[count++] = output.number(i);
            }
        }
        return new RowNumbers(count == numbers.length ? numbers : Arrays.copyOf(numbers, count), texts);
    }

    /**
     * {@return the largest distance between numbers; NaN if one is missing on one side alone, or a text differs} Rows
     * of tokens are padded in company: what is compared is as long as the shorter one.
     */
    double distance(RowNumbers other) {
        if (texts != other.texts || (numbers.length == 0) != (other.numbers.length == 0)) {
            return Double.NaN;
        }
        double largest = 0;
        for (int i = 0; i < Math.min(numbers.length, other.numbers.length); i++) {
            double a = numbers[i];
            double b = other.numbers[i];
            // Equal infinities have no distance, and two missing numbers agree.
            largest = Math.max(largest, a == b || Double.compare(a, b) == 0 ? 0 : Math.abs(a - b));
        }
        return largest;
    }

    /** {@return the first number less the other's; NaN if there is none} */
    double shiftFrom(RowNumbers other) {
        return numbers.length == 0 || other.numbers.length == 0 ? Double.NaN : numbers[0] - other.numbers[0];
    }
}
