package dev.flywheel.pipeline.evaluate;

import static dev.flywheel.core.model.Verdict.Outcome.FAIL;
import static dev.flywheel.core.model.Verdict.Outcome.INCONCLUSIVE;
import static dev.flywheel.core.model.Verdict.Outcome.PASS;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Bonferroni;
import dev.flywheel.core.stat.Metric;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A rule about a metric, in each slice of a column. It passes where each slice's own 95% interval proves it: a test of
 * an intersection needs no correction (Berger, Technometrics 24, 1982). It fails where one slice's interval, at the
 * level of Bonferroni over the slices, proves the contrary. Immutable.
 */
record SliceRule(MetricRule rule, String column) implements Rule {

    private static final long serialVersionUID = 1L;

    private static final int MOST_NAMED = 5;

    private record Part(Grouping.Group group, Estimate estimate) {}

    @Override
    public Gate.Kind kind() {
        return Gate.Kind.SLICES;
    }

    @Override
    public Metric metric() {
        return rule.metric();
    }

    @Override
    public String describe() {
        return rule.describe() + " on each slice of " + column;
    }

    @Override
    public Verdict judge(Judged judged) {
        Evaluation evaluation = judged.evaluation();
        if (!judged.test().schema().contains(column)) {
            return verdict(FAIL, "the test rows have no column " + column);
        }
        Verdict known = rule.beforehand(evaluation, this);
        if (known != null) {
            return known;
        }
        List<Part> parts = new ArrayList<>();
        List<Grouping.Group> silent = new ArrayList<>();
        List<Grouping.Group> undefined = new ArrayList<>();
        for (Grouping.Group group : Grouping.of(judged.test(), column).all()) {
            if (group.rows().length < Slices.FEWEST_ROWS) {
                silent.add(group);
                continue;
            }
            Estimate estimate = rule.measured(evaluation.part(group.rows()));
            if (Double.isNaN(estimate.value())) {
                undefined.add(group);
            } else {
                parts.add(new Part(group, estimate));
            }
        }
        return verdict(outcome(parts), evidence(parts, silent, undefined));
    }

    private Verdict.Outcome outcome(List<Part> parts) {
        double stretch = Bonferroni.stretch(parts.size());
        if (parts.stream().anyMatch(part -> adjusted(part.estimate, stretch) == FAIL)) {
            return FAIL;
        }
        boolean proven = !parts.isEmpty() && parts.stream().allMatch(part -> plain(part.estimate) == PASS);
        return proven ? PASS : INCONCLUSIVE;
    }

    private Verdict.Outcome plain(Estimate estimate) {
        return rule.decide(estimate.low(), estimate.high());
    }

    private Verdict.Outcome adjusted(Estimate estimate, double stretch) {
        double value = estimate.value();
        return rule.decide(value - stretch * (value - estimate.low()), value + stretch * (estimate.high() - value));
    }

    private String evidence(List<Part> parts, List<Grouping.Group> silent, List<Grouping.Group> undefined) {
        String untold = (silent.isEmpty() ? "" : "; too small to tell: " + names(silent))
                + (undefined.isEmpty() ? "" : "; " + metric().label() + " is undefined on " + names(undefined));
        if (parts.isEmpty()) {
            return "no slice can be judged" + untold;
        }
        List<Part> open =
                parts.stream().filter(part -> plain(part.estimate) != PASS).toList();
        String named = open.stream()
                .limit(MOST_NAMED)
                .map(part -> part.group.value() + " " + rule.words(part.estimate) + " on "
                        + Numbers.count(part.group.rows().length) + " rows")
                .collect(Collectors.joining("; "));
        return (rule.againstChampion() ? "advantage in " + metric().label() : metric().label()) + " proven on "
                + (parts.size() - open.size()) + " of " + parts.size() + " slices"
                + (open.isEmpty() ? "" : ", not on " + named)
                + (open.size() > MOST_NAMED ? " and " + (open.size() - MOST_NAMED) + " more" : "")
                + untold;
    }

    private static String names(List<Grouping.Group> groups) {
        return groups.stream()
                        .limit(MOST_NAMED)
                        .map(group -> group.value() + " (" + Numbers.count(group.rows().length) + " rows)")
                        .collect(Collectors.joining(", "))
                + (groups.size() > MOST_NAMED ? " and " + (groups.size() - MOST_NAMED) + " more" : "");
    }
}
