package dev.flywheel.pipeline;

import dev.flywheel.core.model.Verdict;
import dev.flywheel.pipeline.flywheel.LabelReport;
import dev.flywheel.pipeline.watch.Shift;
import java.util.List;
import java.util.OptionalInt;

/**
 * What happens to a deployment. Listeners are called in order, one at a time for each deployment, on the host's
 * executor ({@link Factory.Options#listeners}) or on threads of the factory. One that throws harms nothing. One that
 * blocks holds up the others for a few seconds, then itself alone; of what waits for it, the last 1,024 events are
 * kept, and news of accepted feedback is dropped first.
 */
public sealed interface Event {

    /**
     * A run ended, however it did.
     *
     * @param run what it came to
     * @param trigger why it was started
     */
    record RunFinished(Run run, String trigger) implements Event {}

    /**
     * A new version serves.
     *
     * @param version the version
     * @param previous the version that served before, if there was one
     * @param reason why
     */
    record Promoted(int version, OptionalInt previous, String reason) implements Event {}

    /**
     * A candidate was refused and the old version goes on serving.
     *
     * @param run what the run came to
     * @param reasons the gates that did not pass, with their evidence; what was found in traffic if it was on trial;
     *     none if it passed all, but could not serve because of a rollback or another trial meanwhile
     */
    record Rejected(Run run, List<Verdict> reasons) implements Event {}

    /**
     * A version was put into traffic beside the champion, or what becomes of it was decided. Each decision is told of
     * once.
     *
     * @param trial where the trial stands now
     */
    record TrialChanged(TrialReport trial) implements Event {}

    /**
     * Outcomes were accepted and are on disk.
     *
     * @param count how many in this call
     * @param total how many since the last run
     */
    record FeedbackAccepted(int count, long total) implements Event {}

    /**
     * It was decided to retrain or not to, otherwise or for other reasons than before.
     *
     * @param decision what was decided, and why
     */
    record Decided(Decision decision) implements Event {}

    /**
     * Outcomes have become rare. Told once, and again only if they have come as before in between.
     *
     * @param fall how rare
     */
    record LabelsFell(LabelReport.Fall fall) implements Event {}

    /**
     * An input, what is predicted, or the errors are no longer as they were when the version learned. Told when the
     * change begins to count, not with every window in which it goes on.
     *
     * @param version the version that serves
     * @param shift what has changed, how much and since when
     */
    record Drifted(int version, Shift shift) implements Event {}

    /**
     * Something failed in the background; serving goes on.
     *
     * @param activity what was being done
     * @param cause why it failed
     */
    record Failed(String activity, Throwable cause) implements Event {}
}
