package dev.flywheel.pipeline;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.log.RowDecoder;
import dev.flywheel.core.log.RowEncoder;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.flywheel.Logging;
import dev.flywheel.pipeline.watch.Measured;
import dev.flywheel.pipeline.watch.Shift;
import dev.flywheel.pipeline.watch.Watch;
import dev.flywheel.pipeline.watch.Watched;
import dev.flywheel.pipeline.watch.Watcher;
import dev.flywheel.pipeline.watch.WindowResult;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Feeds the watch of a deployment off the callers' paths: the thread that logs predictions leaves them in a queue, one
 * thread takes them from there. Where it cannot keep up, predictions are passed over and counted. Thread-safe; whoever
 * opened it closes it.
 */
final class Watching<I> implements Signals, AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(Watching.class);
    private static final int CAPACITY = 1 << 14;
    private static final long NAP_NANOS = 50_000_000;
    private static final long SECOND = 1_000_000_000;

    private final Line line;
    private final RowType<I> type;
    /** By column: whether it is kept from the watch, as it is from the log. */
    private final boolean[] hidden;

    private final Watcher watcher;
    private final EventBus<Event> events;
    private final ConcurrentLinkedQueue<Object> queue = new ConcurrentLinkedQueue<>();
    private final AtomicInteger waiting = new AtomicInteger();
    private final LongAdder skipped = new LongAdder();
    private final ReentrantLock draining = new ReentrantLock();
    private final Thread thread;
    private volatile boolean closing;

    // of whoever drains
    private final RowEncoder encoder;
    private final RowDecoder decoder;
    private Set<String> told = new HashSet<>();
    private boolean failed;
    /** What is done once it is known which version serves; null when it is done. */
    private @Nullable Runnable recall;

    private record Made(UUID id, int version, Object input, double output, Instant at) {}

    private record Known(UUID id, double label, Instant at) {}

    private record Serving(int version, ModelCard card, Instant at) {}

    private Watching(Pipeline<I, ?, ?> pipeline, Line line, RowType<I> type, EventBus<Event> events) {
        this.line = line;
        this.type = type;
        this.events = events;
        this.encoder = new RowEncoder(type.schema());
        this.decoder = new RowDecoder(type.schema());
        Logging<? super I> logging = pipeline.logging();
        List<Column> columns = type.schema().columns();
        this.hidden = new boolean[columns.size()];
        for (int column = 0; column < hidden.length; column++) {
            hidden[column] = !logging.logs(columns.get(column).name());
        }
        String[] unlogged = IntStream.range(0, hidden.length)
                .filter(column -> hidden[column])
                .mapToObj(column -> columns.get(column).name())
                .toArray(String[]::new);
        this.watcher = new Watcher(
                pipeline.watch().without(unlogged),
                pipeline.task(),
                type.schema(),
                pipeline.retrain().measured(),
                line.directory(),
                this::windowEnded);
        watcher.shifts().forEach(shift -> told.add(shift.name()));
        this.thread = new Thread(this::run, "flywheel-watch " + line.name());
        this.thread.setDaemon(true);
    }

    /** {@return the watch of a deployment, to be started; nothing where it is off} */
    static <I> Optional<Watching<I>> open(
            Pipeline<I, ?, ?> pipeline, Line line, RowType<I> type, EventBus<Event> events) {
        Watch watch = pipeline.watch();
        if (!watch.isOn()) {
            return Optional.empty();
        }
        return Optional.of(new Watching<>(pipeline, line, type, events));
    }

    /**
     * Starts, before anything happens.
     *
     * @param predictions how many predictions were ever logged, all of which are to be recalled
     * @param outcomes how much feedback was
     */
    void start(long predictions, long outcomes) {
        recall = () -> watcher.recall(
                line.directory().predictions(), predictions, line.directory().feedback(), outcomes);
        thread.start();
    }

    /** Another version serves, or the first one does. */
    void serving(int version, ModelCard card, Instant at) {
        queue.add(new Serving(version, card, at));
    }

    /** A prediction was logged; for the thread that logs. */
    void predicted(UUID id, int version, I input, double output, Instant at) {
        if (waiting.get() >= CAPACITY) {
            skipped.increment();
            return;
        }
        queue.add(new Made(id, version, input, output, at));
        if (waiting.incrementAndGet() == CAPACITY / 2) {
            LockSupport.unpark(thread);
        }
    }

    /** An outcome became known, and is on disk. */
    void labelled(UUID id, double label, Instant at) {
        queue.add(new Known(id, label, at));
    }

    /** Brings the watch up to now, on this thread: when this returns, the signals are those of all that happened. */
    void settle(Instant now) {
        draining.lock();
        try {
            drain();
            watcher.passed(now);
        } finally {
            draining.unlock();
        }
    }

    private void run() {
        long looked = System.nanoTime();
        while (!closing) {
            LockSupport.parkNanos(this, NAP_NANOS);
            try {
                if (System.nanoTime() - looked > SECOND) {
                    looked = System.nanoTime();
                    settle(line.clock().instant());
                } else if (!queue.isEmpty()) {
                    drain();
                }
            } catch (RuntimeException | Error e) {
                fail(e);
            }
        }
    }

    private void drain() {
        draining.lock();
        try {
            for (Object item = queue.poll(); item != null; item = queue.poll()) {
                take(item);
            }
        } finally {
            draining.unlock();
        }
    }

    /** One bad row must not end the watch. */
    private void take(Object item) {
        try {
            if (item instanceof Made made) {
                waiting.decrementAndGet();
                take(made);
            } else if (item instanceof Known known) {
                watcher.labelled(known.id, known.label, known.at);
                tellNews();
            } else if (item instanceof Serving serving) {
                watcher.serving(
                        serving.version,
                        serving.card,
                        line.directory().versions().resolve(Integer.toString(serving.version)),
                        serving.at);
                recall();
            }
        } catch (RuntimeException e) {
            fail(e);
        }
    }

    private void recall() {
        Runnable once = recall;
        if (once != null) {
            recall = null;
            once.run();
            tellNews();
        }
    }

    private void take(Made made) {
        encoder.clear();
        @SuppressWarnings("unchecked")
        I input = (I) made.input;
        type.write(input, encoder);
        watcher.predicted(made.id, made.version, new Shown(decoder.read(encoder.row())), made.output, made.at);
    }

    /** A row as far as the watch may see it. */
    private final class Shown implements RowReader {

        private final RowReader row;

        Shown(RowReader row) {
            this.row = row;
        }

        @Override
        public Schema schema() {
            return row.schema();
        }

        @Override
        public boolean missing(int column) {
            return hidden[column] || row.missing(column);
        }

        @Override
        public double number(int column) {
            return row.number(column);
        }

        @Override
        public long integer(int column) {
            return row.integer(column);
        }

        @Override
        public boolean bool(int column) {
            return row.bool(column);
        }

        @Override
        public String text(int column) {
            return row.text(column);
        }

        @Override
        public long time(int column) {
            return row.time(column);
        }

        @Override
        public float[] vector(int column) {
            return row.vector(column);
        }
    }

    private void windowEnded(WindowResult result) {
        log.debug("pipeline {}: a window of {} rows ended at {}", line.name(), result.rows(), result.end());
        tellNews();
    }

    /** Each change is told once, and again only after it was gone. */
    private void tellNews() {
        Set<String> now = new HashSet<>();
        for (Shift shift : watcher.shifts()) {
            now.add(shift.name());
            if (!told.contains(shift.name())) {
                log.info("pipeline {}: {}", line.name(), shift.sentence());
                events.publish(new Event.Drifted(watcher.version(), shift));
            }
        }
        told = now;
    }

    private void fail(Throwable e) {
        if (!failed) {
            failed = true;
            log.error("the watch of pipeline {} cannot take what happens", line.name(), e);
            new Failures(line, events).tell("watching pipeline " + line.name(), e);
        }
    }

    @Override
    public List<Drift> drift() {
        return watcher.shifts().stream()
                .map(shift -> new Drift(shift.name(), shift.measure(), shift.size(), shift.since(), shift.at()))
                .sorted(Comparator.comparingDouble(Drift::size).reversed())
                .toList();
    }

    @Override
    public Optional<Quality> quality(Metric metric) {
        return watcher.quality(metric).flatMap(measured -> quality(measured, "on its last %d outcomes"));
    }

    @Override
    public Optional<Quality> estimatedQuality(Metric metric) {
        return watcher.estimated(metric)
                .flatMap(measured -> quality(measured, "as estimated on its last %,d predictions, without outcomes"));
    }

    private Optional<Quality> quality(Measured measured, String on) {
        WindowResult.Quality found = measured.quality();
        if (Double.isNaN(found.before())) {
            return Optional.empty();
        }
        String sentence = String.format(
                Locale.ROOT,
                "%s of version %d is %.4f " + on + ", %.4f at its evaluation",
                found.metric(),
                watcher.version(),
                found.now().value(),
                found.rows(),
                found.before());
        return Optional.of(new Quality(found.metric(), found.now().value(), found.before(), measured.at(), sentence));
    }

    /** {@return what the watch sees now, as far as it has been told} */
    Watched watched() {
        return watcher.watched(skipped.sum());
    }

    /** Takes what is left in the queue, keeps what was seen, and ends. */
    @Override
    public void close() {
        closing = true;
        LockSupport.unpark(thread);
        Uninterruptibles.joinUninterruptibly(thread);
        drain();
        watcher.save();
    }
}
