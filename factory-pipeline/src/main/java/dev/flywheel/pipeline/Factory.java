package dev.flywheel.pipeline;

import com.google.common.util.concurrent.MoreExecutors;
import com.google.common.util.concurrent.Uninterruptibles;
import dev.flywheel.core.ClosedException;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.registry.AliasMove;
import dev.flywheel.core.registry.Home;
import dev.flywheel.core.registry.PipelineDirectory;
import dev.flywheel.core.registry.Registry;
import dev.flywheel.pipeline.Claims.Use;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The runtime over a home directory: it runs pipelines and keeps deployments turning. One process writes to a home at a
 * time. Thread-safe. Whoever opens it closes it; closing it closes its deployments.
 *
 * <p>{@link #run}, {@link #start} and {@link #close} wait for the threads of the factory. Listeners are called on
 * these, so they must leave such calls to another thread, and are told so by an {@link IllegalStateException}.
 */
public final class Factory implements AutoCloseable {

    /** The alias of the version that serves. */
    public static final String CHAMPION = "champion";

    private final Home home;
    private final Options options;
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();
    private final ExecutorService trainer = Executors.newSingleThreadExecutor(named("flywheel-train"));
    private final ExecutorService events = Executors.newCachedThreadPool(named("flywheel-events"));
    private final ScheduledExecutorService ticker = Executors.newSingleThreadScheduledExecutor(named("flywheel-clock"));
    private final EventBus<Progress> progress;
    private final Claims claims;
    private final List<Deployment<?, ?, ?>> deployments = new CopyOnWriteArrayList<>();
    private final ConcurrentMap<String, Line> lines = new ConcurrentHashMap<>();

    private Factory(Home home, Options options) {
        this.home = home;
        this.options = options;
        this.claims = new Claims("the factory over " + home.directory());
        this.progress = new EventBus<>("progress", listeners(), progress -> true);
        if (options.progress != null) {
            progress.subscribe(Progress.class, options.progress);
        }
    }

    private Executor listeners() {
        return options.listeners == null ? events : options.listeners;
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
        return new Options(InstantSource.system(), null, null, true);
    }

    /** How a factory is opened. Immutable. */
    public static final class Options {

        private final InstantSource clock;
        private final @Nullable Consumer<Progress> progress;
        private final @Nullable Executor listeners;
        private final boolean ticking;

        private Options(
                InstantSource clock,
                @Nullable Consumer<Progress> progress,
                @Nullable Executor listeners,
                boolean ticking) {
            this.clock = clock;
            this.progress = progress;
            this.listeners = listeners;
            this.ticking = ticking;
        }

        /**
         * {@return these options with another clock: tests and replays bring their own time; the default is the
         * system's}
         */
        public Options clock(InstantSource clock) {
            return new Options(Objects.requireNonNull(clock, "clock"), progress, listeners, ticking);
        }

        /**
         * {@return these options with a listener to the progress of runs}
         *
         * @param listener called like the listeners of a deployment: what it throws is logged and harms nothing, and
         *     while it is busy only the last 1,024 reports wait for it
         */
        public Options onProgress(Consumer<Progress> listener) {
            return new Options(clock, Objects.requireNonNull(listener, "listener"), listeners, ticking);
        }

        /**
         * {@return these options with the host's own place to call listeners, of progress and of deployments; the
         * default is threads of the factory}
         *
         * @param executor one thread is enough; where all its threads are blocked, nobody hears anything until one is
         *     free
         */
        public Options listeners(Executor executor) {
            return new Options(clock, progress, Objects.requireNonNull(executor, "executor"), ticking);
        }

        /**
         * {@return these options without a look at the rules every second: one is taken with every outcome, and by
         * {@link Deployment#awaitRun()}} So a test or a replay that brings its own clock comes to the same end each
         * time.
         */
        public Options withoutTicks() {
            return new Options(clock, progress, listeners, false);
        }
    }

    /**
     * Makes one run of a pipeline without serving it: reads the source anew, trains every candidate, judges the best
     * and, if it passes every gate, makes it champion. Blocks until the run has ended. What the source gave is kept in
     * the home directory, for the runs to come and for the lineage of the versions that learned from it.
     *
     * @return what it came to; a run that fails, for whatever reason, is an outcome, not an exception
     * @throws IllegalStateException if this pipeline is at work, being started or in a run already
     * @throws ClosedException if the factory is closed, or this thread is interrupted; the run is then abandoned
     */
    public Run run(Pipeline<?, ?, ?> pipeline) {
        claim(pipeline, Use.RUNNING);
        try {
            return Background.await(trainer, () -> runOnce(pipeline));
        } finally {
            claims.free(pipeline.name());
        }
    }

    private <I, L> Run runOnce(Pipeline<I, L, ?> pipeline) {
        return new RunExecution<>(pipeline, line(pipeline.name()), "asked for by the host", claims::closed)
                .fromSource();
    }

    /**
     * Puts a pipeline to work: serves its champion, takes feedback and trains again by its rules. If there is no
     * champion yet, a first version is trained before this returns. If the champion is damaged, the version that a
     * rollback leads to takes its place.
     *
     * @return the deployment; the caller closes it, at the latest by closing the factory
     * @throws dev.flywheel.core.FactoryException if there is no champion and the first run does not make one; if no
     *     version can serve; if the definition has changed so that the champion or the examples no longer fit
     * @throws IllegalStateException if this pipeline is at work, being started or in a run already
     * @throws ClosedException if the factory is closed, or this thread is interrupted
     */
    public <I, L, O> Deployment<I, L, O> start(Pipeline<I, L, O> pipeline) {
        claim(pipeline, Use.STARTING);
        try {
            Deployment<I, L, O> deployment = new Deployment<>(
                    pipeline,
                    line(pipeline.name()),
                    new Deployment.Threads(
                            trainer,
                            options.ticking ? ticker : null,
                            new EventBus<>(
                                    "pipeline " + pipeline.name(),
                                    listeners(),
                                    Event.FeedbackAccepted.class::isInstance),
                            claims::closed),
                    this::ended);
            deployments.add(deployment);
            claims.change(pipeline.name(), Use.AT_WORK);
            return deployment;
        } catch (RuntimeException | Error e) {
            claims.free(pipeline.name());
            throw e;
        }
    }

    /** {@return the versions registered under a pipeline's name, oldest first; empty if there are none} */
    public List<ModelVersion> versions(String pipeline) {
        return read(pipeline, Registry::versions);
    }

    /** {@return every move of a pipeline's champion alias, oldest first: who put what into production, when and why} */
    public List<AliasMove> history(String pipeline) {
        return read(pipeline, registry -> registry.history(CHAMPION));
    }

    /**
     * Abandons the runs in progress, waits until they have ended, and closes every deployment. What listeners have not
     * heard after 10 seconds, they do not hear. Further calls do nothing.
     *
     * @throws IllegalStateException if a listener calls this
     */
    @Override
    public void close() {
        requireForeignThread();
        claims.close();
        ticker.shutdownNow();
        trainer.shutdownNow().forEach(waiting -> ((Future<?>) waiting).cancel(false));
        Uninterruptibles.awaitTerminationUninterruptibly(trainer);
        claims.awaitSettled();
        Closing.all(
                () -> Closing.all(
                        deployments.stream().map(d -> (Runnable) d::close).toArray(Runnable[]::new)),
                () -> MoreExecutors.shutdownAndAwaitTermination(events, Duration.ofSeconds(10)),
                () -> Closing.all(
                        lines.values().stream().map(l -> (Runnable) l::close).toArray(Runnable[]::new)),
                home::close);
    }

    private void claim(Pipeline<?, ?, ?> pipeline, Use use) {
        requireForeignThread();
        claims.take(pipeline.name(), use);
    }

    private void ended(Deployment<?, ?, ?> deployment) {
        deployments.remove(deployment);
        claims.free(deployment.name());
    }

    /** Asking must not make a directory. */
    private <T> T read(String pipeline, Function<Registry, T> question) {
        Line line = lines.get(pipeline);
        if (line != null) {
            return question.apply(line.registry());
        }
        try (Registry view = Registry.view(PipelineDirectory.in(home.directory(), pipeline))) {
            return question.apply(view);
        }
    }

    private Line line(String pipeline) {
        return lines.computeIfAbsent(
                pipeline,
                name -> Line.open(
                        home.pipeline(name),
                        home.data(),
                        options.clock,
                        options.progress == null ? null : progress::publish));
    }

    private void requireForeignThread() {
        if (threads.contains(Thread.currentThread())) {
            throw new IllegalStateException("a listener must not wait for the factory that calls it ("
                    + Thread.currentThread().getName() + "); leave that to another thread");
        }
    }

    private ThreadFactory named(String name) {
        return work -> {
            Runnable registered = () -> {
                threads.add(Thread.currentThread());
                try {
                    work.run();
                } finally {
                    threads.remove(Thread.currentThread());
                }
            };
            Thread thread = new Thread(registered, name);
            thread.setDaemon(true);
            return thread;
        };
    }
}
