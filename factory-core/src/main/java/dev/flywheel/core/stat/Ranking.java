package dev.flywheel.core.stat;

/** The rows of a score vector from the lowest to the highest score. */
final class Ranking {

    private static final int RUN = 16;

    private Ranking() {}

    /** {@return the positions of {@code values} in ascending order of value; equal values keep their order} */
    static int[] ascending(double[] values) {
        int n = values.length;
        int[] from = new int[n];
        for (int i = 0; i < n; i++) {
            from[i] = i;
        }
        for (int start = 0; start < n; start += RUN) {
            insertionSort(values, from, start, Math.min(n, start + RUN));
        }
        int[] to = new int[n];
        for (int width = RUN; width < n && width > 0; width *= 2) {
            for (int start = 0; start < n; start += 2 * width) {
                merge(values, from, to, start, Math.min(n, start + width), Math.min(n, start + 2 * width));
            }
            int[] swap = from;
            from = to;
            to = swap;
        }
        return from;
    }

    private static void insertionSort(double[] values, int[] order, int start, int end) {
        for (int i = start + 1; i < end; i++) {
            int row = order[i];
            int j = i - 1;
            while (j >= start && values[order[j]] > values[row]) {
                order[j + 1] = order[j];
                j--;
            }
            order[j + 1] = row;
        }
    }

    private static void merge(double[] values, int[] from, int[] to, int start, int middle, int end) {
        int left = start;
        int right = middle;
        for (int k = start; k < end; k++) {
            if (left < middle && (right >= end || values[from[left]] <= values[from[right]])) {
                to[k] = from[left++];
            } else {
                to[k] = from[right++];
            }
        }
    }
}
