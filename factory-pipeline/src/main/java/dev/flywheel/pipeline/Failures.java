package dev.flywheel.pipeline;

import dev.flywheel.core.audit.AuditEvent;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the host's listeners and the audit log what failed in the background. Thread-safe. What fails each second is in
 * the audit log once an hour; a run that fails is there as a run that ended.
 */
final class Failures {

    private static final Logger log = LoggerFactory.getLogger(Failures.class);
    private static final Duration AGAIN = Duration.ofHours(1);

    private final Line line;
    private final EventBus<Event> events;
    /** When a failure was last in the audit log, by what it was. */
    private final Map<String, Instant> told = new HashMap<>();

    Failures(Line line, EventBus<Event> events) {
        this.line = line;
        this.events = events;
    }

    /** @param activity what was being done */
    void tell(String activity, Throwable cause) {
        try {
            if (isNews(activity + " " + cause.getClass().getName())) {
                String why = RunExecution.expected(cause) ? String.valueOf(cause.getMessage()) : cause.toString();
                line.tell(line.event("flywheel", AuditEvent.FAILED).with("why", activity + ": " + why));
            }
        } catch (RuntimeException e) {
            // the host's clock; whatever it is, it must not take the place of what is told
            log.error("the audit log does not tell that {} failed", activity, e);
        }
        events.publish(new Event.Failed(activity, cause));
    }

    private synchronized boolean isNews(String failure) {
        Instant now = line.clock().instant();
        Instant before = told.get(failure);
        boolean news = before == null || Duration.between(before, now).abs().compareTo(AGAIN) >= 0;
        if (news) {
            told.put(failure, now);
        }
        return news;
    }
}
