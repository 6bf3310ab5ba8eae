package dev.flywheel.pipeline.flywheel;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Predictions by id, with what is known of their outcomes: an open-addressing table of 41 bytes an entry, 8 more once
 * there is partial credit and 16 more once there is satisfaction, half to three quarters full. Not thread-safe.
 */
final class JoinTable {

    /** An outcome came within the window; the label is the last one. */
    static final int LABELLED = 1;

    /** An outcome came too late. */
    static final int LATE = 2;

    /** The prediction is outside of the time asked for, and here only so that its outcomes count as known. */
    static final int OUTSIDE = 4;

    /** The prediction was given out. */
    static final int SEEN = 8;

    /** The label is a correction. */
    static final int CORRECTED = 16;

    /** There is a score. */
    static final int SCORED = 32;

    private static final int USED = 128;
    private static final int LARGEST = 1 << 30;

    private long[] high;
    private long[] low;
    private long[] predicted;
    private long[] labelled;
    private double[] label;
    private byte[] state;
    private double @Nullable [] weight;
    private double @Nullable [] score;
    private long @Nullable [] scored;
    private int size;

    JoinTable() {
        this(1 << 10);
    }

    private JoinTable(int capacity) {
        high = new long[capacity];
        low = new long[capacity];
        predicted = new long[capacity];
        labelled = new long[capacity];
        label = new double[capacity];
        state = new byte[capacity];
    }

    /** {@return a table that holds so many predictions without growing} */
    static JoinTable of(long predictions) {
        long capacity = 1 << 10;
        while (capacity < LARGEST && predictions >= capacity - capacity / 4) {
            capacity *= 2;
        }
        return new JoinTable((int) capacity);
    }

    /** Adds a prediction; one that is there stays as it is. */
    void add(long idHigh, long idLow, long micros, int flags) {
        if (size >= state.length - state.length / 4) {
            grow();
        }
        int slot = slot(idHigh, idLow);
        if (state[slot] == 0) {
            high[slot] = idHigh;
            low[slot] = idLow;
            predicted[slot] = micros;
            state[slot] = (byte) (USED | flags);
            size++;
        }
    }

    /** {@return the place of a prediction, or -1} */
    int find(long idHigh, long idLow) {
        int slot = slot(idHigh, idLow);
        return state[slot] == 0 ? -1 : slot;
    }

    boolean is(int slot, int flag) {
        return (state[slot] & flag) != 0;
    }

    void set(int slot, int flag) {
        state[slot] |= (byte) flag;
    }

    /** {@return all flags of a prediction} */
    int state(int slot) {
        return state[slot] & ~USED & 0xFF;
    }

    /** {@return when the prediction was made, in microseconds since the epoch} */
    long predicted(int slot) {
        return predicted[slot];
    }

    /** {@return when its label became known, in microseconds since the epoch} */
    long labelled(int slot) {
        return labelled[slot];
    }

    double label(int slot) {
        return label[slot];
    }

    /** {@return the weight of its label, from 0 to 1} */
    double weight(int slot) {
        return weight == null ? 1 : weight[slot];
    }

    void label(int slot, double value, double partial, long micros) {
        label[slot] = value;
        labelled[slot] = micros;
        set(slot, LABELLED);
        if (partial < 1 && weight == null) {
            weight = new double[state.length];
            Arrays.fill(weight, 1);
        }
        if (weight != null) {
            weight[slot] = partial;
        }
    }

    /** {@return its score; 0 without one} */
    double score(int slot) {
        return score == null ? 0 : score[slot];
    }

    /** Takes a score, unless one that became known later is there. */
    void score(int slot, double value, long micros) {
        if (score == null || scored == null) {
            score = new double[state.length];
            scored = new long[state.length];
        }
        if (!is(slot, SCORED) || micros >= scored[slot]) {
            score[slot] = value;
            scored[slot] = micros;
            set(slot, SCORED);
        }
    }

    private int slot(long idHigh, long idLow) {
        int mask = state.length - 1;
        // the low half of an id is random, but an id may come from anyone
        long hash = (idHigh * 0x9E3779B97F4A7C15L ^ idLow) * 0xBF58476D1CE4E5B9L;
        int slot = (int) (hash >>> 32) & mask;
        while (state[slot] != 0 && (high[slot] != idHigh || low[slot] != idLow)) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }

    private void grow() {
        if (state.length == LARGEST) {
            throw new IllegalStateException("a window holds at most " + size + " predictions: ask for a shorter time");
        }
        JoinTable larger = new JoinTable(state.length * 2);
        for (int old = 0; old < state.length; old++) {
            if (state[old] != 0) {
                larger.add(high[old], low[old], predicted[old], 0);
                int slot = larger.slot(high[old], low[old]);
                larger.state[slot] = state[old];
                larger.labelled[slot] = labelled[old];
                larger.label[slot] = label[old];
                if (weight != null) {
                    larger.label(slot, label[old], weight[old], labelled[old]);
                    larger.state[slot] = state[old];
                }
                if (score != null && scored != null && is(old, SCORED)) {
                    larger.score(slot, score[old], scored[old]);
                }
            }
        }
        high = larger.high;
        low = larger.low;
        predicted = larger.predicted;
        labelled = larger.labelled;
        label = larger.label;
        state = larger.state;
        weight = larger.weight;
        score = larger.score;
        scored = larger.scored;
    }
}
