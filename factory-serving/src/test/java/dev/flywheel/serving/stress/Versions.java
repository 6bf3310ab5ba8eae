package dev.flywheel.serving.stress;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** When each version was live, at the widest that a caller can know of. Thread-safe. */
final class Versions {

    private static final long ALWAYS = Long.MAX_VALUE;

    private record Life(long from, long to) {}

    private final Map<Integer, Life> lives = new ConcurrentHashMap<>();
    private final long origin = System.nanoTime();

    long now() {
        return System.nanoTime() - origin;
    }

    /** To be called before the version is offered. */
    void begins(int version) {
        lives.put(version, new Life(now(), ALWAYS));
    }

    /** To be called when the version was refused, so that it never was live. */
    void never(int version) {
        lives.remove(version);
    }

    /** To be called when the endpoint has said that the version is gone. */
    void ended(int version) {
        lives.computeIfPresent(version, (number, life) -> new Life(life.from, now()));
    }

    /** {@return whether the version was live at some time between the two} */
    boolean live(int version, long from, long to) {
        Life life = lives.get(version);
        return life != null && life.from <= to && life.to >= from;
    }

    @Override
    public String toString() {
        return lives.toString();
    }
}
