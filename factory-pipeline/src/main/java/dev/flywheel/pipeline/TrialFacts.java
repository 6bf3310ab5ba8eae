package dev.flywheel.pipeline;

import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import com.google.common.hash.Hashing;
import dev.flywheel.core.data.Schema;
import dev.flywheel.pipeline.flywheel.FeedbackJoin;
import dev.flywheel.pipeline.flywheel.LoggedPredictions;
import dev.flywheel.pipeline.prove.ArmState;
import dev.flywheel.pipeline.prove.Canary;
import dev.flywheel.pipeline.prove.Decision;
import dev.flywheel.pipeline.prove.Experiment;
import dev.flywheel.pipeline.prove.Gain;
import dev.flywheel.pipeline.prove.Goal;
import dev.flywheel.pipeline.prove.Sums;
import dev.flywheel.pipeline.prove.Trial;
import dev.flywheel.pipeline.prove.TrialState;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * What became of the requests of two versions side by side, in bounded memory. Thread-safe.
 *
 * <p>Outcomes and reports are joined with the last {@value #REMEMBERED} predictions; the first outcome of each counts,
 * and the first report under each name.
 */
final class TrialFacts {

    static final int REMEMBERED = 200_000;
    /** The keys whose shares are watched: the first ones. */
    private static final int KEYS = 100_000;

    private static final String LABEL = "$label";

    private final int champion;
    private final int challenger;
    private final Trial sums;
    private final Readings readings;
    private final Cache<UUID, Made> made =
            CacheBuilder.newBuilder().maximumSize(REMEMBERED).build();
    private final LongAdder facts = new LongAdder();
    private final LongAdder observations = new LongAdder();
    /** Hashes of keys; null where keys were counted before a restart, which would count them twice. */
    private final @Nullable Set<Long> keys;

    private volatile @Nullable String broken;

    /** A prediction that something may become of. */
    private static final class Made {

        private final int version;
        private final double output;
        private final Instant at;
        private final Set<String> told = new HashSet<>(2);

        Made(int version, double output, Instant at) {
            this.version = version;
            this.output = output;
            this.at = at;
        }

        synchronized boolean first(String name) {
            return told.add(name);
        }
    }

    private TrialFacts(TrialFile file, Trial sums, @Nullable Canary canary) {
        this.champion = file.champion();
        this.challenger = file.challenger();
        this.sums = sums;
        this.readings = new Readings(canary == null ? List.of() : canary.measures());
        this.keys = file.keyed() ? null : ConcurrentHashMap.newKeySet();
    }

    /** {@return the facts of a trial that begins} */
    static TrialFacts begin(TrialFile file, Experiment comparison, @Nullable Canary canary) {
        return new TrialFacts(file, comparison.resume(file.sums()), canary);
    }

    /**
     * {@return the facts of a trial that goes on after a restart} Outcomes are read from the logs, so that none is lost
     * or doubled; where the logs know fewer than the file, because not every prediction is logged, it is the file that
     * counts.
     */
    static TrialFacts resume(TrialFile file, Experiment comparison, @Nullable Canary canary, Line line, Schema logged) {
        Trial anew = comparison.resume(withoutLabels(file.sums(), comparison.goals()));
        TrialFacts facts = new TrialFacts(file, anew, canary);
        LoggedPredictions.since(line.directory().predictions(), file.startedAt(), facts::remember);
        long[] joined = new long[1];
        new FeedbackJoin(
                        line.directory().predictions(),
                        line.directory().feedback(),
                        logged,
                        ChronoUnit.FOREVER.getDuration())
                .run(file.startedAt(), Instant.MAX, example -> {
                    Made made = facts.made.getIfPresent(example.id());
                    if (made != null) {
                        made.first(LABEL);
                    }
                    if (Double.isFinite(example.output()) && facts.arm(example.version())) {
                        joined[0]++;
                        anew.labelled(example.version(), example.at(), example.output(), example.label());
                    }
                });
        if (joined[0] >= labels(file.sums(), comparison.goals())) {
            return facts;
        }
        TrialFacts kept = new TrialFacts(file, comparison.resume(file.sums()), canary);
        kept.made.putAll(facts.made.asMap());
        return kept;
    }

    private static TrialState withoutLabels(TrialState state, List<Goal> goals) {
        List<ArmState> arms = state.arms().stream()
                .map(arm -> {
                    Map<String, Sums> reported = new HashMap<>(arm.sums());
                    goals.stream()
                            .filter(goal -> goal.metric().isPresent())
                            .forEach(goal -> reported.remove(goal.name()));
                    return new ArmState(
                            arm.version(), arm.share(), arm.assigned(), reported, arm.offline(), arm.ruledOut());
                })
                .toList();
        return new TrialState(state.plan(), state.startedAt(), arms, state.ratioP(), state.mark(), state.end());
    }

    private static long labels(TrialState state, List<Goal> goals) {
        return goals.stream()
                .filter(goal -> goal.metric().isPresent())
                .mapToLong(goal -> state.arms().stream()
                        .map(arm -> arm.sums().get(goal.name()))
                        .mapToLong(sums -> sums == null ? 0 : sums.values().n())
                        .sum())
                .max()
                .orElse(0);
    }

    private boolean arm(int version) {
        return version == champion || version == challenger;
    }

    /** A request got a version, by a key or without one. */
    void assigned(int version, @Nullable String key) {
        boolean counts = key == null;
        if (key != null && keys != null && keys.size() < KEYS) {
            counts = keys.add(Hashing.murmur3_128().hashUnencodedChars(key).asLong());
        }
        if (counts) {
            sums.assigned(version);
        }
    }

    void predicted(UUID id, int version, double output, Instant at) {
        if (version == challenger) {
            observations.increment();
            if (!Double.isFinite(output)) {
                broken = "it predicted " + output;
            }
        }
        remember(id, version, output, at);
    }

    private void remember(UUID id, int version, double output, Instant at) {
        if (arm(version) && Double.isFinite(output)) {
            made.put(id, new Made(version, output, at));
        }
    }

    void labelled(UUID id, double label) {
        Made prediction = made.getIfPresent(id);
        if (prediction != null && prediction.first(LABEL)) {
            sums.labelled(prediction.version, prediction.at, prediction.output, label);
            readings.labelled(prediction.version == challenger, prediction.output, label);
            facts.increment();
        }
    }

    void reported(String name, UUID id, double value) {
        Made prediction = made.getIfPresent(id);
        if (prediction != null && prediction.first(name)) {
            if (sums.wants(name)) {
                sums.metric(name, prediction.version, prediction.at, value);
            }
            readings.reported(name, prediction.version == challenger, value);
            facts.increment();
        }
    }

    void reported(String name, UUID id, double numerator, double denominator) {
        Made prediction = made.getIfPresent(id);
        if (prediction != null && sums.wants(name) && prediction.first(name)) {
            sums.ratio(name, prediction.version, prediction.at, numerator, denominator);
            facts.increment();
        }
    }

    /** {@return how much has been told} */
    long count() {
        return facts.sum();
    }

    /** {@return why the version on trial must not answer any more, if it must not} */
    @Nullable
    String broken() {
        return broken;
    }

    /** {@return how many predictions the version on trial has made that were not subtracted yet} */
    long observations() {
        return observations.sum();
    }

    void subtract(long counted) {
        observations.add(-counted);
    }

    /** What was seen of the step so far does not count for it. */
    void forget() {
        readings.clear();
        observations.reset();
    }

    Readings readings() {
        return readings;
    }

    Decision decide(Instant now) {
        return sums.decide(now);
    }

    Gain gain() {
        return sums.gains().get(0);
    }

    TrialState sums() {
        return sums.state();
    }

    /** {@return whether keys have been counted} */
    boolean keyed() {
        return keys == null || !keys.isEmpty();
    }
}
