package dev.flywheel.serving.batch;

import dev.flywheel.serving.batch.FakeRunner.Ask;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** How a lane goes from hand to hand, in every order that the processor knows; run by {@link HandOffTest}. */
public class SlotStress {

    /** Memory as a lane has it: without any synchronization of its own. */
    static final class Memory implements Runner<Ask> {

        int runs;
        int closes;

        @Override
        public int maxRows() {
            return 1;
        }

        @Override
        public void length(int length) {}

        @Override
        public void write(Ask call, int row) {}

        @Override
        public void run(int rows) {
            runs++;
        }

        @Override
        public void read(Ask call, int row) {}

        @Override
        public void close() {
            closes++;
        }
    }

    /** A lane has one holder at a time, and the next one sees what the last one wrote. */
    @JCStressTest
    @Outcome(id = "2", expect = Expect.ACCEPTABLE, desc = "one after the other")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both held the lane, or a write was lost")
    @State
    public static class ClaimAndClaim {

        private final Slot<Ask, Memory> slot = new Slot<>(new Memory());

        @Actor
        public void first() {
            hold();
        }

        @Actor
        public void second() {
            hold();
        }

        private void hold() {
            while (!slot.claim()) {
                Thread.onSpinWait();
            }
            slot.run(1);
            boolean unused = slot.release();
        }

        @Arbiter
        public void end(I_Result result) {
            result.r1 = slot.runner.runs;
        }
    }

    /** A lane is retired when nobody holds it, and whoever comes later does not get it. */
    @JCStressTest
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "held, then retired by one who sees the run")
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "retired, so not held")
    @Outcome(expect = Expect.FORBIDDEN, desc = "held when it was retired")
    @State
    public static class ClaimAndRetire {

        private final Slot<Ask, Memory> slot = new Slot<>(new Memory());

        @Actor
        public void hold(II_Result result) {
            if (slot.claim()) {
                slot.run(1);
                boolean unused = slot.release();
                result.r1 = 1;
            }
        }

        @Actor
        public void retire(II_Result result) {
            while (!slot.retire()) {
                Thread.onSpinWait();
            }
            result.r2 = slot.runner.runs;
        }
    }

    /** A lane is given up in the run that was watched, or not at all; one of the two sides closes it. */
    @JCStressTest
    @Outcome(id = "1, 1, 0", expect = Expect.ACCEPTABLE, desc = "given up; its holder closes it")
    @Outcome(id = "0, 0, 1", expect = Expect.ACCEPTABLE, desc = "given back in time; the next holder has it")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both or neither have it, or the next run is given up")
    @State
    public static class ReleaseAndGiveUp {

        private final Slot<Ask, Memory> slot = new Slot<>(new Memory());

        public ReleaseAndGiveUp() {
            slot.claim();
            long unused = slot.look(1);
        }

        @Actor
        public void release(III_Result result) {
            result.r1 = slot.release() ? 0 : 1;
            result.r3 = slot.claim() ? 1 : 0;
        }

        @Actor
        public void giveUp(III_Result result) {
            result.r2 = slot.giveUp() ? 1 : 0;
        }
    }

    /** The thread that completes calls and the one that watches it agree on who counts it as on duty. */
    @JCStressTest
    @Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "ended in time, on duty")
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "took too long, counted off")
    @Outcome(expect = Expect.FORBIDDEN, desc = "counted twice or not at all")
    @State
    public static class FinishAndLend {

        private final Batch<Ask> batch = new Batch<>(1);

        public FinishAndLend() {
            boolean unused = batch.beginFinishing(5);
        }

        @Actor
        public void finish(II_Result result) {
            result.r1 = batch.endFinishing(5) ? 1 : 0;
        }

        @Actor
        public void lend(II_Result result) {
            result.r2 = batch.lend(5) ? 1 : 0;
        }
    }
}
