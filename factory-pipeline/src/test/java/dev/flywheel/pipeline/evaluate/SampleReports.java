package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Threshold.Costs;
import dev.flywheel.pipeline.explain.Importance;
import dev.flywheel.pipeline.explain.Perturbation;
import dev.flywheel.pipeline.explain.Robustness;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;

/** Reports of made-up runs that look like real ones. */
final class SampleReports {

    static final Schema FLIGHTS = Schema.of(
            new Column("origin", ColumnType.TEXT, false),
            new Column("carrier", ColumnType.TEXT, true),
            new Column("departure", ColumnType.TIME, false),
            new Column("distance", ColumnType.NUMBER, false),
            new Column("stops", ColumnType.INTEGER, false),
            new Column("weekend", ColumnType.BOOLEAN, false),
            new Column("gate", ColumnType.TEXT, true),
            new Column("tail", ColumnType.TEXT, false),
            new Column("$label", ColumnType.NUMBER, false),
            new Column("$time", ColumnType.TIME, false));

    private static final String[] ORIGINS = {"ATL", "ORD", "DFW", "LAX", "PHX", "DEN", "STL", "IAH"};
    private static final String[] CARRIERS = {"Delta", "United", "Southwest", "US Airways"};
    private static final long START = Instant.parse("2001-04-01T00:00:00Z").getEpochSecond();
    private static final String HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    private SampleReports() {}

    /** Test rows with the predictions of two models. */
    static final class Rows {

        final Dataset dataset;
        final double[] labels;
        final double[] candidate;
        final double[] champion;

        Rows(Path directory, int count, Task task) {
            Random random = new Random(42);
            labels = new double[count];
            candidate = new double[count];
            champion = new double[count];
            try (Dataset.Writer writer = Dataset.writer(directory, FLIGHTS)) {
                for (int row = 0; row < count; row++) {
                    write(row, random, writer, task);
                    writer.endRow();
                }
                dataset = writer.finish();
            }
        }

        private void write(int row, Random random, Dataset.Writer writer, Task task) {
            int origin = (int) Math.min(7, Math.abs(random.nextGaussian() * 3));
            long time = START + (long) (random.nextDouble() * 86 * 86_400);
            double hour = time % 86_400 / 3600.0;
            double distance = Math.max(66, Math.exp(6.4 + 0.7 * random.nextGaussian()));
            double signal = -1.7 + 0.09 * (hour - 10) + (origin == 1 ? 0.4 : 0) + 0.25 * random.nextGaussian();
            outcome(row, random, task, distance, signal, origin == 3 ? 1 : 0);
            writer.text(0, ORIGINS[origin]);
            if (random.nextInt(100) > 2) {
                writer.text(1, CARRIERS[random.nextInt(4)]);
            }
            writer.time(2, time * 1_000_000);
            writer.number(3, row == 17 ? 250_000 : Math.rint(distance));
            writer.integer(4, random.nextInt(12) == 0 ? 1 : 0);
            writer.bool(5, time / 86_400 % 7 < 2);
            writer.text(7, "N" + (row * 7919 % 100_003));
            writer.number(8, labels[row]);
            writer.time(9, time * 1_000_000);
        }

        private void outcome(int row, Random random, Task task, double distance, double signal, double noise) {
            if (task == Task.BINARY) {
                double truth = logistic(signal);
                labels[row] = random.nextDouble() < truth ? 1 : 0;
                candidate[row] = logistic(signal + (0.25 + noise) * random.nextGaussian());
                champion[row] = logistic(signal + 0.35 + (0.45 + noise) * random.nextGaussian());
            } else {
                double minutes = distance / 8 + 25;
                labels[row] = minutes + 12 * random.nextGaussian() * (1 + noise);
                candidate[row] = minutes + 4 * random.nextGaussian();
                champion[row] = minutes * 1.04 + 9 * random.nextGaussian();
            }
        }
    }

    private static double logistic(double x) {
        return (float) (1 / (1 + Math.exp(-x)));
    }

    /** A run whose winner replaces a champion. */
    static RunReport run(Path directory, int count, Task task) {
        Rows rows = new Rows(directory, count, task);
        Evaluation evaluation = Evaluation.of(task, rows.labels, rows.candidate).against(rows.champion);
        List<Gate> gates = task == Task.BINARY
                ? List.of(
                        Gate.atLeast(Metric.ROC_AUC, 0.6),
                        Gate.notWorseThanChampion(Metric.ROC_AUC, 0.005),
                        Gate.betterThanChampion(Metric.ACCURACY),
                        Gate.atMost(Metric.ECE, 0.03))
                : List.of(Gate.atMost(Metric.RMSE, 20), Gate.betterThanChampion(Metric.RMSE));
        List<Verdict> verdicts =
                gates.stream().map(gate -> gate.judge(evaluation)).toList();
        return new RunReport(
                new RunReport.Head(
                        "delays",
                        "20010709T031500-001",
                        RunReport.Outcome.PROMOTED,
                        "Every gate passed.",
                        Instant.parse("2001-07-09T03:15:00Z"),
                        Instant.parse("2001-07-09T03:16:14Z"),
                        OptionalInt.of(4),
                        OptionalInt.of(3),
                        "412 J in 74.0 s (412 J of CPU package 0 by RAPL); 0.0001144 kWh"),
                data(rows, count),
                models(rows, task, evaluation),
                verdicts,
                lineage());
    }

    private static RunReport.Data data(Rows rows, int count) {
        return new RunReport.Data(
                List.of(new RunReport.Part("train", 147_791, HASH), new RunReport.Part("test", count, HASH)),
                Profiles.of(rows.dataset),
                new RunReport.Checks(
                        147_900 + count,
                        147_791 + count,
                        List.of(
                                new RunReport.Refusal("distance between 0 and 12000", 61),
                                new RunReport.Refusal("origin not null", 48)),
                        "quarantine/20010709T031500-001.csv"));
    }

    private static RunReport.Models models(Rows rows, Task task, Evaluation evaluation) {
        double[] third = rows.candidate.clone();
        for (int i = 0; i < third.length; i++) {
            third[i] = 0.4 * third[i] + 0.6 * rows.champion[i];
        }
        return new RunReport.Models(
                task,
                List.of(
                        new RunReport.Candidate(
                                "logistic",
                                Map.of("L2", "0.0001"),
                                4.183,
                                Evaluation.of(task, rows.labels, third).metrics(),
                                "",
                                Map.of()),
                        new RunReport.Candidate("mlp", settings(), 61.27, evaluation.metrics(), "", Map.of()),
                        new RunReport.Candidate(
                                "mlp",
                                Map.of("layers", "512, 512"),
                                Double.NaN,
                                Map.of(),
                                "the loss was NaN after 12 of 20 epochs; try a smaller learning rate",
                                Map.of())),
                OptionalInt.of(1),
                new RunReport.Candidate("mlp", Map.of(), Double.NaN, evaluation.championMetrics(), "", Map.of()),
                Diagnostics.of(task, rows.labels, rows.candidate),
                Diagnostics.of(task, rows.labels, rows.champion),
                Slices.of(
                        rows.dataset,
                        rows.labels,
                        rows.candidate,
                        task,
                        List.of("origin", "carrier", "distance", "weekend", "departure"),
                        20),
                List.of(),
                examination(task),
                task == Task.BINARY ? evaluation.threshold(Costs.of(1, 4)).orElseThrow() : null);
    }

    private static RunReport.Examination examination(Task task) {
        Metric metric = Metric.of(task).get(0);
        double unit = task == Task.BINARY ? 0.01 : 1.7;
        List<Importance> importances = new ArrayList<>();
        for (String column : List.of("departure", "origin", "distance", "carrier", "stops", "weekend")) {
            double loss = unit * (9 / (1.0 + importances.size() * importances.size()) - 0.4);
            Estimate estimate = new Estimate(loss, loss - unit * 0.8, loss + unit * 0.8, "DeLong");
            importances.add(new Importance(column, metric, 2_000, 5, estimate));
        }
        List<Robustness> robustness = new ArrayList<>();
        for (Perturbation usual : Robustness.USUAL.subList(0, 3)) {
            double loss = unit * (robustness.size() - 0.1);
            Estimate estimate = new Estimate(loss, loss - unit * 0.4, loss + unit * 0.4, "DeLong");
            double before = task == Task.BINARY ? 0.7412 : 12.9;
            robustness.add(new Robustness(usual, metric, 10_000, before, before - metric.oriented(loss), estimate));
        }
        robustness.add(new Robustness(
                Robustness.USUAL.get(3),
                metric,
                10_000,
                Double.NaN,
                Double.NaN,
                new Estimate(
                        Double.NaN,
                        Double.NaN,
                        Double.NaN,
                        "not available: the model has no gradient by its numbers")));
        return new RunReport.Examination(importances, robustness);
    }

    private static Map<String, String> settings() {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("layers", "64, 32");
        settings.put("epochs", "20");
        settings.put("batch", "1024");
        settings.put("rate", "0.001");
        return settings;
    }

    private static RunReport.Lineage lineage() {
        Map<String, String> environment = new LinkedHashMap<>();
        environment.put("Flywheel", "0.1.0");
        environment.put("Java", "17.0.15");
        environment.put("Operating system", "Linux amd64");
        environment.put("Provider", "CPU");
        environment.put("Seed", "42");
        return new RunReport.Lineage(HASH, """
                pipeline delays
                from csv flights.csv
                check distance between 0 and 12000
                split newest 0.2
                features number distance log1p standardize, category origin
                train logistic
                train mlp 64, 32
                gate ROC AUC at least 0.6
                seed 42""", OptionalInt.of(3), environment, "champion: 3 -> 4");
    }

    /** A run that ended before it had a model. */
    static RunReport failed(String pipeline, String reason) {
        return new RunReport(
                new RunReport.Head(
                        pipeline,
                        "20010709T031500-002",
                        RunReport.Outcome.FAILED,
                        reason,
                        Instant.parse("2001-07-09T03:15:00Z"),
                        Instant.parse("2001-07-09T03:15:00.250Z"),
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        ""),
                new RunReport.Data(List.of(), List.of(), new RunReport.Checks(0, 0, List.of(), "")),
                new RunReport.Models(
                        Task.BINARY,
                        List.of(),
                        OptionalInt.empty(),
                        null,
                        null,
                        null,
                        List.of(),
                        List.of(),
                        null,
                        null),
                List.of(),
                new RunReport.Lineage(HASH, "", OptionalInt.empty(), Map.of(), ""));
    }

    /** The story of some weeks, told with the same parts. */
    static Page story() {
        Random random = new Random(2);
        List<String> weeks = new ArrayList<>();
        List<Double> frozen = new ArrayList<>();
        List<Double> factory = new ArrayList<>();
        List<List<String>> rows = new ArrayList<>();
        for (int week = 4; week < 25; week++) {
            weeks.add(Integer.toString(week));
            frozen.add(0.665 - 0.0022 * week + 0.008 * random.nextGaussian());
            factory.add(0.665 - 0.0006 * week + 0.008 * random.nextGaussian());
            rows.add(List.of(
                    Integer.toString(week),
                    Numbers.count(11_000 + random.nextInt(1_000)),
                    Numbers.percent(0.17 + 0.05 * random.nextDouble()),
                    Numbers.fixed(frozen.get(week - 4), 4),
                    Numbers.fixed(factory.get(week - 4), 4),
                    "v" + (1 + week / 5)));
        }
        return Page.titled("Twenty-one weeks of flights")
                .intro(
                        "A model frozen after four weeks beside one that the factory retrains when enough outcomes are in.")
                .figures(List.of(
                        new Page.Figure("Mean AUC, factory", "0.6512", "frozen 0.6304"),
                        new Page.Figure("Log loss, factory", "0.4711", "frozen 0.4823"),
                        new Page.Figure("Promotions", "5", "3 refused"),
                        new Page.Figure("Predictions", "241,802", "p99 212 \u00b5s")))
                .section("Week by week")
                .charts(chart("ROC AUC", weeks, factory, frozen), chart("Log loss", weeks, frozen, factory))
                .section("Weeks")
                .table(new Page.Table(
                        "Each week scored before its outcomes were known",
                        List.of("Week", "Flights", "Late", "AUC frozen", "AUC factory", "Version"),
                        rows))
                .section("Decisions")
                .events(List.of(
                        new Page.Event("2001-02-05", "Promoted version 2", "ROC AUC advantage +0.0061", Page.Tone.GOOD),
                        new Page.Event("2001-03-05", "Refused a candidate", "advantage -0.0102", Page.Tone.BAD),
                        new Page.Event("2001-03-12", "Could not tell", "too few rows", Page.Tone.OPEN)));
    }

    private static Page.LineChart chart(String title, List<String> weeks, List<Double> first, List<Double> second) {
        return new Page.LineChart(
                title,
                title + " by week",
                "Week",
                title,
                weeks,
                List.of(new Page.Series("Factory", first), new Page.Series("Frozen", second)),
                List.of(1, 6, 11, 16),
                "promotion");
    }

    /** Writes all of them into a directory, to be looked at. */
    public static void main(String[] arguments) throws IOException {
        Path directory = Files.createDirectories(Path.of(arguments[0]));
        Files.writeString(
                directory.resolve("binary.html"),
                run(directory, 20_000, Task.BINARY).html());
        Files.writeString(
                directory.resolve("regression.html"),
                run(directory, 20_000, Task.REGRESSION).html());
        Files.writeString(
                directory.resolve("failed.html"),
                failed("churn", "reading churn.csv: line 12 has 3 cells, expected 20. Fix: quote the cells.")
                        .html());
        Files.writeString(directory.resolve("story.html"), story().html());
    }
}
