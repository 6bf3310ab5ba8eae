package dev.flywheel.pipeline;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.energy.Energy;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Threshold;
import dev.flywheel.pipeline.evaluate.Diagnostics;
import dev.flywheel.pipeline.evaluate.Evaluation;
import dev.flywheel.pipeline.evaluate.Leakage;
import dev.flywheel.pipeline.evaluate.Profiles;
import dev.flywheel.pipeline.evaluate.RunReport;
import dev.flywheel.pipeline.evaluate.Slices;
import dev.flywheel.pipeline.explain.Importance;
import dev.flywheel.pipeline.explain.Robustness;
import dev.flywheel.pipeline.source.IngestReport;
import dev.flywheel.pipeline.train.Trainer;
import dev.flywheel.pipeline.train.TrainingListener;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a run leaves behind: filled in step by step, so that a run that fails tells how far it came. Not thread-safe.
 */
final class RunRecord {

    private static final Logger log = LoggerFactory.getLogger(RunRecord.class);
    private static final int MAX_SLICES = 24;

    private final Pipeline<?, ?, ?> pipeline;
    private final Line line;
    private final Path directory;
    private final Instant startedAt;
    private final OptionalInt champion;
    private final Map<String, String> environment = Environment.facts();

    private final Cards cards;
    private final List<RunReport.Part> parts = new ArrayList<>();
    private final List<RunReport.Candidate> candidates = new ArrayList<>();
    private final List<String> names = new ArrayList<>();
    private List<Profiles.ColumnProfile> columns = List.of();
    private RunReport.Checks checks = new RunReport.Checks(0, 0, List.of(), "");
    private List<Slices.Slice> slices = List.of();
    private List<Verdict> verdicts = List.of();
    private RunReport.@Nullable Examination examination;
    private @Nullable Threshold threshold;
    private OptionalInt winner = OptionalInt.empty();
    private RunReport.@Nullable Candidate championResult;
    private @Nullable Diagnostics winnerDiagnostics;
    private @Nullable Diagnostics championDiagnostics;
    private OptionalInt version = OptionalInt.empty();
    private Run.Outcome outcome = Run.Outcome.FAILED;
    private String reason = "it did not end";
    private String aliasMove = "";
    private Energy energy = Energy.unknown("the run did not begin");
    private @Nullable Throwable failure;

    RunRecord(Pipeline<?, ?, ?> pipeline, Line line, Path directory, String trigger) {
        this.pipeline = pipeline;
        this.line = line;
        this.directory = directory;
        this.cards = new Cards(pipeline);
        this.startedAt = line.clock().instant();
        this.champion =
                line.champion().map(version -> OptionalInt.of(version.number())).orElse(OptionalInt.empty());
        environment.put("started because", trigger);
        environment.put("seed", Long.toString(pipeline.seed()));
    }

    /** {@return the version that was champion when the run began} */
    OptionalInt champion() {
        return champion;
    }

    @Nullable
    Throwable failure() {
        return failure;
    }

    void examples(History<?> history) {
        parts.add(new RunReport.Part(
                "examples", history.dataset().rows(), history.dataset().hash()));
        cards.examples(history.dataset());
        columns = Profiles.of(history.dataset()).stream().map(cards::told).toList();
        IngestReport report = history.ingest();
        List<RunReport.Refusal> refusals = report.quarantined().entrySet().stream()
                .map(refused -> new RunReport.Refusal(refused.getKey(), refused.getValue()))
                .toList();
        Path file = report.quarantineFile();
        checks = new RunReport.Checks(
                report.rowsRead(), report.rowsAccepted(), refusals, file == null ? "" : file.toString());
        history.notes().forEach(this::note);
        environment.putAll(history.selection().facts());
    }

    void split(Dataset train, Dataset test) {
        cards.span("train", train);
        cards.test(test);
        parts.add(new RunReport.Part("train", train.rows(), train.hash()));
        parts.add(new RunReport.Part("test", test.rows(), test.hash()));
        List<String> leaks = Leakage.find(train, test, pipeline.task());
        if (!leaks.isEmpty()) {
            fact("leakage", String.join("; ", leaks));
        }
    }

    void validation(Dataset validation) {
        cards.span("validation", validation);
        parts.add(new RunReport.Part("validation", validation.rows(), validation.hash()));
        fact(
                "candidates compared on",
                String.format(
                        Locale.ROOT,
                        "%,d of the training examples, held back from all; the winner was then trained on all training"
                                + " examples, and judged on the test examples",
                        validation.rows()));
    }

    /**
     * {@return the place of a candidate that is measured on the validation rows}
     *
     * @param from what the training went on from; empty if it began anew
     */
    int compared(Trainer trainer, String from, double seconds, Evaluation evaluation) {
        return put(-1, trainer, from, seconds, Map.of(), "", evaluation.metrics());
    }

    /**
     * The candidate that is judged.
     *
     * @param number its place; -1 if it has none yet
     */
    void winner(int number, Trainer trainer, String from, double seconds, Evaluation evaluation) {
        winner = OptionalInt.of(put(number, trainer, from, seconds, evaluation.metrics(), "", validated(number)));
    }

    /** A candidate that could not be trained; the others go on. */
    void candidateFailed(int number, Trainer trainer, String from, Throwable cause) {
        put(number, trainer, from, Double.NaN, Map.of(), sentence(cause), validated(number));
        note("Candidate " + describe(trainer, from) + " could not be trained: " + sentence(cause));
    }

    private Map<Metric, Estimate> validated(int number) {
        return number < 0 ? Map.of() : candidates.get(number).validation();
    }

    private int put(
            int number,
            Trainer trainer,
            String from,
            double seconds,
            Map<Metric, Estimate> metrics,
            String problem,
            Map<Metric, Estimate> validation) {
        Map<String, String> settings = new LinkedHashMap<>(trainer.settings());
        if (!from.isEmpty()) {
            settings.put("going on from", from);
        }
        RunReport.Candidate candidate =
                new RunReport.Candidate(trainer.name(), settings, seconds, metrics, problem, validation);
        if (number >= 0) {
            candidates.set(number, candidate);
            return number;
        }
        candidates.add(candidate);
        names.add(describe(trainer, from));
        return candidates.size() - 1;
    }

    /** {@return a candidate on one line} */
    static String describe(Trainer trainer, String from) {
        return trainer.describe() + (from.isEmpty() ? "" : ", going on from " + from);
    }

    /** {@return how far a search is, on one line} */
    static String describe(TrainingListener.Tried tried) {
        return tried.best().isEmpty()
                ? "searching: trial " + tried.trial() + " of " + tried.trials() + ", all have failed so far"
                : String.format(
                        Locale.ROOT,
                        "searching: trial %d of %d, best %s so far %.4f by %s",
                        tried.trial(),
                        tried.trials(),
                        tried.metric().label(),
                        tried.bestValue(),
                        tried.best());
    }

    /** {@return how many candidates there are so far, failed ones too} */
    int candidates() {
        return candidates.size();
    }

    /** Something that the result depends on. */
    void fact(String name, String value) {
        environment.put(name, value);
    }

    /** What the run took. */
    void energy(Energy taken) {
        energy = taken;
    }

    void note(String note) {
        environment.merge("note", note, (a, b) -> a + " " + b);
    }

    void judged(Evaluation evaluation, List<Verdict> judged, Dataset test) {
        verdicts = judged;
        winnerDiagnostics = evaluation.diagnostics();
        championDiagnostics = evaluation.championDiagnostics().orElse(null);
        Threshold.Costs costs = pipeline.costs();
        threshold = costs == null ? null : evaluation.threshold(costs).orElse(null);
        if (championDiagnostics != null) {
            String name = "version " + champion.orElseThrow();
            championResult =
                    new RunReport.Candidate(name, Map.of(), Double.NaN, evaluation.championMetrics(), "", Map.of());
        }
        List<String> sliceable = Examples.inputs(test.schema()).columns().stream()
                .map(Column::name)
                .filter(cards::tells)
                .toList();
        slices = evaluation.slices(test, sliceable, MAX_SLICES);
        cards.judged(evaluation, test, sliceable);
    }

    /** What the best candidate goes by and withstands. */
    void examined(List<Importance> importances, List<Robustness> robustness) {
        examination = new RunReport.Examination(importances, robustness);
    }

    ModelCard card(Evaluation evaluation) {
        Map<String, Estimate> metrics = new LinkedHashMap<>();
        evaluation.metrics().forEach((metric, estimate) -> metrics.put(metric.name(), estimate));
        return new ModelCard(
                pipeline.name(),
                id(),
                line.clock().instant(),
                pipeline.task(),
                pipeline.hash(),
                pipeline.describe(),
                parts.stream().map(RunReport.Part::hash).toList(),
                rows("train"),
                rows("test"),
                champion,
                candidateName(),
                metrics,
                verdicts,
                environment);
    }

    void promoted(int number, String why) {
        version = OptionalInt.of(number);
        outcome = Run.Outcome.PROMOTED;
        reason = why;
        aliasMove = "champion: " + (champion.isPresent() ? champion.getAsInt() : "none") + " -> " + number;
    }

    void onTrial(int number, String why) {
        version = OptionalInt.of(number);
        outcome = Run.Outcome.ON_TRIAL;
        reason = why;
    }

    void registeredOnly(int number, String why) {
        version = OptionalInt.of(number);
        rejected(why);
    }

    void rejected(String why) {
        outcome = Run.Outcome.REJECTED;
        reason = why;
    }

    void failed(Throwable cause) {
        failure = cause;
        outcome = Run.Outcome.FAILED;
        reason = sentence(cause);
    }

    private static String sentence(Throwable cause) {
        String message = cause.getMessage();
        return message != null && RunExecution.expected(cause) ? message : cause.toString();
    }

    /** Writes the report, as JSON and as HTML; {@return what the run came to, also if that is not possible}. */
    Run finish() {
        Path html = directory.resolve("report.html");
        try {
            RunReport report = report();
            Durable.write(html, report.html().getBytes(StandardCharsets.UTF_8));
            Durable.write(directory.resolve("run.json"), report.json());
            cards.write(report, directory, version.isPresent() ? line.registry().version(version.getAsInt()) : null);
        } catch (RuntimeException | Error e) {
            log.error("the report of run {} of pipeline {} was not written", id(), pipeline.name(), e);
        }
        Map<String, Estimate> metrics = new LinkedHashMap<>();
        if (winner.isPresent()) {
            candidates.get(winner.getAsInt()).metrics().forEach((metric, value) -> metrics.put(metric.name(), value));
        }
        return new Run(
                id(), pipeline.name(), outcome, reason, version, candidateName(), metrics, verdicts, html, energy);
    }

    private String id() {
        return directory.getFileName().toString();
    }

    private RunReport report() {
        return new RunReport(
                new RunReport.Head(
                        pipeline.name(),
                        id(),
                        RunReport.Outcome.valueOf(outcome.name()),
                        reason,
                        startedAt,
                        line.clock().instant(),
                        version,
                        champion,
                        line.energy().describe(energy)),
                new RunReport.Data(parts, columns, checks),
                new RunReport.Models(
                        pipeline.task(),
                        candidates,
                        winner,
                        championResult,
                        winnerDiagnostics,
                        championDiagnostics,
                        slices,
                        pipeline.source().target().classes(),
                        examination,
                        threshold),
                verdicts,
                new RunReport.Lineage(pipeline.hash(), pipeline.describe(), champion, environment, aliasMove));
    }

    private String candidateName() {
        return winner.isPresent() ? names.get(winner.getAsInt()) : "";
    }

    private long rows(String part) {
        return parts.stream()
                .filter(p -> p.name().equals(part))
                .mapToLong(RunReport.Part::rows)
                .sum();
    }

    /** {@return why the winner is promoted} */
    String passed(Evaluation evaluation) {
        Metric metric = pipeline.mainMetric();
        Estimate estimate = Objects.requireNonNull(evaluation.metrics().get(metric));
        return String.format(
                Locale.ROOT,
                "%s passed %d of %d gates with a %s of %.4f (95%% %.4f to %.4f)",
                candidates.get(winner.orElseThrow()).name(),
                verdicts.size(),
                verdicts.size(),
                metric.label(),
                estimate.value(),
                estimate.low(),
                estimate.high());
    }

    /** {@return the verdicts as one sentence} */
    static String sentence(List<Verdict> verdicts) {
        return verdicts.stream()
                .map(verdict -> verdict.outcome() + " " + verdict.gate() + " (" + verdict.evidence() + ")")
                .collect(Collectors.joining("; "));
    }
}
