package dev.flywheel.pipeline.train;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.source.Target;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where a training can go on after a crash or an interrupt: a file that is renewed while it lasts, at most once a
 * second, and so seldom that it takes at most a fiftieth of the time. A training that goes on gives the same model, bit
 * for bit, as one that was never disturbed. Not thread-safe.
 */
public final class Checkpoint {

    private static final Logger log = LoggerFactory.getLogger(Checkpoint.class);
    private static final String FILE = "training.paused";
    private static final Pace USUAL = new Pace(Duration.ofSeconds(1), 50);

    /**
     * How often the file is renewed.
     *
     * @param least the least time between two times
     * @param share the least time between two times, in what one of them takes
     */
    record Pace(Duration least, int share) {}

    private final @Nullable Path file;
    private final Supplier<byte[]> key;
    private final Pace pace;
    private final @Nullable Paused paused;
    private byte @Nullable [] known;
    private long next;
    private boolean written;

    private Checkpoint(@Nullable Path file, Supplier<byte[]> key, Pace pace, @Nullable Paused paused) {
        this.file = file;
        this.key = key;
        this.pace = pace;
        this.next = System.nanoTime() + pace.least.toNanos();
        this.paused = file == null ? paused : read(file);
        this.written = this.paused != null;
    }

    private Checkpoint(Checkpoint before, @Nullable Paused paused) {
        this.file = before.file;
        this.key = before.key;
        this.pace = before.pace;
        this.next = before.next;
        this.known = before.known;
        this.written = before.written;
        this.paused = paused;
    }

    /**
     * Trains, or goes on with the same training if that was cut off: of the same trainer on the same rows to the same
     * target with the same seed. Of any other, the file is written over. A trainer whose training cannot be taken up
     * begins anew. What the file is good for ends with the run: the caller deletes the directory then.
     *
     * @param directory a directory of its own, created when it is needed
     * @see Trainer#train
     * @throws StoreException if the file cannot be read or written
     */
    public static TrainedModel train(
            Path directory,
            Trainer trainer,
            FeatureMatrix matrix,
            Target<?> target,
            long seed,
            TrainingListener listener) {
        return train(directory, USUAL, trainer, matrix, target, seed, listener);
    }

    static TrainedModel train(
            Path directory,
            Pace pace,
            Trainer trainer,
            FeatureMatrix matrix,
            Target<?> target,
            long seed,
            TrainingListener listener) {
        if (trainer instanceof CalibratedTrainer calibrated) {
            return calibrated.train(
                    matrix, target, seed, (inner, rows) -> train(directory, pace, inner, rows, target, seed, listener));
        }
        if (!(trainer instanceof Pausable pausable)) {
            return trainer.train(matrix, target, seed, listener);
        }
        Checkpoint checkpoint =
                new Checkpoint(directory.resolve(FILE), () -> key(trainer, matrix, target, seed), pace, null);
        return pausable.trainTo(pausable.epochsFor(matrix.rows()), checkpoint, matrix, target, seed, listener)
                .model();
    }

    /** One that is never written: the training goes on from where it was paused, or begins if that is null. */
    static Checkpoint at(@Nullable Paused paused) {
        return new Checkpoint(null, () -> new byte[0], USUAL, paused);
    }

    private static byte[] key(Trainer trainer, FeatureMatrix matrix, Target<?> target, long seed) {
        MessageDigest sum = Json.sha256();
        for (String part : new String[] {
            trainer.describe(), target.describe(), matrix.fingerprint(), Long.toString(seed), PyTorch.surroundings()
        }) {
            sum.update(part.getBytes(StandardCharsets.UTF_8));
            sum.update((byte) 0);
        }
        return sum.digest();
    }

    private byte[] key() {
        if (known == null) {
            known = key.get(); // late, because it reads all rows
        }
        return known;
    }

    private @Nullable Paused read(Path from) {
        if (!Files.isRegularFile(from)) {
            return null;
        }
        try {
            byte[] bytes = Files.readAllBytes(from);
            int length = key().length;
            if (bytes.length < length || !Arrays.equals(bytes, 0, length, key(), 0, length)) {
                log.debug("{} is of another training", from);
                return null;
            }
            Paused found =
                    Paused.read(Arrays.copyOfRange(bytes, length, bytes.length)).orElse(null);
            if (found == null) {
                log.warn("{} is damaged, so that the training begins anew", from);
            }
            return found;
        } catch (IOException e) {
            throw new StoreException(
                    "reading " + from, "the file system says " + e, "check that this user may read there", e);
        }
    }

    /** The same, from where the training stands by now. */
    Checkpoint from(@Nullable Paused standing) {
        return new Checkpoint(this, standing);
    }

    /** Where the training goes on; null if it begins. */
    @Nullable
    Paused paused() {
        return paused;
    }

    /** Writes where the training stands, if it is time for that. */
    void offer(Supplier<Paused> standing) {
        // an interrupt would close the file
        if (file != null
                && System.nanoTime() - next >= 0
                && !Thread.currentThread().isInterrupted()) {
            long start = System.nanoTime();
            write(file, standing.get());
            long end = System.nanoTime();
            next = end + Math.max(pace.least.toNanos(), pace.share * (end - start));
        }
    }

    /** Writes where a long training has ended, so that nobody trains it again who only lacks what comes after it. */
    void ended(Supplier<Paused> standing) {
        if (file != null && written) {
            write(file, standing.get());
        }
    }

    /** Writes where the training stands, as it may have to wait before it goes on. */
    void left(Supplier<Paused> standing) {
        if (file != null) {
            write(file, standing.get());
        }
    }

    private void write(Path to, Paused standing) {
        byte[] state = standing.bytes();
        Path directory = to.getParent();
        if (!written && directory != null) {
            Durable.createDirectories(directory);
        }
        Durable.write(
                to,
                ByteBuffer.allocate(key().length + state.length)
                        .put(key())
                        .put(state)
                        .array());
        written = true;
    }
}
