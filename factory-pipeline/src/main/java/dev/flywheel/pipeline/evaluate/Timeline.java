package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.registry.AliasMove;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.drift.ColumnDrift;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What became of a pipeline over time, shown as one HTML file: its versions and champions, its quality, drift, labels,
 * runs and decisions. A part that is empty leaves its section out. Immutable; lists are put in order of time.
 *
 * @param pipeline the pipeline's name
 * @param asOf when this was told
 * @param standing what keeps the pipeline from changing its champion, as a sentence; empty if nothing does
 * @param versions the registered versions
 * @param moves every move of the champion's alias
 * @param runs the runs
 * @param windows what was watched, window by window
 * @param happenings what was decided and done, and why
 * @param labels how outcomes come in; null if that is not known
 * @param trials versions tried in traffic
 * @param absent what cannot be told, a sentence each
 */
public record Timeline(
        String pipeline,
        Instant asOf,
        String standing,
        List<Version> versions,
        List<AliasMove> moves,
        List<Episode> runs,
        List<Window> windows,
        List<Happening> happenings,
        @Nullable Labels labels,
        List<Trial> trials,
        List<String> absent) {

    /** Copies the lists and sorts them by time. */
    public Timeline {
        Objects.requireNonNull(pipeline, "pipeline");
        Objects.requireNonNull(asOf, "asOf");
        versions = sorted(versions, Comparator.comparingInt(Version::number));
        moves = sorted(moves, Comparator.comparing(AliasMove::at));
        runs = sorted(runs, Comparator.comparing(Episode::startedAt));
        windows = sorted(windows, Comparator.comparing(Window::to));
        happenings = sorted(happenings, Comparator.comparing(Happening::at));
        trials = sorted(trials, Comparator.comparing(Trial::startedAt));
        absent = List.copyOf(absent);
    }

    private static <T> List<T> sorted(List<T> list, Comparator<T> order) {
        return list.stream().sorted(order).toList();
    }

    /**
     * A registered version.
     *
     * @param number its number
     * @param card where it comes from and how good it is; null if that cannot be read
     * @param problem why the card cannot be read; empty if it can
     */
    public record Version(int number, @Nullable ModelCard card, String problem) {}

    /**
     * What was seen of a pipeline at work in a span of time.
     *
     * @param from when it began
     * @param to when it ended
     * @param version the version that served
     * @param predictions how many predictions there were
     * @param labels how many outcomes came in, of whichever predictions
     * @param features how each feature differs from what the version learned from
     * @param prediction how the predictions differ; null if they were not compared
     * @param quality how good the predictions were; null if that is not known
     * @param calibration whether predicted probabilities held; null if that is not known
     */
    public record Window(
            Instant from,
            Instant to,
            int version,
            long predictions,
            long labels,
            List<Drift> features,
            @Nullable Drift prediction,
            @Nullable Quality quality,
            @Nullable Calibration calibration) {

        /** Copies the list. */
        public Window {
            features = List.copyOf(features);
        }

        Instant middle() {
            return from.plus(Duration.between(from, to).dividedBy(2));
        }
    }

    /**
     * How far a column is from its reference.
     *
     * @param column its name
     * @param state whether that is drift
     * @param alarm whether the drift counts, such as because it was seen in several windows in a row
     * @param effect the size of the change, 0 for none; what is 0.5 or more is shown as the largest
     * @param measure what the effect is, such as "PSI"
     * @param sentence the verdict in words
     */
    public record Drift(
            String column, ColumnDrift.State state, boolean alarm, double effect, String measure, String sentence) {

        boolean drifted() {
            return state == ColumnDrift.State.DRIFTED;
        }
    }

    /**
     * How good the predictions of a window were.
     *
     * @param metric what is measured
     * @param measured by the outcomes; null while there are too few
     * @param estimated without outcomes; null where that is not possible
     * @param reference what it was when the version was evaluated; NaN if that is not known
     */
    public record Quality(
            Metric metric,
            @Nullable Estimate measured,
            @Nullable Estimate estimated,
            double reference) {}

    /**
     * Whether predicted probabilities held.
     *
     * @param error the expected calibration error on the outcomes
     * @param p the probability of an error at least as large by chance
     */
    public record Calibration(Estimate error, double p) {}

    /**
     * Something that was decided or done.
     *
     * @param at when
     * @param title what
     * @param detail why, with the evidence; may be empty
     * @param who the person or part that did it; empty if that is not known
     * @param tone whether it is good or bad
     */
    public record Happening(Instant at, String title, String detail, String who, Page.Tone tone) {}

    /**
     * How outcomes come in.
     *
     * @param asOf the time at which ages are told
     * @param median the delay of half of the outcomes
     * @param most the delay that nine of ten outcomes did not exceed
     * @param outcomes how many there are
     * @param cohorts predictions by age, the youngest first
     */
    public record Labels(Instant asOf, Duration median, Duration most, long outcomes, List<Cohort> cohorts) {

        /** Copies the list. */
        public Labels {
            cohorts = List.copyOf(cohorts);
        }
    }

    /**
     * Predictions of about the same age.
     *
     * @param from the youngest
     * @param to the age at which the next cohort begins; null for the oldest
     * @param predictions how many there are
     * @param labelled how many of them have an outcome
     */
    public record Cohort(Duration from, @Nullable Duration to, long predictions, long labelled) {}

    /**
     * A version that was tried in traffic.
     *
     * @param startedAt when it began
     * @param endedAt when it ended; null while it goes on
     * @param version the version on trial
     * @param champion the version that it was compared with
     * @param plan how it was to be proven, in words
     * @param result how it ended or how it stands, in a word or two
     * @param reason why, as a sentence
     * @param tone whether the version was proven better or worse
     * @param steps what was decided on the way; empty if that is not known
     * @param evidence the numbers behind the last decision, one for each metric
     * @param goal the goal that decides
     * @param offline the version's advantage in it before the trial, positive as better; null if nobody measured it
     * @param online the same in traffic
     */
    public record Trial(
            Instant startedAt,
            @Nullable Instant endedAt,
            int version,
            int champion,
            String plan,
            String result,
            String reason,
            Page.Tone tone,
            List<Happening> steps,
            List<Verdict> evidence,
            String goal,
            @Nullable Estimate offline,
            Estimate online) {

        /** Copies the lists and sorts the steps by time. */
        public Trial {
            steps = sorted(steps, Comparator.comparing(Happening::at));
            evidence = List.copyOf(evidence);
        }
    }

    /** {@return this timeline as one HTML file of less than about 2 MB; what is left out for that is said there} */
    public String html() {
        return TimelineReport.of(this);
    }
}
