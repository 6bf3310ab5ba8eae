package dev.flywheel.pipeline.train;

/**
 * How long and in what steps a network is trained: chosen from the number of rows, so that small and large data get
 * about as many steps as they need.
 *
 * @param batch the rows of a step
 * @param epochs the most passes over the rows
 * @param rate the largest learning rate
 * @param decay decoupled weight decay (Loshchilov and Hutter, 2019), per step at the largest rate
 * @param patience how many epochs without a lower validation loss end the training; 0 for none held back
 */
record Schedule(int batch, int epochs, double rate, double decay, int patience) {

    static Schedule of(int rows, NetShape shape) {
        if (shape.linear()) {
            int batch = Math.max(32, Math.min(1024, rows / 100));
            int stepsPerEpoch = Math.max(1, rows / batch);
            return new Schedule(batch, Math.max(6, Math.min(60, 3000 / stepsPerEpoch)), 0.03, 1e-3, 0);
        }
        int batch = Math.max(32, Math.min(512, rows / 100));
        int stepsPerEpoch = Math.max(1, rows / batch);
        return new Schedule(batch, Math.max(8, Math.min(60, 6000 / stepsPerEpoch)), 5e-3, 1e-2, 6);
    }

    /**
     * {@return the learning rate of a step: a short rise, then half a cosine down to zero (Loshchilov and Hutter,
     * 2017)}
     */
    double rate(int step, int steps) {
        int rise = Math.max(1, steps / 20);
        if (step < rise) {
            return rate * (step + 1) / rise;
        }
        return rate * 0.5 * (1 + Math.cos(Math.PI * (step - rise) / Math.max(1, steps - rise)));
    }
}
