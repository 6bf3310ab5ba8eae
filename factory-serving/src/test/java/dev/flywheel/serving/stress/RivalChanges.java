package dev.flywheel.serving.stress;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.engine.OnnxEngine;
import dev.flywheel.serving.route.Route;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Changes the versions of an endpoint at random beside others who do so too: nobody knows what is loaded, so that many
 * changes are refused, but each is done whole or not at all. Thread-safe.
 */
final class RivalChanges {

    private final Path directory;
    private final Endpoint<Ask, Answer> endpoint;
    private final Ledger ledger;
    private final FaultyEngine.Watch watch;
    private final AtomicInteger last;
    private final AtomicInteger done = new AtomicInteger();

    RivalChanges(Path directory, Endpoint<Ask, Answer> endpoint, Ledger ledger, FaultyEngine.Watch watch, int first) {
        this.directory = directory;
        this.endpoint = endpoint;
        this.ledger = ledger;
        this.watch = watch;
        this.last = new AtomicInteger(first);
    }

    /** {@return how many changes took place} */
    int done() {
        return done.get();
    }

    void change(SplittableRandom random) {
        try {
            change(random.nextInt(10), random);
            done.incrementAndGet();
        } catch (IllegalArgumentException | IllegalStateException e) {
            // A rival was quicker.
        } catch (ModelFormatException e) {
            if (!e.toString().contains("again")) {
                ledger.violation("a change was refused with " + e);
            }
        } catch (ClosedException e) {
            ledger.refusedChange(e);
        }
    }

    private void change(int kind, SplittableRandom random) {
        switch (kind) {
            case 0 -> {
                int next = next();
                endpoint.swap(engine(next), next);
            }
            case 1 -> {
                int next = next();
                endpoint.swap(file(next), next);
            }
            case 2 -> {
                int next = next();
                endpoint.add(engine(next), next);
            }
            case 3 -> endpoint.promote(any(random));
            case 4 -> endpoint.route(Route.canary(any(random), random.nextDouble()));
            case 5 -> endpoint.rollback();
            case 6 -> endpoint.shadow(any(random));
            case 7 -> endpoint.endShadow();
            default -> endpoint.remove(any(random));
        }
    }

    private int next() {
        int next = last.incrementAndGet();
        // Whether it still serves when it is asked, only the rivals together know.
        ledger.versions.begins(next);
        return next;
    }

    private int any(SplittableRandom random) {
        List<Integer> all = endpoint.versions();
        return all.isEmpty() ? 0 : all.get(random.nextInt(all.size()));
    }

    private Path file(int number) {
        return StressModel.write(directory.resolve("v" + number + ".onnx"), number);
    }

    private FaultyEngine engine(int number) {
        return new FaultyEngine(OnnxEngine.open(file(number)), ledger, watch);
    }
}
