package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.StoreException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * Predictions that were to be acknowledged and were not logged: the newest. Thread-safe but for what says otherwise.
 */
final class Losses {

    private static final int MOST = 100_000;

    private final Path directory;
    private final Set<UUID> lost = Collections.synchronizedSet(Collections.newSetFromMap(new Newest()));
    // of the writing thread alone
    private final List<UUID> pending = new ArrayList<>();

    private static final class Newest extends LinkedHashMap<UUID, Boolean> {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<UUID, Boolean> eldest) {
            return size() > MOST;
        }
    }

    Losses(Path directory) {
        this.directory = directory;
    }

    void add(UUID id) {
        lost.add(id);
    }

    /** Notes a prediction that was appended and is not yet on the disk. For the writing thread. */
    void pending(UUID id) {
        pending.add(id);
    }

    /** So many that were appended, the oldest, are on the disk. For the writing thread. */
    void kept(int oldest) {
        pending.subList(0, oldest).clear();
    }

    /** What was appended may be lost. For the writing thread. */
    void allLost() {
        lost.addAll(pending);
        pending.clear();
    }

    void requireKept(UUID id) {
        if (lost.remove(id)) {
            throw new StoreException(
                    "logging prediction " + id + " to " + directory,
                    "it could not be written, so it was not acknowledged",
                    "predict again once the disk takes writes; the log says why it failed");
        }
    }
}
