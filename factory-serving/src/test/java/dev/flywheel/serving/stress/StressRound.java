package dev.flywheel.serving.stress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.batch.BatcherStatistics;
import dev.flywheel.serving.engine.OnnxEngine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** The life of one endpoint under load, from its opening until nothing of it is left. Not thread-safe. */
final class StressRound {

    private static final String THREADS = "flywheel-serving-";
    private static final String CLEANER = "flywheel-serving-cleaner";
    private static final long HANG_MILLIS = 60_000;

    private final Path directory;
    private final Setup setup;
    private final SplittableRandom random;
    private final Ledger ledger = new Ledger();
    private final FaultyEngine.Watch watch = new FaultyEngine.Watch();
    private int version;
    private int swaps;

    StressRound(Path directory, Setup setup, SplittableRandom random) {
        this.directory = directory;
        this.setup = setup;
        this.random = random;
    }

    /** Runs it and gives the verdicts. */
    Ledger run() throws InterruptedException, IOException {
        version = 1;
        ledger.versions.begins(version);
        Endpoint<Ask, Answer> endpoint = Endpoint.of(engine(version), new AskCodec(ledger))
                .version(version)
                .lanes(setup.lanes())
                .maxBatch(setup.maxBatch())
                .queueCapacity(setup.queueCapacity())
                .open();
        Callers callers = new Callers(endpoint, ledger);
        callers.start(setup, random);
        boolean closedUnderLoad = random.nextBoolean();
        try {
            swapUntil(endpoint, System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(setup.millis()));
            if (!closedUnderLoad) {
                callers.stop();
                countersFit(endpoint.statistics());
            }
        } finally {
            ledger.closing();
            endpoint.close();
            callers.stop();
        }
        nothingIsLeft();
        return ledger;
    }

    int swaps() {
        return swaps;
    }

    private Path file(int number) {
        return StressModel.write(directory.resolve("v" + number + ".onnx"), number);
    }

    private FaultyEngine engine(int number) throws IOException {
        Path file = file(number);
        FaultyEngine engine = new FaultyEngine(OnnxEngine.open(file), ledger, watch);
        // A loaded model needs its file no more.
        Files.delete(file);
        return engine;
    }

    private void swapUntil(Endpoint<Ask, Answer> endpoint, long end) throws IOException {
        while (System.nanoTime() < end) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(setup.swapMillis()));
            if (random.nextInt(8) == 0) {
                refuseBroken(endpoint);
                continue;
            }
            int next = version + 1;
            ledger.versions.begins(next);
            if (random.nextInt(4) == 0) {
                endpoint.swap(file(next), next);
            } else {
                endpoint.swap(engine(next), next);
            }
            ledger.versions.ended(version);
            version = next;
            swaps++;
        }
    }

    private void refuseBroken(Endpoint<Ask, Answer> endpoint) throws IOException {
        Path broken = directory.resolve("broken.onnx");
        byte[] good = Files.readAllBytes(file(version));
        switch (random.nextInt(3)) {
            case 0 -> Files.deleteIfExists(broken);
            case 1 -> Files.write(broken, new byte[] {1, 2, 3, 4});
            default -> Files.write(broken, java.util.Arrays.copyOf(good, good.length / 2));
        }
        assertThatThrownBy(() -> endpoint.swap(broken, -1)).isInstanceOf(ModelFormatException.class);
        assertThat(endpoint.version()).isEqualTo(version);
    }

    /** What the endpoint has counted is what its callers saw. */
    private void countersFit(BatcherStatistics statistics) {
        long answered = ledger.count(Ending.ANSWERED);
        long own = ledger.count(Ending.OWN_FAULT);
        assertThat(statistics.queued()).as("queued").isZero();
        if (setup.bulks() == 0) {
            assertThat(statistics.refused()).as("refused").isEqualTo(ledger.count(Ending.OVERLOADED));
            // A request that is cancelled while it runs is counted, one that is cancelled before is not.
            assertThat(statistics.requests())
                    .as("requests")
                    .isBetween(answered + own, answered + own + ledger.count(Ending.CANCELLED));
            assertThat(statistics.errors()).as("errors").isBetween(own, own + ledger.count(Ending.CANCELLED));
        } else {
            assertThat(statistics.requests()).as("requests").isGreaterThanOrEqualTo(answered);
        }
    }

    private void nothingIsLeft() throws InterruptedException {
        assertThat(ledger.violations()).isEmpty();
        assertThat(ledger.ended()).as("endings of %s", ledger).isEqualTo(ledger.begun());
        assertThat(watch.lanes.get()).as("open lanes").isZero();
        assertThat(watch.engines.get()).as("open engines").isZero();
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith(THREADS) && !thread.getName().equals(CLEANER)) {
                thread.join(HANG_MILLIS);
                assertThat(thread.isAlive())
                        .as("%s is left%n%s", thread.getName(), Stacks.dump())
                        .isFalse();
            }
        }
    }
}
