package dev.flywheel.pipeline.train;

/** A way to go on along a gradient, step by step. Lives as long as the training. Not thread-safe. */
interface Descent {

    /**
     * Goes a step along the gradient of the parameters, which it sets back to zero.
     *
     * @param decay a weight loses {@code decay * rate} of itself
     */
    void step(double rate, double decay);

    /**
     * The greatest length so far of a gradient, or of a step or what came of it, as far as there was one: infinite if a
     * float cannot tell it, and 0 if all were NaN.
     */
    double longest();

    /** The running means of the gradient. */
    float[] means();

    /** The running means of the squared gradient. */
    float[] squares();
}
