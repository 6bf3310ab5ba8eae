package dev.flywheel.serving;

import dev.flywheel.serving.AnswerStore.Answer;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/** How requests that ask for the same share one run, in every order; run by {@code HandOffTest}. */
public class FlightStress {

    private static final Answer ANSWER = new Answer(new byte[] {1}, 1);

    private static RowKey row(Object version) {
        return new RowKey(version, new byte[] {7});
    }

    /**
     * Two ask for the same at a time. The first to come leads; the other follows it, or comes when it has landed, and
     * then finds the answer kept.
     */
    @JCStressTest
    @Outcome(
            id = {"1, 2, 0", "2, 1, 0"},
            expect = Expect.ACCEPTABLE,
            desc = "one ran, the other has its answer")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both ran, or one has no answer, or a flight stays")
    @State
    public static class BoardAndBoard {

        private final AnswerStore store = AnswerStore.of(AnswerStore.Limits.of(1 << 20, null));
        private final Map<RowKey, Flight> flights = new ConcurrentHashMap<>();

        @Actor
        public void first(III_Result result) {
            result.r1 = ask();
        }

        @Actor
        public void second(III_Result result) {
            result.r2 = ask();
        }

        @Arbiter
        public void end(III_Result result) {
            result.r3 = flights.size();
        }

        /** {@return 1 if it ran, 2 if it got the answer of the other} As the cache of responses does it. */
        private int ask() {
            RowKey key = row(store);
            if (store.find(key) != null) {
                return 2;
            }
            Flight own = new Flight(flights, store, key);
            Flight other = flights.putIfAbsent(key, own);
            if (other != null) {
                return other.join() == ANSWER ? 2 : 0;
            }
            Answer before = store.find(key);
            if (before != null) {
                own.answered(before);
                own.land(null);
                return 2;
            }
            own.gave(ANSWER);
            own.land(null);
            return 1;
        }
    }

    /** The owner cancels while its run ends: who waits for it gets the answer, or runs in its place. */
    @JCStressTest
    @Outcome(id = "1, 1, 0", expect = Expect.ACCEPTABLE, desc = "the answer")
    @Outcome(id = "0, 0, 0", expect = Expect.ACCEPTABLE, desc = "to be run again")
    @Outcome(
            id = {"0, 1, 0"},
            expect = Expect.ACCEPTABLE,
            desc = "to be run again, and the answer is found then")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a failure that is the owner's alone, or a flight that stays")
    @State
    public static class AnswerAndCancel {

        private final AnswerStore store = AnswerStore.of(AnswerStore.Limits.of(1 << 20, null));
        private final Map<RowKey, Flight> flights = new ConcurrentHashMap<>();
        private final RowKey key = row(store);
        private final Flight flight = new Flight(flights, store, key);

        public AnswerAndCancel() {
            flights.put(key, flight);
        }

        @Actor
        public void run() {
            flight.gave(ANSWER);
            flight.land(null);
        }

        @Actor
        public void cancel() {
            flight.land(new CancellationException());
        }

        @Arbiter
        public void end(III_Result result) {
            @Nullable Answer heard = flight.join();
            result.r1 = heard == ANSWER ? 1 : 0;
            result.r2 = store.find(key) == null ? 0 : 1;
            result.r3 = flights.size();
        }
    }
}
