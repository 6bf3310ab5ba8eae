package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link CrashChild} was about to do and what it was promised, over all its lives in one home. Lines are heard
 * on one thread; what was heard is read once that has ended.
 */
final class CrashPromises {

    /** What each life can promise. */
    private static final Set<String> KINDS =
            Set.of("told", "serving points", "serving asked", "trial", "resumed", "frozen", "noted", "answered");

    /** The outcome of a prediction, as far as it was told. */
    static final class Outcome {

        /** The version that made the prediction: 0 if there was none, -1 if that is not known. */
        final int version;

        private final double output;
        private double acknowledged = Double.NaN;
        private double offered;
        private boolean open;

        Outcome(int version, double output) {
            this.version = version;
            this.output = output;
        }

        /** {@return whether this may be the prediction that it is of} */
        boolean isOf(int madeBy, double predicted) {
            return version < 0 || (version == madeBy && output == predicted);
        }

        boolean acknowledged() {
            return !Double.isNaN(acknowledged);
        }

        /** {@return whether this label may be the last one: what was on its way at the kill may have arrived or not} */
        boolean mayBe(double label) {
            return label == acknowledged || (open && label == offered);
        }
    }

    final Map<UUID, Outcome> outcomes = new HashMap<>();
    final Set<String> notes = new LinkedHashSet<>();
    final Set<String> acknowledgedNotes = new LinkedHashSet<>();
    /** The versions of the candidates that a person's answer was taken to, by whether it was yes. */
    final Map<Integer, Boolean> answers = new HashMap<>();
    /** How many outcomes were handed in, and how many of them were acknowledged. */
    long told;

    long acknowledged;

    private final Map<String, List<Integer>> serving = new HashMap<>();
    /** The version that answered a visitor last, and when the trial began in which it did. */
    private final Map<String, String> assigned = new ConcurrentHashMap<>();
    /** The last thing that was heard of a trial: the version, when it began and its share. */
    private volatile String trial = "";

    private boolean frozen;
    private boolean freezing;
    private final Set<String> kinds = new HashSet<>();
    private CountDownLatch ready = new CountDownLatch(1);
    private CountDownLatch everything = new CountDownLatch(1);

    void beginLife() {
        serving.clear();
        kinds.clear();
        ready = new CountDownLatch(1);
        everything = new CountDownLatch(1);
    }

    /** {@return open until this life has begun its work, or ended} */
    CountDownLatch ready() {
        return ready;
    }

    /** {@return open until this life has got promises of every kind, or ended} */
    CountDownLatch everything() {
        return everything;
    }

    void endLife() {
        ready.countDown();
        everything.countDown();
    }

    /** Takes a line; one that was torn by the kill has no end, and promises nothing. */
    void hear(String line) {
        if (!line.endsWith(" ;")) {
            return;
        }
        String[] words = line.split(" ", -1);
        switch (words[0]) {
            case "ready" -> ready.countDown();
            case "tell" ->
                tell(UUID.fromString(words[1]), words[2].equals("true") ? 1 : 0, Integer.parseInt(words[3]), words[4]);
            case "told" -> told(UUID.fromString(words[1]));
            case "serving" ->
                serving.computeIfAbsent(words[1], name -> new ArrayList<>()).add(Integer.valueOf(words[2]));
            case "freeze" -> freezing = Boolean.parseBoolean(words[1]);
            case "frozen" -> frozen = freezing;
            case "note" -> notes.add(words[1]);
            case "noted" -> acknowledgedNotes.add(words[1]);
            case "answered" -> answers.put(Integer.valueOf(words[1]), Boolean.valueOf(words[2]));
            case "trial" -> trial = line.substring(words[0].length() + 1, line.length() - 2);
            case "answered-by" -> assigned.put(words[1], words[2] + " " + words[3]);
            case "resumed" -> {}
            default -> throw new IllegalArgumentException(line);
        }
        String kind = words[0].equals("serving") ? "serving " + words[1] : words[0];
        if (KINDS.contains(kind) && kinds.add(kind) && kinds.containsAll(KINDS)) {
            everything.countDown();
        }
    }

    void tell(UUID id, double label, int version, String output) {
        Outcome outcome = outcomes.computeIfAbsent(id, unseen -> new Outcome(version, Double.parseDouble(output)));
        outcome.offered = label;
        outcome.open = true;
        told++;
    }

    void told(UUID id) {
        Outcome outcome = Objects.requireNonNull(outcomes.get(id));
        outcome.acknowledged = outcome.offered;
        outcome.open = false;
        acknowledged++;
    }

    /** {@return the versions that this life has begun to serve after its first, in order} */
    List<Integer> serving(String pipeline) {
        return serving.getOrDefault(pipeline, List.of());
    }

    /** {@return whether the version on trial is known to have answered a visitor in this trial} */
    boolean assigned(String visitor, TrialReport trial) {
        return (trial.challenger() + " " + trial.startedAt()).equals(assigned.get(visitor));
    }

    /** {@return whether it was heard how far a trial has come} */
    boolean heard(TrialFile kept) {
        return trial.equals(CrashChild.state(kept.report()));
    }

    /** The parent has seen how far a trial has come. */
    void seen(TrialReport report) {
        trial = CrashChild.state(report);
    }

    /** What was heard of a trial was kept before. */
    void requireKept(@Nullable TrialFile kept) {
        if (trial.isEmpty()) {
            return;
        }
        String[] words = trial.split(" ", -1);
        int version = Integer.parseInt(words[0]);
        assertThat(kept).as("trial %s", trial).isNotNull();
        assertThat(Objects.requireNonNull(kept).challenger()).isGreaterThanOrEqualTo(version);
        if (kept.challenger() == version) {
            Instant begun = Instant.parse(words[1]);
            assertThat(kept.startedAt()).isAfterOrEqualTo(begun);
            double share = Double.parseDouble(words[2]);
            boolean ended = share == 0 || share == 1;
            assertThat(kept.stage() == TrialFile.Stage.OVER
                            || kept.startedAt().isAfter(begun)
                            || (!ended && (kept.stage() == TrialFile.Stage.DECIDED || kept.share() >= share)))
                    .as("what was heard of the trial, %s, is kept: %s", trial, kept)
                    .isTrue();
        }
    }

    boolean mayBeFrozen(boolean found) {
        return found == frozen || found == freezing;
    }

    /** The parent has seen how it is, and ended a freeze if there was one. */
    void thawed() {
        frozen = false;
        freezing = false;
    }
}
