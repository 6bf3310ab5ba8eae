package dev.flywheel.pipeline;

import dev.flywheel.core.FactoryException;
import dev.flywheel.core.audit.AuditEntry;
import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.io.Json;
import dev.flywheel.pipeline.TrialReport.Status;
import dev.flywheel.pipeline.evaluate.Page.Tone;
import dev.flywheel.pipeline.evaluate.Timeline;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Tells of the versions that were tried in traffic, from what is kept of each: beside its run, and of the last one as
 * it stands. Not thread-safe.
 */
final class TrialStories {

    private static final Map<String, String> STEPS = Map.of(
            AuditEvent.TRIAL_STARTED, "started",
            AuditEvent.TRIAL_ADVANCED, "advanced",
            AuditEvent.TRIAL_HELD, "held",
            AuditEvent.TRIAL_RESUMED, "resumed",
            AuditEvent.TRIAL_ENDED, "ended");

    private final Map<String, TrialReport> trials = new LinkedHashMap<>();
    private final Map<String, List<Timeline.Happening>> steps = new LinkedHashMap<>();
    private int unread;

    /** Reads what is kept of a pipeline's trials. */
    TrialStories(Line line, List<Path> runs, List<AuditEntry> entries) {
        runs.forEach(this::read);
        try {
            TrialFile.read(line).map(TrialFile::report).ifPresent(this::add);
        } catch (FactoryException | NullPointerException e) {
            unread++;
        }
        entries.forEach(this::step);
    }

    private void read(Path run) {
        Path file = run.resolve("trial.json");
        if (Files.exists(file)) {
            try {
                add(Json.readKnown(Line.read(file), TrialReport.class, file.toString()));
            } catch (FactoryException | NullPointerException e) {
                unread++;
            }
        }
    }

    private void add(TrialReport trial) {
        trials.put(TrialFile.fact(trial.challenger(), trial.startedAt()), trial);
    }

    private void step(AuditEntry entry) {
        AuditEvent event = entry.event();
        String step = STEPS.get(event.action());
        String fact = event.details().getOrDefault(AuditEvent.FACT, "");
        if (step != null && fact.contains("/")) {
            steps.computeIfAbsent(fact.substring(0, fact.lastIndexOf('/') + 1), trial -> new ArrayList<>())
                    .add(new Timeline.Happening(
                            entry.at(), step, event.details().getOrDefault("why", ""), event.actor(), Tone.NEUTRAL));
        }
    }

    /** {@return how many trials left nothing that can be read} */
    int unread() {
        return unread;
    }

    List<Timeline.Trial> all() {
        return trials.entrySet().stream()
                .map(entry -> story(entry.getValue(), steps.getOrDefault(entry.getKey(), List.of())))
                .toList();
    }

    private static Timeline.Trial story(TrialReport trial, List<Timeline.Happening> steps) {
        Status status = trial.status();
        Tone tone = switch (status) {
            case PROMOTED -> Tone.GOOD;
            case ROLLED_BACK -> Tone.BAD;
            case RUNNING, HELD, INCONCLUSIVE -> Tone.OPEN;
        };
        return new Timeline.Trial(
                trial.startedAt(),
                status.ended() ? trial.at() : null,
                trial.challenger(),
                trial.champion(),
                trial.plan(),
                status.name().toLowerCase(Locale.ROOT).replace('_', ' '),
                trial.reason(),
                tone,
                steps,
                trial.evidence(),
                trial.gain().goal(),
                trial.gain().offline(),
                trial.gain().online());
    }
}
