package dev.flywheel.core.registry;

import java.nio.file.Path;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * The places in a pipeline's directory. Immutable; names places and creates none.
 *
 * <pre>
 * pipelines/NAME/
 *   definition.json     the last definition that ran, and its hash
 *   history.json        which dataset the source gave last
 *   runs/RUN/           run.json, report.html, card.html, model-card.json, data-card.json, quarantine.jsonl,
 *                       search-N.jsonl
 *   searches/           searches for settings that go on, also beyond a crash; absent if there are none
 *   versions/N/         manifest.json, card.json, model.onnx ...
 *   staging/            artifacts on their way to a version; emptied when the registry is opened
 *   aliases/            every alias move: when, from, to, who, why, evidence
 *   approvals/          candidates that wait for a person, and what came of it
 *   triggers.json       what the rules of retraining have counted and decided
 *   paused              why a rollback has paused retraining; absent if none has
 *   predictions/        what was predicted
 *   feedback/           what came of it
 * </pre>
 *
 * @param path the absolute path of the pipeline's directory
 */
public record PipelineDirectory(Path path) {

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,99}");

    /** Makes the path absolute. */
    public PipelineDirectory {
        path = path.toAbsolutePath().normalize();
    }

    /**
     * {@return the places of a pipeline in a home directory, for reading}
     *
     * @param home a factory's home directory
     * @param name at most 100 letters, digits, dots, dashes and underscores, beginning with a letter or digit
     * @throws IllegalArgumentException if the name is another
     */
    public static PipelineDirectory in(Path home, String name) {
        checkName("a pipeline", name);
        return new PipelineDirectory(home.resolve("pipelines").resolve(name));
    }

    /** {@return the pipeline's name} */
    public String name() {
        return String.valueOf(path.getFileName());
    }

    /** {@return the file that holds the last definition and its hash} */
    public Path definition() {
        return path.resolve("definition.json");
    }

    /** {@return the directory of one run} */
    public Path run(String id) {
        checkName("a run", id);
        return path.resolve("runs").resolve(id);
    }

    /** {@return the directory of all runs} */
    public Path runs() {
        return path.resolve("runs");
    }

    /** {@return the directory of the registered versions} */
    public Path versions() {
        return path.resolve("versions");
    }

    /** {@return the log of alias moves} */
    public Path aliases() {
        return path.resolve("aliases");
    }

    /** {@return the directory of candidates that wait, or have waited, for a person} */
    public Path approvals() {
        return path.resolve("approvals");
    }

    /** {@return the log of predictions} */
    public Path predictions() {
        return path.resolve("predictions");
    }

    /** {@return the log of feedback} */
    public Path feedback() {
        return path.resolve("feedback");
    }

    Path staging() {
        return path.resolve("staging");
    }

    static void checkName(String what, String name) {
        if (!NAME.matcher(Objects.requireNonNull(name, "name")).matches()) {
            throw new IllegalArgumentException("the name of " + what
                    + " has 1 to 100 letters, digits, dots, dashes and underscores and begins with a letter or digit,"
                    + " found \"" + name + "\"");
        }
    }
}
