package dev.flywheel.pipeline.flywheel;

/** What this package does with threads. */
final class Threads {

    private Threads() {}

    /** Waits for a thread to end, whatever interrupts the caller. */
    static void join(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
