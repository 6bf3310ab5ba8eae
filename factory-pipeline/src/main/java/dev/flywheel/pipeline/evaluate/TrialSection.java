package dev.flywheel.pipeline.evaluate;

import java.time.Instant;
import java.util.List;

/** The part of a pipeline's report about versions that were tried in traffic. */
final class TrialSection {

    private final List<Timeline.Trial> trials;
    private final Page page;

    TrialSection(List<Timeline.Trial> trials, Page page) {
        this.trials = trials;
        this.page = page;
    }

    void write() {
        if (trials.isEmpty()) {
            return;
        }
        page.section("Tried in traffic");
        List<Timeline.Trial> shown = TimelineReport.newestFirst(trials, TimelineReport.MOST_ROWS);
        page.events(shown.stream().map(TrialSection::event).toList());
        TimelineReport.newest(page, shown.size(), trials.size(), "trials");
    }

    private static Page.Event event(Timeline.Trial trial) {
        Instant ended = trial.endedAt();
        String rival = trial.champion().isPresent()
                ? " beside version " + trial.champion().getAsInt()
                : "";
        String until = ended == null ? "goes on" : "ended " + TimelineReport.time(ended);
        return new Page.Event(
                TimelineReport.time(trial.startedAt()),
                "Version " + trial.version() + rival + ", " + TimelineReport.clip(trial.kind()) + ": "
                        + TimelineReport.clip(trial.result()),
                until + (trial.detail().isEmpty() ? "" : ": " + TimelineReport.clip(trial.detail())),
                trial.tone());
    }
}
