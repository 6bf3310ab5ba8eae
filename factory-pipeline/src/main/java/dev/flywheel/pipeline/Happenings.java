package dev.flywheel.pipeline;

import dev.flywheel.core.audit.AuditEntry;
import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.registry.AliasMove;
import dev.flywheel.pipeline.evaluate.Episode;
import dev.flywheel.pipeline.evaluate.Page.Tone;
import dev.flywheel.pipeline.evaluate.RunReport;
import dev.flywheel.pipeline.evaluate.Timeline.Happening;
import dev.flywheel.pipeline.watch.WindowResult;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** What was decided and done, in sentences, from wherever it is told. Not thread-safe. */
final class Happenings {

    private static final DateTimeFormatter MINUTE =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT).withZone(ZoneOffset.UTC);

    private final List<Happening> all = new ArrayList<>();

    /** {@return what was told so far, in no order} */
    List<Happening> all() {
        return all;
    }

    private void add(Instant at, String title, String detail, String who, Tone tone) {
        all.add(new Happening(at, title, detail, who, tone));
    }

    void audit(List<AuditEntry> entries) {
        entries.stream().filter(entry -> !repeats(entry.event())).forEach(this::audit);
    }

    /** The end of a run repeats what the refusal or the promotion before it says. */
    private static boolean repeats(AuditEvent event) {
        return switch (event.action()) {
            case AuditEvent.REGISTERED -> true;
            case AuditEvent.RUN_ENDED ->
                !Run.Outcome.FAILED.name().equals(event.details().get("outcome"));
            default -> false;
        };
    }

    private void audit(AuditEntry entry) {
        AuditEvent event = entry.event();
        Map<String, String> details = event.details();
        String version = details.containsKey("version") ? "version " + details.get("version") : "a version";
        String alias = details.getOrDefault("alias", Factory.CHAMPION);
        String role = alias.equals(Factory.CHAMPION) ? "" : " as \"" + alias + "\"";
        String title = switch (event.action()) {
            case AuditEvent.PROMOTED -> "Promoted " + version + role;
            case AuditEvent.ROLLED_BACK -> "Rolled back to " + version + role;
            case AuditEvent.ALIAS_REMOVED -> "Took " + version + " out of production" + role;
            case AuditEvent.RETIRED -> "Deleted " + version;
            case AuditEvent.RUN_STARTED -> "A run started";
            case AuditEvent.RUN_ENDED -> "A run failed";
            case AuditEvent.REJECTED -> "Refused a candidate";
            case AuditEvent.APPROVAL_ASKED -> "Asked for approval of " + version;
            case AuditEvent.APPROVAL_GIVEN -> "Approved " + version;
            case AuditEvent.APPROVAL_DENIED -> "Denied approval of " + version;
            case AuditEvent.APPROVAL_EXPIRED -> "The approval of " + version + " expired";
            case AuditEvent.APPROVAL_OVERTAKEN -> "The approval of " + version + " was overtaken";
            case AuditEvent.FROZEN -> "Promotions were frozen";
            case AuditEvent.UNFROZEN -> "Promotions are allowed again";
            case AuditEvent.PAUSED -> "Retraining was paused";
            case AuditEvent.RESUMED -> "Retraining goes on";
            case AuditEvent.TRIAL_STARTED -> "Put " + version + " into traffic beside the champion";
            case AuditEvent.TRIAL_ADVANCED -> "Gave " + version + " more of the traffic";
            case AuditEvent.TRIAL_HELD -> "Held the trial of " + version;
            case AuditEvent.TRIAL_RESUMED -> "The trial of " + version + " goes on";
            case AuditEvent.TRIAL_ENDED -> "The trial of " + version + " ended";
            case AuditEvent.FAILED -> "Something failed";
            default -> words(event.action()) + (details.containsKey("version") ? ", " + version : "");
        };
        add(at(entry), title, why(event), event.actor(), tone(event.action()));
    }

    /** {@return when it happened: an entry that was added later tells} */
    private static Instant at(AuditEntry entry) {
        String at = entry.event().details().get("at");
        try {
            return at == null ? entry.at() : Instant.parse(at);
        } catch (DateTimeParseException e) {
            return entry.at();
        }
    }

    private static String words(String action) {
        String words = action.replace('-', ' ');
        return Character.toUpperCase(words.charAt(0)) + words.substring(1);
    }

    private static String why(AuditEvent event) {
        String why = event.details().getOrDefault("why", "");
        if (!why.isEmpty() || event.evidence().isEmpty()) {
            return why;
        }
        return sentence(event.evidence());
    }

    private static String sentence(List<Verdict> verdicts) {
        return verdicts.stream()
                .map(verdict -> verdict.outcome() + " " + verdict.gate() + " (" + verdict.evidence() + ")")
                .collect(Collectors.joining("; "));
    }

    private static Tone tone(String action) {
        return switch (action) {
            case AuditEvent.PROMOTED, AuditEvent.APPROVAL_GIVEN, AuditEvent.RESUMED, AuditEvent.UNFROZEN -> Tone.GOOD;
            case AuditEvent.ROLLED_BACK, AuditEvent.RUN_ENDED, AuditEvent.FAILED, AuditEvent.APPROVAL_DENIED ->
                Tone.BAD;
            case AuditEvent.REJECTED,
                    AuditEvent.FROZEN,
                    AuditEvent.PAUSED,
                    AuditEvent.TRIAL_HELD,
                    AuditEvent.APPROVAL_EXPIRED,
                    AuditEvent.APPROVAL_OVERTAKEN,
                    AuditEvent.ALIAS_REMOVED -> Tone.OPEN;
            default -> Tone.NEUTRAL;
        };
    }

    /** What a home without an audit log tells. */
    void moves(List<AliasMove> moves) {
        for (AliasMove move : moves) {
            String to = move.to().isPresent() ? "version " + move.to().getAsInt() : "none";
            boolean back = move.kind() == AliasMove.Kind.ROLLED_BACK;
            String title = switch (move.kind()) {
                case MOVED -> "Promoted " + to;
                case ROLLED_BACK -> "Rolled back to " + to;
                case REMOVED, DELETED -> "Took the champion out of production";
            };
            Tone tone = back ? Tone.BAD : move.kind() == AliasMove.Kind.MOVED ? Tone.GOOD : Tone.OPEN;
            add(move.at(), title, move.why(), move.who(), tone);
        }
    }

    /** What a home without an audit log tells. */
    void runs(List<Episode> runs) {
        for (Episode run : runs) {
            add(run.startedAt(), "A run started", run.facts().getOrDefault("started because", ""), "", Tone.NEUTRAL);
            if (run.outcome() == RunReport.Outcome.REJECTED) {
                add(run.endedAt(), "Refused a candidate", run.reason(), "", Tone.OPEN);
            } else if (run.outcome() == RunReport.Outcome.FAILED) {
                add(run.endedAt(), "A run failed", run.reason(), "", Tone.BAD);
            }
        }
    }

    /** Decisions to make a run are left out: the run that started tells the same. */
    void decisions(List<Decision> decisions) {
        for (Decision decision : decisions) {
            switch (decision.outcome()) {
                case WAIT -> add(decision.at(), "No reason to retrain", decision.sentence(), "", Tone.NEUTRAL);
                case HOLD -> add(decision.at(), "Held a run back", decision.sentence(), "", Tone.OPEN);
                case PAUSE -> add(decision.at(), "No run while paused", decision.sentence(), "", Tone.OPEN);
                case RETRAIN -> {}
            }
        }
    }

    void watch(List<WindowResult> windows) {
        for (WindowResult window : windows) {
            List<WindowResult.Feature> columns = new ArrayList<>(window.features());
            if (window.prediction() != null) {
                columns.add(window.prediction());
            }
            for (WindowResult.Feature column : columns) {
                if (column.alarm() == WindowResult.Alarm.RAISED) {
                    String name = column.equals(window.prediction()) ? "the predictions" : column.name();
                    add(window.end(), "Drift of " + name, column.sentence(), "", Tone.OPEN);
                }
            }
            Instant since = window.errorsSince();
            if (since != null) {
                String detail = "version " + window.version() + ", since " + MINUTE.format(since)
                        + ", as a detector on the stream of errors says";
                add(window.end(), "Errors are larger", detail, "", Tone.BAD);
            }
        }
    }
}
