package dev.flywheel.serving.batch;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The calls that wait where first come first served is not all: because they differ in length or in priority. Not
 * thread-safe.
 *
 * <p>Each call has a turn: the time at which it came, plus a handicap of its class (0 for HIGH, 100 ms for NORMAL, 1 s
 * for LOW). Earlier turns go first, so a call is overtaken only by better ones that came at most its handicap later,
 * and nothing starves.
 *
 * <p>The call whose turn it is goes with the next batch, in company of like length. The calls that wait are sorted by
 * length and cut into batches so that all of them together cost the least, each batch {@code a + b * rows * longest},
 * by dynamic programming over the last cut; the batch that has the call is run. (The same recurrence as the batch
 * scheduler of Fang et al., "TurboTransformers", PPoPP 2021, algorithm 2.)
 *
 * @param <C> the calls
 */
final class Backlog<C extends Call<?>> {

    /** Those whose turn is soonest are cut together: an optimum over more gains little and takes time. */
    static final int CANDIDATES = 256;

    private List<C> calls = new ArrayList<>();
    private List<C> spare = new ArrayList<>();
    private final long[] byLength = new long[CANDIDATES];
    private final double[] cost = new double[CANDIDATES + 1];
    private final int[] cut = new int[CANDIDATES + 1];

    int size() {
        return calls.size();
    }

    boolean isEmpty() {
        return calls.isEmpty();
    }

    List<C> calls() {
        return calls;
    }

    /** Puts a call in its place; nearly always the last. */
    void add(C call) {
        long turn = turn(call);
        int at = calls.size();
        while (at > 0 && turn(calls.get(at - 1)) > turn) {
            at--;
        }
        calls.add(at, call);
    }

    private static long turn(Call<?> call) {
        return call.startedNanos() + handicapNanos(call.priority());
    }

    private static long handicapNanos(Priority priority) {
        return switch (priority) {
            case HIGH -> 0;
            case NORMAL -> 100_000_000L;
            case LOW -> 1_000_000_000L;
        };
    }

    /**
     * Moves the calls that run next into the batch.
     *
     * @param rows the most of them
     * @param tokens the most of rows times the longest; a single call may be longer
     */
    void choose(Batch<C> batch, int rows, int tokens, CostModel model) {
        dropGone();
        int count = Math.min(calls.size(), CANDIDATES);
        if (count == 0) {
            return;
        }
        boolean alike = sort(count);
        if (alike) {
            int longest = calls.get(0).length();
            int fit = Math.min(Math.min(count, rows), Math.max(1, tokens / longest));
            moveFirst(batch, fit);
        } else {
            cutCheapest(count, rows, tokens, model);
            moveCutOfFirst(batch, count);
        }
    }

    /** Forgets the calls that need not run any more. */
    void dropGone() {
        calls.removeIf(call -> !call.waits());
    }

    private boolean sort(int count) {
        int first = calls.get(0).length();
        boolean alike = true;
        for (int i = 0; i < count; i++) {
            int length = calls.get(i).length();
            alike &= length == first;
            byLength[i] = (long) length << 32 | i;
        }
        if (!alike) {
            Arrays.sort(byLength, 0, count);
        }
        return alike;
    }

    private void cutCheapest(int count, int rows, int tokens, CostModel model) {
        double a = model.a();
        double b = model.b();
        cost[0] = 0;
        for (int end = 1; end <= count; end++) {
            long longest = byLength[end - 1] >>> 32;
            cost[end] = Double.MAX_VALUE;
            for (int size = 1; size <= Math.min(rows, end) && (size == 1 || size * longest <= tokens); size++) {
                double sum = cost[end - size] + a + b * size * longest;
                if (sum < cost[end]) {
                    cost[end] = sum;
                    cut[end] = end - size;
                }
            }
        }
    }

    private void moveCutOfFirst(Batch<C> batch, int count) {
        int end = count;
        while (true) {
            int start = cut[end];
            for (int i = start; i < end; i++) {
                if ((int) byLength[i] == 0) {
                    moveSorted(batch, start, end);
                    return;
                }
            }
            end = start;
        }
    }

    private void moveSorted(Batch<C> batch, int start, int end) {
        boolean[] chosen = new boolean[CANDIDATES];
        for (int i = start; i < end; i++) {
            chosen[(int) byLength[i]] = true;
        }
        spare.clear();
        for (int i = 0; i < calls.size(); i++) {
            C call = calls.get(i);
            if (i >= CANDIDATES || !chosen[i]) {
                spare.add(call);
            } else if (call.take()) {
                batch.add(call);
            }
        }
        List<C> rest = spare;
        spare = calls;
        calls = rest;
        spare.clear();
    }

    private void moveFirst(Batch<C> batch, int count) {
        List<C> first = calls.subList(0, count);
        for (C call : first) {
            if (call.take()) {
                batch.add(call);
            }
        }
        first.clear();
    }
}
