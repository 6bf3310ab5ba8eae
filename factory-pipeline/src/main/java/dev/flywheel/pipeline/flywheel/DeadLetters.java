package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.pipeline.flywheel.Feedback.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.UUID;

/**
 * Feedback whose prediction was not in the log at the last {@link FeedbackLog#sweep}: the newest {@value #MOST}, as a
 * file of JSON beside the log of feedback. Immutable. Feedback itself stays in its log, so a letter leaves this list
 * when its prediction turns up, and is joined like any other.
 *
 * @param asOf when the logs were looked at
 * @param unknown how much feedback was to unknown predictions, also that which is not listed
 * @param letters the newest of it, in the order in which it came
 */
public record DeadLetters(Instant asOf, long unknown, List<Letter> letters) {

    /** How many letters are listed at most. */
    public static final int MOST = 10_000;

    private static final String FILE = "dead-letters.json";

    /** Makes the list immutable. */
    public DeadLetters {
        letters = List.copyOf(letters);
    }

    /**
     * Feedback to an unknown prediction.
     *
     * @param id the id that it came with
     * @param kind what it says
     * @param value the label, or the score of satisfaction
     * @param weight the weight of the label, from 0 to 1
     * @param at when it became known
     */
    public record Letter(UUID id, Kind kind, double value, double weight, Instant at) {

        static Letter of(UUID id, Feedback<Double> feedback, Instant at) {
            double value = feedback.score().orElseGet(() -> feedback.outcome().orElseThrow());
            return new Letter(id, feedback.kind(), value, feedback.weight(), at);
        }
    }

    /**
     * {@return the letters beside a log of feedback, in any process; none if nobody has looked yet}
     *
     * @param feedback the directory of a {@link FeedbackLog}
     * @throws StoreException if they cannot be read
     */
    public static DeadLetters of(Path feedback) {
        Path file = feedback.resolve(FILE);
        try {
            return Json.readKnown(Files.readAllBytes(file), DeadLetters.class, file.toString());
        } catch (NoSuchFileException e) {
            return new DeadLetters(Instant.EPOCH, 0, List.of());
        } catch (IOException e) {
            throw new StoreException(
                    "reading " + file, "the file system says " + e, "check that this user may read there", e);
        }
    }

    /** Replaces the letters beside a log; a crash leaves the old ones or these. */
    void write(Path feedback) {
        if (unknown > 0 || Files.exists(feedback.resolve(FILE))) {
            Durable.write(feedback.resolve(FILE), Json.write(this));
        }
    }

    /** Takes feedback to unknown predictions, and forgets the oldest when there is too much. Not thread-safe. */
    static final class Pile implements FeedbackJoin.Receiver {
        private final Deque<Letter> newest = new ArrayDeque<>();
        private final Runnable step;
        private long unknown;

        /** @param step what is done at each step of the join; may throw to end it */
        Pile(Runnable step) {
            this.step = step;
        }

        @Override
        public void joined(FeedbackJoin.Joined example) {
            step.run();
        }

        @Override
        public void never(UUID id) {
            step.run();
        }

        @Override
        public void unknown(UUID id, Feedback<Double> outcome, Instant at) {
            unknown++;
            newest.addLast(Letter.of(id, outcome, at));
            if (newest.size() > MOST) {
                newest.removeFirst();
            }
        }

        DeadLetters letters(Instant asOf) {
            return new DeadLetters(asOf, unknown, List.copyOf(newest));
        }
    }
}
