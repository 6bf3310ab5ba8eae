package dev.flywheel.serving.stress;

/** How a request can end. */
enum Ending {
    /** With the right answer. */
    ANSWERED,
    /** With what the codec or the model was told to do to it. */
    OWN_FAULT,
    /** Refused because the queue was full. */
    OVERLOADED,
    /** Cancelled by its owner. */
    CANCELLED,
    /** Given up by its caller, who was interrupted while it waited. */
    INTERRUPTED,
    /** Refused because the endpoint was closed. */
    CLOSED,
    /** Ended because its run hung. */
    HUNG,
    /** Ended because the endpoint was closed without patience while it ran. */
    CUT,
    /** Not answered within its deadline. */
    LATE
}
