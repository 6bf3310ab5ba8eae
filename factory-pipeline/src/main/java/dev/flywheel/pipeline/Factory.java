package dev.flywheel.pipeline;

import com.google.common.util.concurrent.MoreExecutors;
import com.google.common.util.concurrent.ThreadFactoryBuilder;
import dev.flywheel.core.ClosedException;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.registry.AliasMove;
import dev.flywheel.core.registry.Home;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The runtime over a home directory: it runs pipelines and keeps deployments turning. One process writes to a home at a
 * time. Thread-safe. Whoever opens it closes it; closing it closes its deployments.
 */
public final class Factory implements AutoCloseable {

    /** The alias of the version that serves. */
    public static final String CHAMPION = "champion";

    private final Home home;
    private final Options options;
    private final ExecutorService trainer = Executors.newSingleThreadExecutor(thread("flywheel-train"));
    private final ExecutorService events = Executors.newSingleThreadExecutor(thread("flywheel-events"));
    private final ScheduledExecutorService ticker =
            Executors.newSingleThreadScheduledExecutor(thread("flywheel-clock"));
    private final List<Deployment<?, ?, ?>> deployments = new CopyOnWriteArrayList<>();
    private final ConcurrentMap<String, Line> lines = new ConcurrentHashMap<>();
    private volatile boolean closed;

    private Factory(Home home, Options options) {
        this.home = home;
        this.options = options;
    }

    /**
     * {@return a factory over a home directory, which is created if it does not exist}
     *
     * @throws dev.flywheel.core.StoreException if another process or factory holds it, or a newer version wrote it
     */
    public static Factory open(Path home) {
        return open(home, options());
    }

    /**
     * {@return a factory over a home directory, which is created if it does not exist}
     *
     * @throws dev.flywheel.core.StoreException if another process or factory holds it, or a newer version wrote it
     */
    public static Factory open(Path home, Options options) {
        return new Factory(Home.open(home, options.clock), options);
    }

    /** {@return the default options, to be changed one by one} */
    public static Options options() {
        return new Options(InstantSource.system(), null);
    }

    /** How a factory is opened. Immutable. */
    public static final class Options {

        private final InstantSource clock;
        private final @Nullable Consumer<Progress> progress;

        private Options(InstantSource clock, @Nullable Consumer<Progress> progress) {
            this.clock = clock;
            this.progress = progress;
        }

        /**
         * {@return these options with another clock: tests and replays bring their own time; the default is the
         * system's}
         */
        public Options clock(InstantSource clock) {
            return new Options(Objects.requireNonNull(clock, "clock"), progress);
        }

        /** {@return these options with a listener to the progress of runs, called on the thread that trains} */
        public Options onProgress(Consumer<Progress> listener) {
            return new Options(clock, Objects.requireNonNull(listener, "listener"));
        }
    }

    /**
     * Makes one run of a pipeline without serving it: reads the source anew, trains every candidate, judges the best
     * and, if it passes every gate, makes it champion. Blocks until the run has ended.
     *
     * @return what it came to; a run that fails is an outcome, not an exception
     */
    public Run run(Pipeline<?, ?, ?> pipeline) {
        requireOpen();
        for (Deployment<?, ?, ?> running : deployments) {
            if (running.name().equals(pipeline.name())) {
                throw new IllegalStateException("pipeline \"" + pipeline.name()
                        + "\" is at work; call retrain() on its deployment, or close that first");
            }
        }
        return Background.await(trainer.submit(() -> runOnce(pipeline)));
    }

    private <I, L> Run runOnce(Pipeline<I, L, ?> pipeline) {
        return new RunExecution<>(pipeline, line(pipeline.name()), "asked for by the host").fromSource();
    }

    /**
     * Puts a pipeline to work: serves its champion, takes feedback and trains again by its rules. If there is no
     * champion yet, a first version is trained before this returns.
     *
     * @return the deployment; the caller closes it, at the latest by closing the factory
     * @throws dev.flywheel.core.FactoryException if there is no champion and the first run does not make one
     * @throws IllegalStateException if this pipeline is at work already
     */
    public <I, L, O> Deployment<I, L, O> start(Pipeline<I, L, O> pipeline) {
        requireOpen();
        for (Deployment<?, ?, ?> running : deployments) {
            if (running.name().equals(pipeline.name())) {
                throw new IllegalStateException(
                        "pipeline \"" + pipeline.name() + "\" is at work already; close that deployment first");
            }
        }
        Deployment<I, L, O> deployment = new Deployment<>(
                pipeline, line(pipeline.name()), trainer, ticker, new EventBus(events), deployments::remove);
        deployments.add(deployment);
        return deployment;
    }

    /** {@return the versions registered under a pipeline's name, oldest first; empty if there are none} */
    public List<ModelVersion> versions(String pipeline) {
        return line(pipeline).registry().versions();
    }

    /** {@return every move of a pipeline's champion alias, oldest first: who put what into production, when and why} */
    public List<AliasMove> history(String pipeline) {
        return line(pipeline).registry().history(CHAMPION);
    }

    /** Stops background work, waits for a run in progress to be abandoned, and closes every deployment. */
    @Override
    public void close() {
        closed = true;
        ticker.shutdownNow();
        trainer.shutdownNow();
        MoreExecutors.shutdownAndAwaitTermination(trainer, Duration.ofMinutes(1));
        new ArrayList<>(deployments).forEach(Deployment::close);
        MoreExecutors.shutdownAndAwaitTermination(events, Duration.ofSeconds(10));
        lines.values().forEach(Line::close);
        home.close();
    }

    private Line line(String pipeline) {
        return lines.computeIfAbsent(
                pipeline, name -> Line.open(home.pipeline(name), home.data(), options.clock, options.progress));
    }

    private void requireOpen() {
        if (closed) {
            throw new ClosedException("the factory over " + home.directory(), "it was closed", "open it again");
        }
    }

    private static java.util.concurrent.ThreadFactory thread(String name) {
        return new ThreadFactoryBuilder().setNameFormat(name).setDaemon(true).build();
    }
}
