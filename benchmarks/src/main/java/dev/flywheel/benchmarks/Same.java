package dev.flywheel.benchmarks;

import dev.flywheel.benchmarks.Contender.Many;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Contenders have to give the same answers before they are timed. */
final class Same {

    private Same() {}

    /** How a worker answers one input. */
    @FunctionalInterface
    interface Answer<W, I> {
        float[] of(W worker, I input) throws Exception;
    }

    /** @throws IllegalStateException if any contender answers any input otherwise than the first one does */
    static <W extends Contender.Worker, I> void answers(
            List<Contender<W>> contenders, Answer<? super W, I> answer, List<I> inputs) throws Exception {
        List<List<float[]>> all = new ArrayList<>();
        for (Contender<W> contender : contenders) {
            all.add(all(contender, answer, inputs));
        }
        compare(contenders, all);
    }

    /** {@return the contender's answers} */
    static <W extends Contender.Worker, I> List<float[]> all(
            Contender<W> contender, Answer<? super W, I> answer, List<I> inputs) throws Exception {
        try (W worker = contender.opening().open()) {
            List<float[]> answers = new ArrayList<>();
            for (I input : inputs) {
                answers.add(answer.of(worker, input));
            }
            return answers;
        }
    }

    /**
     * @param cosine the least that the answers to a text may agree
     * @throws IllegalStateException if answers of length 1 point in different directions
     */
    static void embeddings(List<List<float[]>> answers, double cosine) {
        for (List<float[]> others : answers) {
            for (int i = 0; i < others.size(); i++) {
                double product = 0;
                for (int k = 0; k < others.get(i).length; k++) {
                    product += others.get(i)[k] * answers.get(0).get(i)[k];
                }
                if (product < cosine) {
                    throw new IllegalStateException("two contenders embed text " + i + " differently: cosine " + product
                            + ", expected at least " + cosine);
                }
            }
        }
    }

    /** @throws IllegalStateException if any contender answers the list otherwise than the first one does */
    static <I> void lists(List<Contender<Many<I>>> contenders, List<I> inputs) throws Exception {
        List<List<float[]>> all = new ArrayList<>();
        for (Contender<Many<I>> contender : contenders) {
            try (Many<I> worker = contender.opening().open()) {
                all.add(worker.answers(inputs));
            }
        }
        compare(contenders, all);
    }

    private static void compare(List<? extends Contender<?>> contenders, List<List<float[]>> answers) {
        for (int c = 1; c < answers.size(); c++) {
            for (int i = 0; i < answers.get(0).size(); i++) {
                require(
                        answers.get(0).get(i),
                        answers.get(c).get(i),
                        contenders.get(0).name() + " and " + contenders.get(c).name() + " on input " + i);
            }
        }
    }

    /** Batches of different sizes take different kernels, so the last bits may differ. */
    static void require(float[] one, float[] other, String who) {
        boolean same = one.length == other.length;
        double scale = 1;
        for (float value : one) {
            scale = Math.max(scale, Math.abs(value));
        }
        for (int i = 0; same && i < one.length; i++) {
            same = Math.abs(one[i] - other[i]) <= 1e-5 * scale;
        }
        if (!same) {
            throw new IllegalStateException(
                    "the answers of " + who + " differ: " + Arrays.toString(one) + " and " + Arrays.toString(other));
        }
    }
}
