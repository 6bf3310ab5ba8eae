package dev.flywheel.core.registry;

import dev.flywheel.core.model.Verdict;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * One change of an alias. Immutable.
 *
 * @param at when; never before the move that precedes it
 * @param alias the alias
 * @param kind what was done
 * @param from the version that it named before; empty if none
 * @param to the version that it names since; empty if none
 * @param who the person or part that did it
 * @param why the reason
 * @param evidence what the gates said
 */
public record AliasMove(
        Instant at,
        String alias,
        Kind kind,
        OptionalInt from,
        OptionalInt to,
        String who,
        String why,
        List<Verdict> evidence) {

    /** What was done to an alias. */
    public enum Kind {
        /** It was pointed to a version. */
        MOVED,
        /** It was taken back to the version before. */
        ROLLED_BACK,
        /** It was taken away. */
        REMOVED,
        /** The version that it named was deleted, and it with it. */
        DELETED
    }

    /** Copies the evidence. */
    public AliasMove {
        Objects.requireNonNull(at, "at");
        Objects.requireNonNull(alias, "alias");
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(who, "who");
        Objects.requireNonNull(why, "why");
        evidence = List.copyOf(evidence);
    }
}
