package dev.flywheel.serving.batch;

/** Who goes first when requests wait. Within a class, and where all are alike, first come first served. */
public enum Priority {
    /** Before the others, as long as those have their share. */
    HIGH,

    /** The default. */
    NORMAL,

    /** When nothing else waits, and a share of the runs otherwise, so that it never starves. */
    LOW
}
