package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Threshold;
import dev.flywheel.pipeline.explain.Importance;
import dev.flywheel.pipeline.explain.Robustness;
import java.time.Instant;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The whole story of a run, kept as JSON and shown as one HTML file. A run that failed leaves the parts that it did not
 * reach empty. Immutable.
 *
 * @param head which run it was and how it ended
 * @param data what it learned from
 * @param models what it trained
 * @param verdicts what the gates said of the best candidate
 * @param lineage what its result depends on
 */
public record RunReport(Head head, Data data, Models models, List<Verdict> verdicts, Lineage lineage) {

    /** The file beside the report that shows the cards of the model and of its data. */
    public static final String CARD = "card.html";

    /** Copies the list. */
    public RunReport {
        verdicts = List.copyOf(verdicts);
    }

    /** How a run ended. */
    public enum Outcome {
        /** The best candidate passed every gate and is champion now. */
        PROMOTED,
        /** The best candidate did not pass every gate; the champion stays. */
        REJECTED,
        /** The best candidate passed every gate and is proven in traffic beside the champion. */
        ON_TRIAL,
        /** The run could not produce a candidate; the champion stays. */
        FAILED,
        /** The best candidate was registered and nobody asked for its promotion. */
        TRAINED
    }

    /**
     * Which run it was and how it ended.
     *
     * @param pipeline the pipeline's name
     * @param run the run's id
     * @param outcome how it ended
     * @param reason why, as a sentence
     * @param startedAt when it started
     * @param endedAt when it ended
     * @param version the version that it registered, if it did
     * @param champion the version that was champion when it started, if there was one
     * @param energy what the run took, with how that is known and what it cost, in words; empty if nobody told
     */
    public record Head(
            String pipeline,
            String run,
            Outcome outcome,
            String reason,
            Instant startedAt,
            Instant endedAt,
            OptionalInt version,
            OptionalInt champion,
            String energy) {

        /** Takes none, as reports of older releases have it, for nothing told. */
        public Head {
            energy = Objects.requireNonNullElse(energy, "");
        }
    }

    /**
     * What the run learned from.
     *
     * @param parts the datasets, such as "train" and "test"
     * @param columns the profile of the accepted rows' columns
     * @param checks what the checks let through
     */
    public record Data(List<Part> parts, List<Profiles.ColumnProfile> columns, Checks checks) {

        /** Copies the lists. */
        public Data {
            parts = List.copyOf(parts);
            columns = List.copyOf(columns);
        }
    }

    /**
     * A dataset of the run.
     *
     * @param name what it was used for, such as "train"
     * @param rows the number of rows
     * @param hash the dataset's SHA-256
     */
    public record Part(String name, long rows, String hash) {}

    /**
     * What the checks let through.
     *
     * @param read the rows that the source gave
     * @param accepted the rows that passed every check
     * @param refusals the rows that did not, by reason; a row may count for several
     * @param quarantine the file that holds the refused rows; empty if there is none
     */
    public record Checks(long read, long accepted, List<Refusal> refusals, String quarantine) {

        /** Copies the list. */
        public Checks {
            refusals = List.copyOf(refusals);
        }
    }

    /**
     * Rows refused for one reason.
     *
     * @param reason the check, as text
     * @param rows the number of rows
     */
    public record Refusal(String reason, long rows) {}

    /**
     * What the run trained.
     *
     * @param task what the models predict
     * @param candidates the candidates, in the pipeline's order
     * @param winner the position of the best one in {@code candidates}; empty if there is none
     * @param champion the champion on the same test rows; null if there was none
     * @param winnerDiagnostics what the winner's charts show; null if there is no winner
     * @param championDiagnostics what the champion's charts show; null if there was none
     * @param slices the winner on parts of the test rows
     * @param classes the names of the classes, if the models tell several apart
     * @param examination what the winner goes by and withstands; null where it was not examined
     * @param threshold from which probability on the winner's decisions cost least; null where no costs are said
     */
    public record Models(
            Task task,
            List<Candidate> candidates,
            OptionalInt winner,
            @Nullable Candidate champion,
            @Nullable Diagnostics winnerDiagnostics,
            @Nullable Diagnostics championDiagnostics,
            List<Slices.Slice> slices,
            List<String> classes,
            @Nullable Examination examination,
            @Nullable Threshold threshold) {

        /** Copies the lists; a report of an earlier release has no classes. */
        public Models {
            candidates = List.copyOf(candidates);
            slices = List.copyOf(slices);
            classes = classes == null ? List.of() : List.copyOf(classes);
        }
    }

    /**
     * What a model goes by and withstands.
     *
     * @param importances what each column adds, the greatest first
     * @param robustness what is left of the quality when the rows are disturbed
     */
    public record Examination(List<Importance> importances, List<Robustness> robustness) {

        /** Copies the lists. */
        public Examination {
            importances = List.copyOf(importances);
            robustness = List.copyOf(robustness);
        }
    }

    /**
     * A model of the run.
     *
     * @param name the trainer, such as "mlp"
     * @param settings the trainer's settings, in order
     * @param trainSeconds how long its training took; NaN where it is not known
     * @param metrics its metrics on the test rows, the most telling first; empty if it could not be trained, or if
     *     another candidate was better on the validation rows
     * @param problem why it could not be trained; empty if it was
     * @param validation its metrics on the validation rows, by which candidates are chosen; empty if there was no
     *     choice
     */
    public record Candidate(
            String name,
            Map<String, String> settings,
            double trainSeconds,
            Map<Metric, Estimate> metrics,
            String problem,
            Map<Metric, Estimate> validation) {

        /** Copies the maps. */
        public Candidate {
            settings = Collections.unmodifiableMap(new LinkedHashMap<>(settings));
            metrics = sorted(metrics);
            validation = sorted(validation);
        }

        /** A report of an earlier release has no validation. */
        private static Map<Metric, Estimate> sorted(@Nullable Map<Metric, Estimate> metrics) {
            Map<Metric, Estimate> sorted = new EnumMap<>(Metric.class);
            sorted.putAll(metrics == null ? Map.of() : metrics);
            return Collections.unmodifiableMap(sorted);
        }
    }

    /**
     * What the result depends on.
     *
     * @param definitionHash the SHA-256 of the pipeline's printed definition
     * @param definition the pipeline's printed definition
     * @param parent the version that the new one replaces or was compared with, if there was one
     * @param environment library, Java and operating system versions, seed, provider and the like, in order
     * @param aliasMove what happened to the alias, such as "champion: 3 -> 4"; empty if nothing did
     */
    public record Lineage(
            String definitionHash,
            String definition,
            OptionalInt parent,
            Map<String, String> environment,
            String aliasMove) {

        /** Copies the map. */
        public Lineage {
            environment = Collections.unmodifiableMap(new LinkedHashMap<>(environment));
        }
    }

    /** {@return this report as JSON in UTF-8} */
    public byte[] json() {
        return Json.write(this);
    }

    /**
     * {@return the report that the JSON holds}
     *
     * @param json what {@link #json} made, by this or a newer release
     * @param source what is read, for the message: a file
     * @throws dev.flywheel.core.StoreException if the JSON is damaged or no report
     */
    public static RunReport read(byte[] json, String source) {
        return Json.readKnown(json, RunReport.class, source);
    }

    /**
     * {@return this report as one HTML file} It needs no network and no script, follows the reader's light or dark
     * setting, and can be printed.
     */
    public String html() {
        return HtmlReport.of(this);
    }
}
