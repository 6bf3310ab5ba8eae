package dev.flywheel.serving;

import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.TensorBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Measures whether the rows of a batch depend on each other: each row is run alone and then with others. Dynamically
 * quantised models scale their whole batch by its largest value, so what they answer depends on who else asks. Not
 * thread-safe.
 */
final class BatchProbe<I, O> {

    /** Kernels differ with the batch size in the last bits of a float, some 1e-6; quantised rows by 1e-2 and more. */
    static final double LIMIT = 1e-4;

    /** On a GPU kernels differ with the batch size by more: in float16 or TF32 by 1e-3. */
    static final double GPU_LIMIT = 5e-3;

    private static final Logger log = LoggerFactory.getLogger(BatchProbe.class);

    private static final int MOST_ROWS = 8;
    private static final int MADE_UP_ROWS = 4;
    private static final int MOST_NUMBERS = 1 << 16;

    private final Lane lane;
    private final Codec.Binding<Object, O> binding;
    private final Preparation<I, O> preparation;
    private final List<I> inputs;
    private final List<Object> examples = new ArrayList<>();
    private final int rows;

    BatchProbe(
            Lane lane, int maxRows, Codec.Binding<Object, O> binding, Preparation<I, O> preparation, List<I> examples) {
        this.lane = lane;
        this.binding = binding;
        this.preparation = preparation;
        int wanted = examples.size() > 1 ? Math.min(MOST_ROWS, examples.size()) : MADE_UP_ROWS;
        this.rows = Math.min(maxRows, wanted);
        this.inputs = List.copyOf(examples.subList(0, Math.min(rows, examples.size())));
    }

    /** What to do with a model whose rows depend on each other. */
    enum Otherwise {
        /** Nobody asked for batches. */
        ROW_BY_ROW,
        /** Batches were asked for. */
        BATCHES
    }

    /** {@return the rows that are run together} */
    int rows() {
        return rows;
    }

    /**
     * {@return the greatest difference that company made to a number of an answer, as a part of the greatest number of
     * all answers; infinite if rows run alone but not together} Empty if rows never run together, if there are no
     * examples and none can be made up that the model takes, or if the model is random anyway.
     */
    OptionalDouble measure() {
        if (rows < 2 || (inputs.size() < 2 && !variable())) {
            return OptionalDouble.empty();
        }
        try {
            inputs.forEach(input -> examples.add(preparation.prepared(input)));
            double[][] alone = alone();
            double deviation = deviation(alone);
            if (deviation > LIMIT && difference(alone, alone()) > LIMIT) {
                log.debug("{} answers the same input in different ways; whether it can be batched is unknown", lane);
                return OptionalDouble.empty();
            }
            return OptionalDouble.of(deviation);
        } catch (RuntimeException e) {
            log.debug("whether {} can be batched is unknown, for it refuses the inputs of the probe", lane, e);
            return OptionalDouble.empty();
        } finally {
            wipe();
        }
    }

    private double deviation(double[][] alone) {
        // A failure that does not come again was not one of batches.
        for (int attempt = 0; attempt < 2; attempt++) {
            try {
                return difference(alone, together());
            } catch (IllegalStateException e) {
                throw e; // the example is no row but has a shape of its own, and tells nothing of rows
            } catch (RuntimeException e) {
                log.debug("{} takes {} rows alone but not together", lane, rows, e);
            }
        }
        return Double.POSITIVE_INFINITY;
    }

    private double[][] alone() {
        List<double[]> answers = new ArrayList<>();
        for (int i = 0; i < rows; i++) {
            lane.length(length(i));
            write(i, 0);
            lane.run(1);
            answers.addAll(read(0));
        }
        return answers.toArray(double[][]::new);
    }

    private double[][] together() {
        int longest = 1;
        for (int i = 0; i < rows; i++) {
            longest = Math.max(longest, length(i));
        }
        lane.length(longest);
        for (int i = 0; i < rows; i++) {
            write(i, i);
        }
        lane.run(rows);
        List<double[]> answers = new ArrayList<>();
        for (int i = 0; i < rows; i++) {
            answers.addAll(read(i));
        }
        return answers.toArray(double[][]::new);
    }

    private int length(int source) {
        return examples.isEmpty() ? 1 : preparation.length(examples.get(Math.min(source, examples.size() - 1)));
    }

    private void write(int source, int row) {
        if (!examples.isEmpty()) {
            binding.write(examples.get(Math.min(source, examples.size() - 1)), row);
        }
        if (source >= examples.size()) {
            vary(source, row);
        }
    }

    /** Makes a row differ from its neighbours in its numbers, and in how large they are. */
    private void vary(int source, int row) {
        SplittableRandom random = new SplittableRandom(source);
        double size = 0.5 * (1 + source);
        for (TensorBuffer input : tensors()) {
            int from = row * input.width();
            for (int i = from; i < from + input.width(); i++) {
                double value = size * (2 * random.nextDouble() - 1);
                switch (input.spec().type()) {
                    case FLOAT -> input.floats().put(i, (float) value);
                    case DOUBLE -> input.doubles().put(i, value);
                    default -> {
                        // Ids and texts cannot be made up.
                    }
                }
            }
        }
    }

    private boolean variable() {
        for (TensorBuffer input : tensors()) {
            switch (input.spec().type()) {
                case FLOAT, DOUBLE -> {
                    return true;
                }
                default -> {
                    // Ids and texts cannot be made up.
                }
            }
        }
        return false;
    }

    /** Leaves no made-up number behind, for a model with a batch size of its own runs the rows that nobody wrote. */
    private void wipe() {
        for (TensorBuffer input : tensors()) {
            switch (input.spec().type()) {
                case FLOAT -> {
                    FloatBuffer all = input.floats();
                    all.put(0, new float[all.limit()]);
                }
                case DOUBLE -> {
                    DoubleBuffer all = input.doubles();
                    all.put(0, new double[all.limit()]);
                }
                default -> {
                    // Nothing was made up.
                }
            }
        }
    }

    private List<TensorBuffer> tensors() {
        List<TensorBuffer> inputs = new ArrayList<>();
        for (int i = 0; i < lane.signature().inputs().size(); i++) {
            inputs.add(lane.input(i));
        }
        return inputs;
    }

    /**
     * {@return the numbers of an answer; where it is of a type that we do not know, or its input was made up and means
     * nothing to the codec, those of the model's row}
     */
    private List<double[]> read(int row) {
        if (examples.size() < 2) {
            return raw(row);
        }
        O answer = binding.read(row);
        if (answer instanceof float[] floats) {
            double[] numbers = new double[floats.length];
            Arrays.setAll(numbers, i -> floats[i]);
            return List.of(numbers);
        }
        if (answer instanceof double[] doubles) {
            return List.of(doubles);
        }
        return answer instanceof Number number ? List.of(new double[] {number.doubleValue()}) : raw(row);
    }

    /** {@return the numbers of each output by itself, for rows of some may be longer in company} */
    private List<double[]> raw(int row) {
        List<double[]> all = new ArrayList<>();
        int left = MOST_NUMBERS;
        for (int o = 0; o < lane.signature().outputs().size(); o++) {
            TensorBuffer output = lane.output(o);
            int from = row * output.width();
            int count = Math.max(0, Math.min(left, Math.min(output.size() - from, output.width())));
            double[] numbers = new double[count];
            Arrays.setAll(numbers, i -> output.number(from + i));
            all.add(numbers);
            left -= count;
        }
        return all;
    }

    /** Rows of tokens are longer in company: what is compared is as long as the shorter one. */
    private static double difference(double[][] alone, double[][] together) {
        double largest = 0;
        double difference = 0;
        for (int row = 0; row < alone.length; row++) {
            for (int i = 0; i < Math.min(alone[row].length, together[row].length); i++) {
                double a = alone[row][i];
                double b = together[row][i];
                if (Double.compare(a, b) != 0 && a != b) {
                    double apart = Math.abs(a - b);
                    difference = Math.max(difference, Double.isNaN(apart) ? Double.POSITIVE_INFINITY : apart);
                }
                largest = Double.isFinite(a) ? Math.max(largest, Math.abs(a)) : largest;
            }
        }
        return difference == 0 ? 0 : difference / Math.max(largest, Double.MIN_NORMAL);
    }
}
