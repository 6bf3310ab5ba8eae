package dev.flywheel.serving.batch;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.function.IntPredicate;

/** Answers "name:input" and notes what ran together. A closed gate holds up its runs. */
final class FakeRunner implements Runner<FakeRunner.Ask> {

    /** A call for one number. */
    static final class Ask extends Call<String> {

        final int input;

        Ask(int input) {
            super(1);
            this.input = input;
        }

        Ask(int input, int length, Priority priority, long timeoutNanos) {
            super(length, priority, timeoutNanos);
            this.input = input;
        }
    }

    final String name;
    final List<List<Integer>> batches = new CopyOnWriteArrayList<>();
    final List<Thread> threads = new CopyOnWriteArrayList<>();
    final Semaphore entered = new Semaphore(0);
    final Semaphore terminated = new Semaphore(0);
    volatile boolean closed;
    private final int maxRows;
    private final int[] rows;
    private final Semaphore gate = new Semaphore(0);
    private volatile boolean gated;
    private volatile IntPredicate badWrite = n -> false;
    private volatile IntPredicate badRun = n -> false;
    private volatile IntPredicate badRead = n -> false;
    private volatile IntPredicate broken = n -> false;
    private volatile boolean obedient;
    private volatile int rehearsed;

    FakeRunner(String name, int maxRows) {
        this.name = name;
        this.maxRows = maxRows;
        this.rows = new int[maxRows];
    }

    FakeRunner gated() {
        gated = true;
        return this;
    }

    /** Lets the run that is held up go on, and those after it. */
    void open() {
        gated = false;
        gate.release();
    }

    /** A run that is held up ends with a failure when it is told to. */
    FakeRunner obedient() {
        obedient = true;
        return this;
    }

    /** Its runs are known to be short. */
    FakeRunner quick() {
        rehearsed = 1;
        return this;
    }

    /** Runs with these inputs end with an error of the engine. */
    FakeRunner brokenAt(IntPredicate input) {
        broken = input;
        return this;
    }

    FakeRunner failingAt(IntPredicate write, IntPredicate run, IntPredicate read) {
        badWrite = write;
        badRun = run;
        badRead = read;
        return this;
    }

    @Override
    public void length(int length) {}

    @Override
    public int maxRows() {
        return maxRows;
    }

    @Override
    public void write(Ask call, int row) {
        if (badWrite.test(call.input)) {
            throw new IllegalArgumentException("cannot write " + call.input);
        }
        rows[row] = call.input;
    }

    @Override
    public void run(int count) {
        if (closed) {
            throw new AssertionError(name + " was run after it was closed");
        }
        List<Integer> batch = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            batch.add(rows[i]);
        }
        batches.add(batch);
        threads.add(Thread.currentThread());
        entered.release();
        if (gated) {
            gate.acquireUninterruptibly();
        }
        if (obedient && terminated.availablePermits() > 0) {
            throw new IllegalStateException("terminated");
        }
        for (int input : batch) {
            if (broken.test(input)) {
                throw new OutOfMemoryError("cannot run " + input);
            }
            if (badRun.test(input)) {
                throw new IllegalStateException("cannot run " + input);
            }
        }
    }

    @Override
    public void read(Ask call, int row) {
        if (badRead.test(rows[row])) {
            throw new ArithmeticException("cannot read " + rows[row]);
        }
        call.answer(name + ":" + rows[row]);
    }

    @Override
    public int rehearse(int count) {
        return rehearsed;
    }

    @Override
    public void terminate() {
        terminated.release();
        if (obedient) {
            open();
        }
    }

    @Override
    public void close() {
        closed = true;
    }
}
