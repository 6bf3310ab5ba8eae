package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.PredictionIds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * Which predictions were to be logged, since when, as kept beside the log. An id says whether it is in the sample, and
 * when it was made, so everybody who has the id and this file knows whether the prediction is in the log. Immutable.
 *
 * @param rates the shares that were logged, each from a time on, in order
 */
record Sampling(List<Rate> rates) {

    private static final String FILE = "sampling.json";
    // longer than any prediction takes from its id to its record, or than clocks differ
    private static final long SLACK_MICROS = 60_000_000;

    /** A share of the predictions, from a time on. */
    record Rate(Instant from, double rate) {}

    /** {@return what is kept beside a log; every prediction is logged if nothing is} */
    static Sampling of(Path log) {
        Path file = log.resolve(FILE);
        try {
            return Json.read(Files.readAllBytes(file), Sampling.class, file.toString());
        } catch (NoSuchFileException e) {
            return new Sampling(List.of());
        } catch (IOException e) {
            throw new StoreException(
                    "reading " + file, "the file system says " + e, "check that this user may read there", e);
        }
    }

    /** Keeps a share beside a log if it is another than before; it holds from a time on. */
    static void keep(Path log, double rate, Instant from) {
        Sampling before = of(log);
        if (before.last() != rate) {
            List<Rate> rates = new ArrayList<>(before.rates);
            rates.add(new Rate(from, rate));
            Durable.write(log.resolve(FILE), Json.write(new Sampling(rates)));
        }
    }

    private double last() {
        return rates.isEmpty() ? 1 : rates.get(rates.size() - 1).rate;
    }

    /** {@return whether a prediction is in a sample: the upper 53 bits of its hash, as a number from 0 to 1, decide} */
    static boolean sampled(long high, long low, double rate) {
        return (hash(high, low) >>> 11) * 0x1p-53 < rate;
    }

    /** {@return a hash of an id: the finaliser of SplitMix64 (Steele, Lea and Flood, 2014)} */
    static long hash(long high, long low) {
        long z = high ^ low;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    /** {@return whether a prediction was left out when it was made; false for an id that does not tell its time} */
    boolean leftOut(UUID id) {
        if (rates.isEmpty() || id.version() != 7) {
            return false;
        }
        long micros = Micros.of(PredictionIds.time(id));
        double highest = 0;
        double valid = 1;
        for (Rate rate : rates) {
            long from = Micros.of(rate.from);
            if (from > micros - SLACK_MICROS) {
                highest = Math.max(highest, valid);
            }
            if (from > micros + SLACK_MICROS) {
                return !sampled(id.getMostSignificantBits(), id.getLeastSignificantBits(), highest);
            }
            valid = rate.rate;
        }
        highest = Math.max(highest, valid);
        return !sampled(id.getMostSignificantBits(), id.getLeastSignificantBits(), highest);
    }
}
