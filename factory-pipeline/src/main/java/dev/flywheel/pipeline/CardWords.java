package dev.flywheel.pipeline;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.evaluate.DataFacts;
import dev.flywheel.pipeline.evaluate.DataFacts.Gap;
import dev.flywheel.pipeline.evaluate.DataFacts.Role;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.evaluate.ModelFacts;
import dev.flywheel.pipeline.evaluate.RunReport;
import dev.flywheel.pipeline.evaluate.Slices;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What follows from a run's facts, and what is not among them, in words. */
final class CardWords {

    private CardWords() {}

    static Optional<RunReport.Candidate> winner(RunReport.Models models) {
        return models.winner().stream().mapToObj(models.candidates()::get).findFirst();
    }

    static String decision(Task task) {
        return switch (task) {
            case BINARY ->
                "Metrics and groups take a probability from 0.5 on for true; what the application does with it is up to"
                        + " its own code.";
            case MULTICLASS -> "Metrics take the most probable class; what the application does is up to its own code.";
            case REGRESSION -> "None: the prediction is a number in the unit of the target.";
        };
    }

    /** {@return whether a column's name stands in a text as a word of its own} */
    static boolean speaksOf(String text, String column) {
        return Pattern.compile("(?<!\\w)" + Pattern.quote(column) + "(?!\\w)")
                .matcher(text)
                .find();
    }

    /** {@return what follows for whoever uses the model} */
    static List<String> limits(RunReport report, DataFacts data, List<Verdict> gates, Map<String, Long> unjudged) {
        List<String> limits = new ArrayList<>();
        Optional<RunReport.Candidate> winner = winner(report.models());
        if (winner.isEmpty()) {
            return limits;
        }
        Metric metric = Metric.of(report.models().task()).get(0);
        Estimate all = Objects.requireNonNull(winner.get().metrics().get(metric));
        weak(report.models().slices(), all, metric, limits);
        long test = rows(data, "test");
        unjudged.forEach((column, rows) -> limits.add(String.format(
                Locale.ROOT,
                "By %s, %,d of %,d test rows have a value or range with fewer than 50 of them: nothing can be said of"
                        + " the model there.",
                column,
                rows,
                test)));
        for (Verdict gate : gates) {
            if (gate.outcome() == Verdict.Outcome.INCONCLUSIVE) {
                limits.add("Neither proven nor disproven: " + gate.gate() + ".");
            }
        }
        complete(data, limits);
        for (DataFacts.Part part : data.parts()) {
            if (part.name().equals("examples") && part.to() != null) {
                limits.add("It knows nothing of what has happened since " + part.to()
                        + "; drift since then is seen by a deployment's watch alone.");
            }
        }
        long refused = data.checks().read() - data.checks().accepted();
        if (refused > 0) {
            limits.add(String.format(
                    Locale.ROOT,
                    "It was neither trained nor tested on rows like the %,d of %,d that were refused.",
                    refused,
                    data.checks().read()));
        }
        return limits.stream().distinct().toList();
    }

    private static void weak(List<Slices.Slice> slices, Estimate all, Metric metric, List<String> limits) {
        for (Slices.Slice slice : slices) {
            if (slice.found() || slice.weakerThan(all)) {
                limits.add(String.format(
                        Locale.ROOT,
                        "%s where %s: %s %.4g (95%% %.4g to %.4g) on %,d test rows, %.4g on all.",
                        slice.weakerThan(all) ? "It is weaker" : "Its predictions are farther from the outcomes",
                        slice.describe(),
                        metric.label(),
                        slice.estimate().value(),
                        slice.estimate().low(),
                        slice.estimate().high(),
                        slice.rows(),
                        all.value()));
            }
        }
    }

    private static void complete(DataFacts data, List<String> limits) {
        String names = data.columns().stream()
                .filter(column ->
                        column.role() == Role.INPUT && column.profile().missing() == 0)
                .map(column -> column.profile().name())
                .collect(Collectors.joining(", "));
        if (!names.isEmpty()) {
            limits.add("It never saw a missing value in training in " + names + ".");
        }
    }

    private static long rows(DataFacts data, String name) {
        return data.parts().stream()
                .filter(part -> part.name().equals(name))
                .mapToLong(DataFacts.Part::rows)
                .sum();
    }

    /** {@return what the card of the data does not say} */
    static List<Gap> missing(RunReport report, Pipeline<?, ?, ?> pipeline) {
        List<Gap> gaps = new ArrayList<>();
        gaps.add(new Gap(
                "How the data was collected, by whom, with whose consent and under which licence",
                "No definition holds this; add it where the card is published."));
        gaps.add(new Gap("Units of columns", "Put the unit into the column's name, as in distanceKm."));
        if (report.data().columns().isEmpty()) {
            gaps.add(new Gap(
                    "Rows, columns, labels",
                    "The run ended before it had read the examples; mend that, and run again."));
            return gaps;
        }
        if (report.data().columns().stream().noneMatch(column -> column.name().equals("$time"))) {
            gaps.add(new Gap("Time span", "Name the column of the event time: eventTime(\"a column\")."));
        }
        if (pipeline.checks().isEmpty()) {
            gaps.add(new Gap("What examples must satisfy", "Say it: .check(...)."));
        }
        return gaps;
    }

    /** {@return what the card of the model does not say} */
    static List<Gap> missing(RunReport report, Pipeline<?, ?, ?> pipeline, List<ModelFacts.Groups> fairness) {
        List<Gap> gaps = new ArrayList<>();
        gaps.add(new Gap(
                "Intended use, users, uses that are out of scope, and ethical considerations",
                "No definition holds this; add it where the card is published."));
        gaps.add(new Gap("Units of columns", "Put the unit into the column's name, as in distanceKm."));
        if (pipeline.riskClass() == Risk.MINIMAL) {
            gaps.add(new Gap(
                    "The harm that a wrong prediction can do",
                    "The risk is MINIMAL unless it is said: .risk(Risk.LIMITED) or .risk(Risk.HIGH)."));
        }
        if (!pipeline.watch().isOn()) {
            gaps.add(new Gap("Drift since the training", "Watch what is asked: .watch(Watch.defaults())."));
        }
        if (report.models().winner().isEmpty()) {
            gaps.add(new Gap(
                    "Metrics, slices, groups, calibration, robustness, importance, gates",
                    "The run ended before there was a model; mend that, and run again."));
            return gaps;
        }
        judged(report, pipeline, fairness, gaps);
        return gaps;
    }

    private static void judged(
            RunReport report, Pipeline<?, ?, ?> pipeline, List<ModelFacts.Groups> fairness, List<Gap> gaps) {
        if (report.models().champion() == null) {
            gaps.add(new Gap(
                    "Comparison with a champion",
                    report.head().champion().isPresent()
                            ? "The champion could not be scored; see the gates."
                            : "There was none."));
        }
        if (report.models().slices().isEmpty()) {
            gaps.add(new Gap(
                    "Slices",
                    "No column divides the test rows into parts of 50 or more: bring more, or hold back more."));
        }
        if (fairness.isEmpty()) {
            gaps.add(new Gap(
                    "Fairness between groups",
                    report.models().task() == Task.BINARY
                            ? "Ask for it: .gate(Gate.fair(Criterion.EQUAL_OPPORTUNITY, \"a column\", 0.1))."
                            : "It is computed of true-or-false targets alone."));
        }
        if (report.models().task() == Task.BINARY && pipeline.costs() == null) {
            gaps.add(new Gap(
                    "The probability from which on to decide",
                    "Say what wrong decisions cost: .costs(Costs.of(falsePositive, falseNegative))."));
        }
        if (report.models().examination() == null) {
            gaps.add(
                    new Gap("Importance of columns and robustness", "The model could not be examined; see the notes."));
        }
        if (pipeline.gates().stream().noneMatch(gate -> gate.kind() == Gate.Kind.LATENCY)) {
            gaps.add(new Gap(
                    "Time of a prediction", "Ask for it: .gate(Gate.latencyAtMost(0.99, Duration.ofMillis(10)))."));
        }
    }
}
