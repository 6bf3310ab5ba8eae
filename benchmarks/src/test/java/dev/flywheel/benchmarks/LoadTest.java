package dev.flywheel.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.benchmarks.Contender.Later;
import dev.flywheel.benchmarks.Contender.One;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LoadTest {

    private static final long MILLI = 1_000_000;

    @Test
    void requestsBehindAStallAreLateFromTheirSchedule() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        Contender<One<Integer>> stalls = one(input -> {
            if (asked.incrementAndGet() == 10) {
                spin(50 * MILLI);
            }
            return new float[0];
        });
        Measured measured = Load.open(stalls, 1, 1_000, 200 * MILLI, LoadTest::ask);
        assertThat(measured.nanos().getTotalCount()).isEqualTo(200);
        assertThat(measured.nanos().getCountBetweenValues(10 * MILLI, 1_000 * MILLI))
                .as("requests due during a stall of 50 ms")
                .isGreaterThanOrEqualTo(35);
    }

    @Test
    void callersThatAskAgainAtOnceMeetTheStallOnce() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        Contender<One<Integer>> stalls = one(input -> {
            spin(asked.incrementAndGet() == 10 ? 50 * MILLI : MILLI / 10);
            return new float[0];
        });
        Measured measured = Load.closed(stalls, 1, 100 * MILLI, LoadTest::ask);
        assertThat(measured.slowestMicros()).isGreaterThanOrEqualTo(50_000 * 0.99);
        assertThat(measured.micros(0.5)).isBetween(99.0, 50_000.0);
        assertThat(measured.rate()).isPositive();
    }

    @Test
    void aWindowIsKeptFullAndEveryRequestAwaited() throws Exception {
        AtomicInteger inFlight = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        CompletableFuture<?>[] waiting = new CompletableFuture<?>[8];
        Contender<Later<Integer>> answersWhenEight = new Contender<>(
                "eight",
                () -> input -> {
                    CompletableFuture<float[]> answer = new CompletableFuture<>();
                    int count = inFlight.incrementAndGet();
                    most.accumulateAndGet(count, Math::max);
                    waiting[count - 1] = answer;
                    if (count == waiting.length) {
                        inFlight.set(0);
                        for (CompletableFuture<?> each : waiting) {
                            each.complete(null);
                        }
                    }
                    return answer;
                },
                List.of());
        Measured measured = Load.window(answersWhenEight, 1, 8, 5 * MILLI, List.of(1));
        assertThat(most).hasValue(8);
        assertThat(measured.rate()).isPositive();
    }

    @Test
    void roundsAlternateAndWarmUpsAreForgotten() throws Exception {
        StringBuilder order = new StringBuilder();
        Map<String, List<Measured>> found = new Rounds(2).run(List.of(named("a"), named("b")), contender -> {
            order.append(contender.name());
            return new Measured(order.length(), Measured.histogram());
        });
        assertThat(order).hasToString("abbaabba");
        assertThat(found.get("a")).extracting(Measured::rate).containsExactly(5.0, 8.0);
        assertThat(found.get("b")).extracting(Measured::rate).containsExactly(6.0, 7.0);
    }

    private static int ask(One<Integer> worker, int turn) throws Exception {
        float[] unused = worker.answer(turn);
        return 1;
    }

    private static Contender<One<Integer>> one(One<Integer> one) {
        return new Contender<>("one", () -> one, List.of());
    }

    private static Contender<One<Integer>> named(String name) {
        return new Contender<>(name, () -> input -> new float[0], List.of());
    }

    private static void spin(long nanos) {
        long until = System.nanoTime() + nanos;
        while (System.nanoTime() < until) {
            Thread.onSpinWait();
        }
    }
}
