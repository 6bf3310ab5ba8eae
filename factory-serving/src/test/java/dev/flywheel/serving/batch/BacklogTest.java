package dev.flywheel.serving.batch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.serving.batch.FakeRunner.Ask;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BacklogTest {

    private static final long MILLI = 1_000_000;

    private final Backlog<Ask> backlog = new Backlog<>();
    private final CostModel model = new CostModel();

    /** Puts one that came at a time into the backlog. */
    private void add(int input, int length, Priority priority, long startedNanos) {
        backlog.add(ask(input, length, priority, startedNanos));
    }

    private static Ask ask(int input, int length, Priority priority, long startedNanos) {
        Ask ask = new Ask(input, length, priority, 0);
        ask.startedNanos(startedNanos);
        return ask;
    }

    private List<Integer> choose(int rows, int tokens) {
        Batch<Ask> batch = new Batch<>(rows);
        backlog.choose(batch, rows, tokens, model);
        List<Integer> inputs = new ArrayList<>();
        for (int i = 0; i < batch.size(); i++) {
            inputs.add(batch.get(i).input);
        }
        return inputs;
    }

    private void cost(double a, double b) {
        for (int i = 0; i < 50; i++) {
            model.observe(10, Math.round(a + 10 * b));
            model.observe(1_000, Math.round(a + 1_000 * b));
        }
    }

    @Test
    void betterClassesGoFirstAndOthersInTheOrderInWhichTheyCame() {
        add(1, 1, Priority.LOW, MILLI);
        add(2, 1, Priority.NORMAL, 2 * MILLI);
        add(3, 1, Priority.HIGH, 3 * MILLI);
        add(4, 1, Priority.NORMAL, 4 * MILLI);
        add(5, 1, Priority.HIGH, 5 * MILLI);
        assertThat(choose(3, 1_000)).containsExactly(3, 5, 2);
        assertThat(choose(3, 1_000)).containsExactly(4, 1);
        assertThat(choose(3, 1_000)).isEmpty();
    }

    @Test
    void nobodyIsOvertakenByThoseWhoComeLongAfter() {
        add(1, 1, Priority.LOW, MILLI);
        add(2, 1, Priority.NORMAL, MILLI);
        add(3, 1, Priority.HIGH, 90 * MILLI);
        add(4, 1, Priority.HIGH, 102 * MILLI);
        add(5, 1, Priority.NORMAL, 890 * MILLI);
        add(6, 1, Priority.HIGH, 1_002 * MILLI);
        assertThat(choose(10, 1_000)).containsExactly(3, 2, 4, 5, 1, 6);
    }

    @Test
    void runsLikeLengthsTogetherAndTheOneWhoseTurnItIs() {
        cost(10_000, 1_000);
        add(1, 100, Priority.NORMAL, 1);
        add(2, 5, Priority.NORMAL, 2);
        add(3, 98, Priority.NORMAL, 3);
        add(4, 6, Priority.NORMAL, 4);
        assertThat(choose(10, 10_000)).containsExactly(1, 3);
        assertThat(choose(10, 10_000)).containsExactly(2, 4);
    }

    @Test
    void padsWhereARunOfItsOwnWouldCostMore() {
        cost(1_000_000, 1_000);
        add(1, 100, Priority.NORMAL, 1);
        add(2, 5, Priority.NORMAL, 2);
        add(3, 6, Priority.NORMAL, 3);
        assertThat(choose(10, 10_000)).containsExactlyInAnyOrder(1, 2, 3);
    }

    @Test
    void keepsToTheBudgetOfTokensAndRunsALongerRowAlone() {
        add(1, 50, Priority.NORMAL, 1);
        add(2, 50, Priority.NORMAL, 2);
        add(3, 50, Priority.NORMAL, 3);
        assertThat(choose(10, 100)).containsExactly(1, 2);
        add(4, 500, Priority.NORMAL, 0);
        assertThat(choose(10, 100)).containsExactly(4);
        assertThat(choose(10, 100)).containsExactly(3);
    }

    @Test
    void passesOverThoseThatAreGone() {
        Ask gone = ask(1, 7, Priority.NORMAL, 1);
        backlog.add(gone);
        add(2, 3, Priority.NORMAL, 2);
        assertThat(gone.leave()).isTrue();
        assertThat(choose(10, 100)).containsExactly(2);
        assertThat(backlog.isEmpty()).isTrue();
    }

    @Test
    void cutsAsCheaplyAsTheBestOfAllCuts() {
        cost(20_000, 1_000);
        Random random = new Random(11);
        for (int round = 0; round < 200; round++) {
            int count = 1 + random.nextInt(9);
            int rows = 1 + random.nextInt(5);
            int tokens = 20 + random.nextInt(100);
            int[] lengths = random.ints(count, 1, 40).toArray();
            for (int i = 0; i < count; i++) {
                add(i, lengths[i], Priority.NORMAL, i + 1);
            }
            double spent = 0;
            int left = count;
            while (left > 0) {
                List<Integer> batch = choose(rows, tokens);
                int longest = batch.stream().mapToInt(i -> lengths[i]).max().orElseThrow();
                assertThat(batch.size()).isLessThanOrEqualTo(rows);
                assertThat(batch.size() == 1 || batch.size() * longest <= tokens)
                        .isTrue();
                spent += model.nanos((long) batch.size() * longest);
                left -= batch.size();
            }
            Arrays.sort(lengths);
            // What is left over after a batch may be cut anew, and better.
            assertThat(spent).isLessThanOrEqualTo(cheapest(lengths, 0, rows, tokens) + 1);
        }
    }

    /** Tries every cut. */
    private double cheapest(int[] sorted, int from, int rows, int tokens) {
        if (from == sorted.length) {
            return 0;
        }
        double best = Double.MAX_VALUE;
        for (int size = 1; size <= Math.min(rows, sorted.length - from); size++) {
            long padded = (long) size * sorted[from + size - 1];
            if (size == 1 || padded <= tokens) {
                best = Math.min(best, model.nanos(padded) + cheapest(sorted, from + size, rows, tokens));
            }
        }
        return best;
    }

    @Test
    void theOldestGoesWithTheNextBatchHoweverManyWait() {
        cost(1_000, 1_000);
        Random random = new Random(2);
        for (int i = 0; i < 1_000; i++) {
            add(i, 1 + random.nextInt(100), Priority.NORMAL, i + 1);
        }
        boolean[] done = new boolean[1_000];
        for (int batches = 0; backlog.size() > 0; batches++) {
            List<Integer> batch = choose(16, 400);
            int oldest = 0;
            while (done[oldest]) {
                oldest++;
            }
            assertThat(batch).as("batch " + batches).contains(oldest);
            batch.forEach(i -> done[i] = true);
        }
    }
}
