package dev.flywheel.serving;

import dev.flywheel.core.model.Signature;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.TensorBuffer;

/** A lane that is another, but for what a test changes of it. Not thread-safe. */
public class DelegatingLane implements Lane {

    private final Lane real;

    protected DelegatingLane(Lane real) {
        this.real = real;
    }

    @Override
    public Signature signature() {
        return real.signature();
    }

    @Override
    public int maxRows() {
        return real.maxRows();
    }

    @Override
    public void length(int length) {
        real.length(length);
    }

    @Override
    public TensorBuffer input(int index) {
        return real.input(index);
    }

    @Override
    public void run(int rows) {
        real.run(rows);
    }

    @Override
    public TensorBuffer output(int index) {
        return real.output(index);
    }

    @Override
    public void terminate() {
        real.terminate();
    }

    @Override
    public void close() {
        real.close();
    }
}
