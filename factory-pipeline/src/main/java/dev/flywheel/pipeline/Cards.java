package dev.flywheel.pipeline;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.model.Artifact;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.fairness.Criterion;
import dev.flywheel.core.stat.fairness.Fairness;
import dev.flywheel.core.stat.fairness.Group;
import dev.flywheel.core.stat.fairness.Rate;
import dev.flywheel.pipeline.check.Check;
import dev.flywheel.pipeline.evaluate.DataFacts;
import dev.flywheel.pipeline.evaluate.DataFacts.Role;
import dev.flywheel.pipeline.evaluate.Evaluation;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.evaluate.Leakage;
import dev.flywheel.pipeline.evaluate.ModelFacts;
import dev.flywheel.pipeline.evaluate.Profiles;
import dev.flywheel.pipeline.evaluate.RunReport;
import dev.flywheel.pipeline.evaluate.Slices;
import dev.flywheel.pipeline.source.Source;
import dev.flywheel.pipeline.source.Target;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.LongSummaryStatistics;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the cards of a run's model and of its data from what the report holds and from what is looked at on the way.
 * Not thread-safe.
 */
final class Cards {

    private static final Logger log = LoggerFactory.getLogger(Cards.class);

    static final String MODEL = "model-card.json";
    static final String DATA = "data-card.json";

    private final Pipeline<?, ?, ?> pipeline;
    private final Map<String, Span> spans = new LinkedHashMap<>();
    private final List<ModelFacts.Groups> fairness = new ArrayList<>();
    private final List<String> hidden = new ArrayList<>();
    private Map<String, Long> unjudged = Map.of();
    private List<Profiles.TopValue> labels = List.of();
    private Set<String> taken = Set.of();
    private @Nullable Estimate advantage;
    private boolean read;
    private boolean columnsTold;

    /** The event times of a dataset. */
    private record Span(Instant from, Instant to) {}

    Cards(Pipeline<?, ?, ?> pipeline) {
        this.pipeline = pipeline;
    }

    /** {@return whether values of a column may be told} */
    boolean tells(String column) {
        return pipeline.logging().withheld(column).isEmpty();
    }

    void examples(Dataset examples) {
        Schema inputs = Examples.inputs(examples.schema());
        inputs.columns().stream()
                .map(Column::name)
                .filter(Predicate.not(this::tells))
                .forEach(hidden::add);
        span("examples", examples);
        labels = labels(examples);
        read = true;
        taken = pipeline.features().columns(inputs);
    }

    /** Looks at the event times of a part of the examples. */
    void span(String part, Dataset rows) {
        if (Examples.hasTimes(rows) && rows.rows() > 0) {
            LongSummaryStatistics times = Arrays.stream(Examples.times(rows)).summaryStatistics();
            spans.put(
                    part,
                    new Span(
                            Instant.EPOCH.plus(times.getMin(), ChronoUnit.MICROS),
                            Instant.EPOCH.plus(times.getMax(), ChronoUnit.MICROS)));
        }
    }

    /** Looks at the test rows. */
    void test(Dataset rows) {
        span("test", rows);
        columnsTold = Leakage.tellsColumns(rows, pipeline.task());
    }

    private List<Profiles.TopValue> labels(Dataset examples) {
        Target<?> target = pipeline.source().target();
        if (target.task() == Task.REGRESSION) {
            return List.of();
        }
        Map<Double, Long> counts = new TreeMap<>();
        for (double label : Examples.labels(examples)) {
            counts.merge(label, 1L, Long::sum);
        }
        return counts.entrySet().stream()
                .map(count -> new Profiles.TopValue(String.valueOf(target.decode(count.getKey())), count.getValue()))
                .toList();
    }

    void judged(Evaluation evaluation, Dataset test, List<String> sliceable) {
        unjudged = Slices.unjudged(test, sliceable);
        advantage = evaluation.advantage(pipeline.mainMetric()).orElse(null);
        if (evaluation.task() == Task.BINARY) {
            gates(Gate.Kind.FAIRNESS).stream()
                    .flatMap(gate -> gate.column().stream())
                    .distinct()
                    .filter(test.schema()::contains)
                    .forEach(column ->
                            evaluation.fairness(test, column).ifPresent(found -> fairness.add(groups(column, found))));
        }
    }

    private List<Gate> gates(Gate.Kind kind) {
        return pipeline.gates().stream().filter(gate -> gate.kind() == kind).toList();
    }

    private ModelFacts.Groups groups(String column, Fairness found) {
        List<Group> all = found.groups().stream()
                .sorted(Comparator.comparingLong((Group group) -> -group.rows()).thenComparing(Group::name))
                .limit(ModelFacts.Groups.MOST_GROUPS)
                .toList();
        List<ModelFacts.Group> groups = IntStream.range(0, all.size())
                .mapToObj(i -> group(tells(column) ? all.get(i).name() : "group " + (i + 1), all.get(i)))
                .toList();
        Map<Criterion, Estimate> differences = new EnumMap<>(Criterion.class);
        for (Criterion criterion : Criterion.values()) {
            differences.put(criterion, found.difference(criterion));
        }
        return new ModelFacts.Groups(column, groups, differences);
    }

    private static ModelFacts.Group group(String name, Group group) {
        Map<Rate, Estimate> rates = new EnumMap<>(Rate.class);
        for (Rate rate : Rate.values()) {
            rates.put(rate, group.rate(rate));
        }
        return new ModelFacts.Group(name, group.rows(), rates);
    }

    /**
     * Writes both cards and their page beside the report, and both beside the version's model if there is one. A run
     * without them is a run all the same.
     *
     * @param version what the run has registered; null if nothing
     */
    void write(RunReport report, Path directory, @Nullable ModelVersion version) {
        try {
            put(report, directory, version);
        } catch (RuntimeException e) {
            log.error(
                    "the cards of run {} of pipeline {} were not written",
                    report.head().run(),
                    pipeline.name(),
                    e);
        }
    }

    private void put(RunReport report, Path directory, @Nullable ModelVersion version) {
        DataFacts data = data(report);
        ModelFacts model = model(report, data);
        Durable.write(directory.resolve(MODEL), model.json());
        Durable.write(directory.resolve(DATA), data.json());
        Durable.write(directory.resolve(RunReport.CARD), model.page(data).getBytes(StandardCharsets.UTF_8));
        if (version != null) {
            Durable.createDirectories(version.directory().resolve(Artifact.REFERENCE));
            Durable.write(version.modelCard(), model.json());
            Durable.write(version.dataCard(), data.json());
        }
    }

    private DataFacts data(RunReport report) {
        RunReport.Checks checks = report.data().checks();
        Path quarantine = Path.of(checks.quarantine()).getFileName();
        Map<String, String> selection = new LinkedHashMap<>(report.lineage().environment());
        selection.keySet().removeIf(name -> !name.startsWith("learned"));
        return new DataFacts(
                DataFacts.FORMAT,
                told(report.head()),
                pipeline.source().describe(),
                pipeline.source().target().describe(),
                selection,
                new RunReport.Checks(
                        checks.read(),
                        checks.accepted(),
                        checks.refusals(),
                        quarantine == null ? "" : quarantine.toString()),
                pipeline.checks().stream().map(Check::describe).map(this::told).toList(),
                parts(report),
                split(report),
                report.data().columns().stream().map(this::column).toList(),
                labels,
                leakage(report),
                pipeline.logging().describe(),
                CardWords.missing(report, pipeline));
    }

    private ModelFacts model(RunReport report, DataFacts data) {
        RunReport.Lineage lineage = report.lineage();
        Optional<RunReport.Candidate> winner = CardWords.winner(report.models());
        Target<?> target = pipeline.source().target();
        List<Verdict> gates = report.verdicts().stream().map(this::told).toList();
        Map<String, String> environment = new LinkedHashMap<>(lineage.environment());
        environment.keySet().removeAll(data.selection().keySet());
        environment.remove("seed"); // told beside it
        environment.remove("leakage"); // told of the data
        environment.replaceAll((name, value) -> told(value));
        return new ModelFacts(
                ModelFacts.FORMAT,
                told(report.head()),
                new ModelFacts.Target(
                        target.describe(), target.task(), target.classes(), CardWords.decision(target.task())),
                data.columns().stream()
                        .filter(column -> column.role() == Role.INPUT)
                        .toList(),
                new ModelFacts.Maker(
                        winner.map(RunReport.Candidate::name).orElse(""),
                        winner.map(RunReport.Candidate::settings).orElse(Map.of()),
                        pipeline.seed(),
                        lineage.definitionHash(),
                        lineage.definition()
                                .lines()
                                .map(line -> line.matches("(split|check) .*") ? told(line) : line)
                                .collect(Collectors.joining("\n")),
                        environment),
                data.parts(),
                data.split(),
                told(report.models()),
                advantage,
                fairness,
                gates,
                pipeline.riskClass().name(),
                CardWords.limits(report, data, gates, unjudged),
                CardWords.missing(report, pipeline, fairness));
    }

    private List<DataFacts.Part> parts(RunReport report) {
        return report.data().parts().stream()
                .map(part -> {
                    Span span = spans.get(part.name());
                    return new DataFacts.Part(
                            part.name(),
                            part.rows(),
                            part.hash(),
                            span == null ? null : span.from,
                            span == null ? null : span.to);
                })
                .toList();
    }

    private String split(RunReport report) {
        Split chosen = pipeline.split();
        if (chosen != null) {
            return told(chosen.describe());
        }
        boolean known = report.data().columns().isEmpty();
        return known
                ? "by default"
                : "by default: "
                        + Split.byDefault(spans.containsKey("examples")).describe();
    }

    private DataFacts.Column column(Profiles.ColumnProfile profile) {
        String name = profile.name();
        Role role = switch (name) {
            case Source.LABEL -> Role.LABEL;
            case Source.TIME -> Role.TIME;
            case Source.ID -> Role.ID;
            default -> taken.contains(name) ? Role.INPUT : Role.UNUSED;
        };
        String withheld = switch (role) {
            case LABEL, TIME -> "";
            case ID -> "it stands for one event";
            case INPUT, UNUSED -> pipeline.logging().withheld(name).orElse("");
        };
        return DataFacts.Column.of(role, withheld, profile);
    }

    /** {@return a profile without values, if they may not be told} */
    Profiles.ColumnProfile told(Profiles.ColumnProfile profile) {
        return hidden.contains(profile.name()) ? profile.withoutValues() : profile;
    }

    private List<String> leakage(RunReport report) {
        if (report.data().parts().size() < 3) {
            return List.of();
        }
        List<String> notes = new ArrayList<>();
        String found = report.lineage().environment().get("leakage");
        notes.add("Looked for: test rows with the inputs of a training row"
                + (spans.containsKey("test") ? ", test rows older than a training row" : "")
                + (columnsTold ? ", a column that alone gives the label away" : "") + ".");
        notes.add(found == null ? "Found: nothing." : "Found: " + found + ".");
        notes.add("Features were fitted on training rows alone.");
        return notes;
    }

    private RunReport.Head told(RunReport.Head head) {
        return new RunReport.Head(
                head.pipeline(),
                head.run(),
                head.outcome(),
                told(head.reason()),
                head.startedAt(),
                head.endedAt(),
                head.version(),
                head.champion(),
                head.energy());
    }

    private RunReport.Models told(RunReport.Models models) {
        List<RunReport.Candidate> candidates = models.candidates().stream()
                .map(candidate -> new RunReport.Candidate(
                        candidate.name(),
                        candidate.settings(),
                        candidate.trainSeconds(),
                        candidate.metrics(),
                        told(candidate.problem()),
                        candidate.validation()))
                .toList();
        return new RunReport.Models(
                models.task(),
                candidates,
                models.winner(),
                models.champion(),
                models.winnerDiagnostics(),
                models.championDiagnostics(),
                models.slices(),
                models.classes(),
                models.examination(),
                models.threshold());
    }

    /** What a gate found in the values of a column names them. */
    private Verdict told(Verdict verdict) {
        String told = told(verdict.gate());
        return told.equals(verdict.gate()) ? verdict : new Verdict(verdict.gate(), verdict.outcome(), told);
    }

    /** {@return a text that a run has made, if it speaks of no column of which it may tell a value} */
    private String told(String text) {
        if (!read && !pipeline.logging().whole()) {
            return "Not told here, because the run ended before it was known which columns there are; see the run's"
                    + " report.";
        }
        return hidden.stream()
                .filter(name -> CardWords.speaksOf(text, name))
                .findFirst()
                .map(name -> "Not told here, because it is about column " + name + ", which is "
                        + pipeline.logging().withheld(name).orElseThrow() + "; see the run's report.")
                .orElse(text);
    }
}
