package dev.flywheel.serving.batch;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/** How elements go through the ring, in every order that the processor knows; run by {@link HandOffTest}. */
public class RingStress {

    /** An element as careless code makes it: nothing in it is final. */
    static final class Element {
        int value;

        Element(int value) {
            this.value = value;
        }
    }

    private static int offer(Ring<Element> ring, int value, long limit) {
        long position = ring.claim(1, limit);
        if (position < 0) {
            return 0;
        }
        ring.put(position, new Element(value));
        return 1;
    }

    private static int polled(Ring<Element> ring) {
        Element element = ring.poll();
        ring.publish();
        return element == null ? 0 : element.value;
    }

    /**
     * Two put, one of them polls: each element comes out once, whole. (jcstress runs no more actors than processors.)
     */
    @JCStressTest
    @Outcome(id = "1, 1, 3", expect = Expect.ACCEPTABLE, desc = "both, once")
    @Outcome(expect = Expect.FORBIDDEN, desc = "an element is lost, doubled or half made")
    @State
    public static class PutAndPut {

        private final Ring<Element> ring = new Ring<>(4);
        private int sum;

        @Actor
        public void first(III_Result result) {
            result.r1 = offer(ring, 1, 4);
        }

        @Actor
        public void second(III_Result result) {
            result.r2 = offer(ring, 2, 4);
            sum = polled(ring) + polled(ring);
        }

        @Arbiter
        public void end(III_Result result) {
            result.r3 = sum + polled(ring) + polled(ring);
        }
    }

    /** A ring of one place, taken and given back. */
    @JCStressTest
    @Outcome(
            id = {"0, 1", "1, 3"},
            expect = Expect.ACCEPTABLE,
            desc = "refused while full, or in after the other")
    @Outcome(expect = Expect.FORBIDDEN, desc = "written over what was not polled, or lost")
    @State
    public static class PutAndPollWhenFull {

        private final Ring<Element> ring = new Ring<>(2);
        private int sum;

        public PutAndPollWhenFull() {
            int unused = offer(ring, 1, 1);
        }

        @Actor
        public void put(II_Result result) {
            result.r1 = offer(ring, 2, 1);
        }

        @Actor
        public void poll() {
            sum = polled(ring);
        }

        @Arbiter
        public void end(II_Result result) {
            result.r2 = sum + polled(ring);
        }
    }

    /** What was let in before the seal comes out; what comes later is refused. */
    @JCStressTest
    @Outcome(
            id = {"1, 1", "0, 0"},
            expect = Expect.ACCEPTABLE,
            desc = "in and out, or refused")
    @Outcome(expect = Expect.FORBIDDEN, desc = "let in and lost")
    @State
    public static class PutAndSeal {

        private final Ring<Element> ring = new Ring<>(4);

        @Actor
        public void put(II_Result result) {
            result.r1 = offer(ring, 1, 4);
        }

        @Actor
        public void seal(II_Result result) {
            ring.seal();
            while (!ring.isEmpty()) {
                result.r2 += polled(ring);
            }
        }
    }
}
