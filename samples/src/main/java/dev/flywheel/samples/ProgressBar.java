package dev.flywheel.samples;

import dev.flywheel.pipeline.Progress;

/** One line that is drawn over and over while something takes time, and wiped when it is done. */
final class ProgressBar {

    private static final int WIDTH = 30;
    private String drawn = "";

    void training(Progress progress) {
        draw("training " + progress.pipeline() + ": " + progress.stage(), progress.done());
    }

    void flying(int week, int done, int of) {
        if (done % 500 == 0 || done == of) {
            draw("week " + week + ": " + done + " of " + of + " flights", (double) done / of);
        }
    }

    void embedding(int done, int of) {
        if (done % 20 == 0 || done == of) {
            draw("embedding: " + done + " of " + of + " texts", (double) done / of);
        }
    }

    synchronized void clear() {
        System.out.print("\r" + " ".repeat(drawn.length()) + "\r");
        System.out.flush();
        drawn = "";
    }

    private synchronized void draw(String what, double share) {
        int full = (int) Math.round(share * WIDTH);
        String line = "[" + "=".repeat(full) + " ".repeat(WIDTH - full) + "] "
                + String.format("%3d%% ", Math.round(100 * share)) + what;
        if (line.equals(drawn)) {
            return;
        }
        System.out.print("\r" + line + " ".repeat(Math.max(0, drawn.length() - line.length())));
        System.out.flush();
        drawn = line;
    }
}
