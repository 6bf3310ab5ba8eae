package dev.flywheel.pipeline;

import dev.flywheel.core.stat.Metric;
import java.io.Serializable;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** One reason to train again, or several. Immutable. */
sealed interface RetrainRule extends Serializable {

    /**
     * What rules are judged by.
     *
     * @param now the time
     * @param lastRun when the last run started
     * @param labels how many labels have come in since
     * @param predictions how many predictions were made since
     * @param signals what monitors say
     */
    record Facts(Instant now, Instant lastRun, long labels, long predictions, Signals signals) {

        Duration since() {
            return Duration.between(lastRun, now);
        }

        /** {@return whether it was measured after the last run started: what that run was started for is used up} */
        boolean fresh(Instant at) {
            return at.isAfter(lastRun);
        }
    }

    /** {@return whether it asks for a run} */
    boolean holds(Facts facts);

    /** {@return why it asks for a run, if it holds} */
    String held(Facts facts);

    /** {@return why it does not, if it does not} */
    String unmet(Facts facts);

    /** {@return what it does not ask for while it asks for a run: the alternatives that do not hold} */
    default String besides(Facts facts) {
        return "";
    }

    /** {@return the rule in words} */
    String describe();

    /** {@return what no other rule beside it may have, too} */
    default String option() {
        return describe();
    }

    /** {@return the single rules, in the order of their words} */
    default List<RetrainRule> leaves() {
        return List.of(this);
    }

    /** So many labels since the last run. */
    record Labels(int count) implements RetrainRule {

        @Override
        public boolean holds(Facts facts) {
            return facts.labels >= count;
        }

        @Override
        public String held(Facts facts) {
            return String.format(
                    Locale.ROOT, "%,d new labels since the last run, the rule is %,d", facts.labels, count);
        }

        @Override
        public String unmet(Facts facts) {
            return String.format(Locale.ROOT, "%,d of %,d new labels", facts.labels, count);
        }

        @Override
        public String describe() {
            return "after " + count + " labels";
        }

        @Override
        public String option() {
            return "afterLabels";
        }
    }

    /** So many predictions since the last run. */
    record Predictions(int count) implements RetrainRule {

        @Override
        public boolean holds(Facts facts) {
            return facts.predictions >= count;
        }

        @Override
        public String held(Facts facts) {
            return String.format(
                    Locale.ROOT, "%,d predictions since the last run, the rule is %,d", facts.predictions, count);
        }

        @Override
        public String unmet(Facts facts) {
            return String.format(Locale.ROOT, "%,d of %,d new predictions", facts.predictions, count);
        }

        @Override
        public String describe() {
            return "after " + count + " predictions";
        }

        @Override
        public String option() {
            return "afterPredictions";
        }
    }

    /** So long since the last run. */
    record Every(Duration period) implements RetrainRule {

        @Override
        public boolean holds(Facts facts) {
            return facts.since().compareTo(period) >= 0;
        }

        @Override
        public String held(Facts facts) {
            return Spans.since(facts.since()) + ", the rule is every " + Spans.of(period);
        }

        @Override
        public String unmet(Facts facts) {
            return Spans.of(period.minus(facts.since())) + " to the next run of every " + Spans.of(period);
        }

        @Override
        public String describe() {
            return "every " + period;
        }

        @Override
        public String option() {
            return "every";
        }
    }

    /** A drift of at least a size. */
    record Drifted(double size) implements RetrainRule {

        @Override
        public boolean holds(Facts facts) {
            return facts.signals.drift().stream().anyMatch(drift -> drift.size() >= size && facts.fresh(drift.at()));
        }

        @Override
        public String held(Facts facts) {
            List<Signals.Drift> seen = facts.signals.drift().stream()
                    .filter(drift -> drift.size() >= size && facts.fresh(drift.at()))
                    .toList();
            // between the look and the words a monitor may have measured again
            String first = seen.isEmpty() ? "drift" : "drift of " + seen.get(0).sentence();
            String more = seen.size() < 2 ? "" : " and of " + (seen.size() - 1) + " more";
            return first + more + " >= " + size + " seen";
        }

        @Override
        public String unmet(Facts facts) {
            List<Signals.Drift> seen = facts.signals.drift();
            if (seen.isEmpty()) {
                return "no drift seen";
            }
            Signals.Drift largest = seen.get(0);
            return largest.size() >= size
                    ? "drift of " + largest.sentence() + " not measured again since the last run"
                    : "the largest drift is " + largest.sentence() + ", below " + size;
        }

        @Override
        public String describe() {
            return "on a drift of " + size;
        }

        @Override
        public String option() {
            return "onDrift";
        }
    }

    /** A fall of quality, measured on outcomes or estimated without. */
    record Dropped(Metric metric, double by, boolean estimated) implements RetrainRule {

        private Optional<Signals.Quality> found(Facts facts) {
            return estimated ? facts.signals.estimatedQuality(metric) : facts.signals.quality(metric);
        }

        @Override
        public boolean holds(Facts facts) {
            return found(facts)
                    .filter(quality -> quality.drop() > by && facts.fresh(quality.at()))
                    .isPresent();
        }

        @Override
        public String held(Facts facts) {
            return found(facts).map(Signals.Quality::sentence).orElse("a drop of " + metric)
                    + "; the rule is a drop of " + by;
        }

        @Override
        public String unmet(Facts facts) {
            return found(facts)
                    .map(quality -> quality.sentence()
                            + (quality.drop() > by ? ", not measured again since the last run" : ", no drop of " + by))
                    .orElse((estimated ? "no estimate of " : "too few outcomes for ") + metric + " yet");
        }

        @Override
        public String describe() {
            return "when " + (estimated ? "estimated " : "") + metric + " is worse by " + by;
        }

        @Override
        public String option() {
            return (estimated ? "onEstimatedDrop of " : "onQualityDrop of ") + metric;
        }
    }

    /** Several rules, of which one is enough. */
    record AnyOf(List<RetrainRule> rules) implements RetrainRule {

        @Override
        public boolean holds(Facts facts) {
            return rules.stream().anyMatch(rule -> rule.holds(facts));
        }

        @Override
        public String held(Facts facts) {
            return rules.stream()
                    .filter(rule -> rule.holds(facts))
                    .map(rule -> rule.held(facts))
                    .collect(Collectors.joining("; "));
        }

        @Override
        public String unmet(Facts facts) {
            return rules.stream()
                    .filter(rule -> !rule.holds(facts))
                    .map(rule -> rule.unmet(facts))
                    .collect(Collectors.joining("; "));
        }

        @Override
        public String besides(Facts facts) {
            return unmet(facts);
        }

        @Override
        public String describe() {
            return rules.stream().map(RetrainRule::describe).collect(Collectors.joining(" or "));
        }

        @Override
        public List<RetrainRule> leaves() {
            return rules.stream().flatMap(rule -> rule.leaves().stream()).toList();
        }
    }

    /** Several rules, all of which are needed. */
    record AllOf(List<RetrainRule> rules) implements RetrainRule {

        @Override
        public boolean holds(Facts facts) {
            return rules.stream().allMatch(rule -> rule.holds(facts));
        }

        @Override
        public String held(Facts facts) {
            return rules.stream().map(rule -> rule.held(facts)).collect(Collectors.joining(" and "));
        }

        @Override
        public String unmet(Facts facts) {
            return rules.stream()
                    .map(rule -> rule.holds(facts) ? rule.held(facts) : "still needed: " + rule.unmet(facts))
                    .collect(Collectors.joining("; "));
        }

        @Override
        public String describe() {
            return rules.stream()
                    .map(rule -> rule instanceof AnyOf ? "(" + rule.describe() + ")" : rule.describe())
                    .collect(Collectors.joining(" and "));
        }

        @Override
        public List<RetrainRule> leaves() {
            return rules.stream().flatMap(rule -> rule.leaves().stream()).toList();
        }
    }

    /** {@return either; alternatives stand side by side} */
    static RetrainRule any(RetrainRule first, RetrainRule second) {
        List<RetrainRule> rules = new ArrayList<>(first instanceof AnyOf any ? any.rules : List.of(first));
        rules.addAll(second instanceof AnyOf any ? any.rules : List.of(second));
        requireDistinct(rules);
        return new AnyOf(List.copyOf(rules));
    }

    /** {@return both; conditions stand side by side} */
    static RetrainRule all(RetrainRule first, RetrainRule second) {
        List<RetrainRule> rules = new ArrayList<>(first instanceof AllOf all ? all.rules : List.of(first));
        rules.addAll(second instanceof AllOf all ? all.rules : List.of(second));
        requireDistinct(rules);
        return new AllOf(List.copyOf(rules));
    }

    /** Of two rules of one kind side by side, one says nothing. */
    private static void requireDistinct(List<RetrainRule> rules) {
        for (int later = 1; later < rules.size(); later++) {
            for (RetrainRule earlier : rules.subList(0, later)) {
                if (rules.get(later).option().equals(earlier.option())) {
                    throw new IllegalStateException(
                            "Retrain." + earlier.option() + " was already set: " + earlier.describe());
                }
            }
        }
    }
}
