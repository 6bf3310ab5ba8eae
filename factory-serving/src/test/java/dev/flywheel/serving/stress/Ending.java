package dev.flywheel.serving.stress;

/** How a request can end. */
enum Ending {
    /** With the right answer. */
    ANSWERED,
    /** With what the codec or the model was told to do to it. */
    OWN_FAULT,
    /** With a failure of the model that hit all requests of a {@code predictAll}. */
    SHARED_FAULT,
    /** Refused because the queue was full. */
    OVERLOADED,
    /** Cancelled by its owner. */
    CANCELLED,
    /** Refused because the endpoint was closed. */
    CLOSED
}
