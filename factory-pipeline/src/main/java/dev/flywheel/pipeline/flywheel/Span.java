package dev.flywheel.pipeline.flywheel;

/**
 * What a join is asked for, in microseconds since the epoch. Immutable.
 *
 * @param patience how long after its prediction an outcome counts
 */
record Span(long start, long end, long patience) {

    boolean holds(long micros) {
        return micros >= start && micros < end;
    }

    /** An id of ours tells its time, so an outcome of another span is not taken for an unknown one. */
    boolean belongs(long high) {
        return !timed(high) || holds(micros(high));
    }

    static boolean timed(long high) {
        return (high >>> 12 & 0xF) == 7;
    }

    static long micros(long high) {
        return (high >>> 16) * 1_000;
    }
}
