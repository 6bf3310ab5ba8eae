package dev.flywheel.serving.batch;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.OverloadedException;
import dev.flywheel.serving.batch.FakeRunner.Ask;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/** How calls enter and leave the queue, in every order that the processor knows; run by {@link HandOffTest}. */
public class WaitingLineStress {

    private static WaitingLine<Ask> line(int capacity) {
        return new WaitingLine<>("line", BatchOptions.defaults().queueCapacity(capacity));
    }

    private static int added(WaitingLine<Ask> line, Ask call) {
        try {
            line.add(call, null);
            return 1;
        } catch (ClosedException | OverloadedException e) {
            return 0;
        }
    }

    /** {@return the sum of the calls that were taken out to be run} */
    private static int taken(WaitingLine<Ask> line) {
        Batch<Ask> batch = new Batch<>(4);
        line.take(batch, 4, 4, new CostModel());
        int sum = 0;
        for (int i = 0; i < batch.size(); i++) {
            sum += batch.get(i).input;
        }
        return sum;
    }

    /** Whoever closes the line runs what it has taken in; what it has refused is not run. */
    @JCStressTest
    @Outcome(
            id = {"1, 1, 0", "0, 0, 0"},
            expect = Expect.ACCEPTABLE,
            desc = "let in and run, or refused")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a call is lost, run in spite of its refusal, or still counted")
    @State
    public static class AddAndClose {

        private final WaitingLine<Ask> line = line(4);

        @Actor
        public void add(III_Result result) {
            result.r1 = added(line, new Ask(1));
        }

        @Actor
        public void close(III_Result result) {
            line.close();
            while (!line.isEmpty()) {
                result.r2 += taken(line);
            }
        }

        @Arbiter
        public void end(III_Result result) {
            result.r3 = line.size();
        }
    }

    /** The same, where what waits is refused. */
    @JCStressTest
    @Outcome(
            id = {"1, 1, 0", "0, 0, 0"},
            expect = Expect.ACCEPTABLE,
            desc = "let in and cut off, or refused")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a call is lost, or still counted")
    @State
    public static class AddAndCutOff {

        private final WaitingLine<Ask> line = line(4);

        @Actor
        public void add(III_Result result) {
            result.r1 = added(line, new Ask(1));
        }

        @Actor
        public void cutOff(III_Result result) {
            line.close();
            do {
                result.r2 += line.takeAll().size();
            } while (!line.isEmpty());
        }

        @Arbiter
        public void end(III_Result result) {
            result.r3 = line.size();
        }
    }

    /** A full line takes one more only when one has left. */
    @JCStressTest
    @Outcome(
            id = {"1, 0", "0, 1"},
            expect = Expect.ACCEPTABLE,
            desc = "room for one")
    @Outcome(expect = Expect.FORBIDDEN, desc = "too many or too few")
    @State
    public static class AddAndAdd {

        private final WaitingLine<Ask> line = line(1);

        @Actor
        public void first(II_Result result) {
            result.r1 = added(line, new Ask(1));
        }

        @Actor
        public void second(II_Result result) {
            result.r2 = added(line, new Ask(2));
        }
    }

    /** Two take from one line: each call goes to one of them. */
    @JCStressTest
    @Outcome(
            id = {"3, 0, 0", "0, 3, 0"},
            expect = Expect.ACCEPTABLE,
            desc = "each once")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a call is taken twice or not at all")
    @State
    public static class TakeAndTake {

        private final WaitingLine<Ask> line = line(4);

        public TakeAndTake() {
            line.add(new Ask(1), null);
            line.add(new Ask(2), null);
        }

        @Actor
        public void first(III_Result result) {
            result.r1 = taken(line);
        }

        @Actor
        public void second(III_Result result) {
            result.r2 = taken(line);
        }

        @Arbiter
        public void end(III_Result result) {
            result.r3 = line.size();
        }
    }

    /** A call is run or cancelled while it waits, and its place is free after either. */
    @JCStressTest
    @Outcome(
            id = {"0, 1, 0", "1, 1, 0"},
            expect = Expect.ACCEPTABLE,
            desc = "taken, cancelled then or before it ends")
    @Outcome(id = "1, 0, 0", expect = Expect.ACCEPTABLE, desc = "cancelled while it waited")
    @Outcome(expect = Expect.FORBIDDEN, desc = "lost, or its place is")
    @State
    public static class TakeAndCancel {

        private final WaitingLine<Ask> line = line(1);
        private final Ask call = new Ask(1);

        public TakeAndCancel() {
            line.add(call, null);
        }

        @Actor
        public void cancel(III_Result result) {
            result.r1 = call.cancel(false) ? 1 : 0;
        }

        @Actor
        public void take(III_Result result) {
            result.r2 = taken(line);
        }

        @Arbiter
        public void end(III_Result result) {
            // The next one finds room and is taken.
            result.r3 = 10 * added(line, new Ask(10)) - taken(line) + line.size();
        }
    }

    /** A call is run or given up by its caller, whose time is over. */
    @JCStressTest
    @Outcome(
            id = {"1, 0, 0", "0, 1, 0"},
            expect = Expect.ACCEPTABLE,
            desc = "one of the two")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both or neither")
    @State
    public static class TakeAndExpire {

        private final WaitingLine<Ask> line = line(1);
        private final Ask call = new Ask(1);

        public TakeAndExpire() {
            line.add(call, Thread.currentThread());
        }

        @Actor
        public void expire() {
            RuntimeException unused = line.giveUp(call);
        }

        @Actor
        public void take(III_Result result) {
            result.r2 = taken(line);
        }

        @Arbiter
        public void end(III_Result result) {
            Tally tally = new Tally();
            line.count(tally);
            result.r1 = (int) tally.activity().expired();
            result.r3 = line.size();
        }
    }
}
