package dev.flywheel.pipeline.watch;

import dev.flywheel.core.stat.drift.ColumnDrift;
import dev.flywheel.core.stat.drift.ColumnDrift.State;
import dev.flywheel.core.stat.drift.Comparison;
import dev.flywheel.core.stat.drift.DriftLimits;
import dev.flywheel.pipeline.watch.WindowResult.Alarm;
import dev.flywheel.pipeline.watch.WindowResult.Feature;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Which drifts count: those that go beyond the usual, in enough windows in a row. Not thread-safe. */
final class Alarms {

    private final Watch watch;
    private final Map<String, Streak> streaks = new HashMap<>();

    /**
     * Windows in a row in which a column has drifted.
     *
     * @param since when the first of them began
     */
    record Streak(int windows, Instant since) {}

    Alarms(Watch watch) {
        this.watch = watch;
    }

    Map<String, Streak> saved() {
        return Map.copyOf(streaks);
    }

    void restore(Map<String, Streak> saved) {
        streaks.putAll(saved);
    }

    void clear() {
        streaks.clear();
    }

    /** {@return the columns that are not left out, with what counts of them from now on} */
    List<Feature> judge(Comparison comparison, Reference reference, Instant start) {
        List<Feature> features = new ArrayList<>();
        for (ColumnDrift drift : comparison.columns()) {
            if (!watch.leavesOut(drift.column())) {
                features.add(judge(drift, reference.usual(drift.column()), start));
            }
        }
        return features;
    }

    private Feature judge(ColumnDrift drift, @Nullable Usual usual, Instant start) {
        boolean within = drift.state() == State.DRIFTED && usual != null && within(drift, usual);
        State state = within ? State.STABLE : drift.state();
        Alarm alarm = Alarm.NONE;
        Instant since = null;
        if (state == State.DRIFTED) {
            Streak before = streaks.get(drift.column());
            Streak streak = before == null ? new Streak(1, start) : new Streak(before.windows + 1, before.since);
            streaks.put(drift.column(), streak);
            since = streak.since;
            alarm = streak.windows < watch.confirmations
                    ? Alarm.NONE
                    : streak.windows == watch.confirmations ? Alarm.RAISED : Alarm.GOES_ON;
        } else if (state == State.STABLE) {
            streaks.remove(drift.column());
        }
        String sentence = within && usual != null ? withinSentence(drift, usual) : drift.sentence();
        return new Feature(
                drift.column(),
                state,
                drift.values().test().test(),
                drift.values().q(),
                drift.values().psi(),
                drift.values().wasserstein(),
                drift.values().jensenShannon(),
                drift.missing().window(),
                drift.missing().reference(),
                drift.unseen().window(),
                drift.newCategories(),
                alarm,
                since,
                sentence);
    }

    /** Whether nothing but the values moved, and these no further than the training rows themselves. */
    private boolean within(ColumnDrift drift, Usual usual) {
        DriftLimits limits = watch.limits;
        double rate = limits.falseDiscoveryRate();
        boolean gone = drift.missing().q() < rate && Math.abs(drift.missing().effect()) >= limits.shareChange();
        boolean novel = drift.unseen().q() < rate && drift.unseen().effect() >= limits.shareChange();
        ColumnDrift.Values values = drift.values();
        boolean far = values.psi() >= Math.max(limits.psi(), usual.psi())
                || values.wasserstein() >= Math.max(limits.wasserstein(), usual.wasserstein());
        return !gone && !novel && !far;
    }

    private static String withinSentence(ColumnDrift drift, Usual usual) {
        return String.format(
                Locale.ROOT,
                "%s: no drift, PSI %.2f and a move by %.2f standard deviations are usual from one window of the"
                        + " training rows to the next (up to %.2f and %.2f)",
                drift.column(),
                drift.values().psi(),
                drift.values().wasserstein(),
                usual.psi(),
                usual.wasserstein());
    }
}
