package dev.flywheel.serving.stress;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** When each version could be given requests, at the widest that a caller can know of. Thread-safe. */
final class Versions {

    private static final long ALWAYS = Long.MAX_VALUE;

    /** The last two lives of a version; an earlier one has ended long ago. */
    private record Life(long from, long to, long earlierFrom, long earlierTo) {

        boolean meets(long begin, long end) {
            return (from <= end && to >= begin) || (earlierFrom <= end && earlierTo >= begin);
        }
    }

    private final Map<Integer, Life> lives = new ConcurrentHashMap<>();
    private final long origin = System.nanoTime();

    long now() {
        return System.nanoTime() - origin;
    }

    /** To be called before the version may be given requests; does nothing where it already is. */
    void begins(int version) {
        lives.merge(
                version,
                new Life(now(), ALWAYS, ALWAYS, -1),
                (old, fresh) -> old.to == ALWAYS ? old : new Life(fresh.from, ALWAYS, old.from, old.to));
    }

    /** To be called when the endpoint has said that the version is given no more requests. */
    void ended(int version) {
        lives.computeIfPresent(version, (number, life) -> new Life(life.from, now(), life.earlierFrom, life.earlierTo));
    }

    /** {@return whether the version could be given requests at some time between the two} */
    boolean live(int version, long from, long to) {
        Life life = lives.get(version);
        return life != null && life.meets(from, to);
    }

    /** {@return the life of a version, for messages} */
    String describe(int version) {
        return String.valueOf(lives.get(version));
    }
}
