package dev.flywheel.samples;

import java.util.Arrays;

/** The durations of single calls, in nanoseconds. */
final class Latencies {

    private long[] nanos = new long[1 << 16];
    private int count;
    private long total;

    void add(long duration) {
        if (count == nanos.length) {
            nanos = Arrays.copyOf(nanos, 2 * count);
        }
        nanos[count++] = duration;
        total += duration;
    }

    int count() {
        return count;
    }

    double requestsPerSecond() {
        return count * 1e9 / total;
    }

    double percentileMicros(double share) {
        long[] sorted = Arrays.copyOf(nanos, count);
        Arrays.sort(sorted);
        return sorted[(int) Math.min(count - 1L, Math.round(share * count))] / 1e3;
    }
}
