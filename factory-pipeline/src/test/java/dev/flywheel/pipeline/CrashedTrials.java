package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.registry.AliasMove;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.TrialFile.Stage;
import dev.flywheel.pipeline.TrialReport.Status;
import dev.flywheel.pipeline.prove.Decision.Action;
import dev.flywheel.serving.CallOptions;
import dev.flywheel.serving.route.Route;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** The trials that kills have met in the homes of a {@link CrashTest}, and what became of them. */
final class CrashedTrials {

    /** What a trial was at when its process was killed. */
    enum Moment {
        NO_TRIAL,
        UNDER_WAY,
        /** The next step was kept, and nobody had heard of it yet. */
        STEP,
        /** It was decided, and not yet done. */
        PROMOTION,
        /** It was decided, and not yet done. */
        ROLLBACK,
        /** Somebody had ended it, and that was not yet done. */
        END
    }

    private final Map<Moment, Integer> kills = new EnumMap<>(Moment.class);
    private int wentOn;
    private int endedWithReason;

    private @Nullable TrialFile before;

    /** {@return what is kept of the last trial; it is whole at any time} */
    static Optional<TrialFile> kept(Path pipeline) {
        Path file = pipeline.resolve("trial.json");
        try {
            return Optional.of(Json.readKnown(Files.readAllBytes(file), TrialFile.class, file.toString()));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new AssertionError(file + " can be read", e);
        }
    }

    /** Waits until the trial is at something, but no longer than that may take. */
    static void await(Moment moment, Path pipeline, CrashPromises promises, Process child) {
        long end = System.nanoTime() + 1_500_000_000L;
        while (child.isAlive()
                && System.nanoTime() < end
                && moment(kept(pipeline).orElse(null), promises) != moment) {
            LockSupport.parkNanos(300_000);
        }
    }

    private static Moment moment(@Nullable TrialFile kept, CrashPromises promises) {
        if (kept == null || kept.stage() == Stage.OVER) {
            return Moment.NO_TRIAL;
        }
        if (kept.stage() == Stage.RUNNING) {
            return kept.news().action().equals(AuditEvent.TRIAL_ADVANCED) && !promises.heard(kept)
                    ? Moment.STEP
                    : Moment.UNDER_WAY;
        }
        return switch (kept.last().action()) {
            case PROMOTE -> Moment.PROMOTION;
            case ROLL_BACK -> Moment.ROLLBACK;
            default -> Moment.END;
        };
    }

    /** Looks at what a kill has left, before anybody has mended it. */
    void killed(Path pipeline, CrashPromises promises) {
        TrialFile found = kept(pipeline).orElse(null);
        promises.requireKept(found);
        kills.merge(moment(found, promises), 1, Integer::sum);
        before = found;
    }

    /**
     * The trial goes on in the same step, with the same version for each visitor, or has ended for a reason.
     *
     * @param proven whether the definition still has its plan
     */
    void reopened(
            Deployment<Point, Boolean, Double> live,
            boolean proven,
            List<AliasMove> moves,
            CrashPromises promises,
            Random random) {
        TrialFile then = before;
        if (then == null) {
            assertThat(live.trial()).isEmpty();
            return;
        }
        TrialReport now = live.trial().orElseThrow();
        assertThat(now.challenger()).isEqualTo(then.challenger());
        assertThat(now.startedAt()).isEqualTo(then.startedAt());
        boolean decided = then.stage() != Stage.RUNNING;
        if (then.stage() == Stage.OVER
                || (decided && (then.last().action() != Action.PROMOTE || crowned(then, moves)))) {
            assertThat(now.status().ended()).as(now.reason()).isTrue();
            assertThat(now.reason()).isEqualTo(then.last().reason());
            return;
        }
        if (!proven) {
            assertThat(now.status()).isEqualTo(Status.INCONCLUSIVE);
            assertThat(now.reason()).endsWith("was ended because the definition has another plan by now.");
            endedWithReason++;
            return;
        }
        assertThat(now.share()).isEqualTo(then.share());
        assertThat(now.status()).isEqualTo(then.status());
        assertAssigned(live, now, promises, random);
        wentOn++;
        if (decided) {
            live.awaitRun();
            TrialReport done = live.trial().orElseThrow();
            assertThat(done.status()).as(done.reason()).isEqualTo(Status.PROMOTED);
            assertThat(live.version()).isEqualTo(then.challenger());
        }
    }

    private static boolean crowned(TrialFile trial, List<AliasMove> moves) {
        return moves.get(moves.size() - 1).to().equals(OptionalInt.of(trial.challenger()));
    }

    /**
     * {@return whether the version on trial was promoted since the kill: that was decided before, or waited for the end
     * of a freeze alone}
     *
     * @param moves of the champion until the kill
     */
    boolean promoted(Deployment<Point, Boolean, Double> live, List<AliasMove> moves) {
        TrialFile then = before;
        return then != null
                && then.stage() != Stage.OVER
                && !crowned(then, moves)
                && live.trial().orElseThrow().status() == Status.PROMOTED;
    }

    private static void assertAssigned(
            Deployment<Point, Boolean, Double> live, TrialReport trial, CrashPromises promises, Random random) {
        Route route = Route.canary(trial.challenger(), trial.share());
        for (int visitor = 0; visitor < CrashChild.VISITORS; visitor++) {
            String key = CrashChild.visitor(visitor);
            int version =
                    live.predict(CrashChild.point(random), CallOptions.key(key)).version();
            int expected = route.choose(key) == Route.CHAMPION ? trial.champion() : trial.challenger();
            assertThat(version).as("the version for %s", key).isEqualTo(expected);
            if (promises.assigned(key, trial)) {
                assertThat(version)
                        .as("%s stays with the version on trial", key)
                        .isEqualTo(trial.challenger());
            }
        }
    }

    /**
     * One version is on trial at a time, and once unless a person wants it again; each end has a reason; and a version
     * is promoted because its trial was won, or because the definition of its run wanted none.
     *
     * @param plain the hash of the definition that wants none
     */
    static void assertTold(List<AuditEvent> events, String plain, Optional<TrialFile> kept) {
        OptionalInt onTrial = OptionalInt.empty();
        boolean won = false;
        Set<Integer> tried = new HashSet<>();
        Map<String, String> definitions = new HashMap<>();
        Map<Integer, String> runs = new HashMap<>();
        List<Integer> promoted = new ArrayList<>();
        for (AuditEvent event : events) {
            Map<String, String> details = event.details();
            String why = details.getOrDefault("why", "");
            int version = Integer.parseInt(details.getOrDefault("version", "0"));
            switch (event.action()) {
                case AuditEvent.RUN_STARTED ->
                    definitions.put(
                            Objects.requireNonNull(details.get("run")),
                            Objects.requireNonNull(details.get("definition")));
                case AuditEvent.REGISTERED -> runs.put(version, why.replace("run ", ""));
                case AuditEvent.TRIAL_STARTED -> {
                    assertThat(onTrial).as("on trial before %s", event).isEmpty();
                    assertThat(tried.add(version) == event.actor().equals("ann"))
                            .as("%s: %s were tried", event, tried)
                            .isFalse();
                    onTrial = OptionalInt.of(version);
                    won = false;
                }
                case AuditEvent.TRIAL_ADVANCED, AuditEvent.TRIAL_HELD, AuditEvent.TRIAL_RESUMED ->
                    assertThat(onTrial).as("on trial before %s", event).hasValue(version);
                case AuditEvent.TRIAL_ENDED -> {
                    assertThat(onTrial).as("on trial before %s", event).hasValue(version);
                    assertThat(why).isNotEmpty();
                    boolean promote = Action.PROMOTE.name().equals(details.get("outcome"));
                    assertThat(won && promote).as("%s ends it twice", event).isFalse();
                    won = promote;
                    onTrial = promote ? onTrial : OptionalInt.empty();
                }
                case AuditEvent.PROMOTED -> {
                    boolean direct = promoted.isEmpty() || plain.equals(definitions.get(runs.get(version)));
                    assertThat(won ? onTrial.equals(OptionalInt.of(version)) : onTrial.isEmpty() && direct)
                            .as("%s has won its trial, or needed none", event)
                            .isTrue();
                    promoted.add(version);
                    onTrial = OptionalInt.empty();
                    won = false;
                }
                case AuditEvent.ROLLED_BACK ->
                    assertThat(onTrial).as("on trial before %s", event).isEmpty();
                default -> {}
            }
        }
        assertThat(kept.filter(trial -> trial.stage() != Stage.OVER).map(TrialFile::challenger))
                .as("the version on trial")
                .isEqualTo(onTrial.isPresent() ? Optional.of(onTrial.getAsInt()) : Optional.empty());
    }

    /** Enough kills must have met each moment. */
    void assertMet() {
        assertThat(kills).containsKeys(Moment.UNDER_WAY, Moment.STEP, Moment.PROMOTION, Moment.ROLLBACK);
        assertThat(wentOn).isPositive();
        assertThat(endedWithReason).isPositive();
    }

    @Override
    public String toString() {
        return "kills by what the trial was at " + kills + ", " + wentOn + " trials went on, " + endedWithReason
                + " ended since the definition had changed";
    }
}
