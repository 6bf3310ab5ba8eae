package dev.flywheel.benchmarks;

import static dev.flywheel.core.model.Verdict.Outcome.FAIL;
import static dev.flywheel.core.model.Verdict.Outcome.INCONCLUSIVE;
import static dev.flywheel.core.model.Verdict.Outcome.PASS;

import com.google.common.collect.ImmutableMultiset;
import com.google.common.collect.Multiset;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import dev.flywheel.pipeline.evaluate.Evaluation;
import dev.flywheel.pipeline.evaluate.Gate;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Simulates challengers before the gates: how many that are no better than the champion are promoted, and how many that
 * are. Seeds are fixed, so the same build gives the same figures.
 */
final class GatesCommand {

    private static final double ALPHA = 0.05;
    /** What the champion gets wrong: the deviation of the noise on the log odds, or on the number. */
    private static final double NOISE = 1;

    private static final double WORSE = 1.15;
    private static final double BETTER = 0.7;
    private static final int CANDIDATES = 10;
    /** On so many rows a simulated model's quality is taken for what it is in truth. */
    private static final int TRUTH = 2_000_000;

    private static final List<Metric> METRICS = List.of(Metric.ROC_AUC, Metric.ACCURACY, Metric.RMSE);

    private final int pairs;
    private final Results results = new Results("gates", "gates");

    private GatesCommand(int pairs) {
        this.pairs = pairs;
    }

    static void run(Arguments arguments) throws Exception {
        GatesCommand command = new GatesCommand(arguments.number("pairs", 1_000));
        int truth = arguments.number("truth", TRUTH);
        Path out = arguments.out();
        arguments.refuseOthers();
        for (Metric metric : METRICS) {
            double margin = advantage(metric, NOISE, WORSE, truth);
            double gain = advantage(metric, BETTER, NOISE, truth);
            command.wrong(metric, margin);
            command.power(metric, gain);
        }
        command.choice();
        command.tie();
        command.results.write(out);
    }

    private static Task task(Metric metric) {
        return metric == Metric.RMSE ? Task.REGRESSION : Task.BINARY;
    }

    /** {@return by how much a model of one noise is better in truth than one of another} */
    private static double advantage(Metric metric, double better, double worse, int truth) {
        Evaluation evaluation = Pair.draw(metric, truth, -1, better, worse);
        return metric.oriented(evaluation.difference(metric).orElseThrow().value());
    }

    private void wrong(Metric metric, double margin) {
        for (int rows : new int[] {100, 1_000, 5_000}) {
            share(
                    metric + ", equally good challenger, better than the champion",
                    rows,
                    seed -> Pair.draw(metric, rows, seed, NOISE, NOISE),
                    Gate.betterThanChampion(metric),
                    Target.atMost(ALPHA));
            share(
                    String.format(
                            Locale.ROOT, "%s, challenger worse by %.4f, better than the champion", metric, margin),
                    rows,
                    seed -> Pair.draw(metric, rows, seed, WORSE, NOISE),
                    Gate.betterThanChampion(metric),
                    Target.atMost(ALPHA));
            share(
                    String.format(
                            Locale.ROOT,
                            "%s, challenger worse by %.4f, not worse by this margin (the worst case: the margin itself)",
                            metric,
                            margin),
                    rows,
                    seed -> Pair.draw(metric, rows, seed, WORSE, NOISE),
                    Gate.notWorseThanChampion(metric, margin),
                    Target.atMost(ALPHA));
        }
    }

    private void power(Metric metric, double gain) {
        for (int rows : new int[] {500, 1_000, 2_000, 5_000}) {
            share(
                    String.format(Locale.ROOT, "%s, challenger better by %.4f, better than the champion", metric, gain),
                    rows,
                    seed -> Pair.draw(metric, rows, seed, BETTER, NOISE),
                    Gate.betterThanChampion(metric));
        }
    }

    private void share(String work, int rows, IntFunction<Evaluation> draw, Gate gate, Target... targets) {
        Multiset<Verdict.Outcome> outcomes = outcomes(draw, gate);
        results.add(
                "promoted, " + rows + " rows: " + work,
                "share of " + pairs,
                Map.of(Contender.FLYWHEEL, List.of(outcomes.count(PASS) / (double) pairs)),
                null,
                "FAIL " + outcomes.count(FAIL) + ", INCONCLUSIVE " + outcomes.count(INCONCLUSIVE),
                targets);
    }

    /** {@return what the gate says of each pair} */
    private Multiset<Verdict.Outcome> outcomes(IntFunction<Evaluation> draw, Gate gate) {
        return ImmutableMultiset.copyOf(IntStream.range(0, pairs)
                .parallel()
                .mapToObj(seed -> gate.judge(draw.apply(seed)).outcome())
                .toList());
    }

    /** The best of several challengers that are all as good as the champion. */
    private void choice() {
        int rows = 1_000;
        Gate gate = Gate.betterThanChampion(Metric.ROC_AUC);
        double held = promoted(gate, rows, true);
        double same = promoted(gate, rows, false);
        results.add(
                "promoted, " + rows + " rows: ROC_AUC, the best of " + CANDIDATES
                        + " equally good challengers, better than the champion",
                "share of " + pairs,
                Map.of(Contender.FLYWHEEL, List.of(held), "chosen on the rows of the gate", List.of(same)),
                null,
                "chosen on as many other rows",
                Target.atMost(ALPHA));
    }

    private double promoted(Gate gate, int rows, boolean held) {
        return IntStream.range(0, pairs)
                        .parallel()
                        .filter(seed -> gate.judge(best(seed, rows, held)).outcome() == Verdict.Outcome.PASS)
                        .count()
                / (double) pairs;
    }

    private static Evaluation best(int seed, int rows, boolean held) {
        SplittableRandom random = new SplittableRandom(seed);
        Pair test = new Pair(Metric.ROC_AUC, rows, random);
        Pair choice = held ? new Pair(Metric.ROC_AUC, rows, random) : test;
        double[] champion = test.scores(NOISE, random);
        double[] chosen = champion;
        double best = Double.NEGATIVE_INFINITY;
        for (int candidate = 0; candidate < CANDIDATES; candidate++) {
            double[] scores = test.scores(NOISE, random);
            double[] seen = held ? choice.scores(NOISE, random) : scores;
            double value = Metrics.estimate(Metric.ROC_AUC, choice.labels, seen).value();
            if (value > best) {
                best = value;
                chosen = scores;
            }
        }
        return Evaluation.of(Task.BINARY, test.labels, chosen).against(champion);
    }

    private void tie() {
        int rows = 100;
        for (Metric metric : METRICS) {
            Multiset<Verdict.Outcome> outcomes = outcomes(
                    seed -> {
                        SplittableRandom random = new SplittableRandom(seed);
                        Pair pair = new Pair(metric, rows, random);
                        double[] scores = pair.scores(NOISE, random);
                        return Evaluation.of(task(metric), pair.labels, scores).against(scores);
                    },
                    Gate.betterThanChampion(metric));
            results.add(
                    "promoted, " + rows + " rows: " + metric + ", the same model again, better than the champion",
                    "share of " + pairs,
                    Map.of(Contender.FLYWHEEL, List.of(outcomes.count(PASS) / (double) pairs)),
                    null,
                    "FAIL " + outcomes.count(FAIL) + ", INCONCLUSIVE " + outcomes.count(INCONCLUSIVE),
                    Target.atMost(0));
        }
    }

    /** Rows with what models of a given noise say about them. */
    private static final class Pair {

        final Metric metric;
        final double[] signal;
        final double[] labels;

        Pair(Metric metric, int rows, SplittableRandom random) {
            this.metric = metric;
            signal = new double[rows];
            labels = new double[rows];
            for (int row = 0; row < rows; row++) {
                signal[row] = random.nextGaussian();
                labels[row] = task(metric) == Task.BINARY
                        ? random.nextDouble() < logistic(signal[row]) ? 1 : 0
                        : signal[row] + random.nextGaussian();
            }
        }

        double[] scores(double noise, SplittableRandom random) {
            double[] scores = new double[signal.length];
            for (int row = 0; row < scores.length; row++) {
                double said = signal[row] + noise * random.nextGaussian();
                scores[row] = task(metric) == Task.BINARY ? logistic(said) : said;
            }
            return scores;
        }

        static Evaluation draw(Metric metric, int rows, int seed, double challenger, double champion) {
            SplittableRandom random = new SplittableRandom(seed);
            Pair pair = new Pair(metric, rows, random);
            double[] scores = pair.scores(challenger, random);
            return Evaluation.of(task(metric), pair.labels, scores).against(pair.scores(champion, random));
        }

        private static double logistic(double x) {
            return 1 / (1 + Math.exp(-x));
        }
    }
}
