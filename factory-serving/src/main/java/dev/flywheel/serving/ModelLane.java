package dev.flywheel.serving;

import dev.flywheel.core.PredictionException;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.model.PredictionIds;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.batch.Runner;
import dev.flywheel.serving.batch.Solo;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.Replay;
import dev.flywheel.serving.monitor.ServingEvents;
import java.util.List;
import java.util.UUID;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/** A lane of one model version together with the codec bound to it. Not thread-safe. */
final class ModelLane<I, O> implements Runner<Request<I, O>> {

    private final Preparation<I, O> preparation;
    private final Lane lane;
    private final Codec.Binding<Object, O> binding;
    private final int version;
    private final PredictionIds ids;
    private final Observation<I> observation;
    private final int maxRows;
    private final UUID[] fresh;
    private final IntSupplier queued;
    private final ShadowHook<I, O> hook;
    private int length = 1;
    private @Nullable Object rehearsed;

    /** What wants copies of the rows of the last run, and how long that took. */
    private @Nullable Shadow<I, O> shadow;

    private long runNanos;

    /**
     * @param queued tells the requests that wait for the version
     * @param hook of the version
     */
    ModelLane(
            Preparation<I, O> preparation,
            Lane lane,
            int version,
            PredictionIds ids,
            Observation<I> observation,
            IntSupplier queued,
            ShadowHook<I, O> hook) {
        this.preparation = preparation;
        this.lane = lane;
        this.binding = preparation.bind(lane);
        this.version = version;
        this.ids = ids;
        this.observation = observation;
        this.maxRows = Math.min(lane.maxRows(), binding.maxRows());
        this.fresh = new UUID[maxRows];
        this.queued = queued;
        this.hook = hook;
    }

    @Override
    public int maxRows() {
        return maxRows;
    }

    @Override
    public void length(int length) {
        lane.length(length);
        this.length = length;
    }

    @Override
    public void write(Request<I, O> request, int row) {
        binding.write(request.prepared, row);
    }

    @Override
    public void run(int rows) {
        Shadow<I, O> copies = hook.shadow();
        shadow = copies;
        long started = copies == null ? 0 : System.nanoTime();
        ServingEvents.Batch event = ServingEvents.batch();
        if (event == null) {
            lane.run(rows);
        } else {
            runRecorded(event, rows);
        }
        if (copies != null) {
            runNanos = System.nanoTime() - started;
        }
        ids.next(fresh, rows);
    }

    private void runRecorded(ServingEvents.Batch event, int rows) {
        Throwable failure = null;
        try {
            lane.run(rows);
        } catch (RuntimeException | Error e) {
            failure = e;
            throw e;
        } finally {
            event.ended(observation.endpoint(), version, rows, length, queued.getAsInt(), failure);
        }
    }

    @Override
    public void read(Request<I, O> request, int row) {
        Prediction<O> prediction = answer(request.input, row);
        if (request instanceof CachedRequest<I, O> cached && cached.cache != null) {
            cached.cache.gave(cached, new AnswerStore.Answer(Replay.outputs(lane, row), length));
        }
        copy(request.prepared, row);
        request.answer(prediction);
    }

    private void copy(Object prepared, int row) {
        if (shadow != null) {
            shadow.offer(prepared, preparation.length(prepared), lane, row, runNanos);
        }
    }

    /** How it answers what nobody waits for but the thread that runs it. */
    static final class Alone<I, O> implements Solo<ModelLane<I, O>, Ask<I>, Prediction<O>> {

        @Override
        public int write(ModelLane<I, O> runner, Ask<I> ask) {
            runner.length(ask.length);
            runner.binding.write(ask.prepared, 0);
            return ask.length;
        }

        @Override
        public Prediction<O> read(ModelLane<I, O> runner, Ask<I> ask) {
            Prediction<O> prediction = runner.answer(ask.input, 0);
            runner.copy(ask.prepared, 0);
            return prediction;
        }
    }

    /** {@return what the model gives for an input that nobody waits for} */
    RowNumbers rehearse(Object prepared, int length) {
        lane.length(length);
        binding.write(prepared, 0);
        lane.run(1);
        return RowNumbers.of(lane, 0);
    }

    @Override
    public int rehearse(int rows) {
        List<I> examples = preparation.examples();
        if (rehearsed == null && !examples.isEmpty()) {
            rehearsed = preparation.prepared(examples.get(0));
        }
        Object prepared = rehearsed;
        if (prepared != null) {
            length(preparation.length(prepared));
            for (int row = 0; row < rows; row++) {
                binding.write(prepared, row);
            }
        }
        lane.run(rows);
        return length;
    }

    @Override
    public void terminate() {
        lane.terminate();
    }

    @Override
    public void givenUp() {
        ServingEvents.laneReplaced(observation.endpoint(), version);
    }

    @Override
    public void close() {
        lane.close();
    }

    /**
     * Runs an input that nobody waits for; without one, the lane as it is, unless the sizes of its inputs would be made
     * up: that such a run fails says nothing.
     */
    void warmUp(@Nullable I example) {
        if (example == null) {
            if (lane.signature().inputs().stream().allMatch(ModelLane::isSized)) {
                lane.run(1);
            }
        } else {
            Object prepared = preparation.prepared(example);
            length(preparation.length(prepared));
            binding.write(prepared, 0);
            lane.run(1);
            rehearsed = prepared;
            O unused = binding.read(0);
        }
    }

    /** {@return what measures whether the rows of this lane depend on each other} */
    BatchProbe<I, O> probe(List<I> examples) {
        return new BatchProbe<>(lane, maxRows, binding, preparation, examples);
    }

    private static boolean isSized(TensorSpec input) {
        return input.shape().lastIndexOf(-1L) <= 0;
    }

    /**
     * Appends the predictions of all that is asked to {@code answers}, by one run.
     *
     * @param first the position of the first input in what the caller gave, for messages
     */
    void answerAll(List<Ask<I>> asks, int first, List<Prediction<O>> answers) {
        write(asks, first);
        try {
            run(asks.size());
        } catch (RuntimeException e) {
            answerEach(asks, first, answers, e);
            return;
        }
        for (int row = 0; row < asks.size(); row++) {
            try {
                answers.add(answer(asks.get(row).input, row));
                copy(asks.get(row).prepared, row);
            } catch (RuntimeException e) {
                throw rejected(first + row, e);
            }
        }
    }

    /** Inputs that failed together run one by one: only those that fail alone have failed. */
    private void answerEach(List<Ask<I>> asks, int first, List<Prediction<O>> answers, RuntimeException cause) {
        if (asks.size() == 1) {
            throw rejected(first, cause);
        }
        for (int i = 0; i < asks.size(); i++) {
            Ask<I> ask = asks.get(i);
            write(List.of(ask), first + i);
            try {
                run(1);
                answers.add(answer(ask.input, 0));
                copy(ask.prepared, 0);
            } catch (RuntimeException e) {
                throw rejected(first + i, e);
            }
        }
    }

    private void write(List<Ask<I>> asks, int first) {
        int longest = 1;
        for (int row = 0; row < asks.size(); row++) {
            longest = Math.max(longest, asks.get(row).length);
        }
        length(longest);
        for (int row = 0; row < asks.size(); row++) {
            try {
                binding.write(asks.get(row).prepared, row);
            } catch (RuntimeException e) {
                throw rejected(first + row, e);
            }
        }
    }

    static PredictionException rejected(int index, Throwable cause) {
        return new PredictionException(
                "predictAll failed at input " + index,
                cause.toString(),
                "mend or leave out that input, or use predictAsync, where each input fails alone",
                cause);
    }

    private Prediction<O> answer(I input, int row) {
        O value = binding.read(row);
        UUID id = fresh[row];
        if (observation.wanted()) {
            observation.made(id, version, input, binding.observed(lane, row));
        }
        return new Prediction<>(id, value, version);
    }
}
