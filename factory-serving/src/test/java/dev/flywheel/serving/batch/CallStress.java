package dev.flywheel.serving.batch;

import dev.flywheel.serving.batch.FakeRunner.Ask;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** How calls end, in every order that the processor knows; run by {@link HandOffTest}. */
public class CallStress {

    /** A call is answered or cancelled, and both its owner and its runner see which. */
    @JCStressTest
    @Outcome(
            id = {"1, 1", "0, 0"},
            expect = Expect.ACCEPTABLE,
            desc = "cancelled, or answered")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both or neither")
    @State
    public static class FinishAndCancel {

        private final Ask call = new Ask(1);

        @Actor
        public void run() {
            call.answer("answer");
            call.finish();
        }

        @Actor
        public void cancel(II_Result result) {
            result.r1 = call.cancel(true) ? 1 : 0;
        }

        @Arbiter
        public void end(II_Result result) {
            result.r2 = call.isCancelled() ? 1 : "answer".equals(call.join()) ? 0 : 2;
        }
    }

    /** A run that was given up ends after all: the caller hears of one of the two. */
    @JCStressTest
    @Outcome(
            id = {"1", "2"},
            expect = Expect.ACCEPTABLE,
            desc = "the answer, or why it was given up")
    @Outcome(expect = Expect.FORBIDDEN, desc = "neither")
    @State
    public static class FinishAndAbandon {

        private final Ask call = new Ask(1);

        @Actor
        public void run() {
            call.answer("answer");
            call.finish();
        }

        @Actor
        public void abandon() {
            call.abandon(new IllegalStateException("given up"));
        }

        @Arbiter
        public void end(I_Result result) {
            result.r1 = call.handle((answer, failure) -> failure == null && "answer".equals(answer)
                            ? 1
                            : failure instanceof IllegalStateException ? 2 : 0)
                    .join();
        }
    }

    /** Whoever sees the future done sees the whole answer. */
    @JCStressTest
    @Outcome(
            id = {"0", "7"},
            expect = Expect.ACCEPTABLE,
            desc = "nothing yet, or all of it")
    @Outcome(expect = Expect.FORBIDDEN, desc = "half an answer")
    @State
    public static class FinishAndLook {

        /** An answer as a codec may make it: without final fields. */
        static final class Numbers {
            int value;
        }

        private final Call<Numbers> call = new Call<>(1) {};

        @Actor
        public void run() {
            Numbers numbers = new Numbers();
            numbers.value = 7;
            call.answer(numbers);
            call.finish();
        }

        @Actor
        public void look(I_Result result) {
            result.r1 = call.isDone() ? call.join().value : 0;
        }
    }

    /** A caller that blocks is woken, and sees the whole answer. */
    @JCStressTest
    @Outcome(id = "7", expect = Expect.ACCEPTABLE, desc = "all of it")
    @Outcome(expect = Expect.FORBIDDEN, desc = "half an answer")
    @State
    public static class FinishAndAwait {

        private final WaitingLine<Call<FinishAndLook.Numbers>> line =
                new WaitingLine<>("line", BatchOptions.defaults().queueCapacity(1));
        private final Call<FinishAndLook.Numbers> call = new Call<>(1) {};
        private volatile boolean waits;

        @Actor
        public void await(I_Result result) {
            line.add(call, Thread.currentThread());
            waits = true;
            call.awaitRun(line);
            result.r1 = call.outcome().value;
        }

        @Actor
        public void run() {
            while (!waits) {
                Thread.onSpinWait();
            }
            FinishAndLook.Numbers numbers = new FinishAndLook.Numbers();
            numbers.value = 7;
            boolean unused = call.take();
            call.answer(numbers);
            call.finish();
        }
    }
}
