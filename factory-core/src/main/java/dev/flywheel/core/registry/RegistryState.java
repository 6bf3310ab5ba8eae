package dev.flywheel.core.registry;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a registry's log says, up to some record. Immutable, so that readers need no lock. */
final class RegistryState {

    static final RegistryState EMPTY = new RegistryState(0, Instant.MIN, Set.of(), Map.of());

    private final int lastNumber;
    private final Instant lastChange;
    private final Set<Integer> deleted;
    private final Map<String, Alias> aliases;

    private RegistryState(int lastNumber, Instant lastChange, Set<Integer> deleted, Map<String, Alias> aliases) {
        this.lastNumber = lastNumber;
        this.lastChange = lastChange;
        this.deleted = deleted;
        this.aliases = aliases;
    }

    /**
     * One alias.
     *
     * @param current the version it names, 0 for none
     * @param undo the versions that it named and was not taken back from, newest first; without deleted ones, and no
     *     version beside itself
     * @param last its last move
     */
    private record Alias(
            int current, @Nullable Undo undo, @Nullable Step last) {}

    private record Undo(int version, @Nullable Undo below) {}

    private record Step(AliasMove move, @Nullable Step before) {}

    /** {@return the highest number that was ever given away} */
    int lastNumber() {
        return lastNumber;
    }

    /** {@return when the last change was; a clock that is set back must not bring disorder} */
    Instant lastChange() {
        return lastChange;
    }

    Set<Integer> deleted() {
        return deleted;
    }

    /** {@return the version that an alias names, 0 for none} */
    int current(String alias) {
        Alias found = aliases.get(alias);
        return found == null ? 0 : found.current;
    }

    /** {@return the aliases that name a version, with its number} */
    Map<String, Integer> current() {
        Map<String, Integer> numbers = new TreeMap<>();
        aliases.forEach((name, alias) -> {
            if (alias.current != 0) {
                numbers.put(name, alias.current);
            }
        });
        return Collections.unmodifiableMap(numbers);
    }

    /** {@return the version that a rollback would lead to, 0 for none} */
    int before(String alias) {
        List<Integer> path = path(alias);
        return path.isEmpty() ? 0 : path.get(0);
    }

    /** {@return the versions that one rollback after the other would lead to} */
    List<Integer> path(String alias) {
        Alias found = aliases.get(alias);
        List<Integer> path = new ArrayList<>();
        for (Undo undo = found == null ? null : below(found); undo != null; undo = undo.below) {
            path.add(undo.version);
        }
        return path;
    }

    List<AliasMove> history(String alias) {
        Alias found = aliases.get(alias);
        List<AliasMove> moves = new ArrayList<>();
        for (Step step = found == null ? null : found.last; step != null; step = step.before) {
            moves.add(step.move);
        }
        Collections.reverse(moves);
        return Collections.unmodifiableList(moves);
    }

    /** {@return the last move of an alias that was not after an instant} */
    @Nullable
    AliasMove lastMove(String alias, Instant at) {
        Alias found = aliases.get(alias);
        for (Step step = found == null ? null : found.last; step != null; step = step.before) {
            if (!step.move.at().isAfter(at)) {
                return step.move;
            }
        }
        return null;
    }

    RegistryState apply(Entry entry) {
        Map<String, Alias> changed = new TreeMap<>(aliases);
        Set<Integer> gone = deleted;
        switch (entry.kind()) {
            case NUMBERED, AUDITED -> {}
            case MOVED, ROLLED_BACK, REMOVED -> {
                Alias old = aliases.getOrDefault(entry.alias(), new Alias(0, null, null));
                changed.put(entry.alias(), move(entry.alias(), old, entry));
            }
            case DELETED -> {
                gone = new HashSet<>(deleted);
                gone.add(entry.version());
                changed.replaceAll((name, old) -> delete(name, old, entry));
            }
        }
        return new RegistryState(Math.max(lastNumber, entry.version()), entry.at(), gone, changed);
    }

    private static Alias move(String name, Alias old, Entry entry) {
        return switch (entry.kind()) {
            case MOVED -> {
                boolean again = old.undo != null && old.undo.version == entry.version();
                Undo undo = again ? old.undo : new Undo(entry.version(), old.undo);
                yield new Alias(entry.version(), undo, step(name, old, entry, AliasMove.Kind.MOVED, entry.version()));
            }
            case ROLLED_BACK ->
                new Alias(
                        entry.version(),
                        below(old),
                        step(name, old, entry, AliasMove.Kind.ROLLED_BACK, entry.version()));
            case REMOVED -> new Alias(0, old.undo, step(name, old, entry, AliasMove.Kind.REMOVED, 0));
            case NUMBERED, DELETED, AUDITED -> old;
        };
    }

    private static Alias delete(String name, Alias old, Entry entry) {
        Deque<Integer> kept = new ArrayDeque<>();
        for (Undo undo = old.undo; undo != null; undo = undo.below) {
            Integer last = kept.peekFirst();
            if (undo.version != entry.version() && (last == null || last != undo.version)) {
                kept.addFirst(undo.version);
            }
        }
        Undo undo = null;
        for (int version : kept) {
            undo = new Undo(version, undo);
        }
        return old.current == entry.version()
                ? new Alias(0, undo, step(name, old, entry, AliasMove.Kind.DELETED, 0))
                : new Alias(old.current, undo, old.last);
    }

    private static @Nullable Undo below(Alias alias) {
        Undo undo = alias.undo;
        return undo != null && undo.version == alias.current ? undo.below : undo;
    }

    private static Step step(String name, Alias old, Entry entry, AliasMove.Kind kind, int to) {
        AliasMove move = new AliasMove(
                entry.at(), name, kind, number(old.current), number(to), entry.who(), entry.why(), entry.evidence());
        return new Step(move, old.last);
    }

    private static OptionalInt number(int version) {
        return version == 0 ? OptionalInt.empty() : OptionalInt.of(version);
    }
}
