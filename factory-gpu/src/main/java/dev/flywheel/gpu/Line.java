package dev.flywheel.gpu;

import dev.flywheel.gpu.FairShare.Resource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Those who wait for a turn: the lines of the tiers, in these the lines of the pipelines, in these the lines of owners,
 * and there who came first goes first. Between tiers the higher one goes first, between others who has the smaller
 * share of the time. But who waits, or has a turn, while others have theirs is owed a small part of the time that they
 * take, and goes first when it is owed something, so that nobody starves. Guarded by the lock of the device.
 */
final class Line {

    private final @Nullable Line parent;
    private final @Nullable FairShare member;
    private final List<Line> children = new ArrayList<>();
    private final Deque<Turns.Turn> queue = new ArrayDeque<>();
    private int waiting;
    private int running;
    private double owed;

    /** All lines. */
    Line() {
        this(null, null);
    }

    /** @param member whose share decides; none where the place does */
    private Line(@Nullable Line parent, @Nullable FairShare member) {
        this.parent = parent;
        this.member = member;
    }

    /** {@return the line of a member, which there is from now on} */
    Line of(FairShare wanted) {
        for (Line child : children) {
            if (child.member == wanted) {
                return child;
            }
        }
        return add(wanted);
    }

    /** {@return a further line in this one} */
    Line add(@Nullable FairShare of) {
        Line child = new Line(this, of);
        children.add(child);
        return child;
    }

    /** Forgets the line of one who is gone, unless somebody waits in it. */
    void forget(FairShare gone) {
        children.removeIf(child -> child.member == gone && child.waiting == 0);
        children.forEach(child -> child.forget(gone));
    }

    boolean isEmpty() {
        return waiting == 0;
    }

    void join(Turns.Turn turn) {
        queue.add(turn);
        count(1, 0);
    }

    void leave(Turns.Turn turn) {
        queue.remove(turn);
        count(-1, 0);
    }

    /** Takes out who goes next. */
    Turns.Turn next() {
        Line line = this;
        while (!line.children.isEmpty()) {
            line = line.chosen();
        }
        Turns.Turn turn = line.queue.remove();
        line.count(-1, 1);
        return turn;
    }

    private void count(int waits, int runs) {
        for (Line line = this; line != null; line = line.parent) {
            line.waiting += waits;
            line.running += runs;
        }
    }

    private Line chosen() {
        Line owedMost = null;
        Line first = null;
        for (Line child : children) {
            if (child.waiting > 0) {
                if (child.owed > 0 && child.running == 0 && (owedMost == null || child.owed > owedMost.owed)) {
                    owedMost = child;
                }
                if (first == null || child.isBefore(first)) {
                    first = child;
                }
            }
        }
        return Objects.requireNonNull(owedMost == null ? first : owedMost);
    }

    private boolean isBefore(Line other) {
        if (member == null || other.member == null) {
            return false;
        }
        int order = Double.compare(member.share(Resource.TIME), other.member.share(Resource.TIME));
        return order == 0 ? oldest() < other.oldest() : order < 0;
    }

    private long oldest() {
        long oldest = queue.isEmpty() ? Long.MAX_VALUE : queue.element().order;
        for (Line child : children) {
            oldest = Math.min(oldest, child.oldest());
        }
        return oldest;
    }

    /**
     * One of its turns has ended.
     *
     * @param nanos how long it was
     * @param floor the part of the time that each of the lower tiers is owed, and that those of a tier are owed
     *     together
     */
    void ended(double nanos, double floor) {
        for (Line line = this; line.parent != null; line = line.parent) {
            List<Line> siblings = line.parent.children;
            long wanting = siblings.stream()
                    .filter(child -> child.waiting + child.running > 0)
                    .count();
            for (Line one : siblings) {
                double part = line.member != null ? floor / wanting : one == siblings.get(0) ? 0 : floor;
                if (one == line) {
                    // Time that nobody else wanted is paid for with the last turn alone.
                    one.owed = Math.max(one.owed, 0) - (1 - part) * nanos;
                } else if (one.waiting + one.running > 0) {
                    one.owed += part * nanos;
                }
            }
        }
        count(0, -1);
    }
}
