package dev.flywheel.pipeline.watch;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.drift.ColumnDrift;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a window of predictions showed. Immutable; one line of {@code watch.jsonl} in the pipeline's directory, which
 * {@link WatchHistory} reads.
 *
 * @param start when the window began
 * @param end when it ended; the next one begins there unless nothing was predicted for a while
 * @param version the version that served
 * @param rows the predictions that were looked at
 * @param reference what they were compared with, in words; empty where the version has no reference, so that there are
 *     no features
 * @param features the columns of the input, in their order, without those that are left out
 * @param prediction what was predicted; null where that cannot be compared
 * @param labels the outcomes of this version's predictions that came in during the window, whenever those were made
 * @param quality how good the version was on these outcomes; empty where there were too few
 * @param estimated how good it is estimated to be on the window's predictions, without outcomes; empty for regressions
 *     and where the version has no calibration
 * @param calibration whether the predicted probabilities hold on these outcomes; null for regressions and where there
 *     were too few
 * @param errorsSince since when errors are larger, as a detector on the stream of errors said during this window; null
 *     if it said nothing
 */
public record WindowResult(
        Instant start,
        Instant end,
        int version,
        long rows,
        String reference,
        List<Feature> features,
        @Nullable Feature prediction,
        long labels,
        List<Quality> quality,
        List<Quality> estimated,
        @Nullable Calibration calibration,
        @Nullable Instant errorsSince) {

    /** Copies the lists. */
    public WindowResult {
        features = List.copyOf(features);
        quality = List.copyOf(quality);
        estimated = List.copyOf(estimated);
    }

    /**
     * How one column, or what was predicted, differs from the reference. Immutable.
     *
     * @param name the column; {@code $prediction} for what was predicted
     * @param state whether it has drifted in this window
     * @param test the test of the values, or "none"
     * @param q the p-value of that test, corrected for the number of tests of the window
     * @param psi the population stability index, less what it is by chance
     * @param wasserstein Wasserstein's distance in standard deviations of the reference; 0 for categories
     * @param jensenShannon the Jensen-Shannon distance, 0 to 1
     * @param missing the share of rows without a value, 0 to 1
     * @param missingBefore the same in the reference
     * @param unseen the share of rows with categories that the reference lacks
     * @param newCategories such categories, the most frequent first, at most 5
     * @param alarm whether the drift counts: it was seen in enough windows in a row
     * @param since the beginning of the first window in a row in which it had drifted; null if it has not
     * @param sentence the verdict and its numbers
     */
    public record Feature(
            String name,
            ColumnDrift.State state,
            String test,
            double q,
            double psi,
            double wasserstein,
            double jensenShannon,
            double missing,
            double missingBefore,
            double unseen,
            List<String> newCategories,
            Alarm alarm,
            @Nullable Instant since,
            String sentence) {

        /** Copies the list. */
        public Feature {
            newCategories = List.copyOf(newCategories);
        }

        /** {@return how large the change is: the population stability index or, where that is larger, the distance} */
        public double size() {
            return Math.max(psi, wasserstein);
        }
    }

    /** Whether a drift counts. */
    public enum Alarm {
        /** There is none, or it was not seen in enough windows in a row yet. */
        NONE,
        /** It counts since this window. */
        RAISED,
        /** It counted before this window already. */
        GOES_ON
    }

    /**
     * How good the version was.
     *
     * @param metric what was measured
     * @param now what it was in this window, with its 95% interval
     * @param before what it was at the version's evaluation; NaN if that is not known
     * @param rows on how many rows it was measured
     */
    public record Quality(Metric metric, Estimate now, double before, long rows) {}

    /**
     * Whether predicted probabilities hold.
     *
     * @param error the expected calibration error, with its 95% interval
     * @param p the probability of an error at least as large by chance, if the probabilities hold
     * @param rows on how many outcomes it was measured
     */
    public record Calibration(Estimate error, double p, long rows) {}

    /** {@return whether a drift counts since this window} */
    public boolean raisesAlarm() {
        return features.stream().anyMatch(feature -> feature.alarm == Alarm.RAISED)
                || (prediction != null && prediction.alarm == Alarm.RAISED);
    }

    /** {@return the column of a name, {@code $prediction} too, if it was compared} */
    public Optional<Feature> feature(String name) {
        if (prediction != null && prediction.name.equals(name)) {
            return Optional.of(prediction);
        }
        return features.stream().filter(feature -> feature.name.equals(name)).findFirst();
    }
}
