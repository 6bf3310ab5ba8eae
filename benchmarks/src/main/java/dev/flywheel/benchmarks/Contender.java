package dev.flywheel.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * One way of doing the work that is measured, written as its users would write it. Thread-safe; closed by whoever made
 * it.
 *
 * @param name its name in the results
 * @param opening makes what one thread works with, on that thread
 * @param shared what all threads share, closed with the contender
 * @param <W> what one thread works with: {@link One}, {@link Many} or {@link Later}
 */
record Contender<W extends Contender.Worker>(
        String name, Opening<? extends W> opening, List<? extends AutoCloseable> shared) implements AutoCloseable {

    /** Ours, in every result. */
    static final String FLYWHEEL = "flywheel";

    /** Makes what one thread works with. */
    @FunctionalInterface
    interface Opening<W> {
        W open() throws Exception;
    }

    /** What one thread works with. */
    interface Worker extends AutoCloseable {
        @Override
        default void close() {}
    }

    /** Answers one input and returns when it has. */
    @FunctionalInterface
    interface One<I> extends Worker {
        float[] answer(I input) throws Exception;

        /** {@return one that has a resource to be closed} */
        static <I> One<I> with(AutoCloseable resource, One<I> one) {
            return new One<>() {
                @Override
                public float[] answer(I input) throws Exception {
                    return one.answer(input);
                }

                @Override
                public void close() {
                    Contender.release(resource);
                }
            };
        }
    }

    /** Answers a list, all in one call. */
    @FunctionalInterface
    interface Many<I> extends Worker {
        List<float[]> answers(List<I> inputs) throws Exception;

        /** {@return one that has a resource to be closed} */
        static <I> Many<I> with(AutoCloseable resource, Many<I> many) {
            return new Many<>() {
                @Override
                public List<float[]> answers(List<I> inputs) throws Exception {
                    return many.answers(inputs);
                }

                @Override
                public void close() {
                    Contender.release(resource);
                }
            };
        }
    }

    /** Takes an input and answers later. */
    @FunctionalInterface
    interface Later<I> extends Worker {
        CompletableFuture<?> submit(I input) throws Exception;
    }

    /** {@return those with these names, all if there are none; the others are closed} */
    static <W extends Worker> List<Contender<W>> only(List<String> names, List<Contender<W>> all) {
        List<Contender<W>> kept = new ArrayList<>();
        for (Contender<W> contender : all) {
            if (names.isEmpty() || names.contains(contender.name())) {
                kept.add(contender);
            } else {
                contender.close();
            }
        }
        return kept;
    }

    @Override
    public void close() {
        shared.forEach(Contender::release);
    }

    static void release(AutoCloseable resource) {
        try {
            resource.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
