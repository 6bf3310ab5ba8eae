package dev.flywheel.pipeline.explain;

import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntFunction;

/**
 * Shapley values of one prediction (Shapley 1953; interventional, as in Janzing, Minorics and Blöbaum, <em>Feature
 * Relevance Quantification in Explainable AI</em>, AISTATS 2020): the players are the columns of a row; what a
 * coalition wins is the mean prediction of rows that have its columns from the row explained and the others from each
 * row of a background. Immutable.
 *
 * <p>Exact by all coalitions where they are few enough; only columns in which a background row differs from the one
 * explained count. Otherwise by walks from a background row to the row explained, one column at a time, in random order
 * and back in the reverse one: Castro, Gómez and Tejada, <em>Polynomial calculation of the Shapley value based on
 * sampling</em>, 2009; antithetic pairs as in Mitchell, Cooper, Frank and Holmes, <em>Sampling Permutations for Shapley
 * Value Estimation</em>, JMLR 2022. Every background row is begun from as often, so that the values sum to the
 * prediction minus the base either way.
 *
 * @param prediction of the row explained
 * @param base the mean prediction of the background
 * @param values what each player adds, in the prediction's unit
 * @param errors the standard error of each value; 0 where it is exact
 * @param exact whether all coalitions were played
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Shapley(double prediction, double base, double[] values, double[] errors, boolean exact) {

    /** The most rows that are scored for exact values: 10 players before 128 background rows. */
    static final int MOST_EXACT = 1 << 17;

    /** About how many rows are scored where values are sampled. */
    static final int SAMPLED = 1 << 15;

    /** A row to be scored: the columns of a coalition from the row explained, the others from a background row. */
    interface Play {

        /** {@return the number of the background row} */
        int background();

        /** {@return whether a column comes from the row explained} */
        boolean explained(int column);
    }

    /** What the model makes of all rows to be scored, in their order. */
    @FunctionalInterface
    interface Game {

        double[] scores(List<Play> plays);
    }

    /** Tells whether a background row differs from the row explained in a column. */
    @FunctionalInterface
    interface Difference {

        boolean test(int background, int column);
    }

    /**
     * {@return the values of a row} The game is played once, all rows together.
     *
     * @param players how many columns there are
     * @param background how many rows the background has, at least 1
     * @param mostExact the most rows to be scored for exact values
     */
    static Shapley of(int players, int background, Difference differs, Game game, int mostExact, long seed) {
        int[][] moving = new int[background][];
        long exactRows = 0;
        long moves = 0;
        for (int row = 0; row < background; row++) {
            int[] columns = new int[players];
            int count = 0;
            for (int column = 0; column < players; column++) {
                if (differs.test(row, column)) {
                    columns[count++] = column;
                }
            }
            moving[row] = Arrays.copyOf(columns, count);
            exactRows += count > 30 ? mostExact + 1L : 1L << count;
            moves += count;
        }
        if (exactRows <= mostExact) {
            return exact(players, moving, game);
        }
        return sampled(players, moving, (int) Math.max(2, SAMPLED / (2 * moves)), game, new SplittableRandom(seed));
    }

    private static Shapley exact(int players, int[][] moving, Game game) {
        int[] starts = new int[moving.length + 1];
        for (int row = 0; row < moving.length; row++) {
            starts[row + 1] = starts[row] + (1 << moving[row].length);
        }
        double[] scores = game.scores(plays(starts[moving.length], index -> {
            int found = Arrays.binarySearch(starts, index);
            int row = found >= 0 ? found : -found - 2;
            return new Coalition(row, moving[row], index - starts[row]);
        }));
        double[] values = new double[players];
        double base = 0;
        for (int row = 0; row < moving.length; row++) {
            base += scores[starts[row]] / moving.length;
            add(values, moving[row], scores, starts[row], 1.0 / moving.length);
        }
        return new Shapley(scores[starts[1] - 1], base, values, new double[players], true);
    }

    /** Adds what each player adds to each coalition of the others, by the share of the orders that come by it. */
    private static void add(double[] values, int[] columns, double[] scores, int start, double weight) {
        int players = columns.length;
        double[] shares = new double[Math.max(1, players)];
        shares[0] = 1.0 / Math.max(1, players);
        for (int size = 1; size < players; size++) {
            shares[size] = shares[size - 1] * size / (players - size);
        }
        for (int mask = 0; mask < 1 << players; mask++) {
            double score = weight * scores[start + mask];
            int size = Integer.bitCount(mask);
            for (int player = 0; player < players; player++) {
                boolean inside = (mask >> player & 1) == 1;
                values[columns[player]] += inside ? score * shares[size - 1] : -score * shares[size];
            }
        }
    }

    private static Shapley sampled(int players, int[][] moving, int rounds, Game game, SplittableRandom random) {
        int pairs = rounds * moving.length;
        int[][] orders = new int[pairs][];
        int[] starts = new int[pairs + 1];
        for (int pair = 0; pair < pairs; pair++) {
            int[] columns = moving[pair % moving.length];
            orders[pair] = Arrays.stream(Cells.permutation(columns.length, random))
                    .map(i -> columns[i])
                    .toArray();
            starts[pair + 1] = starts[pair] + 2 * (columns.length + 1);
        }
        double[] scores = game.scores(plays(starts[pairs], index -> {
            int pair = Arrays.binarySearch(starts, index);
            pair = pair >= 0 ? pair : -pair - 2;
            return walk(pair % moving.length, orders[pair], players, index - starts[pair]);
        }));
        Walks walks = new Walks(players);
        double base = 0;
        for (int pair = 0; pair < pairs; pair++) {
            base += scores[starts[pair]] / pairs;
            walks.add(orders[pair], scores, starts[pair]);
        }
        return new Shapley(scores[starts[1] / 2 - 1], base, walks.means, walks.errors(), false);
    }

    /** A step of a walk there, and after these of the one back to front. */
    private static Play walk(int background, int[] order, int players, int index) {
        int steps = order.length + 1;
        boolean forth = index < steps;
        boolean[] explained = new boolean[players];
        for (int i = 0; i < index % steps; i++) {
            explained[order[forth ? i : order.length - 1 - i]] = true;
        }
        return new Step(background, explained);
    }

    private static List<Play> plays(int count, IntFunction<Play> play) {
        return new AbstractList<>() {
            @Override
            public Play get(int index) {
                return play.apply(index);
            }

            @Override
            public int size() {
                return count;
            }
        };
    }

    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Coalition(int background, int[] columns, int mask) implements Play {

        @Override
        public boolean explained(int column) {
            int player = Arrays.binarySearch(columns, column);
            return player < 0 || (mask >> player & 1) == 1;
        }
    }

    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Step(int background, boolean[] taken) implements Play {

        @Override
        public boolean explained(int column) {
            return taken[column];
        }
    }

    /** Mean and variance over pairs of walks. */
    private static final class Walks {

        private final double[] means;
        private final double[] squares;
        private int pairs;

        Walks(int players) {
            this.means = new double[players];
            this.squares = new double[players];
        }

        void add(int[] order, double[] scores, int start) {
            double[] added = new double[means.length];
            int back = start + order.length + 1;
            for (int i = 0; i < order.length; i++) {
                added[order[i]] += (scores[start + i + 1] - scores[start + i]) / 2;
                added[order[order.length - 1 - i]] += (scores[back + i + 1] - scores[back + i]) / 2;
            }
            pairs++;
            for (int player = 0; player < added.length; player++) {
                double gap = added[player] - means[player];
                means[player] += gap / pairs;
                squares[player] += gap * (added[player] - means[player]);
            }
        }

        /** The background is drawn from anew in each round, not at random, so that these err on the large side. */
        double[] errors() {
            return Arrays.stream(squares)
                    .map(sum -> Math.sqrt(Math.max(0, sum) / (pairs - 1) / pairs))
                    .toArray();
        }
    }
}
