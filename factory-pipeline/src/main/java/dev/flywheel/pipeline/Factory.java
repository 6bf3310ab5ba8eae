package dev.flywheel.pipeline;

import com.google.common.util.concurrent.MoreExecutors;
import com.google.common.util.concurrent.Uninterruptibles;
import dev.flywheel.core.ClosedException;
import dev.flywheel.core.audit.AuditEntry;
import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.audit.AuditKey;
import dev.flywheel.core.audit.AuditLog;
import dev.flywheel.core.energy.EnergyMeter;
import dev.flywheel.core.energy.Tariff;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.registry.AliasMove;
import dev.flywheel.core.registry.Home;
import dev.flywheel.core.registry.PipelineDirectory;
import dev.flywheel.core.registry.Registry;
import dev.flywheel.pipeline.Claims.Use;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadFactory;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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

    private static final Logger log = LoggerFactory.getLogger(Factory.class);

    private final Home home;
    private final Options options;
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();
    private final RunThread trainer = new RunThread(named("flywheel-train"));
    private final ExecutorService events = Executors.newCachedThreadPool(named("flywheel-events"));
    private final ScheduledExecutorService ticker = Executors.newSingleThreadScheduledExecutor(named("flywheel-clock"));
    private final EventBus<Progress> progress;
    private final Claims claims;
    private final List<Deployment<?, ?, ?>> deployments = new CopyOnWriteArrayList<>();
    private final ConcurrentMap<String, Line> lines = new ConcurrentHashMap<>();
    private final AuditLog audit;
    private final Freeze freeze;
    private final EnergyLedger energy;
    private final @Nullable ScheduledFuture<?> approving;
    private final @Nullable ScheduledFuture<?> measuring;

    private Factory(Home home, AuditLog audit, Freeze freeze, Options options) {
        this.home = home;
        this.audit = audit;
        this.freeze = freeze;
        this.options = options;
        this.claims = new Claims("the factory over " + home.directory());
        this.approving = options.ticking ? Background.everySecond(ticker, this::promoteApproved) : null;
        EnergyMeter meter = options.meter == null ? EnergyMeter.ofThisMachine() : options.meter;
        this.energy = new EnergyLedger(meter, options.tariff);
        this.measuring = options.ticking && meter.canMeasure() ? Background.everySecond(ticker, energy::look) : null;
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
        Home opened = Home.open(home, options.clock);
        return Closing.onFailure(() -> open(opened, options), opened::close);
    }

    private static Factory open(Home home, Options options) {
        AuditLog audit = options.auditKey == null
                ? AuditLog.open(home.audit(), options.clock)
                : AuditLog.open(home.audit(), options.clock, options.auditKey);
        return Closing.onFailure(
                () -> new Factory(home, audit, new Freeze(home.directory(), audit, options.clock), options),
                audit::close);
    }

    /** {@return the default options, to be changed one by one} */
    public static Options options() {
        return new Options(InstantSource.system(), null, null, true, null, Tariff.unknown(), null);
    }

    /** How a factory is opened. Immutable. */
    public static final class Options {

        private final InstantSource clock;
        private final @Nullable Consumer<Progress> progress;
        private final @Nullable Executor listeners;
        private final boolean ticking;
        private final @Nullable AuditKey auditKey;
        private final Tariff tariff;
        private final @Nullable EnergyMeter meter;

        private Options(
                InstantSource clock,
                @Nullable Consumer<Progress> progress,
                @Nullable Executor listeners,
                boolean ticking,
                @Nullable AuditKey auditKey,
                Tariff tariff,
                @Nullable EnergyMeter meter) {
            this.clock = clock;
            this.progress = progress;
            this.listeners = listeners;
            this.ticking = ticking;
            this.auditKey = auditKey;
            this.tariff = tariff;
            this.meter = meter;
        }

        /**
         * {@return these options with another clock: tests and replays bring their own time; the default is the
         * system's}
         */
        public Options clock(InstantSource clock) {
            return new Options(
                    Objects.requireNonNull(clock, "clock"), progress, listeners, ticking, auditKey, tariff, meter);
        }

        /**
         * {@return these options with a listener to the progress of runs}
         *
         * @param listener called like the listeners of a deployment: what it throws is logged and harms nothing, and
         *     while it is busy only the last 1,024 reports wait for it
         */
        public Options onProgress(Consumer<Progress> listener) {
            return new Options(
                    clock, Objects.requireNonNull(listener, "listener"), listeners, ticking, auditKey, tariff, meter);
        }

        /**
         * {@return these options with the host's own place to call listeners, of progress and of deployments; the
         * default is threads of the factory}
         *
         * @param executor one thread is enough; where all its threads are blocked, nobody hears anything until one is
         *     free. It must not do the work on the thread that hands it over: that one is at work for all, and others
         *     wait for what it holds
         */
        public Options listeners(Executor executor) {
            return new Options(
                    clock, progress, Objects.requireNonNull(executor, "executor"), ticking, auditKey, tariff, meter);
        }

        /**
         * {@return these options without a look at the rules every second: one is taken with every outcome, and by
         * {@link Deployment#awaitRun()}} So a test or a replay that brings its own clock comes to the same end each
         * time.
         */
        public Options withoutTicks() {
            return new Options(clock, progress, listeners, false, auditKey, tariff, meter);
        }

        /**
         * {@return these options with a key of the host's that signs the audit log; the default is one that lies in the
         * home directory, made at first use}
         */
        public Options auditKey(AuditKey key) {
            return new Options(clock, progress, listeners, ticking, Objects.requireNonNull(key, "key"), tariff, meter);
        }

        /**
         * {@return these options with what power costs, so that runs tell what theirs came to; the default is that
         * nothing is known of it}
         */
        public Options tariff(Tariff figures) {
            return new Options(
                    clock, progress, listeners, ticking, auditKey, Objects.requireNonNull(figures, "figures"), meter);
        }

        /**
         * {@return these options with a meter of the host's own; the default is {@link EnergyMeter#ofThisMachine()}}
         */
        public Options energy(EnergyMeter own) {
            return new Options(
                    clock, progress, listeners, ticking, auditKey, tariff, Objects.requireNonNull(own, "own"));
        }
    }

    /**
     * Makes one run of a pipeline without serving it: reads the source anew, trains every candidate, judges the best
     * and, if it passes every gate, makes it champion. Blocks until the run has ended. What the source gave is kept in
     * the home directory, for the runs to come and for the lineage of the versions that learned from it; of a run that
     * fails it is not, if there is a champion already.
     *
     * <p>What can be lived with is lived with, and the report tells it: rows that cannot be read, columns of one value
     * or of none beside others, categories beyond the vocabulary. A run fails where nothing can be learned or judged
     * (all rows have the same features, or are of one class), where a training explodes or gives no number, and where
     * the disk is full. Wrong labels are for the gates, which ask whether the candidate is better than the champion all
     * the same. In each case the champion serves on.
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
     * {@return who made a version champion that was it at an instant, when, why and on what evidence; empty if none
     * was}
     */
    public Optional<AliasMove> championAt(String pipeline, Instant at) {
        return read(pipeline, registry -> registry.moveAt(CHAMPION, at));
    }

    /**
     * {@return what was done to a pipeline, oldest first: runs, registrations, promotions, rollbacks, approvals,
     * pauses; reads the whole audit log}
     *
     * @param pipeline the name of a pipeline, or {@link AuditEvent#FACTORY} for what concerns all
     */
    public List<AuditEntry> audit(String pipeline) {
        return audit.history(pipeline);
    }

    /** {@return the log of what was done, for proofs and for events of the host's own} */
    public AuditLog audit() {
        return audit;
    }

    /**
     * Tells a pipeline's story over time in one HTML file: its versions and champions, quality, drift, labels, runs and
     * decisions with their reasons. It needs no network and no script, follows the reader's light or dark setting, and
     * stays under about 2 MB: the newest of long lists are shown, and neighbours of many windows as one, as the page
     * then says. What is not known is left out, with a sentence.
     *
     * @return the file, {@code report.html} in the pipeline's directory, written anew by each call
     * @throws IllegalArgumentException if there is no such pipeline
     * @throws dev.flywheel.core.StoreException if the file system refuses
     */
    public Path report(String pipeline) {
        return Chronicle.write(known(pipeline));
    }

    /**
     * Forbids promotions, of every pipeline and also after a restart, until {@link #unfreeze}. Runs go on, and register
     * what passes the gates; rollbacks are allowed.
     *
     * @param why the reason
     * @param who the person or part that forbids it
     * @throws dev.flywheel.core.StoreException if it cannot be put on the disk
     */
    public void freeze(String why, String who) {
        freeze.freeze(Objects.requireNonNull(why, "why"), Objects.requireNonNull(who, "who"));
    }

    /**
     * Allows promotions again; a candidate that was approved meanwhile becomes champion, if nothing else forbids it.
     */
    public void unfreeze(String why, String who) {
        freeze.unfreeze(Objects.requireNonNull(why, "why"), Objects.requireNonNull(who, "who"));
        lines.values().forEach(Line::promoteApproved);
    }

    /** {@return who has forbidden promotions, since when and why, if they are forbidden} */
    public Optional<String> frozen() {
        return freeze.reason();
    }

    /**
     * {@return the candidates of a pipeline that wait for a person to approve them, after a look at the answers that
     * lie there as files; the factory takes one every second, too}
     *
     * @throws IllegalArgumentException if there is no such pipeline
     */
    public List<ApprovalRequest> approvals(String pipeline) {
        Line line = known(pipeline);
        line.promoteApproved();
        return line.approvals().waiting();
    }

    /**
     * Approves a candidate: it becomes champion now, unless promotions are frozen or paused, then as soon as they are
     * not and before the approval expires. If another version has become champion since the gates compared it, it does
     * not, and the audit log says so.
     *
     * @param pipeline the name of the pipeline
     * @param artifact the SHA-256 of the candidate's artifact: {@link ApprovalRequest#artifact}
     * @param who the person who approves
     * @param why the reason
     * @throws dev.flywheel.core.StoreException if no such candidate waits: it was answered, has expired, or never asked
     * @throws IllegalArgumentException if there is no such pipeline
     */
    public void approve(String pipeline, String artifact, String who, String why) {
        Line line = known(pipeline);
        line.approvals().answer(artifact, Approvals.Status.GIVEN, who, why);
        line.promoteApproved();
    }

    /**
     * Refuses a candidate: it stays registered and does not become champion.
     *
     * @see #approve
     */
    public void deny(String pipeline, String artifact, String who, String why) {
        known(pipeline).approvals().answer(artifact, Approvals.Status.DENIED, who, why);
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
        if (approving != null) {
            approving.cancel(false);
        }
        if (measuring != null) {
            measuring.cancel(false);
        }
        ticker.shutdownNow();
        trainer.shutdownNow().forEach(waiting -> ((Future<?>) waiting).cancel(false));
        Uninterruptibles.awaitTerminationUninterruptibly(trainer);
        claims.awaitSettled();
        Closing.all(
                () -> MoreExecutors.shutdownAndAwaitTermination(ticker, Duration.ofSeconds(10)),
                () -> Closing.all(
                        deployments.stream().map(d -> (Runnable) d::close).toArray(Runnable[]::new)),
                () -> MoreExecutors.shutdownAndAwaitTermination(events, Duration.ofSeconds(10)),
                () -> Closing.all(
                        lines.values().stream().map(l -> (Runnable) l::close).toArray(Runnable[]::new)),
                audit::close,
                home::close);
    }

    private Line known(String pipeline) {
        if (claims.closed()) {
            throw new ClosedException("the factory over " + home.directory(), "it was closed", "open it again");
        }
        if (!home.pipelines().contains(pipeline)) {
            throw new IllegalArgumentException(
                    "there is no pipeline \"" + pipeline + "\" in " + home.directory() + ", but " + home.pipelines());
        }
        return line(pipeline);
    }

    /** A person may have answered by a file, and what kept an approved candidate waiting may be over. */
    private void promoteApproved() {
        for (Line line : lines.values()) {
            try {
                line.promoteApproved();
            } catch (RuntimeException | Error e) {
                log.warn("looking for approved candidates of pipeline {}", line.name(), e);
            }
        }
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
                        options.progress == null ? null : progress::publish,
                        audit,
                        freeze,
                        energy));
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
