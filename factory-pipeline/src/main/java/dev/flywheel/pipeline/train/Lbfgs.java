package dev.flywheel.pipeline.train;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;

/**
 * Minimizes a smooth function by limited-memory BFGS with the last ten steps: Nocedal and Wright, <em>Numerical
 * Optimization</em>, 2nd edition, algorithms 7.4 and 7.5, with a backtracking line search (Armijo's condition). A step
 * whose curvature is not positive is not remembered.
 */
final class Lbfgs {

    private static final int MEMORY = 10;
    private static final double ARMIJO = 1e-4;
    private static final int MOST_HALVINGS = 20;

    /** The first step knows nothing of the function yet: numbers around a million want one of a 10^12th. */
    private static final int MOST_FIRST_HALVINGS = 40;

    /** Two steps in a row that lower the value by less than this share of it are the end: losses are 32-bit. */
    private static final double ENOUGH = 1e-6;

    private Lbfgs() {}

    /** A function of many variables. */
    interface Function {
        /** Returns the value at a point and writes the gradient there. */
        double evaluate(double[] point, double[] gradient);
    }

    /** Told after each step. */
    interface Listener {
        void onStep(int iteration, double value);
    }

    /** A step and the change of the gradient over it. */
    private static final class Step {
        final double[] move;
        final double[] bend;
        final double curvature;

        Step(double[] move, double[] bend) {
            this.move = move;
            this.bend = bend;
            this.curvature = dot(move, bend);
        }
    }

    /** The point with the smallest value that was found. */
    static double[] minimize(double[] start, Function function, int iterations, Listener listener) {
        double[] point = start.clone();
        double[] gradient = new double[point.length];
        double value = function.evaluate(point, gradient);
        Deque<Step> memory = new ArrayDeque<>();
        int small = 0;
        for (int iteration = 1; iteration <= iterations && small < 2; iteration++) {
            double[] direction = direction(gradient, memory);
            double slope = dot(direction, gradient);
            if (!(slope < 0)) {
                break;
            }
            double[] next = new double[point.length];
            double[] nextGradient = new double[point.length];
            double length = memory.isEmpty() ? Math.min(1, 1 / Math.sqrt(dot(gradient, gradient))) : 1;
            double nextValue = Double.POSITIVE_INFINITY;
            int halvings = 0;
            int most = memory.isEmpty() ? MOST_FIRST_HALVINGS : MOST_HALVINGS;
            for (; halvings <= most; halvings++) {
                for (int i = 0; i < next.length; i++) {
                    next[i] = point[i] + length * direction[i];
                }
                nextValue = function.evaluate(next, nextGradient);
                if (nextValue <= value + ARMIJO * length * slope) {
                    break;
                }
                length /= 2;
            }
            if (halvings > most) {
                break; // the value cannot be told apart from its neighbours any more
            }
            remember(memory, point, next, gradient, nextGradient);
            small = value - nextValue < ENOUGH * Math.abs(nextValue) ? small + 1 : 0;
            point = next;
            gradient = nextGradient;
            value = nextValue;
            listener.onStep(iteration, value);
        }
        return point;
    }

    private static void remember(
            Deque<Step> memory, double[] from, double[] to, double[] fromGradient, double[] toGradient) {
        Step step = new Step(difference(to, from), difference(toGradient, fromGradient));
        if (step.curvature > 1e-12 * dot(step.bend, step.bend)) {
            if (memory.size() == MEMORY) {
                memory.removeFirst();
            }
            memory.addLast(step);
        }
    }

    /** The two-loop recursion. */
    private static double[] direction(double[] gradient, Deque<Step> memory) {
        double[] direction = gradient.clone();
        double[] weights = new double[memory.size()];
        int at = memory.size();
        for (Iterator<Step> newestFirst = memory.descendingIterator(); newestFirst.hasNext(); ) {
            Step step = newestFirst.next();
            weights[--at] = dot(step.move, direction) / step.curvature;
            add(direction, -weights[at], step.bend);
        }
        if (!memory.isEmpty()) {
            Step newest = memory.getLast();
            double scale = newest.curvature / dot(newest.bend, newest.bend);
            for (int i = 0; i < direction.length; i++) {
                direction[i] *= scale;
            }
        }
        for (Step step : memory) {
            double correction = weights[at++] - dot(step.bend, direction) / step.curvature;
            add(direction, correction, step.move);
        }
        for (int i = 0; i < direction.length; i++) {
            direction[i] = -direction[i];
        }
        return direction;
    }

    private static void add(double[] target, double factor, double[] values) {
        for (int i = 0; i < target.length; i++) {
            target[i] += factor * values[i];
        }
    }

    private static double[] difference(double[] a, double[] b) {
        double[] difference = a.clone();
        add(difference, -1, b);
        return difference;
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }
}
