package dev.flywheel.core.audit;

import dev.flywheel.core.model.Verdict;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.LongConsumer;

/**
 * What somebody did. Immutable.
 *
 * @param actor the person or part that did it
 * @param action what was done: one of the names in this class, or another of lower-case letters, digits and dashes
 * @param subject the pipeline that it was done to, or {@link #FACTORY}
 * @param details what else there is to know, by name, sorted
 * @param evidence what the gates said
 */
public record AuditEvent(
        String actor, String action, String subject, Map<String, String> details, List<Verdict> evidence) {

    /** The subject of what concerns every pipeline; no pipeline has this name. */
    public static final String FACTORY = "*";

    /** A version was registered. */
    public static final String REGISTERED = "registered";

    /** A version's number was given away, but a crash came before its files. */
    public static final String REGISTRATION_CUT_SHORT = "registration-cut-short";

    /** An alias was pointed to a version; the alias {@code champion} puts it into production. */
    public static final String PROMOTED = "promoted";

    /** An alias was taken back to the version before. */
    public static final String ROLLED_BACK = "rolled-back";

    /** An alias was taken away. */
    public static final String ALIAS_REMOVED = "alias-removed";

    /** A version was deleted, and every alias on it with it. */
    public static final String RETIRED = "retired";

    /** A run began. */
    public static final String RUN_STARTED = "run-started";

    /** A run ended, however it did. */
    public static final String RUN_ENDED = "run-ended";

    /** A candidate was refused. */
    public static final String REJECTED = "rejected";

    /** A person was asked to approve a candidate. */
    public static final String APPROVAL_ASKED = "approval-asked";

    /** A person approved a candidate. */
    public static final String APPROVAL_GIVEN = "approval-given";

    /** A person refused a candidate. */
    public static final String APPROVAL_DENIED = "approval-denied";

    /** Nobody answered in time, or nobody used the answer in time. */
    public static final String APPROVAL_EXPIRED = "approval-expired";

    /** An approval lost its object: there is a newer candidate or another champion. */
    public static final String APPROVAL_OVERTAKEN = "approval-overtaken";

    /** A version was put into traffic beside the champion. */
    public static final String TRIAL_STARTED = "trial-started";

    /** A version on trial got a larger share of the traffic. */
    public static final String TRIAL_ADVANCED = "trial-advanced";

    /** A trial waits for a person, or for the end of a freeze. */
    public static final String TRIAL_HELD = "trial-held";

    /** A trial that was held goes on. */
    public static final String TRIAL_RESUMED = "trial-resumed";

    /** It was decided what becomes of the version on trial. */
    public static final String TRIAL_ENDED = "trial-ended";

    /** Promotions were forbidden. */
    public static final String FROZEN = "frozen";

    /** Promotions were allowed again. */
    public static final String UNFROZEN = "unfrozen";

    /** Retraining was paused. */
    public static final String PAUSED = "paused";

    /** Retraining goes on. */
    public static final String RESUMED = "resumed";

    /** Something failed in the background. */
    public static final String FAILED = "failed";

    /** The detail that names a fact which is kept elsewhere; see {@link AuditLog#append(AuditEvent, LongConsumer)}. */
    public static final String FACT = "fact";

    /** Copies the collections. */
    public AuditEvent {
        Objects.requireNonNull(actor, "actor");
        Objects.requireNonNull(subject, "subject");
        if (!Objects.requireNonNull(action, "action").matches("[a-z][a-z0-9-]*")) {
            throw new IllegalArgumentException(
                    "an action is of lower-case letters, digits and dashes, found \"" + action + "\"");
        }
        details = Collections.unmodifiableMap(new TreeMap<>(details));
        evidence = List.copyOf(evidence);
    }

    /** {@return an event without details or evidence} */
    public static AuditEvent of(String actor, String action, String subject) {
        return new AuditEvent(actor, action, subject, Map.of(), List.of());
    }

    /** {@return this event with one more detail, or another value of it} */
    public AuditEvent with(String name, String value) {
        Map<String, String> more = new TreeMap<>(details);
        more.put(Objects.requireNonNull(name, "name"), Objects.requireNonNull(value, "value"));
        return new AuditEvent(actor, action, subject, more, evidence);
    }

    /** {@return this event with what the gates said} */
    public AuditEvent with(List<Verdict> verdicts) {
        return new AuditEvent(actor, action, subject, details, verdicts);
    }
}
