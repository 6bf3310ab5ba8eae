package dev.flywheel.serving.stress;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.EndpointBuilder;
import dev.flywheel.serving.monitor.Activity;
import dev.flywheel.serving.monitor.EndpointSnapshot;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/** The life of one endpoint under load, from its opening until nothing of it is left. Not thread-safe. */
final class StressRound {

    private static final String THREADS = "flywheel-";
    private static final Duration NEVER = Duration.ofMinutes(1);
    private static final String CLEANER = "-cleaner";
    private static final int FIRST = 1;
    private static final long CACHE_BYTES = 1 << 20;
    private static final long HANG_MILLIS = 60_000;

    private final Path directory;
    private final Setup setup;
    private final SplittableRandom random;
    private final Ledger ledger;
    private final FaultyEngine.Watch watch = new FaultyEngine.Watch();
    private final LongAdder observed = new LongAdder();
    private int changed;

    StressRound(Path directory, Setup setup, SplittableRandom random) {
        this.directory = directory;
        this.setup = setup;
        this.ledger = new Ledger(setup.hangs());
        this.random = random;
    }

    /** Runs it and gives the verdicts. */
    Ledger run() throws InterruptedException, IOException {
        Changes changes = new Changes(directory, ledger, watch, random.split(), FIRST);
        EndpointBuilder<Ask, Answer> builder = Endpoint.of(changes.engine(FIRST), new AskCodec(ledger))
                .version(FIRST)
                .lanes(setup.lanes())
                .maxBatch(setup.maxBatch())
                .observer(this::observed)
                .runTimeout(setup.hangs() ? FaultyEngine.SOONEST_GIVEN_UP : NEVER)
                .queueCapacity(setup.queueCapacity());
        Endpoint<Ask, Answer> endpoint = (setup.cached() ? builder.cache(CACHE_BYTES) : builder).open();
        Callers callers = new Callers(endpoint, ledger, setup);
        callers.start(setup, random);
        try {
            if (setup.rivals() == 0) {
                changeAlone(changes, endpoint);
            } else {
                changeAsRivals(endpoint, callers);
            }
            if (setup.end() == Setup.End.IDLE) {
                callers.stop();
                countersFit(endpoint.snapshot());
            }
        } finally {
            close(endpoint);
            callers.stop();
        }
        assertThat(endpoint.snapshot().queued()).as("queued").isZero();
        nothingIsLeft();
        return ledger;
    }

    private void changeAlone(Changes changes, Endpoint<Ask, Answer> endpoint) throws IOException {
        long end = end();
        while (System.nanoTime() < end) {
            changes.change(endpoint);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(setup.pauseMillis()));
        }
        changed = changes.done();
    }

    private void changeAsRivals(Endpoint<Ask, Answer> endpoint, Callers callers) {
        RivalChanges changes = new RivalChanges(directory, endpoint, ledger, watch, FIRST);
        for (int i = 0; i < setup.rivals(); i++) {
            callers.loop("rival-" + i, random.split(), changes::change);
        }
        long end = end();
        while (System.nanoTime() < end) {
            LockSupport.parkNanos(end - System.nanoTime());
        }
        changed = changes.done();
    }

    private long end() {
        return System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(setup.millis());
    }

    int changed() {
        return changed;
    }

    private void close(Endpoint<Ask, Answer> endpoint) {
        ledger.closing();
        if (setup.end() == Setup.End.CUT) {
            ledger.cutting();
            endpoint.close(Duration.ofMillis(random.nextInt(5)));
        } else {
            endpoint.close();
        }
    }

    private void observed(UUID id, int version, Ask ask, double raw, Instant at) {
        if (raw != ask.low()) {
            ledger.violation("the observer was told that " + ask + " gave " + raw);
        }
        observed.increment();
    }

    /** What the endpoint has counted is what its callers saw. */
    private void countersFit(EndpointSnapshot snapshot) {
        Activity done = snapshot.total();
        long answered = ledger.count(Ending.ANSWERED);
        long own = ledger.count(Ending.OWN_FAULT);
        // Those that were given up while they ran count as run, the others do not.
        long givenUp = ledger.count(Ending.CANCELLED) + ledger.count(Ending.INTERRUPTED) + ledger.count(Ending.LATE);
        assertThat(snapshot.queued()).as("queued").isZero();
        assertThat(observed.sum()).as("observed").isGreaterThanOrEqualTo(answered);
        if (setup.bulks() == 0 && !setup.cached() && ledger.count(Ending.HUNG) == 0) {
            assertThat(done.refused()).as("refused").isEqualTo(ledger.count(Ending.OVERLOADED));
            assertThat(done.requests()).as("requests").isBetween(answered + own, answered + own + givenUp);
            assertThat(done.errors()).as("errors").isBetween(own, own + givenUp);
            assertThat(done.requests() + done.refused() + done.expired() + done.cancelled())
                    .as("every request once in %s", done)
                    .isEqualTo(ledger.begun());
        } else {
            assertThat(done.requests()).as("requests").isGreaterThanOrEqualTo(answered);
        }
    }

    private void nothingIsLeft() throws InterruptedException {
        assertThat(ledger.violations()).isEmpty();
        assertThat(ledger.ended()).as("endings of %s", ledger).isEqualTo(ledger.begun());
        // Lanes of runs that were given up close when those end.
        long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(setup.hangs() ? HANG_MILLIS : 0);
        while (watch.engines.get() > 0 && System.nanoTime() < until) {
            LockSupport.parkNanos(1_000_000);
        }
        assertThat(watch.lanes.get()).as("open lanes").isZero();
        assertThat(watch.engines.get()).as("open engines").isZero();
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith(THREADS) && !thread.getName().endsWith(CLEANER)) {
                thread.join(HANG_MILLIS);
                assertThat(thread.isAlive())
                        .as("%s is left%n%s", thread.getName(), Stacks.dump())
                        .isFalse();
            }
        }
    }
}
