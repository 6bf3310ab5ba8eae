package dev.flywheel.serving.stress;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** When each version could be given requests, at the widest that a caller can know of. Thread-safe. */
final class Versions {

    private static final long ALWAYS = Long.MAX_VALUE;

    /** A life of a version, and those before it: whoever asks may have lost its processor for many of them. */
    private record Life(long from, long to, @Nullable Life earlier) {

        boolean meets(long begin, long end) {
            Life life = this;
            while (life != null && life.from > end) {
                life = life.earlier;
            }
            return life != null && life.to >= begin;
        }

        @Override
        public String toString() {
            return from + " to " + (to == ALWAYS ? "now" : to)
                    + (earlier == null ? "" : ", " + earlier.from + " to " + earlier.to + " and before");
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
                new Life(now(), ALWAYS, null),
                (old, fresh) -> old.to == ALWAYS ? old : new Life(fresh.from, ALWAYS, old));
    }

    /** To be called when the endpoint has said that the version is given no more requests. */
    void ended(int version) {
        lives.computeIfPresent(version, (number, life) -> new Life(life.from, now(), life.earlier));
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
